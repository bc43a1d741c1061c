"""Times leverage scores, file to file on one thread: unhat against SciPy, on dense and sparse rows.

    python3 bench/scores_vs_scipy.py [--small] [--busy] [--rounds 7] [--case NAME] [--without-slow]

Methods take turns within a round, so that a machine that slows down slows down all of them. Writes a table, and a record
under bench/record/. Needs NumPy and SciPy; threadpoolctl is used where it is installed.
"""

import machine

machine.settle_environment(threads=1)  # before NumPy is loaded

import argparse
import contextlib
import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy.sparse as sp
from scipy.linalg import blas, lapack

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Rows at a time where the peers work in blocks, the fastest of several tried: dense 2048, 8192 and 32768 differ by less
# than the noise; sparse 64 to 32768, where larger ones leave the cache.
DENSE_BLOCK = 8192
SPARSE_BLOCK = 256
SLOW = {"scipy, solving"}  # a minute a run, four times the baseline: listed, but not worth an hour


# ------------------------------------------------------------------------------------------------ problems


def dense_file(path, n, d, seed):
    np.save(path, np.random.default_rng(seed).standard_normal((n, d)))


def sparse_file(path, n, d, per_row, seed, fixed):
    """n rows with `per_row` entries each (fixed), or with each entry present with probability per_row/d."""
    rng = np.random.default_rng(seed)
    counts = np.full(n, per_row) if fixed else rng.binomial(d, per_row / d, n)
    rows = np.repeat(np.arange(n), counts)
    # distinct columns within a row: a random start and increasing gaps, taken around the circle of d columns
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    stride = d // np.maximum(counts, 1)
    columns = np.repeat(rng.integers(0, d, n), counts) + place * np.repeat(stride, counts)
    columns += (rng.random(len(columns)) * np.repeat(stride, counts)).astype(np.int64)
    values = rng.standard_normal(len(columns))
    matrix = sp.csr_matrix((values, (rows, columns % d)), shape=(n, d))
    sp.save_npz(path, matrix, compressed=False)


def cases(small):
    """name → (rows, columns, file name, writer of the file)."""
    shrink = 50 if small else 1
    wide = 100 if small else 1000
    dense, binomial, fixed = 200_000 // shrink, 1_000_000 // shrink, 500_000 // shrink
    return {
        "dense": (dense, 100, "dense.npy", lambda path: dense_file(path, dense, 100, 1)),
        "sparse 1 %": (binomial, wide, "one_percent.npz", lambda path: sparse_file(path, binomial, wide, wide // 100, 2, False)),
        "sparse 10 a row": (fixed, wide, "ten_a_row.npz", lambda path: sparse_file(path, fixed, wide, 10, 3, True)),
    }


# ------------------------------------------------------------------------------------------------ peers


def scipy_dense_factor(a):
    """L with AᵀA = LLᵀ; the transposes are views, so nothing is copied."""
    factor, info = lapack.dpotrf(blas.dsyrk(1.0, a.T, lower=1), lower=1, clean=1, overwrite_a=1)
    assert info == 0, "AᵀA is not positive definite"
    return factor


def scipy_dense(a):
    """dsyrk, Cholesky, dtrsm over A itself, row norms."""
    u = blas.dtrsm(1.0, scipy_dense_factor(a), a.T, lower=1, overwrite_b=1)
    assert np.shares_memory(u, a), "dtrsm made a copy"
    return np.einsum("ij,ij->i", a, a)


def scipy_dense_blocks(a):
    """The same a block of rows at a time, so that the norms find their rows in the cache."""
    factor = scipy_dense_factor(a)
    scores = np.empty(len(a))
    for start in range(0, len(a), DENSE_BLOCK):
        rows = a[start : start + DENSE_BLOCK]
        blas.dtrsm(1.0, factor, rows.T, lower=1, overwrite_b=1)
        np.einsum("ij,ij->i", rows, rows, out=scores[start : start + DENSE_BLOCK])
    return scores


def scipy_sparse_factor(a):
    factor, info = lapack.dpotrf((a.T @ a).toarray(order="F"), lower=1, clean=1, overwrite_a=1)
    assert info == 0, "AᵀA is not positive definite"
    return factor


def scipy_sparse_solve(a):
    """AᵀA, Cholesky, and dtrsm on blocks of rows made dense."""
    factor = scipy_sparse_factor(a)
    scores = np.empty(a.shape[0])
    for start in range(0, a.shape[0], SPARSE_BLOCK):
        rows = a[start : start + SPARSE_BLOCK].toarray()
        blas.dtrsm(1.0, factor, rows.T, lower=1, overwrite_b=1)
        np.einsum("ij,ij->i", rows, rows, out=scores[start : start + SPARSE_BLOCK])
    return scores


def scipy_sparse_inverse(a):
    """AᵀA, its inverse, and aᵢᵀM⁻¹aᵢ by sparse products on blocks of rows."""
    inverse, info = lapack.dpotri(scipy_sparse_factor(a), lower=1, overwrite_c=1)
    assert info == 0
    inverse = np.ascontiguousarray(np.tril(inverse) + np.tril(inverse, -1).T)
    scores = np.empty(a.shape[0])
    for start in range(0, a.shape[0], SPARSE_BLOCK):
        rows = a[start : start + SPARSE_BLOCK]
        scores[start : start + SPARSE_BLOCK] = np.asarray(rows.multiply(rows @ inverse).sum(axis=1)).ravel()
    return scores


def run_peer(method, load, source, target):
    """File to file within this process: (seconds of computing, seconds of all)."""
    start = time.perf_counter()
    matrix = load(source)
    loaded = time.perf_counter()
    scores = method(matrix)
    computed = time.perf_counter()
    np.save(target, scores)
    return computed - loaded, time.perf_counter() - start


def run_unhat(binary, source, target):
    """(the seconds the program reports, seconds of the whole process)."""
    command = [binary, "scores", "--matrix", source, "-o", target, "--threads", "1", "--json"]
    start = time.perf_counter()
    finished = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE)
    wall = time.perf_counter() - start
    return float(json.loads(finished.stdout)["seconds"]), wall


# ------------------------------------------------------------------------------------------------ measuring


@contextlib.contextmanager
def busy_neighbour(wanted):
    """One more process that keeps a core busy, while the body runs."""
    if not wanted:
        yield
        return
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        neighbour.kill()
        neighbour.wait()


def measure(methods, rounds, target):
    """Seconds of each method in each round, the order turned round every time, and the largest difference in scores.

    Methods named in SLOW count once.
    """
    seconds = {name: {"compute": [], "all": []} for name in methods}
    reference, difference = None, 0.0
    for turn in range(rounds + 1):  # the first round warms up and is checked, not counted
        order = list(methods) if turn % 2 == 0 else list(methods)[::-1]
        for name in order:
            if turn > 1 and name in SLOW:
                continue
            compute, everything = methods[name]()
            if turn == 0:
                scores = np.load(target)
                reference = scores if reference is None else reference
                difference = max(difference, float(abs(scores - reference).max()))
            else:
                seconds[name]["compute"].append(compute)
                seconds[name]["all"].append(everything)
    return seconds, difference


def summary(seconds, flops, peak):
    best = {kind: min(values) for kind, values in seconds.items()}
    median = {kind: statistics.median(values) for kind, values in seconds.items()}
    share = flops / best["compute"] / 1e9 / peak if flops else None
    return {"minimum": best, "median": median, "share_of_peak": share, "rounds": seconds}


def table(case, results, baseline):
    """Lines of text; ratios are the baseline's time over the method's, above 1 where the method is faster."""
    yield f"\n{case['name']}: {case['rows']} × {case['columns']}, scores agree to {case['difference']:.1e}"
    yield f"  {'':24}{'compute':>20}{'file to file':>20}{'× ' + baseline:>22}{'of peak':>9}"
    yield f"  {'':24}{'min':>10}{'median':>10}{'min':>10}{'median':>10}{'min':>11}{'median':>11}"
    for name, result in results.items():
        low, mid = result["minimum"], result["median"]
        ratios = [results[baseline][kind]["all"] / result[kind]["all"] for kind in ("minimum", "median")]
        share = f"{result['share_of_peak']:9.0%}" if result["share_of_peak"] else ""
        yield (
            f"  {name:24}{low['compute']:10.4f}{mid['compute']:10.4f}{low['all']:10.4f}{mid['all']:10.4f}"
            f"{ratios[0]:11.2f}{ratios[1]:11.2f}{share}"
        )


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="small problems: does the script work?")
    parser.add_argument("--busy", action="store_true", help="with one more process that keeps a core busy")
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds (default 7)")
    parser.add_argument("--case", action="append", choices=list(cases(False)), help="only this case; may be repeated")
    parser.add_argument("--without-slow", action="store_true", help=f"leave out {', '.join(SLOW)}")
    parser.add_argument("--unhat", type=pathlib.Path, default=ROOT / "target/release/unhat", help="the program to time")
    parser.add_argument("--record", type=pathlib.Path, default=ROOT / "bench/record", help="where the record goes")
    return parser.parse_args()


def main():
    chosen = options()
    record = {"script": "scores_vs_scipy", "date": datetime.date.today().isoformat(), "small": chosen.small}
    record |= {"busy_neighbour": chosen.busy, "threads": 1, "machine": machine.facts(), "cases": []}
    if chosen.unhat.exists():
        version = subprocess.run([str(chosen.unhat), "--version"], check=True, stdout=subprocess.PIPE, text=True)
        record["unhat"] = version.stdout.strip()
    else:
        record["unhat"] = None
        print(f"{chosen.unhat} does not exist: only the peers are timed (cargo build --release -p unhat-cli)")
    for name, fact in record["machine"].items():
        print(f"{name:14}{'; '.join(map(str, fact)) if isinstance(fact, list) else fact}")

    with tempfile.TemporaryDirectory() as folder, busy_neighbour(chosen.busy):
        target = pathlib.Path(folder) / "scores.npy"
        for name, (rows, columns, file_name, write) in cases(chosen.small).items():
            if chosen.case and name not in chosen.case:
                continue
            source = pathlib.Path(folder) / file_name
            write(source)
            dense = name == "dense"
            if dense:
                peers = {"scipy": scipy_dense, "scipy, blocks": scipy_dense_blocks}
            else:
                peers = {"scipy": scipy_sparse_inverse, "scipy, solving": scipy_sparse_solve}
            if chosen.without_slow:
                peers = {peer: method for peer, method in peers.items() if peer not in SLOW}
            load = np.load if dense else sp.load_npz
            methods = {
                peer: lambda method=method: run_peer(method, load, source, target) for peer, method in peers.items()
            }
            if record["unhat"]:
                methods["unhat"] = lambda: run_unhat(chosen.unhat, source, target)
            seconds, difference = measure(methods, chosen.rounds, target)
            # AᵀA, one triangle: n·d·(d + 1); the triangular solve: n·d²; sparse methods do different work, so no share
            flops = rows * columns * (2 * columns + 1) if dense else None
            peak = record["machine"]["dgemm_gflops"]
            results = {method: summary(values, flops, peak) for method, values in seconds.items()}
            case = {"name": name, "rows": rows, "columns": columns, "difference": difference, "results": results}
            record["cases"].append(case)
            print("\n".join(table(case, results, "scipy")), flush=True)
            source.unlink()

    marks = [mark for mark, present in (("small", chosen.small), ("busy", chosen.busy)) if present]
    marks += [case.replace(" %", "_percent").replace(" ", "_") for case in chosen.case or []]
    path = chosen.record / ("-".join(["scores_vs_scipy", record["date"], *marks]) + ".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\nrecord: {path.name}")


if __name__ == "__main__":
    main()
