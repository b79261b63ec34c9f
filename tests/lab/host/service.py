"""Services of a simulated host: real processes, each known by its id and its start time."""

import contextlib
import datetime
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = {"store": "sim_store.py", "goodlink": "sim_goodlink.py"}
# Longer than any start_seconds of a scenario; a service that takes longer is reported as failed.
START_SECONDS = 60
STOP_SECONDS = 10
RUNNING, STOPPED, STARTING, STOPPING = "running", "stopped", "starting", "stopping"


class HostError(Exception):
    """What the person or the agent who called has to know; `code` becomes the exit code."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def note(host, log, text):
    """A line of a log in the host's folder, on disk before anything follows."""
    with open(host.folder / log, "a", encoding="utf-8") as out:
        out.write(f"{now()} {text}\n")
        out.flush()
        os.fsync(out.fileno())


def write_whole(path, text):
    """A reader sees the old text or the new, never a part."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text)
    part.rename(path)


class Host:
    def __init__(self, folder):
        self.folder = Path(folder).absolute()
        try:
            self.config = json.loads((self.folder / "host.json").read_text())
        except FileNotFoundError:
            raise HostError(f"{self.folder} is no host: it has no host.json", 3) from None

    def service(self, name):
        services = self.config["services"]
        if name not in services:
            raise HostError(f"no service '{name}' on {self.folder}; it has {', '.join(sorted(services))}", 3)
        return Service(self, name, services[name])

    def store(self):
        for name, config in self.config["services"].items():
            if config["kind"] == "store":
                return Service(self, name, config)
        raise HostError(f"{self.folder} has no Exchange store", 3)

    def mounted(self):
        return self.store().state()["state"] == RUNNING and (self.folder / "store.sock").exists()


def start_ticks(pid):
    """When the process started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class Service:
    def __init__(self, host, name, config):
        self.host, self.name, self.config = host, name, config
        self.folder = host.folder / "services"
        self.folder.mkdir(exist_ok=True)
        self.file = self.folder / f"{name}.state"

    def note(self, state, pid=None, **more):
        entry = {"state": state, **more}
        if pid is not None:
            entry |= {"pid": pid, "ticks": start_ticks(pid)}
        write_whole(self.file, json.dumps(entry) + "\n")

    def state(self):
        """The noted state, corrected by what became of the process."""
        try:
            noted = json.loads(self.file.read_text())
        except FileNotFoundError:
            return {"state": STOPPED}
        if "pid" in noted and start_ticks(noted["pid"]) != noted["ticks"]:
            return {"state": STOPPED}
        return noted

    @contextlib.contextmanager
    def _locked(self):
        with open(self.folder / f"{self.name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def start(self):
        with self._locked():
            if self.state()["state"] == RUNNING:
                return
            logs = self.host.folder / "logs"
            logs.mkdir(exist_ok=True)
            with open(logs / f"{self.name}.out", "ab") as out:
                process = subprocess.Popen(
                    [sys.executable, "-B", HERE / PROGRAMS[self.config["kind"]], self.host.folder, self.name],
                    stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
            self._await_start(process)

    def _await_start(self, process):
        deadline = time.monotonic() + START_SECONDS
        while not (self.state()["state"] == RUNNING and self.state().get("pid") == process.pid):
            if process.poll() is not None:
                self.note(STOPPED)
                raise HostError(f"the service '{self.name}' ended while starting (exit {process.returncode})")
            if time.monotonic() > deadline:
                raise HostError(f"the service '{self.name}' does not start within {START_SECONDS} s")
            time.sleep(0.02)

    def stop(self):
        with self._locked():
            noted = self.state()
            pid = noted.get("pid")
            if pid is not None:
                self.note(STOPPING, pid)
                self._end(pid, noted["ticks"])
            self.note(STOPPED)

    def _end(self, pid, ticks):
        deadline = time.monotonic() + STOP_SECONDS
        os.kill(pid, signal.SIGTERM)
        while start_ticks(pid) == ticks:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                deadline += STOP_SECONDS
            time.sleep(0.02)

    def status(self):
        """The lines that an agent reads."""
        noted = self.state()
        lines = [f"state: {noted['state']}", f"account: {self.config['account']}"]
        if "started" in noted:
            lines.append(f"started: {noted['started']}")
        return "\n".join(lines)
