#!/usr/bin/python3 -B
"""Stands in for AdminSDHolder's propagator (MS-ADTS 3.1.1.6.1), which Samba does not have.

  propagator.py LAB.JSON DOMAIN_LETTER SECONDS

Every SECONDS, on the domain's first server: each protected account whose DACL differs from that of AdminSDHolder gets
it, with inheritance blocked, and adminCount=1. It never takes adminCount away, as Windows does not. One line for each
pass goes to standard output.
"""

import datetime
import json
import sys
import time

import ldb
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack

from labkit import descriptors
from labkit.directory import Directory, sid_text

# Groups whose transitive members are protected, by the last part of their SID (MS-ADTS 3.1.1.6.1.2).
DOMAIN_GROUPS = (512, 517, 518, 519)
BUILTIN_GROUPS = (544, 548, 549, 550, 551, 552)
# Bits of the 16th character of dSHeuristics, a hexadecimal digit, that exempt a group (MS-ADTS 6.1.1.2.4.1.2).
EXEMPTIBLE = {548: 1, 549: 2, 550: 4, 551: 8}
# Protected themselves, but not through membership in Domain Controllers (516): servers keep their descriptors.
ALONE = (500, 502, 516)
# MS-ADTS: users and groups; a computer account that is a member keeps its descriptor.
CLASSES = ("user", "group", "inetOrgPerson")


class Snapshot:
    """All users and groups of the domain with what decides protection."""

    def __init__(self, db, base):
        self.sids, self.members, self.classes = {}, {}, {}
        # All groups, distribution groups too: the propagator follows both.
        wanted = ["objectSid", "objectClass", "member", "primaryGroupID"]
        primary = []
        for entry in db.search(base, ldb.SCOPE_SUBTREE, "(|(objectClass=user)(objectClass=group))", attrs=wanted):
            dn = str(entry.dn).lower()
            self.sids[sid_text(entry["objectSid"][0])] = dn
            self.classes[dn] = str(entry["objectClass"][-1])
            self.members[dn] = [str(member).lower() for member in entry.get("member", [])]
            if "primaryGroupID" in entry:
                primary.append((dn, str(entry["primaryGroupID"])))
        domain = {sid.rsplit("-", 1)[1]: dn for sid, dn in self.sids.items() if sid.startswith("S-1-5-21-")}
        for dn, group in primary:
            if group in domain:
                self.members[domain[group]].append(dn)

    def protected(self, domain_sid, exempt):
        """DNs of everything protected, sorted."""
        builtin = [rid for rid in BUILTIN_GROUPS if not EXEMPTIBLE.get(rid, 0) & exempt]
        roots = [f"{domain_sid}-{rid}" for rid in DOMAIN_GROUPS] + [f"S-1-5-32-{rid}" for rid in builtin]
        waiting = [self.sids[sid] for sid in roots if sid in self.sids]
        alone, through = {self.sids[sid] for rid in ALONE if (sid := f"{domain_sid}-{rid}") in self.sids}, set()
        while waiting:
            dn = waiting.pop()
            if dn in through or dn not in self.classes:
                continue
            through.add(dn)
            waiting += self.members[dn]
        return sorted(dn for dn in alone | through if self.classes[dn] in CLASSES)


def exemptions(db, base):
    """What the forest's dSHeuristics exempts, as bits."""
    where = f"CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,{base}"
    text = str(db.search(where, ldb.SCOPE_BASE, attrs=["dSHeuristics"])[0].get("dSHeuristics", ""))
    return int(text[15], 16) if len(text) > 15 else 0


def same_dacl(mine, holder):
    protected = security.SEC_DESC_DACL_PROTECTED
    return mine.type & protected and ndr_pack(mine.dacl) == ndr_pack(holder.dacl)


def one_pass(lab, domain):
    """Returns how many objects are protected, and the names of those that had to be overwritten."""
    with Directory(lab, domain, domain["administrator"], domain["servers"][0]["node"]) as directory:
        db, base = directory.db, domain["dn"]
        holder = descriptors.read(db, f"CN=AdminSDHolder,CN=System,{base}")
        holder.type |= security.SEC_DESC_DACL_PROTECTED
        stamped, protected = [], Snapshot(db, base).protected(domain["sid"], exemptions(db, base))
        for dn in protected:
            entry = db.search(dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor", "adminCount", "name"],
                              controls=descriptors.DACL_ONLY)[0]
            mine = ndr_unpack(security.descriptor, entry["nTSecurityDescriptor"][0])
            marked = str(entry.get("adminCount", "")) == "1"
            if same_dacl(mine, holder) and marked:
                continue
            descriptors.write(db, dn, holder)
            if not marked:
                message = ldb.Message(ldb.Dn(db, dn))
                message["adminCount"] = ldb.MessageElement("1", ldb.FLAG_MOD_REPLACE, "adminCount")
                db.modify(message)
            stamped.append(str(entry["name"]))
    return len(protected), stamped


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lab = json.load(file)
    domain = next(domain for domain in lab["domains"] if domain["letter"] == sys.argv[2])
    interval = float(sys.argv[3])
    following = time.monotonic()
    while True:
        stamp = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        try:
            count, stamped = one_pass(lab, domain)
            print(f"{stamp} {domain['name']} protected {count} overwritten {len(stamped)}: {', '.join(stamped)}", flush=True)
        except (ConnectionError, ValueError, ldb.LdbError) as error:
            print(f"{stamp} {domain['name']} failed: {error}", flush=True)
        # At a fixed rate, however long a pass takes.
        following = max(following + interval, time.monotonic())
        time.sleep(max(0.0, following - time.monotonic()))


if __name__ == "__main__":
    main()
