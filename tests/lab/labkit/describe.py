"""lab.json: everything that a program needs to know of a running lab."""

import json

from .layout import CLIENT, ENTER, PASSWORD

LDAPS, GLOBAL_CATALOG = 636, 3269


def _domain(lab, domain, members, made):
    accounts = made["accounts"]
    return {
        "letter": domain.letter,
        "name": domain.name,
        "netbios": domain.netbios,
        "dn": domain.dn,
        "sid": made["sid"],
        "administrator": {
            "name": "Administrator", "logon": f"{domain.netbios}\\Administrator",
            "dn": f"CN=Administrator,CN=Users,{domain.dn}", "upn": f"administrator@{domain.name}",
            "password": PASSWORD, "sid": f"{made['sid']}-500", "mail": "",
        },
        "goodadmin": accounts["GoodAdmin"],
        "coordinator": accounts["sendgate"],
        "surveyor": accounts["sgsurvey"],
        "store": accounts["exstore"],
        "reader": accounts["sendgate-read"],
        "granter": accounts["sendgate-grant"],
        "servers": [
            {"node": server.name, "name": domain.host(server), "address": server.address, "ldaps_port": LDAPS,
             "gc_ldaps_port": GLOBAL_CATALOG, "ca": str(lab / "ca/ca.pem")}
            for server in members
        ],
        "exchange_servers": list(domain.exchange),
        "blocked_units": made["blocked_units"],
        "denied_group": made["denied_group"],
        "users": made["users"],
        "crowd": made["crowd"],
    }


def write(lab, lab_id, choice):
    """Writes lab.json whole or not at all."""
    made = {domain.letter: json.loads((lab / domain.servers[0].name / "lib/lab-made.json").read_text())
            for domain in choice.domains()}
    text = json.dumps({
        "format": 1,
        "id": lab_id,
        "dir": str(lab),
        # Put before any command line, this runs it where the lab's network is; the process id stays the child's.
        "client": {"node": CLIENT, "prefix": [str(ENTER), str(lab), CLIENT]},
        "ca": str(lab / "ca/ca.pem"),
        "propagator_seconds": choice.propagator,
        "population": choice.population,
        "domains": [_domain(lab, domain, choice.members(domain), made[domain.letter]) for domain in choice.domains()],
    }, indent=1)
    part = lab / "lab.json.part"
    part.write_text(text + "\n")
    part.chmod(0o600)
    part.rename(lab / "lab.json")
