"""Writes the cases of `causes` into a running directory, as its administrator."""

import uuid

import ldb
from samba.dcerpc import security
from samba.ndr import ndr_pack

from . import causes, people
from .descriptors import add_conditional, add_entries, entries, read, write
from .directory import sid_text
from .layout import PASSWORD, SEND_AS

ENABLED_NO_PASSWORD, DISABLED, NEVER_EXPIRES = "544", "514", "66048"


class Writer:
    """`known` maps the names that stand in braces in entries to SIDs."""

    def __init__(self, db, domain):
        self.db, self.domain, self.known = db, domain, {}

    def dn(self, name, unit):
        return f"CN={name},{self.unit(unit)}"

    def unit(self, path):
        return ",".join(f"OU={part}" for part in path.split("/")) + "," + self.domain["dn"]

    def sid(self, dn):
        return sid_text(self.db.search(dn, ldb.SCOPE_BASE, attrs=["objectSid"])[0]["objectSid"][0])

    def find(self, name):
        found = self.db.search(self.domain["dn"], ldb.SCOPE_SUBTREE, f"(|(sAMAccountName={name})(cn={name}))", attrs=[])
        return str(found[0].dn) if found else None

    def modify(self, dn, attribute, value, how=ldb.FLAG_MOD_REPLACE):
        message = ldb.Message(ldb.Dn(self.db, dn))
        message[attribute] = ldb.MessageElement(value, how, attribute)
        self.db.modify(message)

    def member(self, group, member):
        self.modify(f"{group},{self.domain['dn']}", "member", member, ldb.FLAG_MOD_ADD)

    def remove(self, dn):
        """Removes what an earlier run made, with everything below; nothing is fine too."""
        try:
            self.db.delete(dn, ["tree_delete:1"])
        except ldb.LdbError as error:
            if error.args[0] != ldb.ERR_NO_SUCH_OBJECT:
                raise

    def group_elsewhere(self):
        """The domain-local group of the other domain; its SID."""
        dn = f"CN={causes.OTHER_GROUP},OU=Services,{self.domain['dn']}"
        self.remove(dn)
        self.db.add({"dn": dn, "objectClass": "group", "sAMAccountName": causes.OTHER_GROUP,
                     "groupType": causes.DOMAIN_LOCAL})
        return self.sid(dn)

    def everything(self):
        """Entries of units come last, so that blocked inheritance keeps them out."""
        self.remove(self.unit(causes.ROOT))
        for path in causes.UNITS:
            self.db.add({"dn": self.unit(path), "objectClass": "organizationalUnit"})
        add_entries(self.db, self.unit(causes.CLOSED), [], self.domain["sid"], protect=True)
        for name in causes.SERVICES:
            self.service(name)
        for case in (*causes.CASES, causes.TWIN):
            if case.unit:
                self.person(case)
        for name, kind, members, within in causes.GROUPS:
            dn = self.dn(name, causes.ACCOUNTS)
            self.db.add({"dn": dn, "objectClass": "group", "sAMAccountName": name, "groupType": kind,
                         "member": [self.find(member) for member in members]})
            self.known[name] = self.sid(dn)
            if within:
                self.member(within, dn)
        self.known |= {name: self.sid(dn) for name in causes.READERS if (dn := self.find(name))}
        for case in causes.CASES:
            if case.unit:
                self.descriptor(case)
        for path, kind in ((causes.GRANTED, "OA"), (causes.DENIED, "OD")):
            entry = f"({kind};CIIO;CR;{SEND_AS};{causes.CLASS_USER};{self.known['GoodSend']})"
            add_entries(self.db, self.unit(path), [entry], self.domain["sid"])

    def service(self, name):
        """A service account; GoodOld is made, deleted and made again."""
        dn, address = self.dn(name, causes.ACCOUNTS), f"{name.lower()}@{self.domain['name']}"
        entry = {"dn": dn, "objectClass": "user", "sAMAccountName": name, "userPrincipalName": address, "mail": address,
                 "userAccountControl": NEVER_EXPIRES, "unicodePwd": f'"{PASSWORD}"'.encode("utf-16-le")}
        self.db.add(entry)
        if name == "GoodOld":
            self.known["GoodOld before"] = self.sid(dn)
            self.db.delete(dn)
            self.db.add(entry)
        self.known[name] = self.sid(dn)
        for group in causes.SERVICES[name]:
            self.member(group, dn)

    def person(self, case):
        domain, dn = self.domain, self.dn(case.name, case.unit)
        address, server = f"{case.name}@{domain['name']}", domain["exchange_servers"][0]
        entry = {"dn": dn, "objectClass": case.object_class, "sn": case.name, "sAMAccountName": self.logon(case),
                 "userPrincipalName": address, "mail": address, "displayName": case.words[:250],
                 "userAccountControl": DISABLED if case.disabled else ENABLED_NO_PASSWORD}
        if case.mailbox:
            entry |= {"mailNickname": case.name, "msExchHomeServerName": people.home_server(server),
                      "legacyExchangeDN": f"/o=Lab/ou=Exchange/cn=Recipients/cn={case.name}",
                      "homeMDB": f"CN={people.STORE} ({server}),CN={server},CN=Exchange,{domain['dn']}",
                      "msExchMailboxGuid": uuid.uuid5(uuid.NAMESPACE_DNS, address).bytes_le,
                      "proxyAddresses": [f"SMTP:{address}"]}
        for attribute, value in case.attributes.items():
            if attribute == "msExchMasterAccountSid":
                entry[attribute] = ndr_pack(security.dom_sid(value))
            elif attribute == "proxyAddresses":
                entry[attribute] = [*entry[attribute], value]
            elif attribute != "adminCount" or case.cause != "protected":
                # The propagator itself marks those whom it protects.
                entry[attribute] = value
        self.db.add(entry)
        for group in case.groups:
            self.member(group, dn)
        if case.primary:
            self.modify(dn, "primaryGroupID", str(case.primary))

    @staticmethod
    def logon(case):
        """sAMAccountName holds 20 characters."""
        return case.name.removeprefix("cause-")[:20]

    def named(self, texts):
        return [text.format_map(self.known) for text in texts]

    def descriptor(self, case):
        dn = self.dn(case.name, case.unit)
        if case.entries or (case.blocked and case.cause != "protected"):
            add_entries(self.db, dn, self.named(case.entries), self.domain["sid"], protect=case.blocked)
        if case.raw:
            # Before everything else, in their own order.
            sddl = "D:AI" + "".join(self.named(case.raw)) + "".join(entries(read(self.db, dn)))
            write(self.db, dn, security.descriptor.from_sddl(sddl, security.dom_sid(self.domain["sid"])))

        if case.conditional:
            add_conditional(self.db, dn, *self.named([case.conditional]), self.domain["sid"])

    def place(self, case, at):
        return {"": "", "self": self.dn(case.name, case.unit)}.get(at) or (self.unit(at) if at else "")

    def case(self, case):
        """One case as causes.json has it."""
        asked = case.asked or f"{case.name}@{self.domain['name']}"
        dn = self.dn(case.name, case.unit) if case.unit else ""
        return {"name": case.name, "asked": asked, "dn": dn, "sid": self.sid(dn) if dn else "",
                "upn": f"{case.name}@{self.domain['name']}" if dn else "",
                "account": f"{self.domain['netbios']}\\{case.account}", "account_upn": f"{case.account.lower()}@{self.domain['name']}",
                "account_sid": self.known[case.account], "verdict": case.verdict, "cause": case.cause, "words": case.words,
                "at": self.place(case, case.at), "granted": case.granted, "blocked": case.blocked,
                "attributes": case.attributes, "object_class": case.object_class, "disabled": case.disabled,
                "mailbox": case.mailbox, "entries": self.named((*case.raw, *case.entries)), "primary": case.primary}

    def describe(self):
        return {"domain": self.domain["letter"], "unit": self.unit(causes.ROOT), "granted_unit": self.unit(causes.GRANTED),
                "former_sid": self.known["GoodOld before"], "ambiguous": sorted(
                    self.dn(name, causes.GRANTED) for name in ("cause-twice", causes.TWIN.name)),
                "cases": [self.case(case) for case in causes.CASES]}
