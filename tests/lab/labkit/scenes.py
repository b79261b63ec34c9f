"""Causes that no population holds: they last while something is wrong, or no directory server takes them over LDAP.

Each is a user of its own in OU=Scenes of domain a, and something that is done to the running lab.
"""

from dataclasses import dataclass

import ldb
from samba.dcerpc import security
from samba.ndr import ndr_pack

from .causes import ALLOW, Case, COVERED
from .causes_write import Writer
from .descriptors import add_entries, read

ROOT = "Scenes"
# One that is made again while the coordinator looks, and one that nobody ever made.
AGAIN, NOBODY = "GoodAgain", "GoodNobody"
# No list has this revision (MS-DTYP 2.4.5).
UNKNOWN_REVISION = 9


@dataclass
class Scene:
    """A user, what is done (`lab` commands, or a step of the program `scenes`), and what puts it right again."""

    case: Case
    does: tuple = ()
    undoes: tuple = ()


def user(name, verdict, cause, words, **more):
    return Case(name, verdict, cause, words, unit=ROOT, granted=None, **more)


# In this order: what is put right again comes last, for servers need a while to be back.
SCENES = (
    Scene(user("cause-null", "cannot tell", "null-dacl", "his list is null")),
    Scene(user("cause-garbled", "unreadable", "not-understood", "his list has a revision that does not exist")),
    Scene(user("cause-no-account", "cannot tell", "token-unknown", "his service account does not exist", account=NOBODY)),
    Scene(user("cause-again", "missing", "former-account", "his service account was made again", account=AGAIN,
               entries=(ALLOW.replace("GoodSend", AGAIN),)), does=(("scenes", "remake"),)),
    Scene(user("cause-differs", "replicating", "servers-differ", "a1 has the entry, a2 not yet"),
          does=(("lab", "part", "a1", "a2"), ("scenes", "grant")), undoes=(("lab", "heal"),)),
    Scene(user("cause-server", "unreadable", "server-failed", "a2 does not answer", entries=(ALLOW,)),
          does=(("lab", "stop", "a2"),), undoes=(("lab", "start", "a2"),)),
)


class Stage(Writer):
    """Writes them, as the administrator on the first server."""

    def dress(self):
        """The users and their accounts, as they are before anything is done."""
        self.remove(self.unit(ROOT))
        self.db.add({"dn": self.unit(ROOT), "objectClass": "organizationalUnit"})
        self.known["GoodSend"] = self.sid(self.find("GoodSend"))
        self.account()
        for scene in SCENES:
            self.person(scene.case)
            self.descriptor(scene.case)

    def account(self):
        dn = self.dn(AGAIN, ROOT)
        self.db.add({"dn": dn, "objectClass": "user", "sAMAccountName": AGAIN,
                     "userPrincipalName": f"{AGAIN.lower()}@{self.domain['name']}", "userAccountControl": "514"})
        self.known[AGAIN] = self.sid(dn)

    def remake(self):
        self.remove(self.dn(AGAIN, ROOT))
        self.account()

    def grant(self):
        self.known["GoodSend"] = self.sid(self.find("GoodSend"))
        add_entries(self.db, self.dn("cause-differs", ROOT), self.named([ALLOW]), self.domain["sid"])

    def case(self, case):
        """One as the document's writer needs it."""
        return {"name": case.name, "asked": f"{case.name}@{self.domain['name']}", "account": case.account,
                "verdict": case.verdict, "cause": case.cause, "before": COVERED if case.entries else ""}


def strange(db, dn):
    """The two descriptors that no server takes: nothing but bytes, so they are put into its database."""
    null = security.descriptor()
    null.type = security.SEC_DESC_SELF_RELATIVE | security.SEC_DESC_DACL_PRESENT
    garbled = read(db, dn("cause-garbled"))
    acl = garbled.dacl
    acl.revision = UNKNOWN_REVISION
    garbled.dacl = acl
    return {dn("cause-null"): ndr_pack(null), dn("cause-garbled"): ndr_pack(garbled)}


def put(file, descriptors):
    """Past the directory server, which goes on running."""
    db = ldb.Ldb()
    db.connect(f"tdb://{file}", flags=ldb.FLG_DONT_CREATE_DB)
    for dn, descriptor in descriptors.items():
        message = ldb.Message(ldb.Dn(db, dn))
        message["nTSecurityDescriptor"] = ldb.MessageElement(descriptor, ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
        db.modify(message)
