"""Measures the way from hat values to weights and from scores to x, file to file on one thread: evaluations, processor seconds.

    UNHAT=target/release/unhat python3 bench/hat_values.py [large] [dense] [sparse] [scores] [million] > hat_values.jsonl

`large` is 20000 x 100 with weights over four orders and with inverse squares of slacks, `million` 10^6 x 20; `dense` and
`sparse` (ten entries a row) are three sizes each, for the cost by nonzeros; `scores` is `invert scores` of the sparse tables,
x one standard error from the least-squares fit. Without words all are run. One JSON line a problem;
the seconds are those of the whole program, files included. Needs NumPy and SciPy.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy.sparse

PROGRAM = os.path.abspath(os.environ.get("UNHAT", "target/release/unhat"))


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def save(name, rows):
    """A matrix in the file that the program reads."""
    if scipy.sparse.issparse(rows):
        scipy.sparse.save_npz(f"{name}.npz", rows, compressed=False)
        return f"{name}.npz"
    np.save(f"{name}.npy", rows)
    return f"{name}.npy"


def measure(name, rows, w):
    roots = np.sqrt(w)
    weighted = scipy.sparse.diags(roots).dot(rows).tocsr() if scipy.sparse.issparse(rows) else rows * roots[:, None]
    matrix, weighted = save("matrix", rows), save("weighted", weighted)
    common = ["--quiet", "--threads", "1"]
    clock = processor_seconds()
    subprocess.run([PROGRAM, "scores", "--matrix", weighted, "-o", "h.npy", *common], check=True)
    scores, clock, wall = processor_seconds() - clock, processor_seconds(), time.perf_counter()
    line = [PROGRAM, "invert", "hat", "--matrix", matrix, "--target", "h.npy", "-o", "found.npy", "--history", "steps.csv"]
    found = json.loads(subprocess.run([*line, *common, "--json"], capture_output=True, text=True, check=True).stdout)
    seconds, wall = processor_seconds() - clock, time.perf_counter() - wall
    off = np.log(np.load("found.npy") / w)
    with open("steps.csv") as file:
        evaluations = int(file.read().strip().splitlines()[-1].split(",")[1])
    print(
        json.dumps(
            {
                "problem": name,
                "rows": rows.shape[0],
                "columns": rows.shape[1],
                "nonzeros": int(rows.nnz if scipy.sparse.issparse(rows) else rows.size),
                "status": found["status"],
                "evaluations": evaluations,
                "evaluations_with_proof": found["passes"],
                "work": round(found["work"], 1),
                "processor_seconds": round(seconds, 2),
                "wall_seconds": round(wall, 2),
                "processor_seconds_of_scores": round(scores, 2),
                "error_log_weights": float(f"{np.abs(off - off[0]).max():.1e}"),
                "proven": found["intervals"] is not None,
            }
        ),
        flush=True,
    )


def sparse_table(n, random):
    """n x 100 with ten entries a row."""
    chosen = np.sort(np.argsort(random.uniform(size=(n, 100)), axis=1)[:, :10], axis=1).astype(np.int32)
    parts = random.normal(size=10 * n), chosen.ravel(), np.arange(0, 10 * n + 1, 10)
    return scipy.sparse.csr_matrix(parts, shape=(n, 100))


def measure_scores(rows, random):
    n, d = rows.shape
    gram = (rows.T @ rows).toarray()
    b = rows @ random.normal(size=d) + random.normal(size=n)
    fit = np.linalg.solve(gram, rows.T @ b)
    x = fit + np.linalg.solve(np.linalg.cholesky(gram).T, random.normal(size=d))
    scaled = scipy.sparse.diags(1 / (rows @ x - b)).dot(rows).tocsr()
    root = np.linalg.inv(np.linalg.cholesky((scaled.T @ scaled).toarray())).T
    np.save("h.npy", np.square(scaled @ root).sum(1))
    np.save("b.npy", b)
    line = [PROGRAM, "invert", "scores", "--matrix", save("matrix", rows), "--offset", "b.npy", "--target", "h.npy"]
    clock = processor_seconds()
    found = subprocess.run([*line, "-o", "x.npy", "--quiet", "--threads", "1", "--json"], capture_output=True, text=True)
    seconds, found = processor_seconds() - clock, json.loads(found.stdout)
    record = {"problem": "scores of sparse rows", "rows": n, "columns": d, "nonzeros": int(rows.nnz)}
    record |= {"status": found["status"], "from": found["candidates"][0]["origin"], "processor_seconds": round(seconds, 2)}
    record["error"] = float(f"{np.linalg.norm(np.load('x.npy') - x) / np.linalg.norm(x):.1e}")
    print(json.dumps(record), flush=True)


def main():
    parts = sys.argv[1:] or ["large", "dense", "sparse", "scores", "million"]
    random = np.random.default_rng(1)
    orders = lambda n, k: 10 ** (k * random.uniform(size=n))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        if "large" in parts:
            rows = random.normal(size=(20_000, 100))
            measure("weights over four orders", rows, orders(20_000, 4))
            measure("inverse squares of normal slacks", rows, 1 / np.maximum(random.normal(size=20_000) ** 2, 1e-12))
        if "dense" in parts:
            for n in (25_000, 50_000, 100_000):
                measure("dense, 30 columns", random.normal(size=(n, 30)), orders(n, 2))
        if "sparse" in parts:
            for n in (25_000, 50_000, 100_000):
                measure("sparse, ten entries a row", sparse_table(n, random), orders(n, 2))
        if "scores" in parts:
            for n in (25_000, 50_000, 100_000):
                measure_scores(sparse_table(n, random), random)
        if "million" in parts:
            measure("a million rows", random.normal(size=(1_000_000, 20)), orders(1_000_000, 2))


if __name__ == "__main__":
    main()
