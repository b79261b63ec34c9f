"""One directory server: made (provision or join), configured, started, stopped."""

import os
import signal
import subprocess
import time

from . import net, pki
from .layout import CLIENT, ENTER, PASSWORD, LabError, hosts_file, resolver

# Cut to what an LDAP lab needs; without winbindd NTLM binds fail, without dnsupdate the replication SPN is missing.
SERVICES = "rpc, ldap, cldap, kdc, drepl, winbindd, kcc, dnsupdate, dns"
# Short replication intervals: the defaults are made for real networks (300 s). The topology checker and the DNS
# registration are needed at the start, and cost a second of computing each time: after that they run seldom.
SETTINGS = f"""
\tserver services = {SERVICES}
\tldap server require strong auth = yes
\ttls enabled = yes
\ttls keyfile = /var/lib/samba/private/lab-tls/key.pem
\ttls certfile = /var/lib/samba/private/lab-tls/cert.pem
\ttls cafile = /var/lib/samba/private/lab-tls/ca.pem
\tprefork children = 2
\tdreplsrv:periodic_interval = 2
\tdreplsrv:periodic_startup_interval = 1
\tdreplsrv:notify_interval = 1
\tkccsrv:periodic_interval = 120
\tkccsrv:periodic_startup_interval = 1
\tdnsupdate:name interval = 600
\tlog level = 1
\tmax log size = 0
"""
# What differs: b1 takes Kerberos inside TLS, as Windows does; the others refuse it.
SASL_OVER_TLS = "ldap server require strong auth = allow_sasl_over_tls"
OWN_SETTINGS = {"b1": f"\n\t{SASL_OVER_TLS}"}
BOUND = ["--option=interfaces=lo eth0", "--option=bind interfaces only=yes"]
# Seconds on an idle machine; a busy one takes long, and a deadline only says when to give up.
START_SECONDS = 180


def folders(lab, domain, server):
    """The server's empty state folders, and the files that `enter` binds over the machine's."""
    state = lab / server.name
    for part in ("etc", "lib/private", "cache", "log", "run"):
        (state / part).mkdir(parents=True, exist_ok=True)
    (state / "hosts").write_text(hosts_file())
    (state / "resolv.conf").write_text(resolver(domain))
    return state


def run(lab, node, *argv, log):
    """Runs a command on a node; its output goes to a file, whose end is shown when it fails."""
    with open(log, "wb") as out:
        done = subprocess.run([ENTER, lab, node, *map(str, argv)], stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT)
    if done.returncode == -signal.SIGINT:
        raise KeyboardInterrupt
    if done.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise LabError(f"{argv[0]} {argv[1]} failed on {node} (exit {done.returncode}):\n{tail}")


def _configure(lab, authority, domain, server):
    state = lab / server.name
    conf = state / "etc/smb.conf"
    # Provisioning takes the resolver for a forwarder: the server would ask itself for every name that it does not know.
    lines = [line for line in conf.read_text().splitlines() if "dns forwarder" not in line]
    settings = SETTINGS.rstrip() + OWN_SETTINGS.get(server.name, "")
    conf.write_text("\n".join(lines).replace("[global]", "[global]" + settings, 1) + "\n")
    pki.issue(authority, state / "lib/private/lab-tls", [domain.host(server), domain.name], server.address)


def provision(lab, authority, domain, large=False):
    """Makes the domain and its first server; nothing runs yet.

    The store of a large one keeps an ordered index of numbers, as a Windows domain controller does: with Samba's default
    every search by uSNChanged goes through all objects.
    """
    server = domain.servers[0]
    state = folders(lab, domain, server)
    run(lab, server.name, "samba-tool", "domain", "provision", f"--realm={domain.name.upper()}",
        f"--domain={domain.netbios}", f"--host-name={server.name}", f"--host-ip={server.address}",
        "--server-role=dc", "--dns-backend=SAMBA_INTERNAL", f"--adminpass={PASSWORD}", *BOUND,
        *(["--backend-store=mdb"] if large else []), log=state / "log/provision.out")
    _configure(lab, authority, domain, server)


def join(lab, authority, domain, server):
    """Makes a further server of a domain whose first server is running."""
    state = folders(lab, domain, server)
    run(lab, server.name, "samba-tool", "domain", "join", domain.name, "DC", "-U", "administrator",
        f"--password={PASSWORD}", f"--server={domain.host(domain.servers[0])}", "--dns-backend=SAMBA_INTERNAL",
        f"--option=netbios name={server.name}", *BOUND, log=state / "log/join.out")
    _configure(lab, authority, domain, server)


def start(lab, lab_id, server, choice):
    """Starts the server's processes; `wait_ready` tells when it serves."""
    if net.pids(net.namespace(lab_id, server.name)):
        return
    (lab / server.name / "run/samba.pid").unlink(missing_ok=True)
    argv = ["samba", "-F", "--no-process-group", "-M", choice.model]
    if choice.sasl_over_tls:
        argv.append(f"--option={SASL_OVER_TLS}")
    with open(lab / server.name / "log/samba.out", "ab") as out:
        entering = subprocess.Popen([ENTER, lab, server.name, *argv], stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=subprocess.STDOUT, start_new_session=True)
    # Until it is inside, nobody could tell it from one that has ended.
    while entering.poll() is None and not net.pids(net.namespace(lab_id, server.name)):
        time.sleep(0.02)


def stop(lab_id, server):
    """Ends the server's processes: nothing else runs in its namespace."""
    net.kill_all(net.namespace(lab_id, server.name), patience=8.0)


def ask(lab, authority, uri, *argv, user=None, password=PASSWORD):
    """One ldapsearch from the client, with the server's certificate verified; None where it fails."""
    bind = ["-D", user, "-w", password] if user else []
    env = {**os.environ, "LDAPTLS_CACERT": str(authority / "ca.pem"), "LDAPTLS_REQCERT": "demand", "LDAPRC": "/dev/null"}
    done = subprocess.run([ENTER, lab, CLIENT, "ldapsearch", "-LLL", "-x", "-o", "nettimeout=2", "-o", "ldif-wrap=no",
                           "-l", "5", "-H", uri, *bind, *argv], env=env, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def wait_ready(lab, lab_id, authority, domain, server, seconds=START_SECONDS):
    """Waits until the server answers a bind and a search on its LDAPS and global catalog ports."""
    deadline = time.monotonic() + seconds
    for port in (636, 3269):
        while ask(lab, authority, f"ldaps://{domain.host(server)}:{port}", "-s", "base", "-b", domain.dn, "dn",
                  user=f"administrator@{domain.name}") is None:
            if time.monotonic() > deadline:
                log = lab / server.name / "log/samba.out"
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
                raise LabError(f"{server.name} does not serve port {port} after {seconds} s; {log} ends:\n{tail}")
            if not net.pids(net.namespace(lab_id, server.name)):
                raise LabError(f"Samba on {server.name} ended while starting; see {lab / server.name / 'log/samba.out'}")
            time.sleep(0.1)


def modify(lab, authority, uri, user, ldif, password=PASSWORD):
    """One ldapmodify from the client, with the server's certificate verified."""
    env = {**os.environ, "LDAPTLS_CACERT": str(authority / "ca.pem"), "LDAPTLS_REQCERT": "demand"}
    done = subprocess.run([ENTER, lab, CLIENT, "ldapmodify", "-x", "-H", uri, "-D", user, "-w", password], env=env,
                          input=ldif, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"ldapmodify on {uri} failed: {done.stderr.strip()}")
