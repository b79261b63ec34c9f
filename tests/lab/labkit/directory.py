"""Reading a running directory over LDAPS, with the server's certificate verified, through Samba's client."""

import socket

import ldb
from samba.credentials import DONT_USE_KERBEROS, Credentials
from samba.dcerpc import security
from samba.ndr import ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

from .descriptors import DACL_ONLY


CONNECT_SECONDS = 2.0


class NotFound(LookupError):
    """The directory does not know the user, or knows more than one."""


class Directory:
    """A connection to the first server of a domain that answers; `node` names one server instead."""

    def __init__(self, lab, domain, account, node=None):
        self.domain = domain
        self.db, self.server = None, None
        servers = [server for server in domain["servers"] if node in (None, server["node"])]
        problem = "no such server"
        for server in servers:
            try:
                # Samba's client waits long for a server whose cable is pulled.
                socket.create_connection((server["address"], server["ldaps_port"]), CONNECT_SECONDS).close()
                self.db, self.server = self._connect(lab, server, account), server["node"]
                return
            except OSError as error:
                problem = f"{server['name']}: {error}"
            except ldb.LdbError as error:
                problem = f"{server['name']}: {error.args[1]}"
        raise ConnectionError(f"no directory server of {domain['name']} answers: {problem}")

    def _connect(self, lab, server, account):
        parameters = LoadParm()
        # The machine's own smb.conf plays no part in the lab.
        parameters.load("/dev/null")
        parameters.set("tls cafile", lab["ca"])
        parameters.set("tls verify peer", "ca_and_name")
        parameters.set("workgroup", self.domain["netbios"])
        credentials = Credentials()
        credentials.guess(parameters)
        credentials.set_kerberos_state(DONT_USE_KERBEROS)
        credentials.set_bind_dn(account["dn"])
        credentials.set_password(account["password"])
        return SamDB(url=f"ldaps://{server['name']}", credentials=credentials, lp=parameters, global_schema=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.db = None

    def token(self, name):
        """The account's own SID and its transitive groups, as its domain tells them."""
        found = self.db.search(self.domain["dn"], ldb.SCOPE_SUBTREE,
                               f"(sAMAccountName={ldb.binary_encode(name)})", attrs=["objectSid"])
        if len(found) != 1:
            raise NotFound(f"{len(found)} accounts called {name} in {self.domain['name']}")
        groups = self.db.search(found[0].dn, ldb.SCOPE_BASE, attrs=["tokenGroups"])
        return [sid_text(raw) for raw in [found[0]["objectSid"][0], *groups[0].get("tokenGroups", [])]]

    def user(self, name):
        """DN, SID and descriptor (binary) of a user known by any of the names that the store takes."""
        text = ldb.binary_encode(name.split("\\", 1)[-1])
        names = ("mail", "legacyExchangeDN", "sAMAccountName", "userPrincipalName", "distinguishedName")
        wanted = "".join(f"({attribute}={text})" for attribute in names)
        found = self.db.search(self.domain["dn"], ldb.SCOPE_SUBTREE, f"(&(objectClass=user)(|{wanted}))",
                               attrs=["objectSid", "nTSecurityDescriptor"], controls=DACL_ONLY)
        if len(found) != 1:
            raise NotFound(f"{len(found)} users called {name} in {self.domain['name']}")
        if "nTSecurityDescriptor" not in found[0]:
            raise PermissionError(f"the descriptor of {found[0].dn} was not shown by {self.server}")
        return str(found[0].dn), sid_text(found[0]["objectSid"][0]), bytes(found[0]["nTSecurityDescriptor"][0])


def sid_text(raw):
    return str(ndr_unpack(security.dom_sid, raw))
