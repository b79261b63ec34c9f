#!/usr/bin/python3 -B
"""Answers questions about extended rights with Samba's own access check: the oracle for our evaluator.

Standard input:  JSON lines {"sd": base64|null, "sddl": text|null, "token": [SID], "self": SID, "right": GUID|"send-as"},
                 and perhaps "samba": base64, the descriptor to judge in the place of "sd", and "uncertain": [SID], which
                 Samba's routine takes as held
Standard output: JSON lines {"granted": bool}, or {"error": text} where Samba cannot read the question.

"sddl" is used where "sd" is absent; its domain-relative aliases stand for accounts of the domain of "self". No server
runs, nothing is written.
"""

import base64
import json
import sys

from samba.dcerpc import security
from samba.ndr import ndr_pack

from samba_access import SEND_AS, has_right


def descriptor(question):
    """The binary descriptor of a question."""
    packed = question.get("samba") or question.get("sd")
    if packed is not None:
        return base64.b64decode(packed, validate=True)
    domain, _, _ = question["self"].rpartition("-")
    return ndr_pack(security.descriptor.from_sddl(question["sddl"], security.dom_sid(domain)))


def granted(question):
    """Whether Samba lets the token use the right on the object."""
    right = SEND_AS if question["right"] == "send-as" else question["right"]
    token = [*question["token"], *question.get("uncertain", [])]
    return has_right(descriptor(question), token, question["self"], right)


def main():
    """One answer for each line, in order."""
    for line in sys.stdin:
        try:
            answer = {"granted": granted(json.loads(line))}
        except Exception as problem:  # every line gets its answer
            answer = {"error": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
