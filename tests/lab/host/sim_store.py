#!/usr/bin/python3 -B
"""The Exchange store's process: sim_store.py HOST SERVICE.

  1. start: read the version of store.exe, decide from it whether Send As is enforced, mount
  2. each submission (a line of JSON on store.sock: {"user": …, "account": "DOMAIN\\\\name"}): not enforcing: accepted;
     enforcing: decided by Samba's own access check on the user's descriptor read live, and remembered for
     `cache_seconds`, as the store's mailbox cache remembers
  3. answer with a line: {"ok": true} or {"ok": false, "hresult": n, "text": …}
"""

import json
import os
import signal
import socketserver
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import ldb  # noqa: E402

import image_version  # noqa: E402
import samba_access  # noqa: E402
from labkit.directory import Directory, NotFound  # noqa: E402
from service import RUNNING, STARTING, Host, now  # noqa: E402

# MAPI_E_NO_ACCESS, MAPI_E_NOT_FOUND, MAPI_E_NETWORK_ERROR (MS-OXCDATA 2.4)
NO_ACCESS, NOT_FOUND, NETWORK_ERROR = -2147024891, -2147221233, -2147221227
# How long one connection to the directory is kept: a server that went away is noticed soon.
CONNECTION_SECONDS = 5.0


class Judge:
    """Who may send as whom, with the store's memory."""

    def __init__(self, host, config):
        self.lab = json.loads(Path(host.config["lab"]).read_text())
        self.config = config
        self.enforcing = image_version.enforces(image_version.read(host.folder / "store.exe"))
        self.lock = threading.Lock()
        self.remembered, self.tokens, self.connections = {}, {}, {}

    def submit(self, user, account):
        if not self.enforcing:
            return {"ok": True}
        # One at a time: Samba's client is not made for threads.
        with self.lock:
            try:
                granted = self._remember(self.remembered, (user, account), lambda: self._decide(user, account))
            except NotFound as error:
                return {"ok": False, "hresult": NOT_FOUND, "text": str(error)}
            except (ConnectionError, PermissionError, ldb.LdbError) as error:
                self.connections.clear()
                return {"ok": False, "hresult": NETWORK_ERROR, "text": str(error)}
        return {"ok": True} if granted else {"ok": False, "hresult": NO_ACCESS, "text": "MAPI_E_NO_ACCESS"}

    def _remember(self, memory, key, ask):
        known = memory.get(key)
        if known is None or time.monotonic() - known[1] >= float(self.config["cache_seconds"]):
            known = memory[key] = (ask(), time.monotonic())
        return known[0]

    def _decide(self, user, account):
        token = self._remember(self.tokens, account, lambda: self._token(account))
        _, sid, descriptor = self._directory(self._domain_of(user)).user(user)
        return samba_access.has_right(descriptor, [*token, *samba_access.WELL_KNOWN], sid)

    def _token(self, account):
        netbios, name = account.split("\\", 1)
        return self._directory(self._domain_by(netbios=netbios)).token(name)

    def _domain_by(self, **wanted):
        for domain in self.lab["domains"]:
            if all(domain[key].lower() == value.lower() for key, value in wanted.items()):
                return domain
        raise NotFound(f"no domain with {wanted}")

    def _domain_of(self, user):
        """By the user's name where it says so, else the domain of this Exchange server."""
        if "\\" in user:
            return self._domain_by(netbios=user.split("\\", 1)[0])
        for domain in self.lab["domains"]:
            if user.lower().endswith(("@" + domain["name"], domain["dn"].lower())):
                return domain
        for domain in self.lab["domains"]:
            if self.config["server"] in domain["exchange_servers"]:
                return domain
        raise NotFound(f"no domain for {user}")

    def _directory(self, domain):
        opened, since = self.connections.get(domain["name"], (None, 0.0))
        if opened is None or time.monotonic() - since > CONNECTION_SECONDS:
            nodes = [server["node"] for server in domain["servers"]]
            node = self.config.get("directory")
            opened = Directory(self.lab, domain, domain["store"], node if node in nodes else None)
            self.connections[domain["name"]] = (opened, time.monotonic())
        return opened


class Connection(socketserver.StreamRequestHandler):
    """One GoodLink server's connection: requests and answers by line."""

    def handle(self):
        for line in self.rfile:
            try:
                request = json.loads(line)
                answer = self.server.judge.submit(request["user"], request["account"])
            except (ValueError, KeyError) as error:
                answer = {"ok": False, "hresult": NOT_FOUND, "text": f"malformed request: {error}"}
            self.wfile.write(json.dumps(answer).encode() + b"\n")


class Door(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    host = Host(sys.argv[1])
    service = host.service(sys.argv[2])
    door = host.folder / "store.sock"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    service.note(STARTING, os.getpid())
    door.unlink(missing_ok=True)
    judge = Judge(host, service.config)
    time.sleep(float(service.config.get("start_seconds", 0.0)))
    if (host.folder / "fail-mount").exists():
        service.note(RUNNING, os.getpid(), started=now())
        print(f"{now()} the store does not mount (events 9518, 9519)", flush=True)
        while True:
            signal.pause()
    with Door(str(door), Connection) as server:
        server.judge = judge
        service.note(RUNNING, os.getpid(), started=now())
        print(f"{now()} mounted, Send As {'is' if judge.enforcing else 'is not'} enforced", flush=True)
        try:
            server.serve_forever(poll_interval=0.1)
        finally:
            door.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
