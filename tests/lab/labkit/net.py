"""Network namespaces: one for each node, one for the switch. Nothing is made in the root namespace.

Interface names repeat in every lab, because each lives in a namespace whose own name is unique to the run.
"""

import os
import signal
import subprocess
import time

from .layout import CLIENT, CLIENT_OCTET, NETWORK, SWITCH, LabError, servers


def ip(*args, check=True):
    """Runs `ip`; the error carries what it said."""
    done = subprocess.run(["ip", *args], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise LabError(f"ip {' '.join(args)} failed: {done.stderr.strip()}")
    return done.stdout


def namespace(lab_id, node):
    return f"sg{lab_id}-{node}"


def namespaces(lab_id):
    """The namespaces of this lab that exist now."""
    return [line.split()[0] for line in ip("netns", "list").splitlines() if line.startswith(f"sg{lab_id}-")]


def new_id():
    """Four hexadecimal digits that no lab of this machine uses."""
    taken = {line[2:6] for line in ip("netns", "list").splitlines() if line.startswith("sg")}
    while True:
        lab_id = os.urandom(2).hex()
        if lab_id not in taken:
            return lab_id


def up(lab_id):
    """The switch, and every node on it."""
    switch = namespace(lab_id, SWITCH)
    ip("netns", "add", switch)
    ip("-n", switch, "link", "add", "br0", "type", "bridge")
    ip("-n", switch, "link", "set", "br0", "up")
    nodes = [(server.name, server.octet) for _, server in servers()] + [(CLIENT, CLIENT_OCTET)]
    for node, octet in nodes:
        ns = namespace(lab_id, node)
        ip("netns", "add", ns)
        ip("-n", ns, "link", "set", "lo", "up")
        ip("-n", switch, "link", "add", node, "type", "veth", "peer", "name", "eth0", "netns", ns)
        ip("-n", switch, "link", "set", node, "master", "br0", "up")
        ip("-n", ns, "addr", "add", f"{NETWORK}.{octet}/24", "dev", "eth0")
        ip("-n", ns, "link", "set", "eth0", "up")


def link(lab_id, node, state):
    """Pulls a node's cable ("down") or plugs it in again ("up")."""
    ip("-n", namespace(lab_id, SWITCH), "link", "set", node, state)


def part(lab_id, nodes):
    """Lets these nodes not reach one another; everybody else still reaches each of them."""
    for node in nodes:
        # The bridge passes nothing from one isolated port to another.
        ip("-n", namespace(lab_id, SWITCH), "link", "set", node, "type", "bridge_slave", "isolated", "on")


def join(lab_id, node):
    """Takes `part` back for one node."""
    ip("-n", namespace(lab_id, SWITCH), "link", "set", node, "type", "bridge_slave", "isolated", "off")


def pids(ns):
    return [int(pid) for pid in ip("netns", "pids", ns, check=False).split()]


def kill_all(ns, patience=5.0):
    """Ends every process of a namespace: politely, then not."""
    for sig, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, patience)):
        deadline = time.monotonic() + wait
        while True:
            left = [pid for pid in pids(ns) if pid != os.getpid()]
            if not left:
                return
            for pid in left:
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
    raise LabError(f"processes of the namespace {ns} do not end: {left}")


def down(lab_id):
    """Ends everything in this lab's namespaces and removes them; does nothing where there are none."""
    for ns in namespaces(lab_id):
        kill_all(ns)
    for ns in namespaces(lab_id):
        ip("netns", "del", ns)
