def handle():
    return 'whole'
