def factor(number: int) -> dict:
    """The prime factors of a whole number from 2 up, smallest first."""
    if number < 2:
        raise ValueError("number must be 2 or more")
    factors, divisor = [], 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    return {"factors": factors + ([number] if number > 1 else [])}
