"""What Python costs over the library, and what other Python packages take for the same scores.

    python3 bench/python_overhead.py [--small] [--rounds 15] [--note "what the record should say"]

Needs the unhat package as a user installs it (a release build), NumPy, SciPy, statsmodels and scikit-learn. Methods take
turns within a round. Writes tables, and a record under bench/record/.
"""

import machine

machine.settle_environment(threads=1)  # before NumPy is loaded

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import resource
import statistics
import sys
import threading
import time

import numpy as np
import scipy.linalg
import statsmodels.api
from sklearn.linear_model import LinearRegression
from statsmodels.stats.outliers_influence import OLSInfluence

import unhat
import unhat._functions

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Few at a time, so that some batch is undisturbed also where others use the cores.
SMALL_CALLS = 100
SMALL_BATCHES = 40


class Clock:
    """Listens to the seconds that the library says it took."""

    def __init__(self):
        self.core, self.seconds = unhat._functions._unhat, 0.0

    def __getattr__(self, name):
        return getattr(self.core, name)

    def leverage_scores(self, *arguments):
        answer = self.core.leverage_scores(*arguments)
        self.seconds = answer[2]
        return answer


def seconds(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def overhead(n, rounds):
    """Seconds of a call beyond the library's own, and the memory that it adds to the array's."""
    A = np.random.default_rng(1).normal(size=(n, 100))
    clock = unhat._functions._unhat = Clock()
    unhat.leverage_scores(A)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    whole, own = [], []
    for _ in range(rounds):
        whole.append(seconds(lambda: unhat.leverage_scores(A)))
        own.append(clock.seconds)
    added = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    unhat._functions._unhat = clock.core
    return {
        "shape": [n, 100],
        "whole_min": min(whole),
        "library_min": min(own),
        "beyond_min": min(w - o for w, o in zip(whole, own)),
        "beyond_median": statistics.median(w - o for w, o in zip(whole, own)),
        "peak_memory_added_bytes": added * 1024,
        "array_bytes": A.nbytes,
    }


def small_call(rounds):
    """Microseconds of a call on (10, 3): the least and the middle of the rounds' means."""
    A = np.random.default_rng(2).normal(size=(10, 3))
    call = unhat.leverage_scores

    def many():
        for _ in range(SMALL_CALLS):
            call(A)

    many()
    means = [seconds(many) / SMALL_CALLS * 1e6 for _ in range(rounds * SMALL_BATCHES)]
    return {"shape": [10, 3], "microseconds_min": min(means), "microseconds_median": statistics.median(means)}


def two_threads(n, rounds):
    """What two threads of Python with one thread each get done, over one."""
    A = np.random.default_rng(3).normal(size=(n, 100))

    def work():
        for _ in range(3):
            unhat.leverage_scores(A, threads=1)

    def both():
        workers = [threading.Thread(target=work) for _ in range(2)]
        [worker.start() for worker in workers]
        [worker.join() for worker in workers]

    work()
    ratios = []
    for _ in range(max(9, rounds)):
        one, two = seconds(work), seconds(both)
        ratios.append(2.0 * one / two)
    return {"ratio_median": statistics.median(ratios), "ratio_max": max(ratios), "cores": os.cpu_count()}


def peers(A, y):
    """name → call that gives the hat values of A, which has a column of ones."""

    def qr():
        q = np.linalg.qr(A)[0]
        return np.einsum("ij,ij->i", q, q)

    def pinv():
        return np.einsum("ij,ji->i", A, np.linalg.pinv(A))

    def cholesky():
        factor = scipy.linalg.cholesky(A.T @ A, lower=True)
        half = scipy.linalg.solve_triangular(factor, A.T, lower=True)
        return np.einsum("ij,ij->j", half, half)

    def statsmodels_influence():
        return OLSInfluence(statsmodels.api.OLS(y, A).fit()).hat_matrix_diag

    def fits_of_unit_responses():
        """scikit-learn has no hat values: the fitted value of row i when the response is 1 there alone; some rows."""
        some = np.arange(0, len(A), max(1, len(A) // 50))
        unit = np.zeros((len(A), len(some)))
        unit[some, np.arange(len(some))] = 1.0
        model = LinearRegression(fit_intercept=False).fit(A, unit)
        found = np.full(len(A), np.nan)
        found[some] = np.einsum("ij,ij->i", A[some], model.coef_)
        return found

    return {
        "unhat": lambda: unhat.leverage_scores(A, threads=1),
        "numpy qr": qr,
        "numpy pinv": pinv,
        "scipy cholesky": cholesky,
        "statsmodels OLSInfluence": statsmodels_influence,
        "scikit-learn, 50 rows": fits_of_unit_responses,
    }


def exact(A):
    """Hat values with twice the digits, by orthogonalisation in long doubles done twice."""
    q = A.astype(np.longdouble)
    for _ in range(2):
        for j in range(q.shape[1]):
            for k in range(j):
                q[:, j] -= (q[:, k] @ q[:, j]) * q[:, k]
            q[:, j] /= np.sqrt(q[:, j] @ q[:, j])
    return (q * q).sum(axis=1)


def compared(n, condition, rounds):
    """Seconds and correct digits of everyone for one table."""
    random = np.random.default_rng(4)
    A = np.column_stack([np.ones(n), random.normal(size=(n, 19)) * np.logspace(0, -np.log10(condition), 19) + 1.0])
    y = A.sum(axis=1) + random.normal(size=n)
    calls, truth = peers(A, y), exact(A)
    times, digits = {name: [] for name in calls}, {}
    for name, call in calls.items():
        found = call()
        known = ~np.isnan(found)
        worst = float((np.abs(found[known] - truth[known]) / truth[known]).max())
        digits[name] = -np.log10(max(worst, np.finfo(float).eps))
    for turn in range(rounds):
        for name in list(calls)[:: 1 if turn % 2 == 0 else -1]:
            times[name].append(seconds(calls[name]))
    rows = {
        name: {"seconds_min": min(times[name]), "seconds_median": statistics.median(times[name]), "digits": round(float(digits[name]), 1)}
        for name in calls
    }
    return {"shape": [n, 20], "scale_of_columns": condition, "methods": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="seconds, to see that it works")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--note", default="", help="kept in the record: what else ran, how unhat was built")
    options = parser.parse_args()
    shrink = 20 if options.small else 1
    record = {
        "note": options.note,
        "python": sys.version.split()[0],
        "packages": {"unhat": unhat.__version__} | {name: importlib.metadata.version(name) for name in ("numpy", "scipy", "statsmodels", "scikit-learn")},
        "blas": machine.blas_kernels(),
        "load_average": os.getloadavg(),
        "cores": os.cpu_count(),
        "overhead": overhead(200_000 // shrink, options.rounds),
        "small_call": small_call(options.rounds),
        "two_threads": two_threads(60_000 // shrink, options.rounds),
        "peers": [compared(100_000 // shrink, condition, max(3, options.rounds // 3)) for condition in (1.0, 1e6)],
    }
    record["load_average_after"] = os.getloadavg()
    show(record)
    loaded = record["load_average"][0] > 0.5 * os.cpu_count()
    suffix = ("-small" if options.small else "") + ("-loaded" if loaded else "")
    path = ROOT / "bench" / "record" / f"python_overhead-{datetime.date.today()}{suffix}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\n{path.relative_to(ROOT)}")


def show(record):
    whole, small, two = record["overhead"], record["small_call"], record["two_threads"]
    print(f"load average {record['load_average'][0]:.1f} on {record['cores']} cores")
    print(f"{tuple(whole['shape'])}: {whole['whole_min']:.4f} s, library {whole['library_min']:.4f} s, "
          f"beyond it {whole['beyond_min'] * 1e3:.2f} ms at least, {whole['beyond_median'] * 1e3:.2f} ms median; "
          f"peak memory + {whole['peak_memory_added_bytes'] / 1e6:.1f} MB beside {whole['array_bytes'] / 1e6:.0f} MB")
    print(f"(10, 3): {small['microseconds_min']:.1f} us at least, {small['microseconds_median']:.1f} us median")
    print(f"two threads of Python: {two['ratio_median']:.2f} times one (median), {two['ratio_max']:.2f} at most")
    for table in record["peers"]:
        print(f"\n{tuple(table['shape'])}, columns of scales 1 to 1/{table['scale_of_columns']:g}")
        for name, row in table["methods"].items():
            print(f"  {name:26} {row['seconds_min']:9.4f} s min {row['seconds_median']:9.4f} s median {row['digits']:5.1f} digits")


if __name__ == "__main__":
    main()
