"""A made lab, saved and restored: the stopped servers' state does not depend on where the lab lives.

Used only when the environment names a folder for it. The key covers everything that shapes the state, so that a
changed lab is made anew.
"""

import hashlib
import os
import subprocess
from pathlib import Path

from .layout import LabError

VARIABLE = "SENDGATE_LAB_CACHE"
# A large population takes minutes to make: it is kept also where nobody asked for it.
DEFAULT = "/var/tmp/sendgate-lab-cache"
AUTHORITY = "ca"
# Modules of what is done to a lab once it is up: they do not shape what is saved.
LATER = ("causes.py", "causes_check.py", "causes_write.py", "choice.py", "describe.py", "directory.py")


def archive(choice):
    """Where the state belongs, or None where no cache is wanted."""
    folder = os.environ.get(VARIABLE) or (DEFAULT if choice.crowd else None)
    if not folder:
        return None
    digest = hashlib.sha256(choice.state().encode())
    for part in sorted(Path(__file__).parent.glob("*.py")):
        if part.name not in LATER:
            digest.update(part.read_bytes())
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "samba"], capture_output=True, check=False)
    digest.update(version.stdout)
    return Path(folder) / f"lab-{digest.hexdigest()[:16]}.tar.zst"


def _tar(*argv):
    done = subprocess.run(["tar", *map(str, argv)], capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"tar {argv[0]} failed: {done.stderr.strip()}")


def save(lab, target, choice):
    """Saves a lab whose servers are stopped; a reader sees the whole archive or none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}")
    names = [server.name for _, server in choice.servers()]
    # Sockets of the stopped servers are of no use, and tar warns of them.
    _tar("--create", "--zstd", "--sparse", "--warning=no-file-ignored", "--exclude=*/log/*", "--exclude=*/run/*",
         "-f", part, "-C", lab, AUTHORITY, *names)
    part.rename(target)


def restore(lab, source):
    _tar("--extract", "--zstd", "-f", source, "-C", lab)
