#!/usr/bin/python3 -B
"""Samba's own access check on one right of one object: the lab's judge, which nobody of this project wrote.

  samba_access.py LAB.JSON USER_DOMAIN USER ACCOUNT [NODE]

prints one line of JSON: whether ACCOUNT (as DOMAIN\\name) has Send As on the user, read live over LDAPS. USER is a DN,
a mail address, a legacyExchangeDN, an account name or a user principal name.
"""

import ctypes
import glob
import json
import sys

from samba.dcerpc import misc, security
from samba.ndr import ndr_unpack

SEND_AS = "ab721a54-1e2f-11d0-9819-00aa0040529b"
CONTROL_ACCESS = 0x100
NT_STATUS_OK = 0
# NT_STATUS_ACCESS_DENIED (MS-ERREF 2.3.1)
ACCESS_DENIED = 0xC0000022
# Everyone, Authenticated Users, NETWORK, This Organization: in the token of every network logon.
WELL_KNOWN = ("S-1-1-0", "S-1-5-11", "S-1-5-2", "S-1-5-15")


def _library(pattern, kind):
    found = sorted(glob.glob(f"/usr/lib/*/{pattern}"))
    if not found:
        raise FileNotFoundError(f"no {pattern} under /usr/lib: are the packages samba-libs and python3-samba there?")
    return kind(found[0])


_SECURITY = _library("samba/libsamba-security-samba4.so.0", ctypes.CDLL)
_PYTALLOC = _library("libpytalloc-util.cpython-*.so.2", ctypes.PyDLL)
_PYTALLOC._pytalloc_get_ptr.argtypes = [ctypes.py_object]
_PYTALLOC._pytalloc_get_ptr.restype = ctypes.c_void_p
_SECURITY.insert_in_object_tree.argtypes = [
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
_SECURITY.insert_in_object_tree.restype = ctypes.c_bool
_SECURITY.sec_access_check_ds.argtypes = [
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32), ctypes.c_void_p,
    ctypes.c_void_p]
_SECURITY.sec_access_check_ds.restype = ctypes.c_uint32


def _pointer(value):
    """The C structure inside one of Samba's Python objects."""
    return _PYTALLOC._pytalloc_get_ptr(value)


def has_right(descriptor, token_sids, self_sid, right=SEND_AS):
    """Whether the token has the extended right, by `sec_access_check_ds`.

    `descriptor` is a security descriptor in its binary form, `token_sids` the SIDs of the token, `self_sid` the SID of
    the object itself (SELF stands for it).
    """
    parsed = ndr_unpack(security.descriptor, descriptor)
    token = security.token()
    token.sids = [security.dom_sid(sid) for sid in token_sids]
    token.num_sids = len(token_sids)
    owner = security.dom_sid(self_sid)
    guid = misc.GUID(right)
    tree = ctypes.c_void_p()
    # Allocated under the token, and freed with it.
    if not _SECURITY.insert_in_object_tree(_pointer(token), _pointer(guid), CONTROL_ACCESS, None, ctypes.byref(tree)):
        raise MemoryError("insert_in_object_tree failed")
    granted = ctypes.c_uint32()
    status = _SECURITY.sec_access_check_ds(
        _pointer(parsed), _pointer(token), CONTROL_ACCESS, ctypes.byref(granted), tree, _pointer(owner))
    if status not in (NT_STATUS_OK, ACCESS_DENIED):
        raise RuntimeError(f"sec_access_check_ds answered {status:#010x}")
    return status == NT_STATUS_OK


def _domain(lab, name, *keys):
    for domain in lab["domains"]:
        if name.lower() in (domain[key].lower() for key in keys):
            return domain
    raise LookupError(f"the laboratory has no domain {name}")


def main():
    from labkit.directory import Directory

    if len(sys.argv) not in (5, 6):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    with open(sys.argv[1], encoding="utf-8") as file:
        lab = json.load(file)
    letter, user, account = sys.argv[2:5]
    node = sys.argv[5] if len(sys.argv) == 6 else None
    domain = _domain(lab, letter, "letter", "name")
    netbios, name = account.split("\\", 1)
    home = _domain(lab, netbios, "netbios")
    with Directory(lab, home, home["store"]) as directory:
        token = directory.token(name)
    with Directory(lab, domain, domain["store"], node) as directory:
        dn, sid, descriptor = directory.user(user)
    granted = has_right(descriptor, [*token, *WELL_KNOWN], sid)
    print(json.dumps({"granted": granted, "dn": dn, "server": directory.server}))


if __name__ == "__main__":
    try:
        main()
    except (LookupError, ConnectionError, PermissionError) as error:
        print(f"samba_access: {error}", file=sys.stderr)
        sys.exit(1)
