"""Checks the licence of every dependency against a short list, so that none slips in unread.

    python3 tools/licences.py               read `cargo metadata` and check
    python3 tools/licences.py --self-test   check the reader of licence expressions
"""

import json
import re
import subprocess
import sys

# A licence is added when a dependency has no other, and after reading it: these ask for notices only.
ALLOWED = {
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",  # target-lexicon, which pyo3 is built with
    "BSD-2-Clause",  # numpy, the arrays of the Python package
    "BSD-3-Clause",  # amd, the ordering of sparse factors
    "CC0-1.0",  # tiny-keccak, with which the hash tables of Arrow draw their seed when they are compiled
    "Unicode-3.0",  # the tables in unicode-ident
    "Zlib",  # zlib-rs, an alternative backend of flate2
}


def acceptable(expression, allowed=ALLOWED):
    """Whether an SPDX expression can be met with allowed licences alone; an older crate's `A/B` means `A OR B`.

    AND binds tighter than OR; `X WITH exception` is a licence of its own name.
    """
    tokens = re.findall(r"[()/]|[^\s()/]+", expression)
    position = 0

    def peek():
        return tokens[position] if position < len(tokens) else None

    def take():
        nonlocal position
        if position == len(tokens):
            raise ValueError(f"the licence expression {expression!r} ends too early")
        position += 1
        return tokens[position - 1]

    def alternatives():
        met = conjunction()
        while peek() in ("OR", "/"):
            take()
            met = conjunction() or met
        return met

    def conjunction():
        met = licence()
        while peek() == "AND":
            take()
            met = licence() and met
        return met

    def licence():
        name = take()
        if name == "(":
            met = alternatives()
            if take() != ")":
                raise ValueError(f"the licence expression {expression!r} lacks a closing parenthesis")
            return met
        if name in (")", "/", "OR", "AND", "WITH"):
            raise ValueError(f"the licence expression {expression!r} has {name!r} in place of a licence")
        if peek() == "WITH":
            take()
            name = f"{name} WITH {take()}"
        return name in allowed

    met = alternatives()
    if peek() is not None:
        raise ValueError(f"the licence expression {expression!r} goes on after its end: {peek()!r}")
    return met


def objection(package):
    """Why a package cannot be accepted, or None."""
    expression = package["license"]
    if not expression:
        return f"states no licence expression (its licence file: {package['license_file']})"
    try:
        if acceptable(expression):
            return None
    except ValueError as error:
        return str(error)
    return f"is under {expression}, which the allowed licences cannot meet"


def check_workspace():
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    packages = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"]
    objections = [(package, reason) for package in packages if (reason := objection(package))]
    for package, reason in objections:
        print(f"{package['name']} {package['version']} {reason}", file=sys.stderr)
    if objections:
        print("help: find another crate, or read the licence and add it to tools/licences.py", file=sys.stderr)
        return 1
    print(f"licences: {len(packages)} packages, all under {', '.join(sorted(ALLOWED))}")
    return 0


def self_test():
    allowed = {"A", "B", "A WITH x"}
    meets = ["A", "A OR C", "C OR A", "C/A", "C / A", "A AND B", "(C OR A) AND B", "A WITH x", "C OR A AND B"]
    fails = ["C", "A AND C", "C OR A AND C", "(A OR B) AND C", "B WITH x", "C WITH x OR C"]
    malformed = ["", "A OR", "(A", "A B", "A)", "OR A", "A WITH", "A AND AND B"]
    for expression in meets:
        assert acceptable(expression, allowed), expression
    for expression in fails:
        assert not acceptable(expression, allowed), expression
    for expression in malformed:
        try:
            acceptable(expression, allowed)
        except ValueError:
            continue
        raise AssertionError(f"{expression!r} was read without complaint")
    assert objection({"license": None, "license_file": "LICENSE"}) and objection({"license": "GPL-3.0", "license_file": None})
    assert objection({"license": "MIT OR GPL-3.0", "license_file": None}) is None
    count = len(meets) + len(fails) + len(malformed)
    print(f"licences: self-test of {count} expressions passed")
    return 0


if __name__ == "__main__":
    sys.exit(self_test() if "--self-test" in sys.argv[1:] else check_workspace())
