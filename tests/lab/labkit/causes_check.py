"""Reads the cases of `causes` back, by ldapsearch and Samba's own access check."""

import base64
import os
import subprocess

import samba_access
from samba.dcerpc import security
from samba.ndr import ndr_unpack

from . import descriptors

WANTED = ("objectClass", "userAccountControl", "adminCount", "primaryGroupID", "homeMDB", "mailNickname",
          "msExchMasterAccountSid", "proxyAddresses", "mail", "objectSid", "nTSecurityDescriptor")


class Reader:
    """ldapsearch as one account of a domain, on its first server."""

    def __init__(self, lab, domain, account):
        self.domain = domain
        server = domain["servers"][0]
        self.command = ["ldapsearch", "-LLL", "-x", "-o", "ldif-wrap=no", "-E", "!1.2.840.113556.1.4.801=::MAMCAQQ=",
                        "-H", f"ldaps://{server['name']}:{server['ldaps_port']}", "-D", account["upn"], "-w", account["password"]]
        self.env = {**os.environ, "LDAPTLS_CACERT": lab["ca"], "LDAPTLS_REQCERT": "demand",
                    "RES_OPTIONS": "timeout:1 attempts:1"}

    def search(self, base, scope, text, *attributes):
        """DN to attribute to values (bytes)."""
        done = subprocess.run([*self.command, "-b", base, "-s", scope, text, *attributes], env=self.env, capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise LookupError(f"ldapsearch {base} {text}: {done.stderr.strip()}")
        found, entry = {}, None
        for line in done.stdout.splitlines():
            name, colon, value = line.partition(": ")
            if name in ("dn", "dn:"):
                entry = found.setdefault(base64.b64decode(value).decode() if name == "dn:" else value, {})
            elif colon:
                raw = base64.b64decode(value) if name.endswith(":") else value.encode()
                entry.setdefault(name.rstrip(":"), []).append(raw)
        return found

    def token(self, sid):
        (dn,) = self.search(self.domain["dn"], "sub", f"(objectSid={sid})", "1.1")
        (entry,) = self.search(dn, "base", "(objectClass=*)", "tokenGroups").values()
        groups = [str(ndr_unpack(security.dom_sid, raw)) for raw in entry["tokenGroups"]]
        return [sid, *groups, *samba_access.WELL_KNOWN]


def check(lab, made):
    """Prints a line for each case; 1 when one is not as meant."""
    domain = next(domain for domain in lab["domains"] if domain["letter"] == made["domain"])
    reader, surveyor = Reader(lab, domain, domain["administrator"]), Reader(lab, domain, domain["surveyor"])
    seen = reader.search(made["unit"], "sub", "(objectClass=*)", *WANTED)
    tokens, wrong = {}, 0
    for case in made["cases"]:
        if case["account_sid"] not in tokens:
            tokens[case["account_sid"]] = reader.token(case["account_sid"])
        problems = list(of(case, seen, tokens[case["account_sid"]], domain))
        if case["cause"] == "not-shown":
            shown = surveyor.search(case["dn"], "base", "(objectClass=*)", *WANTED)[case["dn"]]
            problems += ["sgsurvey sees its descriptor"] if "nTSecurityDescriptor" in shown else []
        if case["cause"] in ("not-found", "ambiguous"):
            text = f"(|(mail={case['asked']})(userPrincipalName={case['asked']})(proxyAddresses=smtp:{case['asked']}))"
            dns = sorted(reader.search(domain["dn"], "sub", text, "1.1"))
            if dns != (made["ambiguous"] if case["cause"] == "ambiguous" else []):
                problems.append(f"the name is that of {dns}")
        print(f"{'WRONG' if problems else 'ok   '} {case['name']}: {case['verdict']}, {case['words']}"
              + "".join(f"; BUT {problem}" for problem in problems), flush=True)
        wrong += bool(problems)
    former = reader.search(domain["dn"], "sub", f"(objectSid={made['former_sid']})", "1.1")
    print(f"{'WRONG' if former else 'ok   '} the former SID of GoodOld {made['former_sid']} is nobody's")
    return 1 if wrong or former else 0


def of(case, seen, token, domain):
    """What is not as meant about one user."""
    if not case["dn"]:
        return
    entry = seen.get(case["dn"])
    if entry is None:
        yield "there is no such object"
        return
    texts = {name: [value.decode(errors="replace") for value in values] for name, values in entry.items()}
    if texts["objectClass"][-1] != case["object_class"]:
        yield f"its class is {texts['objectClass'][-1]}"
    if bool(int(texts["userAccountControl"][0]) & 2) != case["disabled"]:
        yield "it is disabled" if not case["disabled"] else "it is not disabled"
    if ("homeMDB" in entry) != case["mailbox"]:
        yield "it has a mailbox" if not case["mailbox"] else "it has no mailbox"
    if case["primary"] and texts["primaryGroupID"] != [str(case["primary"])]:
        yield f"its primary group is {texts['primaryGroupID'][0]}"
    for attribute in ("adminCount", "msExchMasterAccountSid"):
        have = texts.get(attribute, [None])[0]
        if attribute == "msExchMasterAccountSid" and have is not None:
            have = str(ndr_unpack(security.dom_sid, entry[attribute][0]))
        if have != case["attributes"].get(attribute):
            yield f"{attribute} is {have}"
    descriptor = entry.get("nTSecurityDescriptor")
    if descriptor is None:
        yield "its descriptor is not shown"
        return
    parsed = ndr_unpack(security.descriptor, descriptor[0])
    if bool(parsed.type & security.SEC_DESC_DACL_PROTECTED) != case["blocked"]:
        yield "inheritance is blocked" if not case["blocked"] else "inheritance is not blocked"
    have = descriptors.entries(parsed)
    for text in case["entries"]:
        wanted = descriptors.entries(security.descriptor.from_sddl(f"D:{text}", security.dom_sid(domain["sid"])))[0]
        if wanted not in have and "GA" not in text:
            yield f"it has no entry {wanted}"
    if case["granted"] is not None:
        granted = samba_access.has_right(descriptor[0], token, case["sid"])
        if granted != case["granted"]:
            yield f"Samba says granted={granted}"
