"""Says hello, and whether it runs in a container."""
import os


def handle(event):
    return {"greeting": "hi " + event["name"], "boxed": os.path.exists("/run/.containerenv")}
