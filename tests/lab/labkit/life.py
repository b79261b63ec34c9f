"""The lab's life: up, down, and what can be done to one server in between."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager

from . import cache, choice as choices, describe, net, server as node
from .layout import CLIENT, DOMAINS, ENTER, HERE, SEND_AS, LabError, find, hosts_file, resolver, servers

LOCK_SECONDS = 300
REPLICATION_SECONDS = 120
CLASS_USER = "bf967aba-0de6-11d0-a285-00aa003049e2"
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


def up(lab, choice):
    begin = time.monotonic()
    if (lab / "id").exists():
        raise LabError(f"a lab is up in {lab} already; `lab down {lab}` first")
    identity = net.new_id()
    (lab / "id").write_text(identity + "\n")
    choices.write(lab, choice)
    (lab / CLIENT).mkdir()
    (lab / CLIENT / "hosts").write_text(hosts_file())
    (lab / CLIENT / "resolv.conf").write_text(resolver(DOMAINS[0]))
    net.up(identity)
    archive = cache.archive(choice)
    if archive and archive.exists():
        cache.restore(lab, archive)
        for domain, server in choice.servers():
            node.folders(lab, domain, server)
        step(f"restored from {archive}", begin)
    else:
        make(lab, identity, choice, archive, begin)
    for _, server in choice.servers():
        node.start(lab, identity, server, choice)
    each(identity, lambda pair: node.wait_ready(lab, identity, lab / cache.AUTHORITY, *pair), choice.servers())
    step("all directory servers answer on ports 636 and 3269", begin)
    replicated(lab, choice)
    step("replication works", begin)
    describe.write(lab, identity, choice)
    if choice.granted:
        grant(lab)
        replicated(lab, choice)
        step("Send As granted to GoodAdmin at the head of domain a", begin)
    if choice.population == choices.CAUSES:
        node.run(lab, CLIENT, HERE / "causes", "make", lab / "lab.json", log=lab / "causes.log")
        replicated(lab, choice)
        step(f"a user for every cause; see {lab / 'causes.json'}", begin)
    if choice.propagator > 0:
        for domain in choice.domains():
            start_propagator(lab, domain, choice.propagator)
    step(f"up, id {identity}; see {lab / 'lab.json'}", begin)


def make(lab, identity, choice, archive, begin):
    """Domains from nothing: provision and fill in parallel, then join the further servers."""
    authority = lab / cache.AUTHORITY
    node.pki.make_authority(authority)

    def first(domain):
        server = domain.servers[0]
        node.provision(lab, authority, domain, choice.crowd_of(domain) > 0)
        node.run(lab, server.name, "env", f"PYTHONPATH={HERE}", "PYTHONDONTWRITEBYTECODE=1", "/usr/bin/python3", "-m",
                 "labkit.population", domain.letter, "/var/lib/samba/lab-made.json",
                 choice.crowd_of(domain),
                 log=lab / server.name / "log/population.out")
        step(f"{domain.name} made and filled", begin)
        further_servers = choice.members(domain)[1:]
        if not further_servers:
            return
        node.start(lab, identity, server, choice)
        node.wait_ready(lab, identity, authority, domain, server)
        for further in further_servers:
            node.join(lab, authority, domain, further)

    each(identity, first, choice.domains())
    step("all servers made", begin)
    if archive:
        for _, server in choice.servers():
            node.stop(identity, server)
        cache.save(lab, archive, choice)
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


def replicated(lab, choice):
    """Waits until what was written to the first servers is on all."""
    for domain in choice.domains():
        wait_replication(lab, domain, choice.members(domain)[1:])


def grant(lab):
    """The real grant, as an administrator makes it: on the head of domain a, for users."""
    domain = DOMAINS[0]
    goodadmin = json.loads((lab / "lab.json").read_text())["domains"][0]["goodadmin"]["sid"]
    node.run(lab, CLIENT, HERE / "entry", lab / "lab.json", "add", domain.letter, domain.dn,
             f"(OA;CIIO;CR;{SEND_AS};{CLASS_USER};{goodadmin})", log=lab / "grant.log")


def wait_replication(lab, domain, further):
    """Waits until a change made now on the first server is seen on the others."""
    if not further:
        return
    authority, marker = lab / cache.AUTHORITY, f"seen {time.time_ns()}"
    first = f"ldaps://{domain.host(domain.servers[0])}"
    where, admin = f"CN=Exchange,{domain.dn}", f"administrator@{domain.name}"
    node.modify(lab, authority, first, admin,
                f"dn: {where}\nchangetype: modify\nreplace: description\ndescription: {marker}\n")
    deadline = time.monotonic() + REPLICATION_SECONDS
    for server in further:
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
    for pattern in ("lab.json*", "causes.json*", "*.log", choices.FILE, "id"):
        for path in lab.glob(pattern):
            path.unlink()
    try:
        lab.rmdir()
    except OSError:
        pass  # The caller keeps files of his own there.


def running(lab, name):
    """A server of this lab by its name."""
    server = find(name)[1]
    if name not in choices.read(lab).nodes:
        raise LabError(f"this lab was made without {name}")
    return server


def stop_server(lab, name):
    node.stop(lab_id(lab), running(lab, name))


def start_server(lab, name):
    identity = lab_id(lab)
    node.start(lab, identity, running(lab, name), choices.read(lab))
    node.wait_ready(lab, identity, lab / cache.AUTHORITY, *find(name))


def cut(lab, name):
    net.link(lab_id(lab), running(lab, name).name, "down")


def part(lab, names):
    """Lets the named servers not reach one another: replication between them stops, clients still reach all."""
    if len(names) < 2:
        raise LabError("part: name the servers that shall not reach one another, at least two")
    net.part(lab_id(lab), [running(lab, name).name for name in names])


def heal(lab):
    for _, server in servers():
        net.link(lab_id(lab), server.name, "up")
        net.join(lab_id(lab), server.name)
