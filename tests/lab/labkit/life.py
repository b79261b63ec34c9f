"""The lab's life: up, down, and what can be done to one server in between."""

import fcntl
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager

from . import cache, describe, net, server as node
from .layout import CLIENT, DOMAINS, ENTER, HERE, LabError, find, hosts_file, resolver, servers

LOCK_SECONDS = 300
REPLICATION_SECONDS = 120
MADE = [server.name for _, server in servers()] + [CLIENT, cache.AUTHORITY]


@contextmanager
def locked(lab):
    """One of up and down at a time: a `down` after Ctrl-C waits for the dying `up`."""
    lab.mkdir(parents=True, exist_ok=True)
    handle = os.open(lab, os.O_RDONLY)
    deadline = time.monotonic() + LOCK_SECONDS
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LabError(f"another `lab up` or `lab down` works on {lab} since {LOCK_SECONDS} s") from None
                time.sleep(0.2)
        yield
    finally:
        os.close(handle)


def lab_id(lab):
    try:
        return (lab / "id").read_text().strip()
    except FileNotFoundError:
        raise LabError(f"{lab} is no running lab (it has no file 'id'); make one with `lab up {lab}`") from None


def step(text, since):
    print(f"lab: {text} ({time.monotonic() - since:.1f} s)", flush=True)


def up(lab, interval):
    begin = time.monotonic()
    if (lab / "id").exists():
        raise LabError(f"a lab is up in {lab} already; `lab down {lab}` first")
    identity = net.new_id()
    (lab / "id").write_text(identity + "\n")
    (lab / CLIENT).mkdir()
    (lab / CLIENT / "hosts").write_text(hosts_file())
    (lab / CLIENT / "resolv.conf").write_text(resolver(DOMAINS[0]))
    net.up(identity)
    archive = cache.archive()
    if archive and archive.exists():
        cache.restore(lab, archive)
        for domain, server in servers():
            node.folders(lab, domain, server)
        step(f"restored from {archive}", begin)
    else:
        make(lab, identity, archive, begin)
    for domain, server in servers():
        node.start(lab, identity, domain, server)
    each(identity, lambda pair: node.wait_ready(lab, identity, lab / cache.AUTHORITY, *pair), servers())
    step("all directory servers answer on ports 636 and 3269", begin)
    for domain in DOMAINS:
        wait_replication(lab, domain)
    step("replication works", begin)
    describe.write(lab, identity, interval)
    for domain in DOMAINS:
        start_propagator(lab, domain, interval)
    step(f"up, id {identity}; see {lab / 'lab.json'}", begin)


def make(lab, identity, archive, begin):
    """Domains from nothing: provision and fill in parallel, then join the further servers."""
    authority = lab / cache.AUTHORITY
    node.pki.make_authority(authority)

    def first(domain):
        server = domain.servers[0]
        node.provision(lab, authority, domain)
        node.run(lab, server.name, "env", f"PYTHONPATH={HERE}", "PYTHONDONTWRITEBYTECODE=1", "/usr/bin/python3", "-m",
                 "labkit.population", domain.letter, "/var/lib/samba/lab-made.json",
                 log=lab / server.name / "log/population.out")
        node.start(lab, identity, domain, server)
        node.wait_ready(lab, identity, authority, domain, server)
        for further in domain.servers[1:]:
            node.join(lab, authority, domain, further)

    each(identity, first, DOMAINS)
    step("domains made and filled", begin)
    if archive:
        for _, server in servers():
            node.stop(identity, server)
        cache.save(lab, archive)
        step(f"saved to {archive}", begin)


def each(identity, work, items):
    """Does the work for all items at once. At the first error, or when interrupted, what runs is ended."""
    with ThreadPoolExecutor(max_workers=len(items)) as pool:
        try:
            for result in as_completed([pool.submit(work, item) for item in items]):
                result.result()
        except BaseException:
            # Without their processes the other threads end at once.
            net.down(identity)
            raise


def wait_replication(lab, domain):
    """Waits until a change made now on the first server is seen on the others."""
    if len(domain.servers) < 2:
        return
    authority, marker = lab / cache.AUTHORITY, f"seen {time.time_ns()}"
    first = f"ldaps://{domain.host(domain.servers[0])}"
    where, admin = f"CN=Exchange,{domain.dn}", f"administrator@{domain.name}"
    node.modify(lab, authority, first, admin,
                f"dn: {where}\nchangetype: modify\nreplace: description\ndescription: {marker}\n")
    deadline = time.monotonic() + REPLICATION_SECONDS
    for server in domain.servers[1:]:
        while marker not in (node.ask(lab, authority, f"ldaps://{domain.host(server)}", "-s", "base", "-b", where,
                                      "description", user=admin) or ""):
            if time.monotonic() > deadline:
                raise LabError(f"a change on {first} is not on {server.name} after {REPLICATION_SECONDS} s")
            time.sleep(0.1)


def start_propagator(lab, domain, interval):
    with open(lab / f"propagator-{domain.letter}.log", "ab") as out:
        subprocess.Popen([ENTER, lab, CLIENT, "/usr/bin/python3", "-B", HERE / "propagator.py", lab / "lab.json",
                          domain.letter, str(interval)],
                         stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)


def down(lab):
    """Removes whatever there is of the lab; nothing is fine too."""
    try:
        net.down(lab_id(lab))
    except LabError:
        if (lab / "id").exists():
            raise
    for name in MADE:
        shutil.rmtree(lab / name, ignore_errors=True)
    for pattern in ("lab.json*", "propagator-*.log", "id"):
        for path in lab.glob(pattern):
            path.unlink()
    try:
        lab.rmdir()
    except OSError:
        pass  # The caller keeps files of his own there.


def stop_server(lab, name):
    node.stop(lab_id(lab), find(name)[1])


def start_server(lab, name):
    identity = lab_id(lab)
    node.start(lab, identity, *find(name))
    node.wait_ready(lab, identity, lab / cache.AUTHORITY, *find(name))


def cut(lab, name):
    net.link(lab_id(lab), find(name)[1].name, "down")


def heal(lab):
    for _, server in servers():
        net.link(lab_id(lab), server.name, "up")
