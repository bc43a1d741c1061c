"""Scores of rank 50 of sparse rows (2000 columns, 5 % entries) beside the exact answer in SciPy and the usual sketch.

    python bench/rank_k.py [ROWS ...]        # by default 62500 250000 1000000; the last needs 8 GB

Needs numpy, scipy, scikit-learn and the package. One JSON object a line. The exact answer is SciPy's Gram matrix and LAPACK's
eigenvectors; the sketch is scikit-learn's randomized_svd with its defaults. Processor seconds are those of all threads.
"""

import json
import sys
import time

import numpy as np
import scipy.linalg
import scipy.sparse
from machine import facts as machine
from sklearn.utils.extmath import randomized_svd

import unhat

COLUMNS, SHARE, RANK = 2000, 0.05, 50


def rows_of(n, rng):
    """Counts with structure: 60 programmes that each raise some columns, in rows that mix a few of them."""
    count = int(COLUMNS * SHARE)
    loud = rng.random((60, COLUMNS)) < 0.1
    indices = np.empty((n, count), dtype=np.int32)
    values = np.empty((n, count))
    for start in range(0, n, 20000):
        size = min(20000, n - start)
        kind = rng.integers(0, 60, size)
        weight = rng.random((size, COLUMNS)) + 0.35 * loud[kind]
        chosen = np.argpartition(-weight, count, axis=1)[:, :count]
        chosen.sort(axis=1)
        indices[start : start + size] = chosen
        values[start : start + size] = 1 + rng.poisson(1 + 2 * np.take_along_axis(loud[kind], chosen, axis=1))
    pointers = np.arange(0, n * count + 1, count, dtype=np.int64)
    return scipy.sparse.csr_matrix((values.ravel(), indices.ravel(), pointers), shape=(n, COLUMNS))


def timed(name, work):
    clock, processor = time.perf_counter(), time.process_time()
    scores, said = work()
    return scores, {name: {"seconds": time.perf_counter() - clock, "processor_seconds": time.process_time() - processor, **said}}


def by_unhat(a, threads=None):
    found = unhat.rank_k_scores(a, RANK, threads=threads)
    return found.scores, {"digits": found.digits, "gap": found.gap, "method": found.method.factor}


def by_gram(a):
    values, vectors = scipy.linalg.eigh((a.T @ a).toarray(), subset_by_index=[COLUMNS - RANK, COLUMNS - 1])
    return ((a @ vectors) ** 2 / values).sum(axis=1), {}


def by_sketch(a):
    u, _, _ = randomized_svd(a, RANK, random_state=0)
    return (u**2).sum(axis=1), {}


def main(sizes):
    for n in sizes:
        a = rows_of(n, np.random.default_rng(1))
        ours, facts = timed("unhat", lambda a=a: by_unhat(a))
        facts |= timed("unhat_one_thread", lambda a=a: by_unhat(a, 1))[1]
        exact, said = timed("scipy_exact", lambda a=a: by_gram(a))
        sketch, more = timed("randomized_svd", lambda a=a: by_sketch(a))
        facts |= said | more
        facts["unhat"]["largest_error"] = float(np.abs(ours - exact).max())
        facts["randomized_svd"]["largest_error"] = float(np.abs(sketch - exact).max())
        facts["randomized_svd"]["median_relative_error"] = float(np.median(np.abs(sketch - exact) / exact))
        print(json.dumps({"rows": n, "columns": COLUMNS, "entries": int(a.nnz), "rank": RANK, **facts, "machine": machine()}), flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [62_500, 250_000, 1_000_000])
