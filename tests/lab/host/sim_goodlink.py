#!/usr/bin/python3 -B
"""GoodLink's process: sim_goodlink.py HOST SERVICE.

Each user of the roster sends a message every `send_seconds` through the store of his Exchange server, as the service's
account. A refused user is paused and tried again after `pause_seconds`. Ending the process forgets all pauses.
"""

import csv
import datetime
import json
import os
import random
import signal
import sys
import time

import door
from service import RUNNING, STARTING, Host, now, write_whole

NO_ACCESS = -2147024891
KEPT_LOGS = 3
TICK_SECONDS = 0.05


class Log:
    """GoodLink's log, rotated by renaming."""

    def __init__(self, file, rotate_bytes):
        self.file, self.rotate_bytes = file, rotate_bytes
        file.parent.mkdir(exist_ok=True)

    def write(self, text):
        stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        with open(self.file, "a", encoding="utf-8") as out:
            out.write(f"{stamp} {text}\n")
            size = out.tell()
        if size > self.rotate_bytes:
            for number in range(KEPT_LOGS, 0, -1):
                older = self.file.with_name(f"{self.file.name}.{number}")
                newer = self.file if number == 1 else self.file.with_name(f"{self.file.name}.{number - 1}")
                if newer.exists():
                    newer.rename(older)


class Store:
    """The connection to one Exchange server's store."""

    def __init__(self, name, folder, log):
        self.name, self.folder, self.log = name, folder, log
        self.stream, self.lost = None, False

    def submit(self, user, account):
        """The store's answer, or None while it cannot be reached."""
        try:
            if self.stream is None:
                self.stream = door.connect(self.folder)
            answer = door.submit(self.stream, user, account)
        except (OSError, ValueError):
            self.stream = None
            self._say(True, f"Lost the connection to Exchange server {self.name}.")
            return None
        self._say(False, f"Connected again to Exchange server {self.name}.")
        return answer

    def _say(self, lost, text):
        if lost != self.lost:
            self.lost = lost
            self.log.write(text)


class GoodLink:
    def __init__(self, host, service):
        self.host, self.config = host, service.config
        self.roster_file = host.folder / self.config.get("roster", "roster.csv")
        self.log = Log(host.folder / "logs/goodlink.log", int(self.config.get("rotate_bytes", 1 << 20)))
        self.stores = {name: Store(name, folder, self.log) for name, folder in self.config["stores"].items()}
        self.roster, self.read_at = {}, None
        self.due, self.paused = {}, set()

    def read_roster(self):
        changed = self.roster_file.stat().st_mtime_ns
        if changed == self.read_at:
            return
        self.read_at = changed
        with open(self.roster_file, encoding="utf-8", newline="") as file:
            self.roster = {row["name"]: row for row in csv.DictReader(file)}
        begin = time.monotonic()
        # Spread over the interval: handhelds do not send all at once.
        self.due = {name: self.due.get(name, begin + random.random() * float(self.config["send_seconds"]))
                    for name in self.roster}
        self.paused &= set(self.roster)

    def tick(self):
        self.read_roster()
        begin, before = time.monotonic(), set(self.paused)
        for name in [name for name, due in self.due.items() if due <= begin]:
            self.send(name)
        if self.paused != before:
            self.show_paused()

    def send(self, name):
        user = self.roster[name]
        answer = self.stores[user["server"]].submit(user["directory_name"], self.config["account"])
        wait = float(self.config["send_seconds"])
        if answer is not None and not answer["ok"]:
            cause = ("Security error - Cannot access the users mailbox." if answer["hresult"] == NO_ACCESS
                     else f"Exchange not accessible - {answer['text']}")
            self.log.write(f"Failed to submit mail message for user {name}. (HRESULT:{answer['hresult']}) "
                           f"Pausing user {name}. ({cause})")
            self.paused.add(name)
            wait = float(self.config["pause_seconds"])
        elif answer is not None and name in self.paused:
            self.log.write(f"Resuming user {name}.")
            self.paused.discard(name)
        self.due[name] = time.monotonic() + wait

    def show_paused(self):
        write_whole(self.host.folder / "paused.json", json.dumps({"at": now(), "paused": sorted(self.paused)}) + "\n")


def main():
    host = Host(sys.argv[1])
    service = host.service(sys.argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    service.note(STARTING, os.getpid())
    goodlink = GoodLink(host, service)
    goodlink.read_roster()
    goodlink.show_paused()
    time.sleep(float(service.config.get("start_seconds", 0.0)))
    service.note(RUNNING, os.getpid(), started=now())
    goodlink.log.write("GoodLink Server started.")
    while True:
        goodlink.tick()
        time.sleep(TICK_SECONDS)


if __name__ == "__main__":
    main()
