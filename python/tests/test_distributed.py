"""Scores by the workers of an engine: the bits of one process, also when workers die, and a driver that goes on where it was."""

import concurrent.futures
import functools
import json
import multiprocessing
import os
import pathlib
import signal

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

import unhat
import unhat.distributed
from unhat.distributed import _futures, _work

ROWS, COLUMNS = 30_000, 5


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A folder of four files, with names of rows, and the scores of one process."""
    folder = tmp_path_factory.mktemp("table")
    rng = np.random.default_rng(1)
    a = rng.standard_normal((ROWS, COLUMNS)) + 1
    for k, rows in enumerate(np.array_split(np.arange(ROWS), [7000, 7001, 20_000])):
        names = {"id": [f"r{row}" for row in rows]}
        columns = {f"x{j}": a[rows, j] for j in range(COLUMNS)}
        pyarrow.parquet.write_table(pyarrow.table(names | columns), folder / f"part-{k}.parquet", row_group_size=3000)
    (folder / "_SUCCESS").write_text("")
    return folder, unhat.leverage_scores(a), a


class Here:
    """An executor that works in this process, and counts."""

    def __init__(self, fails=0):
        self.jobs, self._fails = 0, fails

    def submit(self, work, *arguments):
        self.jobs += 1
        future = concurrent.futures.Future()
        if self.jobs == self._fails:
            future.set_exception(concurrent.futures.BrokenExecutor("a worker died"))
        else:
            future.set_result(work(*arguments))
        return future

    def shutdown(self, **_):
        pass


def pool(workers=2):
    return concurrent.futures.ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def test_a_process_pool_has_the_bits_of_one_process(table):
    folder, expected, _ = table
    with pool() as executor:
        for units in (1, 3, 64):
            found = unhat.distributed.leverage_scores(folder, engine=executor, units=units)
            assert found.scores.tobytes() == expected.tobytes()
            assert found.rank == COLUMNS and found.rounds >= 2
    rows, scores = found.top(3)
    assert list(rows) == list(np.argsort(-expected)[:3]) and list(scores) == list(expected[rows])
    counts, edges = found.histogram(10)
    assert counts.sum() == ROWS and len(edges) == 11


@pytest.mark.parametrize("options", [{"ridge": 2.0}, {"intercept": True}, {"columns": ["x4", "x0"]}])
def test_options_mean_what_they_mean_in_one_process(table, options):
    folder, _, a = table
    taken = a[:, [4, 0]] if "columns" in options else a
    expected = unhat.leverage_scores(np.ascontiguousarray(taken), **{k: v for k, v in options.items() if k != "columns"})
    found = unhat.distributed.leverage_scores(f"{folder}/part-*.parquet", engine=Here(), **options)
    assert found.scores.tobytes() == expected.tobytes()


def _dies(flag, plan, job):
    """Kills the process that does the first job, in the middle of its work."""
    sent = _WORK(plan, job)
    if not os.path.exists(flag):
        pathlib.Path(flag).write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return sent


_WORK = _work.work


def test_a_killed_worker_changes_no_bit(table, tmp_path, monkeypatch):
    folder, expected, _ = table
    flag = tmp_path / "killed"
    monkeypatch.setattr(_futures, "work", functools.partial(_dies, os.fspath(flag)))
    found = unhat.distributed.leverage_scores(folder, engine=pool, units=8)
    assert flag.exists() and int(flag.read_text()) != os.getpid()
    assert found.scores.tobytes() == expected.tobytes()
    flag.unlink()
    with pool() as executor, pytest.raises(unhat.InputError, match="give a function that makes an executor"):
        unhat.distributed.leverage_scores(folder, engine=executor, units=8)


def test_workers_that_die_again_and_again_end_it(table):
    engines = []

    def make():
        engines.append(Here(fails=1))
        return engines[-1]

    with pytest.raises(unhat.InputError, match="a worker died, 3 times"):
        unhat.distributed.leverage_scores(table[0], engine=make, retries=2)
    assert len(engines) == 3


def test_a_driver_that_ends_goes_on_where_it_was(table, tmp_path):
    folder, expected, _ = table
    seen = []

    def stop(kind, facts):
        seen.append(facts)
        if facts["round"] == 2 and facts["done"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unhat.distributed.leverage_scores(folder, engine=Here(), units=8, work_dir=tmp_path / "work", progress=stop)
    again = Here()
    found = unhat.distributed.leverage_scores(folder, engine=again, units=8, work_dir=tmp_path / "work")
    assert found.scores.tobytes() == expected.tobytes()
    whole = unhat.distributed.leverage_scores(folder, engine=Here(), units=8)
    assert found.units == again.jobs == whole.units - len(seen)
    assert list((tmp_path / "work").iterdir()) == []


def test_an_answer_that_was_damaged_on_disk_is_worked_for_again(table, tmp_path):
    folder, expected, _ = table

    def stop(kind, facts):
        if facts["round"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unhat.distributed.leverage_scores(folder, engine=Here(), units=4, work_dir=tmp_path, progress=stop)
    part = sorted(tmp_path.glob("*/*.part"))[0]
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    found = unhat.distributed.leverage_scores(folder, engine=Here(), units=4, work_dir=tmp_path)
    assert found.scores.tobytes() == expected.tobytes()


def test_answers_stand_beside_the_files_under_their_names(table, tmp_path):
    folder, expected, _ = table
    out = tmp_path / "scores"
    found = unhat.distributed.leverage_scores(folder, engine=Here(), out=out)
    said = json.loads((out / "_unhat.json").read_text())
    assert said["files"] == [f"part-{k}.parquet" for k in range(4)] and len(found.files) == 4
    parts = [pyarrow.parquet.read_table(out / name) for name in said["files"]]
    whole = pyarrow.concat_tables(parts)
    assert whole.column_names == ["id", "leverage"]
    assert whole["id"].to_pylist() == [f"r{row}" for row in range(ROWS)]
    assert whole["leverage"].to_numpy().tobytes() == expected.tobytes()
    for target, said in ((out, "not empty"), (folder, "not empty")):
        with pytest.raises(unhat.InputError, match=said):
            unhat.distributed.leverage_scores(folder, engine=Here(), out=target)


def test_a_file_that_changed_is_refused_and_bad_data_are_not_tried_again(tmp_path):
    def write(values):
        pyarrow.parquet.write_table(pyarrow.table({"a": values, "b": np.arange(float(len(values)))}), tmp_path / "t.parquet")

    write(np.ones(5000))

    class Changing(Here):
        def submit(self, work, *arguments):
            if self.jobs == 1:
                write(np.full(5000, 2.0))
            return super().submit(work, *arguments)

    with pytest.raises(unhat.InputError, match="t.parquet: has changed since"):
        unhat.distributed.leverage_scores(tmp_path, engine=Changing(), units=4)
    values = np.ones(5000)
    values[4321] = np.inf
    write(values)
    engine = Here()
    with pytest.raises(unhat.InputError, match="row 4322"):
        unhat.distributed.leverage_scores(tmp_path, engine=lambda: engine, units=1)
    assert engine.jobs <= 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engine": 3}, "engine: found int"),
        ({"engine": Here(), "units": 0}, "units: found 0"),
        ({"engine": Here(), "retries": -1}, "retries: found -1"),
        ({"engine": Here(), "columns": ["nobody"]}, "nobody"),
        ({"engine": Here(), "ridge": -1.0}, "ridge"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(table, options, said):
    with pytest.raises(unhat.InputError, match=said):
        unhat.distributed.leverage_scores(table[0], **options)


def test_paths_that_name_nothing_are_refused(tmp_path):
    with pytest.raises(unhat.InputError, match="nothing"):
        unhat.distributed.leverage_scores(tmp_path / "nothing.parquet", engine=Here())
    with pytest.raises(unhat.InputError, match="path: found list"):
        unhat.distributed.leverage_scores([tmp_path], engine=Here())


def test_a_worker_of_another_version_is_refused(table, monkeypatch):
    class Older(Here):
        def submit(self, work, plan, job):
            return super().submit(work, {**plan, "version": "0.0.1"}, job)

    with pytest.raises(unhat.InputError, match="install one version everywhere"):
        unhat.distributed.leverage_scores(table[0], engine=Older())


def test_dask_has_the_bits_of_one_process(table):
    distributed = pytest.importorskip("distributed")
    folder, expected, _ = table
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        found = unhat.distributed.leverage_scores(folder, engine=client, units=8)
        assert found.scores.tobytes() == expected.tobytes()
