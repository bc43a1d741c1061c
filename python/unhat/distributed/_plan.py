"""Which files a computation reads, and how one knows that they are still the same."""

import hashlib
import json
import os

from unhat import _unhat
from unhat._errors import InputError

# Of each file so many bytes at its end are compared: Parquet keeps there where everything is, and how long.
_END = 1 << 16


def made(path, columns, intercept):
    """The files in their order, with their sizes and ends, and which columns are taken: a dictionary that travels."""
    if not isinstance(path, (str, os.PathLike)):
        found = f"found {type(path).__name__}, expected a file of Parquet, a folder of them or a pattern such as 'data/*.parquet'"
        raise InputError(f"path: {found}")
    path = os.path.abspath(path)
    files = _unhat.files_of_table(path)
    return {
        "path": path,
        "files": files,
        "ends": [_end(file) for file in files],
        "columns": None if columns is None else [str(name) for name in columns],
        "intercept": bool(intercept),
        "version": _unhat.__version__,
    }


def name_of(plan):
    """A word that differs when anything of the plan does."""
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:32]


def require_unchanged(plan):
    """An error that names the file that is another one now."""
    if plan["version"] != _unhat.__version__:
        raise InputError(
            f"engine: a worker runs unhat {_unhat.__version__}, expected {plan['version']}; install one version everywhere", "source"
        )
    files = _unhat.files_of_table(plan["path"])
    if files != plan["files"]:
        changed = next(iter(sorted({*files} ^ {*plan["files"]})))
        raise InputError(f"{changed}: has come or gone since the computation began; begin again", "source")
    for file, end in zip(files, plan["ends"], strict=True):
        if _end(file) != end:
            raise InputError(f"{file}: has changed since the computation began; begin again", "source")


def _end(file):
    try:
        with open(file, "rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(size - _END, 0))
            return [size, hashlib.sha256(opened.read()).hexdigest()]
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}", "source") from error
