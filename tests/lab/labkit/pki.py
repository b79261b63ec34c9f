"""A certificate authority of the lab's own, and a certificate with subjectAltName for each directory server.

The certificate that Samba makes by itself has no subjectAltName, and rustls refuses it.
"""

import subprocess

from .layout import LabError

DAYS = "3650"


def _openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"openssl {args[0]} failed: {done.stderr.strip()}")


def make_authority(folder):
    """Writes ca.pem and ca.key into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", DAYS,
             "-subj", "/CN=Sendgate lab directory CA", "-keyout", folder / "ca.key", "-out", folder / "ca.pem",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign")


def issue(authority, folder, names, address):
    """Writes key.pem, cert.pem and ca.pem into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={names[0]}", "-keyout", folder / "key.pem",
             "-out", folder / "request.pem")
    (folder / "key.pem").chmod(0o600)
    alternatives = ",".join([f"DNS:{name}" for name in names] + [f"IP:{address}"])
    extensions = folder / "extensions"
    extensions.write_text(f"subjectAltName={alternatives}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
    _openssl("x509", "-req", "-in", folder / "request.pem", "-CA", authority / "ca.pem",
             "-CAkey", authority / "ca.key", "-set_serial", int.from_bytes(address.encode(), "big"), "-days", DAYS,
             "-out", folder / "cert.pem", "-extfile", extensions)
    (folder / "ca.pem").write_bytes((authority / "ca.pem").read_bytes())
