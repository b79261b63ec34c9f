#!/usr/bin/python3 -B
"""Random arrangements of units, inheritance, groups and orders of entries in a running lab, and what they come to.

  arrangements.py LAB.JSON SEED COUNT       (on the node `client`; everything is removed again)

Builds units and groups in domain a, COUNT users in them, and random entries on both, by LDAP. Then, for each user, one
line of JSON: what a reader sees of it (descriptor, token of an account), and whether that account could really reset
the user's password over LDAPS. Only the access control of the server decides that.
"""

import base64
import json
import random
import sys
import time
from pathlib import Path

import ldb
from samba.dcerpc import security

from labkit.descriptors import DACL_ONLY, entries, read, write
from labkit.directory import Directory, sid_text
from labkit.layout import PASSWORD, SEND_AS

RESET = "00299570-246d-11d0-a768-00aa006e0529"
CHANGE, RECEIVE_AS = "ab721a53-1e2f-11d0-9819-00aa0040529b", "ab721a56-1e2f-11d0-9819-00aa0040529b"
USER, PERSON = "bf967aba-0de6-11d0-a285-00aa003049e2", "4828cc14-1437-45bc-9b07-ad6f015e5f28"
GROUP = "bf967a9c-0de6-11d0-a285-00aa003049e2"
ROOT = "Arrangements"
UNITS, ACCOUNTS, GROUPS = 30, 6, 9
# Global, domain-local and universal security groups, and a distribution group, which is in no token.
KINDS = ("-2147483646", "-2147483646", "-2147483644", "-2147483640", "2")
# MS-ADTS 3.1.1.5.3.7: what is asked needs the control-access right on the object, whatever else it is.
MASKS = ["CR"] * 12 + ["GA", "GA", "CRWP", "CRRPWPRC", "RPWPRC", "WP", "SW", "RCWDWO", "SDDTRC"]
# Everyone, Authenticated Users, SELF, Network; and somebody unknown.
WELL_KNOWN = ["S-1-1-0", "S-1-5-11", "S-1-5-10", "S-1-5-2", "S-1-5-21-7-7-7-1234"]
# Before everything else, so that whoever builds this can go on and remove it. It is in none of the tokens.
ADMINISTRATORS = "(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;DA)"
IN_EVERY_TOKEN = ("S-1-1-0", "S-1-5-11", "S-1-5-2", "S-1-5-15")


class Arrangement:
    """What is built, and with which dice."""

    def __init__(self, db, domain, seed):
        self.db, self.domain, self.dice = db, domain, random.Random(seed)
        self.root = f"OU={ROOT},{domain['dn']}"
        self.units, self.accounts, self.groups, self.users = [self.root], [], [], []

    def sid(self, dn):
        return sid_text(self.db.search(dn, ldb.SCOPE_BASE, attrs=["objectSid"])[0]["objectSid"][0])

    def clear(self):
        try:
            self.db.delete(self.root, ["tree_delete:1"])
        except ldb.LdbError as error:
            if error.args[0] != ldb.ERR_NO_SUCH_OBJECT:
                raise

    def build(self, count):
        self.db.add({"dn": self.root, "objectClass": "organizationalUnit"})
        for number in range(UNITS):
            dn = f"OU=Unit {number},{self.dice.choice(self.units)}"
            self.db.add({"dn": dn, "objectClass": "organizationalUnit"})
            self.units.append(dn)
        for number in range(ACCOUNTS):
            dn = f"CN=arr-account{number},{self.root}"
            self.db.add({"dn": dn, "objectClass": "user", "sAMAccountName": f"arr-account{number}",
                         "userAccountControl": "66048", "unicodePwd": f'"{PASSWORD}"'.encode("utf-16-le")})
            self.accounts.append({"dn": dn, "sid": self.sid(dn), "password": PASSWORD, "name": f"arr-account{number}"})
        for number in range(GROUPS):
            self.group(number)
        for number in range(count):
            self.user(number)
        # In a random order, so that inheritance runs over what others have blocked already, and over what comes later.
        places = [*self.units, *(account["dn"] for account in self.accounts), *(user["dn"] for user in self.users)]
        places = list(dict.fromkeys(places))
        self.dice.shuffle(places)
        for dn in places:
            self.describe(dn)
        for user in self.users:
            if self.dice.random() < 0.1 and user["dn"].startswith("CN=arr-user"):
                self.move(user)

    def group(self, number):
        """Members are accounts and earlier groups, where the types let them."""
        kind, dn = KINDS[number % len(KINDS)], f"CN=arr-group{number},{self.root}"
        self.db.add({"dn": dn, "objectClass": "group", "sAMAccountName": f"arr-group{number}", "groupType": kind})
        for member in [*(account["dn"] for account in self.accounts), *(group["dn"] for group in self.groups)]:
            if self.dice.random() > 0.4:
                continue
            message = ldb.Message(ldb.Dn(self.db, dn))
            message["member"] = ldb.MessageElement(member, ldb.FLAG_MOD_ADD, "member")
            try:
                self.db.modify(message)
            except ldb.LdbError as error:
                # A global group takes no domain-local or universal one.
                if error.args[0] not in (ldb.ERR_UNWILLING_TO_PERFORM, ldb.ERR_ENTRY_ALREADY_EXISTS):
                    raise
        self.groups.append({"dn": dn, "sid": self.sid(dn)})

    def user(self, number):
        """One in twenty cases is about an account's own password."""
        account = self.dice.choice(self.accounts)
        if self.dice.random() < 0.05:
            self.users.append({**account, "account": account, "itself": True})
            return
        dn = f"CN=arr-user{number},{self.dice.choice(self.units)}"
        kind = "inetOrgPerson" if self.dice.random() < 0.2 else "user"
        self.db.add({"dn": dn, "objectClass": kind, "sn": "x", "sAMAccountName": f"arr-user{number}",
                     "userAccountControl": "544"})
        self.users.append({"dn": dn, "account": account, "itself": False})

    def move(self, user):
        target = f"{user['dn'].split(',', 1)[0]},{self.dice.choice(self.units)}"
        if target != user["dn"]:
            self.db.rename(user["dn"], target)
            user["dn"] = target

    def trustee(self):
        some = [account["sid"] for account in self.accounts] * 2 + [group["sid"] for group in self.groups] * 2
        return self.dice.choice(some + WELL_KNOWN)

    def entry(self, inheritable):
        """One entry as SDDL; on users most are for the user himself."""
        dice = self.dice
        kind = dice.choice(["A", "A", "OA", "OA", "OA", "OA", "D", "OD", "OD"])
        flags = dice.choice(["CI", "CI", "CIIO", "CIIO", "CIIO", "CINP", "CIIONP", ""] if inheritable else [""] * 6 + ["CI", "CIIO"])
        right = cls = ""
        if kind in ("OA", "OD"):
            right = dice.choice([RESET] * 7 + [SEND_AS, CHANGE, RECEIVE_AS, "", ""])
            cls = dice.choice(["", "", USER, USER, PERSON, GROUP])
        mask = dice.choice(MASKS) if not right else dice.choice(["CR"] * 9 + ["CRWP", "RP"])
        return f"({kind};{flags};{mask};{right};{cls};{self.trustee()})"

    def describe(self, dn):
        """Random explicit entries before, after or instead of those that are there; canonical order half of the time."""
        dice, container = self.dice, dn in self.units
        old = [text for text in entries(read(self.db, dn)) if "ID" not in text.split(";")[1]]
        own = [self.entry(container) for _ in range(dice.choice([0, 1, 1, 2, 3, 5]))]
        if dice.random() < 0.5:
            own.sort(key=lambda text: text[1:].split(";")[0] not in ("D", "OD"))
        kept = old if container or dice.random() < 0.7 else []
        listed = own + kept if dice.random() < 0.7 else kept + own
        head = "D:PAI" if dice.random() < 0.15 and dn != self.root else "D:AI"
        text = head + ADMINISTRATORS + "".join(listed)
        write(self.db, dn, security.descriptor.from_sddl(text, security.dom_sid(self.domain["sid"])))


def reset(db, dn):
    """Whether the connection's account may reset the password; what the server says, where it says something else."""
    message = ldb.Message(ldb.Dn(db, dn))
    message["unicodePwd"] = ldb.MessageElement(f'"{PASSWORD}"'.encode("utf-16-le"), ldb.FLAG_MOD_REPLACE, "unicodePwd")
    try:
        db.modify(message)
    except ldb.LdbError as error:
        if error.args[0] == ldb.ERR_INSUFFICIENT_ACCESS_RIGHTS:
            return False
        raise
    return True


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    lab, seed, count = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]), int(sys.argv[3])
    domain, begin = lab["domains"][0], time.monotonic()
    node = domain["servers"][0]["node"]
    with Directory(lab, domain, domain["administrator"], node) as directory:
        made = Arrangement(directory.db, domain, seed)
        made.clear()
        try:
            made.build(count)
            built = time.monotonic()
            answer(lab, domain, node, made)
        finally:
            made.clear()
    print(f"arrangements: built in {built - begin:.1f} s, asked in {time.monotonic() - built:.1f} s", file=sys.stderr)
    return 0


def answer(lab, domain, node, made):
    """A line for each case: what can be read, then what is true."""
    sessions = {account["dn"]: Directory(lab, domain, account, node) for account in made.accounts}
    # Some users here show their descriptor to administrators only.
    with Directory(lab, domain, domain["administrator"], node) as reader:
        tokens = {account["dn"]: [*reader.token(account["name"]), *IN_EVERY_TOKEN] for account in made.accounts}
        for number, user in enumerate(made.users):
            account, dn = user["account"], user["dn"]
            found = reader.db.search(dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor", "objectSid"], controls=DACL_ONLY)[0]
            live = sessions[account["dn"]].db.search("", ldb.SCOPE_BASE, attrs=["tokenGroups"])[0]["tokenGroups"]
            print(json.dumps({
                "case": number, "dn": dn, "account": account["name"], "itself": user["itself"],
                "sd": base64.b64encode(found["nTSecurityDescriptor"][0]).decode(), "self": sid_text(found["objectSid"][0]),
                "token": sorted(tokens[account["dn"]]), "live": sorted(sid_text(raw) for raw in live),
                "granted": reset(sessions[account["dn"]].db, dn)}), flush=True)


try:
    sys.exit(main())
except (LookupError, OSError, ldb.LdbError) as error:
    print(f"arrangements: {error}", file=sys.stderr)
    sys.exit(1)
