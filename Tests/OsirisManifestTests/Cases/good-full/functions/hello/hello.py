def handle(name):
    return {"greeting": "hi " + name}
