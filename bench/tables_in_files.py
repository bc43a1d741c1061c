"""Leverage scores of tables that stay in files: processor seconds and peak memory, at several sizes and beside the peers.

    python3 bench/tables_in_files.py [--small] [--large] [--peers] [--unhat PATH] [--folder FOLDER]

Makes Parquet (snappy, 16 files, and one file), .npy and .csv of the same rows under --folder (default: a temporary one), runs
every case as a process of its own and writes one line of JSON for each to standard output: wall and processor seconds, peak
resident memory in MB. `--large` adds 40,000,000 rows of 12 columns under `--memory 512MiB` (4 GB of disk), `--peers` Polars,
DuckDB and pyarrow with NumPy, each in two passes over the same files in its own streaming way. Needs NumPy and pyarrow; the
peers what they are.
"""

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS = 50
FILES = 16

# Two passes: the Gram matrix, then the scores by its factor. {} makes an iterator of row-major blocks.
PEER = """
import sys, numpy as np
from scipy.linalg import solve_triangular
folder = sys.argv[1]
{source}
gram = 0.0
for a in blocks():
    gram = gram + a.T @ a
factor = np.linalg.cholesky(gram)
scores = np.concatenate([np.square(solve_triangular(factor, a.T, lower=True)).sum(axis=0) for a in blocks()])
print(scores.sum())
"""
PEERS = {
    "pyarrow, iter_batches": """
import glob, pyarrow.parquet as pq
def blocks():
    for path in sorted(glob.glob(folder + "/*.parquet")):
        file = pq.ParquetFile(path)
        names = [name for name in file.schema_arrow.names if name != "id"]
        for batch in file.iter_batches(8192, columns=names):
            yield np.column_stack([column.to_numpy() for column in batch.columns])
""",
    "polars, collect_batches": """
import polars as pl
def blocks():
    for batch in pl.scan_parquet(folder + "/*.parquet").drop("id").collect_batches(chunk_size=8192, maintain_order=True):
        yield batch.to_numpy()
""",
    "duckdb, arrow": """
import duckdb
def blocks():
    found = duckdb.sql(f"select * exclude (id) from '{folder}/*.parquet'")
    for batch in found.fetch_record_batch(8192):
        yield np.column_stack([column.to_numpy() for column in batch.columns])
""",
}


def columns_of(rng, rows, columns):
    import numpy as np

    a = rng.standard_normal((rows, columns))
    a[:, : columns // 5] *= np.exp(rng.standard_normal((rows, 1)))
    return a


def make(folder, rows, columns, files, text=False, whole=True):
    """The set of `rows` rows: `files` files of Parquet, and where asked one file, an array and text."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    parts = folder / "parts"
    parts.mkdir(parents=True)
    rng = np.random.default_rng(7)
    names = [f"c{j}" for j in range(columns)]
    cuts = [rows * k // files for k in range(files + 1)]
    one = array = csv = None
    for k in range(files):
        a = columns_of(rng, cuts[k + 1] - cuts[k], columns)
        values = {name: np.ascontiguousarray(a[:, j]) for j, name in enumerate(names)}
        table = pa.table({"id": np.arange(cuts[k], cuts[k + 1]), **values})
        pq.write_table(table, parts / f"part-{k:02d}.parquet")
        if whole:
            one = one or pq.ParquetWriter(folder / "one.parquet", table.schema)
            one.write_table(table)
            if array is None:
                array = np.lib.format.open_memmap(folder / "a.npy", "w+", np.float64, (rows, columns))
            array[cuts[k] : cuts[k + 1]] = a
        if text:
            csv = csv or pyarrow.csv.CSVWriter(folder / "a.csv", table.drop_columns(["id"]).schema)
            csv.write_table(table.drop_columns(["id"]))
    for writer in (one, csv):
        if writer is not None:
            writer.close()
    del array


def measure(command):
    """Wall seconds, processor seconds, and peak memory in MB, of one process."""
    start = time.time()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        return {"exit": process.returncode, "said": said.strip()}
    return {
        "wall": round(time.time() - start, 2),
        "processor": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss * 1024 / 1e6, 1),
    }


def report(case, **found):
    print(json.dumps({"case": case, "load": round(os.getloadavg()[0], 1), **found}), flush=True)


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--small", action="store_true")
    words.add_argument("--large", action="store_true")
    words.add_argument("--peers", action="store_true")
    words.add_argument("--unhat", default=ROOT / "target/release/unhat")
    words.add_argument("--folder")
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(chosen.folder or temporary)
        out = folder / "s.npy"

        def scores(case, matrix, *options):
            out.unlink(missing_ok=True)
            found = measure([chosen.unhat, "scores", "--matrix", matrix, "-q", "-o", out, *options])
            if out.exists():
                found["scores"] = hashlib.sha256(out.read_bytes()).hexdigest()[:16]
            report(case, **found)

        full = 20_000 if chosen.small else 2_000_000
        for rows in (full // 4, full // 2, full):
            place = folder / f"{rows}"
            if not place.exists():
                make(place, rows, COLUMNS, FILES, text=rows == full // 2)
            for threads in (1, 2):
                options = ("--without", "id", "--threads", threads)
                scores(f"parquet, 16 files, {rows} x {COLUMNS}, {threads} threads", place / "parts", *options)
                scores(f"parquet, 1 file, {rows} x {COLUMNS}, {threads} threads", place / "one.parquet", *options)
        place = folder / f"{full}"
        scores(f"npy, mapped, {full} x {COLUMNS}, 1 thread", place / "a.npy", "--threads", 1)
        scores(f"npy, --memory 512MiB, {full} x {COLUMNS}, 1 thread", place / "a.npy", "--threads", 1, "--memory", "512MiB")
        text = folder / f"{full // 2}" / "a.csv"
        size = round(text.stat().st_size / 1e6)
        scores(f"csv of {size} MB, --memory 512MiB, {full // 2} x {COLUMNS}, 1 thread", text, "--threads", 1, "--memory", "512MiB")
        if chosen.large:
            place = folder / "large"
            rows = 80_000 if chosen.small else 40_000_000
            if not place.exists():
                make(place, rows, 12, 40, whole=False)
            for threads in (1, 2):
                options = ("--without", "id", "--threads", threads, "--memory", "512MiB")
                scores(f"parquet, 40 files, {rows} x 12, --memory 512MiB, {threads} threads", place / "parts", *options)
        if chosen.peers:
            for name, source in PEERS.items():
                script = PEER.format(source=source)
                report(name, **measure([sys.executable, "-c", script, folder / f"{full}" / "parts"]))


if __name__ == "__main__":
    main()
