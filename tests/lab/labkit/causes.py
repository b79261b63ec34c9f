"""A user for every cause of a verdict, all in OU=Causes of domain a. Values only; the program `causes` writes them.

    OU=Causes                      nothing is granted here
      OU=Accounts                  service accounts and groups of these cases
      OU=Ungranted
      OU=Granted                   Send As for GoodSend, onto users
        OU=Closed                  inheritance blocked: the entry of OU=Granted does not pass
        OU=Denied                  Send As denied to GoodSend, onto users
"""

from dataclasses import dataclass, field

from .layout import SEND_AS

LETTER = "a"
ROOT = "Causes"
ACCOUNTS = f"Accounts/{ROOT}"
UNGRANTED, GRANTED = f"Ungranted/{ROOT}", f"Granted/{ROOT}"
CLOSED, DENIED = f"Closed/{GRANTED}", f"Denied/{GRANTED}"
UNITS = (ROOT, ACCOUNTS, UNGRANTED, GRANTED, CLOSED, DENIED)

RECEIVE_AS = "ab721a56-1e2f-11d0-9819-00aa0040529b"
CLASS_USER = "bf967aba-0de6-11d0-a285-00aa003049e2"
# An account of a forest that is not here: it owns the linked mailbox.
FOREIGN_OWNER = "S-1-5-21-1111111111-2222222222-333333333-1105"
USERS_GROUP = "S-1-5-32-545"

GLOBAL, DOMAIN_LOCAL, DISTRIBUTION = "-2147483646", "-2147483644", "2"
# Group, its type, its members (accounts, groups or users of this file), and the group of the domain that it is in.
GROUPS = (
    ("Senders Inner", GLOBAL, ("GoodSend",), None),
    ("Senders", GLOBAL, ("Senders Inner",), None),
    ("Senders Denied", GLOBAL, ("GoodSend",), None),
    ("Crew Inner", GLOBAL, ("cause-protected-nested",), None),
    ("Crew", GLOBAL, ("Crew Inner",), "CN=Server Operators,CN=Builtin"),
    ("Crew Mail", DISTRIBUTION, ("cause-protected-distribution",), "CN=Backup Operators,CN=Builtin"),
)
# In domain b, where the account is not known: what it allows is worth nothing in a.
OTHER_GROUP = "Senders Elsewhere"
# Service account and the groups of the domain that it is in. GoodAdmin is left alone: others count its groups.
SERVICES = {
    "GoodSend": (),
    "GoodOld": (),
    "GoodOps": ("CN=Account Operators,CN=Builtin",),
    "GoodChief": ("CN=Domain Admins,CN=Users",),
}
# Who must not be shown the descriptor of the unreadable user: every account that might run a survey.
READERS = ("sgsurvey", "sendgate", "sendgate-read", "sendgate-grant")

COVERED, MISSING, UNREADABLE = "covered", "missing", "unreadable"
DENY, UNRESOLVED, CANNOT_TELL = "denied", "unresolved", "cannot tell"
ALLOW = f"(OA;;CR;{SEND_AS};;{{GoodSend}})"


@dataclass
class Case:
    """A user, or only a name, and what a survey has to say of it.

    `entries` are explicit entries of the user at their canonical place, `raw` ones before all others; names in braces
    stand for SIDs. `conditional` is one that is stored as an entry with a condition. `at` is the unit (or the user, "self") that is to blame. `granted` is what Samba's own access check
    says of the account, None where it is not asked.
    """

    name: str
    verdict: str
    cause: str
    words: str
    unit: str = GRANTED
    granted: bool = False
    account: str = "GoodSend"
    entries: tuple = ()
    raw: tuple = ()
    conditional: str = ""
    blocked: bool = False
    at: str = ""
    attributes: dict = field(default_factory=dict)
    object_class: str = "user"
    disabled: bool = False
    mailbox: bool = True
    groups: tuple = ()
    primary: int = 0
    # The name that a roster holds, where it is not the mail address; and objects that it is not about.
    asked: str = ""


def protected(name, words, **more):
    return Case(f"cause-protected-{name}", MISSING, "protected", words, blocked=True, attributes={"adminCount": "1"}, **more)


CASES = (
    Case("cause-covered", COVERED, "granted", "covered by the entry of OU=Granted", granted=True, at=GRANTED),
    Case("cause-covered-own", COVERED, "granted", "covered by an entry of his own", UNGRANTED, True, entries=(ALLOW,),
         at="self"),
    Case("cause-covered-group", COVERED, "granted", "covered through a nested group", UNGRANTED, True,
         entries=(f"(OA;;CR;{SEND_AS};;{{Senders}})",), at="self"),
    Case("cause-covered-blanket", COVERED, "granted", "covered by an entry for all extended rights", UNGRANTED, True,
         entries=("(A;;CR;;;{GoodSend})",), at="self"),
    Case("cause-covered-full", COVERED, "granted", "covered by full control", UNGRANTED, True,
         entries=("(A;;GA;;;{GoodSend})",), at="self"),
    Case("cause-covered-override", COVERED, "granted", "his own entry stands before the inherited deny", DENIED, True,
         entries=(ALLOW,), at="self"),
    Case("cause-covered-first", COVERED, "granted", "a list out of order: an allow stands before the deny", UNGRANTED, True,
         raw=(ALLOW, f"(OD;;CR;{SEND_AS};;{{GoodSend}})"), at="self"),
    Case("cause-everybody", COVERED, "granted", "covered, and so is everybody who has logged on: worth a warning", UNGRANTED,
         True, entries=(f"(OA;;CR;{SEND_AS};;AU)",), at="self"),
    Case("cause-operators", COVERED, "granted", "covered only because GoodOps is in Account Operators: worth a warning",
         UNGRANTED, True, account="GoodOps"),
    Case("cause-chief", COVERED, "granted", "covered only because GoodChief is in Domain Admins: worth a warning", UNGRANTED,
         True, account="GoodChief"),

    Case("cause-none", MISSING, "no-entry", "no entry reaches the user", UNGRANTED),
    Case("cause-other-right", MISSING, "no-entry", "an entry for the neighbouring right Receive As only", UNGRANTED,
         entries=(f"(OA;;CR;{RECEIVE_AS};;{{GoodSend}})",), at="self"),
    Case("cause-inherit-only", MISSING, "no-entry", "the form of a container's entry stands on the user himself", UNGRANTED,
         entries=(f"(OA;CIIO;CR;{SEND_AS};{CLASS_USER};{{GoodSend}})",), at="self"),
    Case("cause-out-of-order", MISSING, "no-entry", "no entry, and a list out of order: a grant here is refused", UNGRANTED,
         raw=("(A;;RP;;;{GoodSend})", f"(OD;;CR;{RECEIVE_AS};;{{GoodSend}})"), at="self"),
    Case("cause-blocked-user", MISSING, "inheritance-blocked", "inheritance is blocked at the user", blocked=True, at="self"),
    Case("cause-blocked-unit", MISSING, "inheritance-blocked", "inheritance is blocked at a unit above", CLOSED, at=CLOSED),
    Case("cause-inetorgperson", MISSING, "not-for-class", "the entry of OU=Granted is for users, not for inetOrgPersons",
         object_class="inetOrgPerson", at=GRANTED),
    Case("cause-uncertain-builtin", MISSING, "uncertain-group", "only through BUILTIN\\Users of the domain controllers, which is "
         "another group on the Exchange server", UNGRANTED, True, entries=(f"(OA;;CR;{SEND_AS};;{USERS_GROUP})",), at="self"),
    Case("cause-uncertain-elsewhere", MISSING, "no-entry", "only through a domain-local group of domain b, whose members cannot "
         "be told here (uncertain-group would be right, too)", UNGRANTED,
         entries=(f"(OA;;CR;{SEND_AS};;{{{OTHER_GROUP}}})",), at="self"),
    Case("cause-conditional", MISSING, "conditional", "only by an entry with a condition, which cannot be decided here",
         UNGRANTED, conditional="(A;;CR;;;{GoodSend})", at="self"),
    Case("cause-former", MISSING, "former-account", "the entry names the SID that GoodOld had before it was made again",
         UNGRANTED, account="GoodOld", entries=(f"(OA;;CR;{SEND_AS};;{{GoodOld before}})",), at="self"),
    Case("cause-stale", MISSING, "stale-admin-count", "adminCount is 1 and inheritance blocked, though he is in no protected group",
         blocked=True, attributes={"adminCount": "1"}, at="self"),
    protected("direct", "in Print Operators; dSHeuristics may exempt that group", groups=("CN=Print Operators,CN=Builtin",)),
    protected("nested", "in Crew Inner in Crew in Server Operators"),
    protected("distribution", "in the distribution group Crew Mail, which is in Backup Operators"),
    protected("primary", "Domain Admins is his primary group", groups=("CN=Domain Admins,CN=Users",), primary=512),

    Case("cause-denied", DENY, "denied-by-entry", "denied to the account itself, allowed by nothing", UNGRANTED,
         entries=(f"(OD;;CR;{SEND_AS};;{{GoodSend}})",), at="self"),
    Case("cause-denied-group", DENY, "denied-by-entry", "denied to a group of the account, though OU=Granted allows",
         entries=(f"(OD;;CR;{SEND_AS};;{{Senders Denied}})",), at="self"),
    Case("cause-denied-explicit", DENY, "denied-by-entry", "denied by an entry of his own, though OU=Granted allows",
         entries=(f"(OD;;CR;{SEND_AS};;{{GoodSend}})",), at="self"),
    Case("cause-denied-blanket", DENY, "denied-by-entry", "all extended rights are denied to the account",
         entries=("(D;;CR;;;{GoodSend})",), at="self"),
    Case("cause-denied-unit", DENY, "denied-by-entry", "denied by an entry inherited from OU=Denied", DENIED, at=DENIED),
    Case("cause-denied-uncertain", DENY, "denied-by-entry", "denied to BUILTIN\\Users: uncertain membership denies",
         entries=(f"(OD;;CR;{SEND_AS};;{USERS_GROUP})",), at="self"),

    Case("cause-unreadable", UNREADABLE, "not-shown", "his descriptor is not shown to the accounts that survey", granted=None,
         entries=tuple(f"(D;;RC;;;{{{name}}})" for name in READERS), at="self"),
    Case("cause-nobody", UNRESOLVED, "not-found", "a name that nobody has", unit="", granted=None,
         asked="cause-nobody@a.example.test"),
    Case("cause-twice", UNRESOLVED, "ambiguous", "an address that two users have", granted=None,
         attributes={"proxyAddresses": "smtp:cause-both@a.example.test"}, asked="cause-both@a.example.test"),
    Case("cause-linked", CANNOT_TELL, "linked", "a linked mailbox: its owner is an account of another forest", granted=None,
         disabled=True, attributes={"msExchMasterAccountSid": FOREIGN_OWNER}),
    Case("cause-disabled", CANNOT_TELL, "disabled", "disabled, and no other account owns the mailbox", granted=None,
         disabled=True),
    Case("cause-no-mailbox", CANNOT_TELL, "no-mailbox", "a user without a mailbox", granted=None, mailbox=False),
)
# The second user of the address that two have: nobody asks for him by himself.
TWIN = Case("cause-twin", COVERED, "granted", "the other one of two", granted=True,
            attributes={"proxyAddresses": "smtp:cause-both@a.example.test"})
