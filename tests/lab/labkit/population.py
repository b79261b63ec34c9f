"""Fills a provisioned domain before its server ever ran: schema, units, rights, groups, users.

Runs on the domain's first node (`python3 -m labkit.population LETTER OUTPUT.json CROWD`), writes straight into the
directory's database, and leaves a description of what it made.
"""

import json
import os
import sys
import uuid

import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

from . import crowd, people, schema
from .descriptors import add_entries
from .layout import DOMAINS, PASSWORD, SEND_AS

# Without these a transaction of many additions takes quadratic time.
FAST = ["batch_mode:1", "transaction_index_cache_size:200000"]
ENABLED_NO_PASSWORD = "544"
DISABLED = "514"
NEVER_EXPIRES = "66048"
CLASS_UNIT = "bf967aa5-0de6-11d0-a285-00aa003049e2"
CLASS_USER = "bf967aba-0de6-11d0-a285-00aa003049e2"
CLASS_PERSON = "4828cc14-1437-45bc-9b07-ad6f015e5f28"


def open_directory(options=()):
    """The node's own database, as the system account, with schema changes allowed."""
    parameters = LoadParm()
    parameters.load_default()
    parameters.set("dsdb:schema update allowed", "yes")
    return SamDB(session_info=system_session(parameters), lp=parameters, options=list(options))


def extend_schema(directory):
    """Attributes, then the class that holds them, then its place on User: each needs the one before in force."""
    where = str(directory.get_schema_basedn())
    for ldif in (schema.attributes(where), schema.auxiliary_class(where), schema.on_user(where)):
        directory.modify_ldif(ldif)
        directory.set_schema_update_now()


def see(sid):
    """What a survey needs below one place, where Authenticated Users are not let read everything of users.

    Where the group Pre-Windows 2000 Compatible Access holds Authenticated Users, as here and in many directories, every
    account has it anyway; where it was emptied, mailboxes, tokens and much else are not shown without.
    """
    return [f"(OA;CIIO;RP;;{cls};{sid})" for cls in (CLASS_USER, CLASS_PERSON)]


def delegate(sid, below=True):
    """What the coordinator needs to grant Send As in one place, and no more.

    On the object itself: read the descriptor and write the DACL. Below it: the same on organizational units, users
    and inetOrgPersons, each by its own entry because an entry for users does not reach inetOrgPersons. Reading users
    needs no delegation: Authenticated Users may read descriptors (READ_CONTROL in the schema's default). Protected
    accounts and units with blocked inheritance are not reached from above: the unit has its own set, protected
    accounts have none on purpose (a grant there would be wiped within the hour).
    """
    entries = [f"(A;;RCWD;;;{sid})"]
    if below:
        entries += [f"(OA;CIIO;RCWD;;{cls};{sid})" for cls in (CLASS_UNIT, CLASS_USER, CLASS_PERSON)]
    return entries


class Population:
    """The steps that fill one domain."""

    def __init__(self, directory, domain):
        self.directory = directory
        self.domain = domain
        self.domain_sid = str(directory.get_domain_sid())

    def sid(self, dn):
        found = self.directory.search(dn, ldb.SCOPE_BASE, attrs=["objectSid"])
        return str(ndr_unpack(security.dom_sid, found[0]["objectSid"][0]))

    def service_dn(self, name):
        return f"CN={name},{people.unit_dn(self.domain, 'Services')}"

    def group_dn(self, name):
        return f"CN={name},{people.unit_dn(self.domain, 'Services')}"

    def structure(self):
        """Exchange's objects (homeMDB must name one that exists) and the organizational units."""
        self.directory.add({"dn": people.exchange_dn(self.domain), "objectClass": "container"})
        for server in self.domain.exchange:
            store = people.store_dn(self.domain, server)
            self.directory.add({"dn": store.split(",", 1)[1], "objectClass": "container"})
            self.directory.add({"dn": store, "objectClass": "container"})
        for unit in people.UNITS:
            self.directory.add({"dn": people.unit_dn(self.domain, unit), "objectClass": "organizationalUnit"})

    def accounts(self):
        for name in people.SERVICE_ACCOUNTS:
            self.directory.add({
                "dn": self.service_dn(name),
                "objectClass": "user",
                "sAMAccountName": name,
                "userPrincipalName": f"{name.lower()}@{self.domain.name}",
                "userAccountControl": NEVER_EXPIRES,
                "unicodePwd": f'"{PASSWORD}"'.encode("utf-16-le"),
                "mail": f"{name.lower()}@{self.domain.name}",
                "description": people.SERVICE_ACCOUNTS[name],
            })
        self.directory.modify_ldif(
            f"dn: CN=Administrator,CN=Users,{self.domain.dn}\nchangetype: modify\nreplace: userAccountControl\n"
            f"userAccountControl: {NEVER_EXPIRES}\n\n"
        )

    def groups(self):
        for name, members in people.GROUPS:
            entry = {"dn": self.group_dn(name), "objectClass": "group", "sAMAccountName": name}
            if members:
                entry["member"] = [self.service_dn(member) for member in members]
            self.directory.add(entry)

    def rights(self):
        """Before the users are made, so that they inherit at once."""
        # As on Windows: nothing is inherited by the holder whose entries the propagator copies.
        add_entries(self.directory, f"CN=AdminSDHolder,CN=System,{self.domain.dn}", [], self.domain_sid, protect=True)
        coordinator, reader, granter = (
            self.sid(self.service_dn(name)) for name in ("sendgate", "sendgate-read", "sendgate-grant"))
        entries = [*delegate(coordinator), *see(reader), *see(granter), *delegate(granter)]
        add_entries(self.directory, self.domain.dn, entries, self.domain_sid)
        # Nothing passes blocked inheritance: the unit has its own entries, as if made before it was blocked.
        blocked = people.unit_dn(self.domain, people.BLOCKED_UNIT)
        add_entries(self.directory, blocked, [], self.domain_sid, protect=True)
        add_entries(self.directory, blocked, entries, self.domain_sid)

    def person(self, person):
        domain, address = self.domain, f"{person.name}@{self.domain.name}"
        entry = {
            "dn": people.person_dn(domain, person),
            "objectClass": person.object_class,
            "sn": person.name,
            "sAMAccountName": person.name,
            "userPrincipalName": address,
            "userAccountControl": DISABLED if "disabled" in person.tags else ENABLED_NO_PASSWORD,
            "displayName": f"Lab {person.name}",
            "mail": address,
            "proxyAddresses": [f"SMTP:{address}", f"smtp:{person.name}@mail.{domain.name}"],
            "legacyExchangeDN": people.legacy_dn(person),
            "mailNickname": person.name,
            "homeMDB": people.store_dn(domain, person.server),
            "msExchHomeServerName": people.home_server(person.server),
            "msExchMailboxGuid": uuid.uuid5(uuid.NAMESPACE_DNS, address).bytes_le,
        }
        if "linked" in person.tags:
            # A resource forest's mailbox: its owner is an account of a forest that is not here.
            entry["msExchMasterAccountSid"] = ndr_pack(security.dom_sid("S-1-5-21-1111111111-2222222222-333333333-1104"))
        self.directory.add(entry)

    def special_cases(self, everybody):
        """Denies, and the administrator whose membership goes through a nested group."""
        denied = {"denied": self.service_dn("GoodAdmin"), "denied-group": self.group_dn("G Denied")}
        for person in everybody:
            for tag, trustee in denied.items():
                if tag in person.tags:
                    entry = f"(OD;;CR;{SEND_AS};;{self.sid(trustee)})"
                    add_entries(self.directory, people.person_dn(self.domain, person), [entry], self.domain_sid)
        admins = [people.person_dn(self.domain, person) for person in everybody if "protected" in person.tags]
        if admins:
            nested = self.group_dn("Ops Nested")
            self.directory.add({"dn": nested, "objectClass": "group", "sAMAccountName": "Ops Nested", "member": admins})
            self.directory.modify_ldif(
                f"dn: CN=Domain Admins,CN=Users,{self.domain.dn}\nchangetype: modify\nadd: member\nmember: {nested}\n\n"
            )

    def crowd(self, count):
        """The large population: its units and its users."""
        for path in [crowd.ROOT, *crowd.units()]:
            self.directory.add({"dn": people.unit_dn(self.domain, path), "objectClass": "organizationalUnit"})
        for person in crowd.crowd(self.domain, count):
            self.person(person)

    def describe(self, everybody, count):
        """What the lab's description says of this domain."""
        users = [
            {"name": person.name, "dn": people.person_dn(self.domain, person), "mail": f"{person.name}@{self.domain.name}",
             "server": person.server, "legacy_exchange_dn": people.legacy_dn(person), "tags": person.tags,
             "sid": self.sid(people.person_dn(self.domain, person))}
            for person in everybody
        ]
        accounts = {
            name: {"name": name, "logon": f"{self.domain.netbios}\\{name}", "dn": self.service_dn(name),
                   "upn": f"{name.lower()}@{self.domain.name}", "mail": f"{name.lower()}@{self.domain.name}",
                   "password": PASSWORD, "sid": self.sid(self.service_dn(name))}
            for name in people.SERVICE_ACCOUNTS
        }
        return {
            "sid": self.domain_sid,
            "accounts": accounts,
            "users": users,
            "blocked_units": [people.unit_dn(self.domain, people.BLOCKED_UNIT)],
            "denied_group": self.group_dn("G Denied"),
            "crowd": crowd.describe(self.domain, count),
        }


def fill(letter, output, count):
    domain = next(domain for domain in DOMAINS if domain.letter == letter)
    extend_schema(open_directory())
    # Opened again: a batch works only with a schema that does not change under it.
    directory = open_directory(FAST)
    everybody = people.people(domain)
    population = Population(directory, domain)
    directory.transaction_start()
    population.structure()
    population.accounts()
    population.groups()
    population.rights()
    for person in everybody:
        population.person(person)
    population.special_cases(everybody)
    if count:
        population.crowd(count)
    directory.transaction_commit()
    with open(output, "w", encoding="utf-8") as out:
        json.dump(population.describe(everybody, count), out)


if __name__ == "__main__":
    os.umask(0o077)
    fill(sys.argv[1], sys.argv[2], int(sys.argv[3]))
