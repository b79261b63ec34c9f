"""Who lives in a domain: organizational units, users, groups. Values only; `population` writes them."""

from dataclasses import dataclass, field

USERS = 112
STORE = "Mailbox Store"
BLOCKED = "Tenant Closed"
# Organizational units by their path from the domain, in the order of making.
UNITS = ("Staff", "Hosted", "Tenant Blue/Hosted", "Tenant Green/Hosted", f"{BLOCKED}/Hosted", "Services")
BLOCKED_UNIT = UNITS[4]


@dataclass
class Person:
    """A mailbox user to be made."""

    name: str
    unit: str
    server: str
    tags: list = field(default_factory=list)
    object_class: str = "user"


def unit_dn(domain, unit):
    return ",".join(f"OU={part}" for part in unit.split("/")) + "," + domain.dn


def person_dn(domain, person):
    return f"CN={person.name},{unit_dn(domain, person.unit)}"


def exchange_dn(domain):
    return f"CN=Exchange,{domain.dn}"


def store_dn(domain, server):
    return f"CN={STORE} ({server}),CN={server},{exchange_dn(domain)}"


def home_server(server):
    """The form of msExchHomeServerName: a legacyExchangeDN of the server, not a DN."""
    return f"/o=Lab/ou=Exchange/cn=Configuration/cn=Servers/cn={server}"


def legacy_dn(person):
    return f"/o=Lab/ou=Exchange/cn=Recipients/cn={person.name}"


def people(domain):
    """All mailbox users of a domain: every tenth in the blocked unit, the rest spread over the other units."""
    units = ("Staff", UNITS[2], UNITS[3])
    found = []
    for number in range(1, USERS + 1):
        blocked = number % 10 == 0
        unit = BLOCKED_UNIT if blocked else units[number % len(units)]
        server = domain.exchange[number % len(domain.exchange)]
        found.append(Person(f"user{number:03}", unit, server, ["blocked"] if blocked else []))
    found.append(Person("inet1", "Staff", domain.exchange[0], ["inetorgperson"], "inetOrgPerson"))
    if domain.letter == "a":
        # GoodAdmin is no member of the denied group at first: the entry stands there without effect.
        found.append(Person("deniedgrp1", "Staff", domain.exchange[0], ["denied-group"]))
        found.append(Person("linked1", UNITS[2], domain.exchange[1], ["linked", "disabled"]))
    else:
        found.append(Person("denied1", "Staff", domain.exchange[0], ["denied"]))
        found.append(Person("admin1", "Staff", domain.exchange[1], ["protected"]))
    return found


# Group, members (users of this file or other groups), in the order of making: members first.
GROUPS = (
    ("GoodLink Services", ("GoodAdmin",)),
    ("Messaging Operators", ("GoodLink Services",)),
    ("G Denied", ()),
)
# Accounts of programs, in OU=Services: name, tags of what each is for.
SERVICE_ACCOUNTS = {
    "GoodAdmin": "the logon account of the GoodLink service; the account that needs Send As",
    "sendgate": "the coordinator: reads descriptors, writes DACLs where it was delegated to",
    "sgsurvey": "a coordinator that only reads: an ordinary user",
    "sendgate-read": "a coordinator with exactly the rights that a survey needs",
    "sendgate-grant": "a coordinator with exactly the rights that surveys and grants need",
    "exstore": "the simulated Exchange store: reads descriptors and tokens, an ordinary user",
}
