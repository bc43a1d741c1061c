"""Leverage scores of the rows of many files."""

import json
import os
import pathlib
import warnings as _warnings

import numpy as np

from unhat import _unhat
from unhat._errors import InputError, UnhatWarning
from unhat._progress import shown
from unhat._results import Result
from unhat.distributed import _plan, _work
from unhat.distributed._engine import Kept, adapted


class DistributedScores(Result):
    """What :func:`leverage_scores` found; its attributes are the keys of the command line's JSON.

    Attributes
    ----------
    sum, rank, digits, condition
        As of the command line's ``scores``.
    scores : numpy.ndarray
        The scores of all rows, in the order of the files.
    rounds : int
        How often the rows were read by the workers.
    units : int
        Jobs that workers did; those whose answers an earlier driver had left are not among them.
    files : list of str
        The files of the answer; empty without ``out``.
    """

    def __init__(self, text, scores):
        super().__init__(text)
        self.scores = scores

    def _made_of(self):
        return self._text, self.scores

    def _sentence(self):
        return f"{len(self.scores)} leverage scores, rank {self.rank}, about {self.digits:.0f} digits; {self.rounds} rounds"

    def _table(self):
        for name in ("rank", "sum", "digits", "rounds", "units"):
            yield name, self._facts[name]

    def top(self, k=10):
        """Return the numbers of the k rows with the largest scores, from 0, largest first, and their scores."""
        k = min(int(k), len(self.scores))
        rows = np.argsort(-self.scores, kind="stable")[:k]
        return rows, self.scores[rows]

    def histogram(self, bins=40):
        """Return counts and bin edges, even in the logarithm; scores that are not positive are left out."""
        positive = self.scores[self.scores > 0]
        return np.histogram(positive, bins=np.geomspace(positive.min(), positive.max(), bins + 1))


def leverage_scores(
    path,
    *,
    engine,
    columns=None,
    intercept=False,
    ridge=0.0,
    strict=False,
    out=None,
    work_dir=None,
    units=None,
    retries=5,
    progress=None,
):
    """How much each row of a table in many files matters, computed by the workers of an engine.

    The bits are those of :func:`unhat.leverage_scores` of the same files in one process.

    Parameters
    ----------
    path : path
        A file of Parquet, a folder of them, or a pattern such as ``"data/*.parquet"``, in the byte order of their paths; every worker
        must see the files under these names.
    engine : object
        A SparkSession, the module ``ray``, a Dask ``Client``, an executor (``ProcessPoolExecutor``, ``MPIPoolExecutor``), or a
        function without arguments that makes an executor. A process pool must start its workers by ``spawn`` or ``forkserver``.
    columns : list of str, optional
        Take these columns in this order; by default all that hold numbers.
    intercept : bool
        Put a column of ones before them.
    ridge : float
        λ ≥ 0.
    strict : bool
        Make dependent columns an error instead of a warning.
    out : path, optional
        A folder: for each file one of the same name with its scores, and the file's names of rows where it has them; at last
        ``_unhat.json``, which says that all are there. The folder must be new or empty.
    work_dir : path, optional
        A folder for the answers of workers: a driver that was ended goes on where it was, with the same call. It is emptied at the end.
    units : int, optional
        Into how many jobs a round is cut at most, by default 64. A dead worker costs the jobs that it had.
    retries : int
        How often the work of dead workers is done again. An error in the data is not tried again.
    progress : bool or callable, optional
        As elsewhere in the package: ``progress("unit", {"round": .., "done": .., "of": ..})``.

    Returns
    -------
    DistributedScores

    Raises
    ------
    InputError
        For data or options that cannot be used, a file that changed since the computation began, a worker with another version of
        unhat or with other vector instructions, workers that die again and again.

    Notes
    -----
    Two rounds; three where there is a constant column, or where the condition asks for a second Gram matrix. Each round costs a pass
    over the files by the workers, 8d² bytes a job back, in the last round 8 bytes a row. The driver holds the n scores.
    """
    plan = _plan.made(path, columns, intercept)
    names = _targets(out, plan["files"])
    if units is None:
        units = 64
    if isinstance(units, bool) or not isinstance(units, (int, np.integer)) or units < 1:
        raise InputError(f"units: found {units!r}, expected a whole number of at least 1")
    if isinstance(retries, bool) or not isinstance(retries, (int, np.integer)) or retries < 0:
        raise InputError(f"retries: found {retries!r}, expected a whole number of at least 0")
    adapter = adapted(engine, int(retries))
    try:
        with shown(progress) as tell:
            run = Kept(adapter, plan, work_dir, tell)
            rows = _work.rows_of(plan)
            scores, said, text = _unhat.distributed_scores(rows, int(units), run, float(ridge), bool(strict))
    finally:
        adapter.close()
    _plan.require_unchanged(plan)
    written = _write(plan, names, scores) if names else []
    facts = {**json.loads(text), "rounds": run.rounds, "units": run.worked, "files": written}
    if names:
        _manifest(pathlib.Path(out), plan, facts)
    run.clear()
    for warning in said:
        _warnings.warn(warning, UnhatWarning, stacklevel=2)
    return DistributedScores(json.dumps(facts), scores)


def _targets(out, files):
    """The files to write, or an error before any work that says why they cannot be."""
    if out is None:
        return []
    folder = pathlib.Path(out)
    names = [pathlib.Path(file).name for file in files]
    if len(set(names)) < len(names):
        raise InputError("out: several of the files have one name, and a folder holds each once; give the folders one by one")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"out: {folder} is there already and not empty; give a new folder")
    if any(pathlib.Path(file).parent.resolve() == folder.resolve() for file in files):
        raise InputError(f"out: {folder} holds the files that are read; give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    return [os.fspath(folder / f"{pathlib.Path(name).stem}.parquet") for name in names]


def _write(plan, names, scores):
    start = 0
    for file, name in zip(plan["files"], names, strict=True):
        table = _unhat.Table(file, plan["columns"], None, plan["intercept"])
        end = start + table.shape[0]
        _unhat.write_rows(name, "leverage", table, scores[start:end])
        start = end
    return names


def _manifest(folder, plan, facts):
    held = {"of": plan["files"], **facts, "files": [pathlib.Path(name).name for name in facts["files"]]}
    beside = folder / "._unhat.json"
    beside.write_text(json.dumps(held, indent=1))
    os.replace(beside, folder / "_unhat.json")
