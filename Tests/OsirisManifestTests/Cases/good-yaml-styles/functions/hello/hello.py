def handle(name):
    return name
