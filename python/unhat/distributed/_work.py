"""What a worker does: a job in, its answer out."""

import json

from unhat import _unhat
from unhat._errors import InputError, from_core
from unhat.distributed import _plan

# The rows that this process has open: of the plan that it worked for last.
_OPEN: dict[str, object] = {}
_DONE, _FAILED = b"\0", b"\1"


def work(plan, job):
    """Do one job of a plan; called in a worker.

    Parameters
    ----------
    plan : dict
        What the driver sends: files, sizes, columns.
    job : bytes
        A unit of a sweep.

    Returns
    -------
    bytes
        The answer, or the error where the data or the files are at fault: those are no reason to try again.
    """
    try:
        _plan.require_unchanged(plan)
        return _DONE + _unhat.answer(rows_of(plan), job)
    except InputError as error:
        return _FAILED + json.dumps([error.kind, error._message, error.help]).encode()


def rows_of(plan):
    """The rows of a plan, opened once in a process."""
    name = _plan.name_of(plan)
    if name not in _OPEN:
        _OPEN.clear()
        _OPEN[name] = _unhat.Table(plan["path"], plan["columns"], None, plan["intercept"])
    return _OPEN[name]


def answer_of(sent):
    """The answer that a worker sent; raises the error that it met."""
    if sent[:1] == _DONE:
        return sent[1:]
    raise from_core(*json.loads(sent[1:]))
