"""Times a whole gradient inversion, file to file on one thread: unhat against SciPy's least_squares and a JAX Newton.

    python3 bench/inversion_vs_peers.py [--rounds 5] [--size 2000x50 --size 20000x60] [--depth 0.9] [--small]

All start at the origin, which lies inside, and all are given what is best for them: the exact Jacobian from third
moments (n·d³ operations by matrix products, never n×n), shared between residual and Jacobian; for JAX, everything
compiled, the compilation counted apart. Methods take turns. Every answer must be within 1e-9 of the hidden x, relative.
Writes a table, and a record under bench/record/. Needs NumPy and SciPy; JAX is timed where it is installed.
"""

import machine

machine.settle_environment(threads=1)  # before NumPy is loaded

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
from scipy.linalg import blas, lapack
from scipy.optimize import least_squares

ROOT = pathlib.Path(__file__).resolve().parent.parent
WANTED = 1e-9
BLOCK = 4096  # rows at a time for third moments


# ------------------------------------------------------------------------------------------------ problems


def whitened(a, slack):
    """A_x, the scores and U = A_x L⁻ᵀ, where A_xᵀA_x = LLᵀ."""
    scaled = a / slack[:, None]
    factor, info = lapack.dpotrf(blas.dsyrk(1.0, scaled.T, lower=1), lower=1, clean=1)
    assert info == 0, "A_xᵀA_x is not positive definite"
    u = blas.dtrsm(1.0, factor, scaled.T, lower=1).T
    return scaled, np.einsum("ij,ij->i", u, u), u


def make(folder, n, d, depth, seed):
    """Unit rows at distances 0.5 to 1.5 from the origin; x at the given depth towards the boundary, and its gradient."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, d))
    a /= np.linalg.norm(a, axis=1)[:, None]
    b = -(0.5 + rng.random(n))
    direction = rng.standard_normal(d)
    speed = a @ direction
    x = depth * np.min(b[speed < 0] / speed[speed < 0]) * direction
    scaled, scores, _ = whitened(a, a @ x - b)
    for name, values in (("matrix", a), ("offset", b), ("target", -scaled.T @ scores)):
        np.save(folder / f"{name}.npy", values)
    return x


# ------------------------------------------------------------------------------------------------ peers


def hessian(scaled, scores, u):
    """H = A_xᵀ(3Σ − 2P∘P)A_x; A_xᵀ(P∘P)A_x = TTᵀ with T = A_xᵀW, the rows of W the products u_j·u_k, j ≤ k."""
    n, d = u.shape
    first, second = np.triu_indices(d)
    weight = np.where(first == second, 1.0, np.sqrt(2.0))
    moments = np.zeros((d, len(first)))
    for start in range(0, n, BLOCK):
        rows = u[start : start + BLOCK]
        moments += scaled[start : start + BLOCK].T @ (rows[:, first] * rows[:, second])
    moments *= weight
    return scaled.T @ (3.0 * scores[:, None] * scaled) - 2.0 * moments @ moments.T


class ScipyProblem:
    """Residual and Jacobian at the same x share slack, factor and scores; outside the cell the residual is infinite."""

    def __init__(self, a, b, c):
        self.a, self.b, self.c = a, b, c
        self.x, self.parts = None, None

    def residual(self, x):
        slack = self.a @ x - self.b
        if not (slack > 0).all():
            return np.full(len(x), np.inf)
        self.x, self.parts = x.copy(), whitened(self.a, slack)
        return -self.parts[0].T @ self.parts[1] - self.c

    def jacobian(self, x):
        if not np.array_equal(x, self.x):
            self.residual(x)
        return hessian(*self.parts)


def scipy_inverse(scale):
    def solve(a, b, c):
        problem = ScipyProblem(a, b, c)
        found = least_squares(
            problem.residual, np.zeros(a.shape[1]), problem.jacobian, method="trf", x_scale=scale,
            ftol=1e-15, xtol=1e-13, gtol=1e-15, max_nfev=500,
        )  # fmt: skip
        return found.x, int(found.nfev)

    return solve


def jax_inverse():
    """Newton on φ = V − cᵀx with the exact Hessian: at most 0.99 of the way to the boundary, halved until φ falls."""
    import jax
    import jax.numpy as jnp
    from jax.scipy.linalg import cho_solve, solve_triangular

    jax.config.update("jax_enable_x64", True)

    @jax.jit
    def evaluate(a, b, c, x):
        slack = a @ x - b
        scaled = a / slack[:, None]
        factor = jnp.linalg.cholesky(scaled.T @ scaled)
        u = solve_triangular(factor, scaled.T, lower=True).T
        scores = (u * u).sum(axis=1)
        gradient = -scaled.T @ scores - c
        return jnp.log(jnp.diag(factor)).sum() - c @ x, gradient, slack, scaled, scores, u

    @jax.jit
    def direction(a, gradient, slack, scaled, scores, u):
        first, second = np.triu_indices(u.shape[1])
        weight = jnp.where(first == second, 1.0, jnp.sqrt(2.0))
        moments = (scaled.T @ (u[:, first] * u[:, second])) * weight
        h = scaled.T @ (3.0 * scores[:, None] * scaled) - 2.0 * moments @ moments.T
        step = -cho_solve((jnp.linalg.cholesky(h), True), gradient)
        nearest = jnp.max(-(a @ step) / slack)
        return step, -gradient @ step, jnp.minimum(1.0, 0.99 / nearest)

    def solve(a, b, c):
        a, b, c = jnp.asarray(a), jnp.asarray(b), jnp.asarray(c)
        x = jnp.zeros(a.shape[1])
        value, gradient, *parts = evaluate(a, b, c, x)
        evaluations = 1
        for _ in range(100):
            step, decrement, length = direction(a, gradient, *parts)
            decrement, length = float(decrement), float(length) if float(length) > 0 else 1.0
            if decrement < 1e-22:
                break
            while True:
                new = evaluate(a, b, c, x + length * step)
                evaluations += 1
                if float(new[0]) <= float(value) - 1e-4 * length * decrement or decrement < 1e-10 or length < 1e-9:
                    break
                length *= 0.5
            x, value, gradient, parts = x + length * step, new[0], new[1], new[2:]
        return np.asarray(x), evaluations

    return solve


def run_peer(solve, folder):
    """File to file within this process: seconds, evaluations."""
    start = time.perf_counter()
    x, evaluations = solve(*(np.load(folder / f"{name}.npy") for name in ("matrix", "offset", "target")))
    np.save(folder / "found.npy", x)
    return time.perf_counter() - start, {"evaluations": evaluations}


def run_unhat(binary, folder):
    """The whole process: seconds, and what it reports."""
    command = [binary, "invert", "gradient", "--threads", "1", "--json", "-o", folder / "found.npy"]
    for name in ("matrix", "offset", "target"):
        command += [f"--{name}", folder / f"{name}.npy"]
    start = time.perf_counter()
    finished = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE)
    seconds = time.perf_counter() - start
    told = json.loads(finished.stdout)
    certificate = told["certificate"] and told["certificate"]["euclidean"]
    kept = {"evaluations": told["passes"], "solver": told["method"]["solver"], "reported_seconds": told["seconds"]}
    return seconds, kept | {"certificate": certificate, "status": told["status"]}


# ------------------------------------------------------------------------------------------------ measuring


def measure(methods, folder, hidden, rounds):
    """Every method once a round, the order turned round every time; the first round warms up, compiles and is kept apart."""
    results = {name: {"seconds": [], "worst_error": 0.0} for name in methods}
    for turn in range(rounds + 1):
        for name in list(methods) if turn % 2 == 0 else list(methods)[::-1]:
            (folder / "found.npy").unlink(missing_ok=True)
            seconds, told = methods[name]()
            error = np.linalg.norm(np.load(folder / "found.npy") - hidden) / np.linalg.norm(hidden)
            result = results[name]
            result["worst_error"] = max(result["worst_error"], float(error))
            if turn == 0:
                result |= {"first_seconds": seconds} | told
                results[name] = result
            else:
                result["seconds"].append(seconds)
    for result in results.values():
        result["minimum"], result["median"] = min(result["seconds"]), statistics.median(result["seconds"])
    return results


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="a small problem: does the script work?")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default 5)")
    parser.add_argument("--size", action="append", help="rows x columns, as 2000x50; may be repeated")
    parser.add_argument("--depth", type=float, default=0.9, help="how near the boundary x is hidden (default 0.9)")
    parser.add_argument("--unhat", type=pathlib.Path, default=ROOT / "target/release/unhat", help="the program to time")
    parser.add_argument("--record", type=pathlib.Path, default=ROOT / "bench/record", help="where the record goes")
    return parser.parse_args()


def main():
    chosen = options()
    # XLA reads its flags when it starts; one thread for everyone
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    facts = machine.facts()
    peers = {"scipy": scipy_inverse(1.0), "scipy, x_scale jac": scipy_inverse("jac")}
    try:
        peers["jax newton"] = jax_inverse()
        import jax

        facts["jax"] = jax.__version__
    except ImportError:
        print("JAX is not installed: left out")
    version = subprocess.run([str(chosen.unhat), "--version"], check=True, stdout=subprocess.PIPE, text=True)
    record = {"script": "inversion_vs_peers", "date": datetime.date.today().isoformat(), "small": chosen.small}
    record |= {"threads": 1, "unhat": version.stdout.strip(), "machine": facts}
    record |= {"depth": chosen.depth, "wanted_error": WANTED, "cases": []}
    for size in ["300x10"] if chosen.small else chosen.size or ["2000x50", "20000x60"]:
        n, d = (int(part) for part in size.split("x"))
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            hidden = make(folder, n, d, chosen.depth, 1)
            methods = {peer: lambda solve=solve: run_peer(solve, folder) for peer, solve in peers.items()}
            methods["unhat"] = lambda: run_unhat(chosen.unhat, folder)
            results = measure(methods, folder, hidden, chosen.rounds)
        record["cases"].append({"rows": n, "columns": d, "results": results})
        print(f"\n{n} × {d}, depth {chosen.depth}, {chosen.rounds} rounds")
        print(f"  {'':22}{'min s':>10}{'median s':>10}{'first s':>10}{'× unhat min':>13}{'× median':>10}{'evals':>7}{'error':>10}")
        unhat = results["unhat"]
        for peer, r in results.items():
            reached = "" if r["worst_error"] <= WANTED else "  not reached"
            ratios = r["minimum"] / unhat["minimum"], r["median"] / unhat["median"]
            print(
                f"  {peer:22}{r['minimum']:10.4f}{r['median']:10.4f}{r['first_seconds']:10.4f}{ratios[0]:13.1f}"
                f"{ratios[1]:10.1f}{r['evaluations']:7}{r['worst_error']:10.1e}{reached}",
                flush=True,
            )
    marks = ["small"] if chosen.small else [size for size in chosen.size or []]
    path = chosen.record / ("-".join(["inversion_vs_peers", record["date"], *marks]) + ".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\nrecord: {path.name}")


if __name__ == "__main__":
    main()
