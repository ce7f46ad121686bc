def handle(event):
    return {"greeting": "hi " + event["name"]}
