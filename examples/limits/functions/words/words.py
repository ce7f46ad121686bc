from collections import Counter


def count(text=""):
    """How often each word occurs."""
    return {"words": Counter(text.lower().split())}
