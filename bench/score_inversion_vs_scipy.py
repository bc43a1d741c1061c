"""Times an inversion of leverage scores, file to file on one thread: unhat's second-order method against SciPy.

    python3 bench/score_inversion_vs_scipy.py [--rounds 5] [--size 2000x50] [--depth 0.5] [--small]

Both start at the origin, which lies inside a random polytope. SciPy's least_squares is given the exact Jacobian
J = −2(Σ − P∘P)A_x from products of second moments (never n×n), shared with the residual, and the choice of its two scalings.
Methods take turns. Every answer must be within 1e-8 of the hidden x, relative. Writes a table, and a record under
bench/record/. Needs NumPy and SciPy.
"""

import inversion_vs_peers as peers  # settles threads before NumPy is loaded

import argparse
import datetime
import functools
import json
import pathlib
import subprocess
import tempfile
import time

import machine
import numpy as np
from scipy.optimize import least_squares

WANTED = 1e-8


def make(folder, n, d, depth, seed):
    """The polytope of the gradient's benchmark, with the scores at its hidden x."""
    x = peers.make(folder, n, d, depth, seed)
    a, b = np.load(folder / "matrix.npy"), np.load(folder / "offset.npy")
    np.save(folder / "target.npy", peers.whitened(a, a @ x - b)[1])
    np.save(folder / "start.npy", np.zeros(d))
    return x


class Problem:
    """Residual and Jacobian at the same x share slack, factor and scores."""

    def __init__(self, a, b, target):
        self.a, self.b, self.target = a, b, target
        self.x, self.parts = None, None

    def residual(self, x):
        self.x, self.parts = x.copy(), peers.whitened(self.a, self.a @ x - self.b)
        return self.parts[1] - self.target

    def jacobian(self, x):
        if not np.array_equal(x, self.x):
            self.residual(x)
        scaled, scores, u = self.parts
        # (P∘P)A_x = W diag(1 or 2) WᵀA_x, the rows of W the products u_j·u_k, j ≤ k.
        first, second = np.triu_indices(u.shape[1])
        products = u[:, first] * u[:, second]
        moments = (products.T @ scaled) * np.where(first == second, 1.0, 2.0)[:, None]
        return -2.0 * (scores[:, None] * scaled - products @ moments)


def scipy_inverse(scale, a, b, target, start):
    problem = Problem(a, b, target)
    found = least_squares(
        problem.residual, start, problem.jacobian, method="trf", x_scale=scale,
        ftol=1e-15, xtol=1e-13, gtol=1e-15, max_nfev=500,
    )  # fmt: skip
    return found.x, int(found.nfev)


NAMES = ("matrix", "offset", "target", "start")


def run_scipy(scale, folder):
    """File to file within this process: seconds, evaluations."""
    begin = time.perf_counter()
    x, evaluations = scipy_inverse(scale, *(np.load(folder / f"{name}.npy") for name in NAMES))
    np.save(folder / "found.npy", x)
    return time.perf_counter() - begin, {"evaluations": evaluations}


def run_unhat(binary, folder):
    """The whole process: seconds, and what it reports."""
    command = [binary, "invert", "scores", "--method", "second-order", "--threads", "1", "--json"]
    command += ["-o", folder / "found.npy"]
    for name in NAMES:
        command += [f"--{name}", folder / f"{name}.npy"]
    begin = time.perf_counter()
    finished = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE)
    seconds = time.perf_counter() - begin
    told = json.loads(finished.stdout)
    certificate = told["certificate"] and told["certificate"]["euclidean"]
    return seconds, {
        "evaluations": told["passes"],
        "iterations": told["iterations"],
        "reported_seconds": told["seconds"],
        "certificate": certificate,
        "status": told["status"],
    }


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="a small problem: does the script work?")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default 5)")
    parser.add_argument("--size", action="append", help="rows x columns, as 2000x50; may be repeated")
    parser.add_argument("--depth", type=float, default=0.5, help="how near the boundary x is hidden (default 0.5)")
    parser.add_argument("--unhat", type=pathlib.Path, default=peers.ROOT / "target/release/unhat", help="the program")
    parser.add_argument("--record", type=pathlib.Path, default=peers.ROOT / "bench/record", help="where the record goes")
    return parser.parse_args()


def main():
    chosen = options()
    version = subprocess.run([str(chosen.unhat), "--version"], check=True, stdout=subprocess.PIPE, text=True)
    date = datetime.date.today().isoformat()
    record = {"script": "score_inversion_vs_scipy", "date": date, "small": chosen.small, "threads": 1}
    record |= {"unhat": version.stdout.strip(), "machine": machine.facts(), "depth": chosen.depth}
    record |= {"wanted_error": WANTED, "cases": []}
    for size in ["300x10"] if chosen.small else chosen.size or ["2000x50"]:
        n, d = (int(part) for part in size.split("x"))
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            hidden = make(folder, n, d, chosen.depth, 1)
            scales = {"scipy": 1.0, "scipy, x_scale jac": "jac"}
            methods = {peer: functools.partial(run_scipy, scale, folder) for peer, scale in scales.items()}
            methods["unhat"] = functools.partial(run_unhat, chosen.unhat, folder)
            results = peers.measure(methods, folder, hidden, chosen.rounds)
        record["cases"].append({"rows": n, "columns": d, "results": results})
        print(f"\n{n} × {d}, depth {chosen.depth}, {chosen.rounds} rounds")
        print(f"  {'':22}{'min s':>10}{'median s':>10}{'× unhat min':>13}{'× median':>10}{'evals':>7}{'error':>10}")
        unhat = results["unhat"]
        for peer, r in results.items():
            reached = "" if r["worst_error"] <= WANTED else "  not reached"
            ratios = r["minimum"] / unhat["minimum"], r["median"] / unhat["median"]
            print(
                f"  {peer:22}{r['minimum']:10.4f}{r['median']:10.4f}{ratios[0]:13.1f}{ratios[1]:10.1f}"
                f"{r['evaluations']:7}{r['worst_error']:10.1e}{reached}",
                flush=True,
            )
    path = chosen.record / ("-".join(["score_inversion_vs_scipy", date, *(["small"] if chosen.small else [])]) + ".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\nrecord: {path.name}")


if __name__ == "__main__":
    main()
