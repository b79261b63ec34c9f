"""A large population of domain a, for measurements: users by number, in 40 organizational units."""

from .people import Person, unit_dn

UNITS = 40
ROOT = "Crowd"


def unit(number):
    """The path of a user's unit, the innermost first."""
    return f"Unit {number % UNITS + 1:02}/{ROOT}"


def units():
    """The paths of all units."""
    return [unit(number) for number in range(UNITS)]


def name(number):
    return f"c{number:06}"


def crowd(domain, count):
    """The users, numbered from 1."""
    for number in range(1, count + 1):
        yield Person(name(number), unit(number), domain.exchange[number % len(domain.exchange)])


def describe(domain, count):
    """What lab.json says of them: names follow from numbers."""
    return {"users": count, "first": name(1), "last": name(count),
            "units": [unit_dn(domain, path) for path in units()]} if count else None
