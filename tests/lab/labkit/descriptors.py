"""Reading and writing DACLs with Samba's own types, for the population and for the propagator."""

import re

import ldb
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack

# SD flags control (MS-ADTS 3.1.1.3.4.1.11) with DACL_SECURITY_INFORMATION alone.
DACL_ONLY = ["sd_flags:1:4"]
# Types of entries with a condition (MS-DTYP 2.4.4.1), which this Samba has no names for.
CALLBACK = {security.SEC_ACE_TYPE_ACCESS_ALLOWED: 9, security.SEC_ACE_TYPE_ACCESS_DENIED: 10}


def read(db, dn):
    """The object's descriptor, of which only the DACL is shown."""
    found = db.search(dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"], controls=DACL_ONLY)
    if "nTSecurityDescriptor" not in found[0]:
        raise LookupError(f"the security descriptor of {dn} was not shown")
    return ndr_unpack(security.descriptor, found[0]["nTSecurityDescriptor"][0])


def write(db, dn, descriptor):
    message = ldb.Message(ldb.Dn(db, str(dn)))
    message["nTSecurityDescriptor"] = ldb.MessageElement(
        ndr_pack(descriptor), ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor"
    )
    db.modify(message, controls=DACL_ONLY)


def entries(descriptor):
    """The SDDL text of each entry of the DACL, in stored order."""
    sddl = descriptor.as_sddl()
    return re.findall(r"\([^)]*\)", sddl[sddl.index("D:") :])


def add_entries(db, dn, new, domain_sid, protect=False):
    """Adds explicit entries at their canonical place: denies first, then allows, then what is inherited.

    With `protect`, inheritance is blocked: what was inherited is kept as explicit entries, as Windows' dialog offers.
    """
    descriptor = read(db, dn)
    old = entries(descriptor)
    if protect:
        old = [_without_inherited(entry) for entry in old]
    inherited = [entry for entry in old if "ID" in _flags(entry)]
    own = [entry for entry in old if "ID" not in _flags(entry)] + new
    ordered = [entry for entry in own if _denies(entry)] + [entry for entry in own if not _denies(entry)] + inherited
    blocked = protect or descriptor.type & security.SEC_DESC_DACL_PROTECTED
    sddl = ("D:PAI" if blocked else "D:AI") + "".join(ordered)
    write(db, dn, security.descriptor.from_sddl(sddl, security.dom_sid(domain_sid)))


def add_conditional(db, dn, entry, domain_sid):
    """Puts an entry with a condition before all others. Samba 4.17 drops the condition and keeps the entry's type."""
    descriptor = read(db, dn)
    (new,) = from_entry(entry, domain_sid).dacl.aces
    new.type = CALLBACK[new.type]
    acl = descriptor.dacl
    acl.aces, acl.num_aces = [new, *acl.aces], acl.num_aces + 1
    descriptor.dacl = acl
    write(db, dn, descriptor)


def from_entry(entry, domain_sid):
    """A descriptor of this one entry: as text it is the entry as Samba spells it."""
    return security.descriptor.from_sddl(f"D:{entry}", security.dom_sid(domain_sid))


def remove_entry(db, dn, entry, domain_sid):
    """Removes the explicit entries that mean the same as this text."""
    sid = security.dom_sid(domain_sid)
    descriptor = read(db, dn)
    # As Samba itself spells it: aliases and the order of rights differ between writers.
    wanted = entries(from_entry(entry, domain_sid))[0]
    old = entries(descriptor)
    kept = [own for own in old if own != wanted]
    if kept == old:
        raise LookupError(f"{dn} has no entry {entry}")
    blocked = descriptor.type & security.SEC_DESC_DACL_PROTECTED
    write(db, dn, security.descriptor.from_sddl(("D:PAI" if blocked else "D:AI") + "".join(kept), sid))


def remove_all_of(db, dn, trustee, domain_sid):
    """Removes every explicit entry of this trustee, if there is any."""
    for entry in dict.fromkeys(entries(read(db, dn))):
        if _fields(entry)[5] == trustee and "ID" not in _flags(entry):
            remove_entry(db, dn, entry, domain_sid)


def can_write(db, dn, domain_sid):
    """Whether the connection's account may change the DACL; a change is taken back."""
    before = read(db, dn)
    try:
        add_entries(db, dn, [f"(A;;RP;;;{domain_sid}-513)"], domain_sid)
    except ldb.LdbError as error:
        if error.args[0] != ldb.ERR_INSUFFICIENT_ACCESS_RIGHTS:
            raise
        return False
    write(db, dn, before)
    return True


def _fields(entry):
    return entry.strip("()").split(";")


def _flags(entry):
    """The two-letter flags of an entry's text."""
    flags = _fields(entry)[1]
    return [flags[at : at + 2] for at in range(0, len(flags), 2)]


def _denies(entry):
    return _fields(entry)[0] in ("D", "OD")


def _without_inherited(entry):
    kind, _, rest = entry.strip("()").split(";", 2)
    return f"({kind};{''.join(flag for flag in _flags(entry) if flag != 'ID')};{rest})"
