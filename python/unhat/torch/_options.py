"""What an option may be, and the words in which another value is refused."""

from unhat._errors import InputError


def require(holds, option, found, expected):
    """An option is what it may be."""
    if not holds:
        raise InputError(f"{option}: found {found!r}, expected {expected}")


def is_count(value):
    """A whole number of 1 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
