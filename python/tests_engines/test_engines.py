"""Spark and Ray as their users start them: the bits of one process, also when a worker dies in the middle of a job."""

import os
import pathlib
import shutil
import signal
import sys

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

import unhat
import unhat.distributed
from unhat.distributed import _ray, _spark, _work

ROWS = 40_000
os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    a = np.random.default_rng(1).standard_normal((ROWS, 6)) + 2
    for k, rows in enumerate(np.array_split(np.arange(ROWS), 5)):
        columns = {f"x{j}": a[rows, j] for j in range(6)}
        pyarrow.parquet.write_table(pyarrow.table(columns), folder / f"part-{k}.parquet", row_group_size=5000)
    return folder, unhat.leverage_scores(a)


def dying(flag):
    """Work that kills the first process that does a job, when the job is done and not yet handed over."""

    def work(plan, job):
        sent = _work.work(plan, job)
        path = pathlib.Path(flag)
        if not path.exists():
            path.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return sent

    return work


@pytest.fixture(scope="module")
def spark():
    pyspark = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    session = (
        pyspark.SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.python.worker.reuse", "true")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    yield ray
    ray.shutdown()


@pytest.mark.parametrize("units", [1, 4, 64])
@pytest.mark.parametrize("engine", ["spark", "ray"])
def test_an_engine_has_the_bits_of_one_process(engine, table, units, request):
    folder, expected = table
    found = unhat.distributed.leverage_scores(folder, engine=request.getfixturevalue(engine), units=units)
    assert found.scores.tobytes() == expected.tobytes()


@pytest.mark.parametrize(("engine", "adapter"), [("spark", _spark), ("ray", _ray)])
def test_an_engine_works_again_for_a_worker_that_dies(engine, adapter, table, tmp_path, monkeypatch, request):
    folder, expected = table
    flag = tmp_path / "killed"
    monkeypatch.setattr(adapter, "work", dying(os.fspath(flag)))
    found = unhat.distributed.leverage_scores(folder, engine=request.getfixturevalue(engine), units=8)
    assert flag.exists() and int(flag.read_text()) != os.getpid()
    assert found.scores.tobytes() == expected.tobytes()
