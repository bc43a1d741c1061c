"""Scores of all rows of wide tables back to x: unhat without start or signs, the lift, and SciPy's least_squares.

    python3 bench/scores_at_large_d.py [--size 600x100 --size 1200x200 --size 3000x500] [--tables 1] [--threads 1]
        [--binary unhat] [--record FILE]

A table has an intercept and normal columns; x is one standard error from the least-squares fit of the response. SciPy gets the
exact Jacobian and begins at that fit, which is the best start that table and response give. Prints one JSON line a method:
the relative error of x, seconds, and how it ended. Needs NumPy and SciPy.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
from scipy.optimize import least_squares

EVALUATIONS = 40


def table(n, d, seed):
    random = np.random.default_rng([n, d, seed])
    a = np.c_[np.ones(n), random.standard_normal((n, d - 1))]
    b = a @ random.standard_normal(d) + random.standard_normal(n)
    fit = np.linalg.lstsq(a, b, rcond=None)[0]
    spread = np.linalg.cholesky(np.linalg.inv(a.T @ a) * ((a @ fit - b) ** 2).sum() / (n - d))
    return a, b, fit, fit + spread @ random.standard_normal(d)


def scores(a, b, x):
    scaled = a / (a @ x - b)[:, None]
    u = np.linalg.qr(scaled)[0]
    return scaled, u, (u * u).sum(1)


def jacobian(a, b, x):
    scaled, u, sigma = scores(a, b, x)
    return -2 * (sigma[:, None] * scaled - (u @ u.T) ** 2 @ scaled)


def by_unhat(words, folder, x, method):
    (folder / "x.npy").unlink(missing_ok=True)
    line = [words.binary, "invert", "scores", "--matrix", folder / "a.npy", "--offset", folder / "b.npy", "--json", "-q"]
    line += ["--target", folder / "s.npy", "-o", folder / "x.npy", "--method", method, "--threads", str(words.threads)]
    begun = time.perf_counter()
    ended = subprocess.run([str(word) for word in line], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    told = json.loads(ended.stdout.splitlines()[-1])
    if told["status"] == "error":
        return {"ended": told["error"]["message"]}
    found = np.load(folder / "x.npy")
    ends = {"ended": told["status"], "method": told["method"]["solver"], "from": told["candidates"][0]["origin"], "unique": told["unique"], "seconds": seconds}
    return ends | {"error": float(np.linalg.norm(found - x) / np.linalg.norm(x)), "residual": told["residual"]}


def by_scipy(a, b, target, fit, x):
    begun = time.perf_counter()
    found = least_squares(
        lambda z: scores(a, b, z)[2] - target, fit, lambda z: jacobian(a, b, z), x_scale="jac",
        ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=EVALUATIONS,
    )  # fmt: skip
    seconds, error = time.perf_counter() - begun, float(np.linalg.norm(found.x - x) / np.linalg.norm(x))
    misfit = float(np.linalg.norm(found.fun) / np.linalg.norm(target))
    return {"ended": f"status {found.status}", "seconds": seconds, "error": error, "misfit": misfit, "evaluations": found.nfev}


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--size", action="append")
    words.add_argument("--tables", type=int, default=1)
    words.add_argument("--threads", type=int, default=1)
    words.add_argument("--binary", default="unhat")
    words.add_argument("--record", type=pathlib.Path)
    words = words.parse_args()
    for size in words.size or ["600x100", "1200x200", "3000x500"]:
        n, d = map(int, size.split("x"))
        for seed in range(words.tables):
            a, b, fit, x = table(n, d, seed)
            target = scores(a, b, x)[2]
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                for name, values in (("a", a), ("b", b), ("s", target)):
                    np.save(folder / f"{name}.npy", values)
                found = {
                    "unhat": by_unhat(words, folder, x, "auto"),
                    "unhat, lift": by_unhat(words, folder, x, "lift"),
                    "scipy least_squares": by_scipy(a, b, target, fit, x),
                }
            for method, ends in found.items():
                line = json.dumps({"rows": n, "columns": d, "table": seed, "by": method} | ends)
                print(line, flush=True)
                if words.record:
                    with words.record.open("a") as record:
                        record.write(line + "\n")


if __name__ == "__main__":
    main()
