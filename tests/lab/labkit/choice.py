"""Which lab is wanted: its servers, its people, and how the servers run. Kept in DIR/choice.json while the lab is up."""

import json
from dataclasses import asdict, dataclass

from .layout import LabError, servers

FILE = "choice.json"
SMALL, CAUSES, LARGE = "small", "causes", "large"
POPULATIONS = (SMALL, CAUSES, LARGE)
MODELS = ("prefork", "single", "standard")
ALL = tuple(server.name for _, server in servers())
# The forms of names of a large population hold so many.
MOST_USERS = 999_999


@dataclass(frozen=True)
class Choice:
    """`crowd` mailbox users of domain a beside the usual people; `model` is Samba's process model."""

    nodes: tuple = ALL
    population: str = SMALL
    crowd: int = 0
    granted: bool = False
    model: str = "prefork"
    # All servers take SASL without a channel binding inside TLS.
    sasl_over_tls: bool = False
    # Seconds between two passes of the stand-in for AdminSDHolder's propagator; 0: there is none.
    propagator: float = 0.0

    def __post_init__(self):
        unknown = [node for node in self.nodes if node not in ALL]
        if unknown or not self.nodes:
            raise LabError(f"no directory server is called {', '.join(unknown) or 'nothing'}; there are {', '.join(ALL)}")
        for domain in self.domains():
            if domain.servers[0].name not in self.nodes:
                raise LabError(f"{domain.name} needs its first server {domain.servers[0].name}")
        if self.model == "single" and any(len(self.members(domain)) > 1 for domain in self.domains()):
            raise LabError("servers of one process each do not replicate with one another: take the model prefork")
        if not 0 <= self.crowd <= MOST_USERS:
            raise LabError(f"a large population has 1 to {MOST_USERS} users, not {self.crowd}")
        if (self.crowd or self.granted) and "a1" not in self.nodes:
            raise LabError("a large population is of domain a: it needs a1")
        if self.population == CAUSES and not {"a1", "b1"} <= set(self.nodes):
            raise LabError("the population `causes` is of both domains: it needs a1 and b1")

    def servers(self):
        """The servers that run, each with its domain."""
        return [(domain, server) for domain, server in servers() if server.name in self.nodes]

    def domains(self):
        return list(dict.fromkeys(domain for domain, _ in self.servers()))

    def members(self, domain):
        """The domain's servers that run, the first one first."""
        return [server for server in domain.servers if server.name in self.nodes]

    def crowd_of(self, domain):
        return self.crowd if domain.letter == "a" else 0

    def state(self):
        """What of it shapes the servers' state, as text: a saved lab is for this."""
        return f"{','.join(node for node in ALL if node in self.nodes)}-{self.crowd}"


def write(lab, choice):
    (lab / FILE).write_text(json.dumps(asdict(choice)) + "\n")


def read(lab):
    try:
        values = json.loads((lab / FILE).read_text())
    except FileNotFoundError:
        return Choice()
    return Choice(**{**values, "nodes": tuple(values["nodes"])})
