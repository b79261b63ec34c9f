#!/usr/bin/python3 -B
"""Makes up questions about extended rights, for our evaluator and for access_oracle.py to answer.

  access_cases.py SEED COUNT [--translated]

prints COUNT JSON lines, the same ones for the same seed. With --translated each question has a second descriptor,
"samba", put so that Samba's routine means by it what Sendgate means by the first, where Sendgate differs on purpose:
conditional entries that deny are put as plain ones and those that allow are left out, GENERIC_ALL in a deny is put as
the rights that it stands for, and entries that allow to a SID that the token holds only perhaps are left out. On
translated questions both must give the same answers, every one; on untranslated ones wherever "differs" is empty.
Descriptors are packed here by hand (MS-DTYP 2.4.6) and use nothing of Samba's or of ours.

A token is made as a logon makes one: the account, its SID history, and every group that it reaches through a random
graph of memberships, over any number of levels and with cycles. What it reaches only over a membership that is not
certain is in "uncertain".
"""

import base64
import json
import random
import struct
import sys
import uuid

DOMAIN = "S-1-5-21-1111111111-2222222222-3333333333-"
ELSEWHERE = "S-1-5-21-1111111111-2222222222-3333333334-"
ACCOUNT, STRANGER, OWN = (DOMAIN + rid for rid in ("1104", "1300", "1500"))
FORMER = ELSEWHERE + "1104"
EVERYONE, AUTHENTICATED, NETWORK, SELF = "S-1-1-0", "S-1-5-11", "S-1-5-2", "S-1-5-10"
GROUPS = [DOMAIN + str(1200 + number) for number in range(16)] + [ELSEWHERE + str(1200 + number) for number in range(6)] + [
    "S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-554"]
# Like others but for their length: the longest that there may be, one that ends early, one that goes on.
ODD = ["S-1-5-21" + "-7" * 14, DOMAIN.rstrip("-"), ACCOUNT + "-0", "S-1-5", "S-1-281474976710655-1"]
SIDS = [ACCOUNT, STRANGER, OWN, FORMER, EVERYONE, AUTHENTICATED, NETWORK, SELF, *GROUPS, *ODD]

SEND_AS, SEND_TO, RECEIVE_AS, CHANGE_PASSWORD, RESET_PASSWORD = RIGHTS = [
    "ab721a54-1e2f-11d0-9819-00aa0040529b",
    "ab721a55-1e2f-11d0-9819-00aa0040529b",
    "ab721a56-1e2f-11d0-9819-00aa0040529b",
    "ab721a53-1e2f-11d0-9819-00aa0040529b",
    "00299570-246d-11d0-a768-00aa006e0529",
]
CLASSES = [None, None, "bf967aba-0de6-11d0-a285-00aa003049e2", "4828cc14-1437-45bc-9b07-ad6f015e5f28"]

CONTROL_ACCESS, GENERIC_ALL = 0x100, 0x10000000
MASKS = [CONTROL_ACCESS] * 6 + [0xF01FF, 0xF01FF, 0x110, 0x30, 0x0, 0x20094, GENERIC_ALL, GENERIC_ALL | CONTROL_ACCESS,
                                0x20000000, 0x80000000, 0xFFFFFFFF]

ALLOW, DENY, AUDIT, ALLOW_OBJECT, DENY_OBJECT = 0, 1, 2, 5, 6
CALLBACK = {9: ALLOW, 10: DENY, 11: ALLOW_OBJECT, 12: DENY_OBJECT}
UNKNOWN = [4, 0x11, 0x7F]
TYPES = [ALLOW] * 4 + [DENY] * 3 + [ALLOW_OBJECT] * 8 + [DENY_OBJECT] * 4 + [AUDIT]
INHERIT_ONLY = 8
FLAGS = [0] * 8 + [0x10] * 4 + [2, 0x12, 2 | INHERIT_ONLY, 0x12 | INHERIT_ONLY, INHERIT_ONLY]

DACL_PRESENT, SACL_PRESENT, SELF_RELATIVE = 0x4, 0x10, 0x8000


def pack_sid(text):
    authority, *subs = (int(part) for part in text.split("-")[2:])
    head = struct.pack(">BBHI", 1, len(subs), authority >> 32, authority & 0xFFFFFFFF)
    return head + struct.pack(f"<{len(subs)}I", *subs)


def pack_ace(ace):
    body = b""
    if ace["kind"] in UNKNOWN:
        body = bytes(ace["noise"])
    else:
        body = struct.pack("<I", ace["mask"])
        if ace["kind"] in (ALLOW_OBJECT, DENY_OBJECT, 11, 12):
            guids = [ace["right"], ace["class"]]
            body += struct.pack("<I", sum(bit for bit, guid in zip((1, 2), guids) if guid))
            body += b"".join(uuid.UUID(guid).bytes_le for guid in guids if guid)
        body += pack_sid(ace["sid"])
        if ace["kind"] in CALLBACK:
            body += b"artx\0\0\0\0"
    return struct.pack("<BBH", ace["kind"], ace["flags"], 4 + len(body)) + body


def pack_acl(aces):
    body = b"".join(pack_ace(ace) for ace in aces)
    return struct.pack("<BBHHH", 4, 0, 8 + len(body), len(aces), 0) + body


def pack(case, aces):
    """The parts in the case's own order, and with gaps."""
    parts = {"owner": pack_sid(GROUPS[0]) if case["owner"] else None,
             "group": pack_sid(EVERYONE) if case["group"] else None,
             "sacl": pack_acl(case["sacl"]) if case["sacl"] is not None else None,
             "dacl": pack_acl(aces) if case["dacl"] == "list" else None}
    control = SELF_RELATIVE | (SACL_PRESENT if case["sacl"] is not None else 0)
    control |= 0 if case["dacl"] == "absent" else DACL_PRESENT
    offsets, body = {name: 0 for name in parts}, b""
    for name in case["order"]:
        if parts[name] is not None:
            body += b"\0" * case["gap"]
            offsets[name] = 20 + len(body)
            body += parts[name]
    return struct.pack("<BBHIIII", 1, 0, control, *offsets.values()) + body


def reached(edges, start):
    """All that can be reached from these over the edges, themselves included."""
    seen, left = set(), list(start)
    while left:
        here = left.pop()
        if here not in seen:
            seen.add(here)
            left.extend(edges.get(here, ()))
    return seen


def make_token(dice):
    """The SIDs that are held for certain, and those that perhaps are."""
    certain, all_edges = {}, {}
    for member in [ACCOUNT, *GROUPS]:
        for group in dice.sample(GROUPS, dice.randrange(1, 5) if member == ACCOUNT else dice.randrange(3)):
            all_edges.setdefault(member, []).append(group)
            if dice.random() < 0.8:
                certain.setdefault(member, []).append(group)
    start = [sid for sid, odds in ((ACCOUNT, 0.95), (FORMER, 0.2), (EVERYONE, 0.9), (AUTHENTICATED, 0.9), (NETWORK, 0.9),
                                   (OWN, 0.1), (dice.choice(ODD), 0.2)) if dice.random() < odds]
    held = reached(certain, start)
    perhaps = reached(all_edges, start) - held
    # Few questions of the many have uncertain ones at all: those must not drown what can be compared as it is.
    return sorted(held), sorted(perhaps) if dice.random() < 0.4 else []


def make_ace(dice, known):
    kind = dice.choice(TYPES)
    if dice.random() < 0.08:
        kind = dice.choice(list(CALLBACK))
    elif dice.random() < 0.03:
        kind = dice.choice(UNKNOWN)
    return {"kind": kind, "flags": dice.choice(FLAGS), "mask": dice.choice(MASKS),
            "sid": dice.choice(known if known and dice.random() < 0.4 else SIDS),
            "right": dice.choice([None, None, SEND_AS, SEND_AS, SEND_AS, *RIGHTS, str(uuid.UUID(int=0))]),
            "class": dice.choice(CLASSES), "noise": [dice.randrange(256) for _ in range(4 * dice.randrange(5))]}


def make(dice):
    order = ["owner", "group", "sacl", "dacl"]
    dice.shuffle(order)
    token, uncertain = make_token(dice)
    known = [*token, *uncertain]
    audit = [{**make_ace(dice, known), "kind": AUDIT} for _ in range(dice.randrange(3))]
    entries = dice.randrange(9) if dice.random() < 0.9 else dice.randrange(40)
    return {"order": order, "gap": dice.choice([0, 0, 4]), "owner": dice.random() < 0.5, "group": dice.random() < 0.3,
            "sacl": audit if dice.random() < 0.3 else None, "dacl": dice.choice(["list"] * 30 + ["absent", "null"]),
            "aces": [make_ace(dice, known) for _ in range(entries)], "token": token, "uncertain": uncertain,
            "right": dice.choice([SEND_AS] * 4 + RIGHTS)}


def translated(case):
    """The entries as Samba's routine must see them to mean what Sendgate means."""
    for ace in case["aces"]:
        kind = CALLBACK.get(ace["kind"], ace["kind"])
        denies = kind in (DENY, DENY_OBJECT)
        if kind in UNKNOWN or (ace["kind"] in CALLBACK and not denies):
            continue
        if not denies and (OWN if ace["sid"] == SELF else ace["sid"]) in case["uncertain"]:
            continue
        mapped = CONTROL_ACCESS if denies and ace["mask"] & GENERIC_ALL else 0
        yield {**ace, "kind": kind, "mask": ace["mask"] | mapped}


def differs(case):
    """What in a case Sendgate decides otherwise on purpose."""
    kinds = {ace["kind"] for ace in case["aces"]}
    unmapped = any(ace["mask"] & GENERIC_ALL and not ace["mask"] & CONTROL_ACCESS for ace in case["aces"])
    reasons = {"unmapped generic bits": unmapped, "callback entries": bool(kinds & set(CALLBACK)),
               "unknown types": bool(kinds & set(UNKNOWN)), "absent DACL": case["dacl"] == "absent",
               "uncertain memberships": bool(case["uncertain"])}
    return [reason for reason, there in reasons.items() if there]


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["--translated"]):
        sys.exit(__doc__)
    dice = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        case = make(dice)
        packed = {"sd": case["aces"]}
        if len(sys.argv) == 4:
            packed["samba"] = list(translated(case))
        question = {name: base64.b64encode(pack(case, aces)).decode() for name, aces in packed.items()}
        question |= {"token": case["token"], "uncertain": case["uncertain"], "self": OWN, "right": case["right"],
                     "differs": differs(case)}
        print(json.dumps(question))


if __name__ == "__main__":
    main()
