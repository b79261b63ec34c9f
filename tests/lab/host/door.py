"""The store's door, as everybody comes to it who submits a message."""

import json
import os
import socket
from pathlib import Path

STORE_SECONDS = 20.0


def connect(folder):
    """A connection to the store of the host in this folder; OSError while it takes nothing."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(STORE_SECONDS)
    door = Path(folder) / "store.sock"
    # By a path relative to its folder: socket paths may have 107 bytes at most.
    place = os.open(door.parent, os.O_RDONLY)
    try:
        connection.connect(f"/proc/self/fd/{place}/{door.name}")
    finally:
        os.close(place)
    return connection.makefile("rwb")


def submit(stream, user, account):
    """The store's answer; OSError or ValueError where there is none."""
    stream.write(json.dumps({"user": user, "account": account}).encode() + b"\n")
    stream.flush()
    return json.loads(stream.readline())
