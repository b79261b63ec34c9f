"""The file version of a PE image, as the simulated store reads it: by its own means, not by those of the agent."""

import struct

# VS_FIXEDFILEINFO: dwSignature, dwStrucVersion.
SIGNATURE = struct.pack("<II", 0xFEEF04BD, 0x00010000)


class NoVersion(ValueError):
    """The file has no fixed version block."""


def read(path):
    """(major, minor, build, revision) of the file."""
    image = path.read_bytes()
    at = image.find(SIGNATURE)
    if not image.startswith(b"MZ") or at < 0 or len(image) < at + 16:
        raise NoVersion(f"{path} is no image with a version resource")
    high, low = struct.unpack_from("<II", image, at + 8)
    return high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF


def enforces(version):
    """Whether this store checks Send As on the user object (KB 895949)."""
    major, minor, *build = version
    if major >= 8:
        return True
    if (major, minor) == (6, 0):
        return build >= [6619, 4]
    if (major, minor) == (6, 5):
        return [7233, 51] <= build < [7234, 0] or build >= [7650, 23]
    return False
