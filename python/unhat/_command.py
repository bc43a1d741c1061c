"""The command ``unhat``, as the wheel installs it."""

import sys

from unhat import _unhat


def main() -> int:
    """Run the command line with the arguments of this process and return its exit code."""
    return _unhat.main(["unhat", *sys.argv[1:]])
