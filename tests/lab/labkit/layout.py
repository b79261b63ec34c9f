"""What the lab consists of: names, addresses, passwords. Values only; every other part reads them from here."""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ENTER = HERE / "enter"
NETWORK = "10.77.0"
CLIENT = "client"
SWITCH = "switch"
# Known to everybody by design: the lab can be reached from its own network namespaces only.
PASSWORD = "Passw0rd.lab!"
SEND_AS = "ab721a54-1e2f-11d0-9819-00aa0040529b"


class LabError(Exception):
    """Something that the person who runs the lab has to know; its text says what was attempted and on what."""


@dataclass(frozen=True)
class Server:
    """A directory server: its node name, and the last octet of its address."""

    name: str
    octet: int

    @property
    def address(self):
        return f"{NETWORK}.{self.octet}"


@dataclass(frozen=True)
class Domain:
    """A domain, its directory servers (the first is the PDC emulator), and its Exchange servers."""

    letter: str
    servers: tuple
    exchange: tuple

    @property
    def name(self):
        return f"{self.letter}.example.test"

    @property
    def netbios(self):
        return self.letter.upper()

    @property
    def dn(self):
        return ",".join(f"DC={part}" for part in self.name.split("."))

    def host(self, server):
        return f"{server.name}.{self.name}"


DOMAINS = (
    Domain("a", (Server("a1", 11), Server("a2", 12)), ("EXA1", "EXA2")),
    Domain("b", (Server("b1", 21),), ("EXB1", "EXB2")),
)
CLIENT_OCTET = 100


def servers():
    """All directory servers, each with its domain."""
    return [(domain, server) for domain in DOMAINS for server in domain.servers]


def find(node):
    """The domain and the server of a node name."""
    for domain, server in servers():
        if server.name == node:
            return domain, server
    known = ", ".join(server.name for _, server in servers())
    raise LabError(f"no directory server is called '{node}'; there are {known}")


def hosts_file():
    """The text of /etc/hosts in every node: all directory servers by name."""
    lines = ["127.0.0.1 localhost"]
    lines += [f"{server.address} {domain.host(server)} {server.name}" for domain, server in servers()]
    return "\n".join(lines) + "\n"


def resolver(domain):
    """The text of /etc/resolv.conf: the domain's first server answers."""
    return f"nameserver {domain.servers[0].address}\nsearch {domain.name}\noptions timeout:1 attempts:2\n"
