import os


def handle(name: str = "world") -> dict:
    """Greets by name; the greeting comes from the manifest."""
    return {"greeting": f"{os.environ['GREETING']} {name}"}
