"""Compares the attackers of `unhat audit` with attackers written down here in NumPy, on tables drawn from seeds and stackloss.

    python3 bench/audit_attackers.py [--tries 20] [--binary unhat] [--record FILE]

Blind attackers: least squares on the scores from many starts (fits of the rows of largest scores), at noise of 1 to 50 % of
the scores. Rounding to 1 to 4 digits: a fit weighted by the digits, and the mean of the linearised polytope of what they allow,
both begun at the truth. Ridge: the nearest of 1500 penalties. Prints the ratio of median errors. Needs NumPy and SciPy.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from scipy.optimize import linprog

STACKLOSS = pathlib.Path(__file__).parent.parent / "crates/unhat-cli/data/stackloss.csv"
NOISE, DIGITS, RIDGE_NOISE = [0.01, 0.03, 0.1, 0.5], [1, 2, 3, 4], [1e-3, 1e-2, 0.03, 0.1, 0.5]


def tables():
    """(A, b, x) by name: x is some way from the least-squares fit."""
    found = {}
    rows = np.genfromtxt(STACKLOSS, delimiter=",", skip_header=1)
    a, b = np.c_[np.ones(len(rows)), rows[:, 1:]], rows[:, 0]
    fit = np.linalg.lstsq(a, b, rcond=None)[0]
    found["stackloss"] = a, b, fit * (1 + 0.05 * np.random.default_rng(9).standard_normal(4))
    for seed in range(4):
        random = np.random.default_rng(50 + seed)
        n, d = int(random.integers(60, 200)), int(random.integers(3, 6))
        z = random.standard_normal((n, d - 1))
        a = np.c_[np.ones(n), z if seed % 2 else np.exp(z)]
        b = a @ random.standard_normal(d) + 0.5 * random.standard_normal(n)
        fit = np.linalg.lstsq(a, b, rcond=None)[0]
        name = ("normal" if seed % 2 else "lognormal") + str(seed)
        found[name] = a, b, fit * (1 + 0.1 * random.standard_normal(d))
    return found


def scores(a, b, x):
    slack = a @ x - b
    scaled = a / np.where(abs(slack) < 1e-300, 1e-300, slack)[:, None]
    u = np.linalg.qr(scaled)[0]
    return scaled, u, (u * u).sum(1)


def jacobian(scaled, u, sigma):
    return -2 * (sigma[:, None] * scaled - (u @ u.T) ** 2 @ scaled)


def fitted(a, b, target, weight, x, steps, damping=1e-2):
    """Levenberg and Marquardt; facets may be crossed."""
    at = scores(a, b, x)
    misfit = ((weight * (at[2] - target)) ** 2).sum()
    for _ in range(steps):
        j = weight[:, None] * jacobian(*at)
        gram, slope = j.T @ j, j.T @ (weight * (at[2] - target))
        for _ in range(14):
            h = -np.linalg.lstsq(gram + damping * np.diag(np.diag(gram)), slope, rcond=None)[0]
            there = scores(a, b, x + h)
            found = ((weight * (there[2] - target)) ** 2).sum()
            if np.isfinite(found) and found < misfit:
                break
            damping = max(4 * damping, 1e-9)
        else:
            break
        done = misfit - found < 1e-10 * misfit
        x, misfit, at, damping = x + h, found, there, max(damping / 5, 1e-12)
        if done:
            break
    return x, misfit


def blind(a, b, target, random):
    n, d = a.shape
    fit = np.linalg.lstsq(a, b, rcond=None)[0]
    spread = np.linalg.cholesky(np.linalg.inv(a.T @ a) * ((a @ fit - b) ** 2).sum() / (n - d))
    order, starts = np.argsort(-target), [fit]
    for k in [d, d + 1, d + 2, d + 3, 2 * d, 2 * d + 3, 3 * d, 5 * d]:
        rows = order[:k]
        w = np.sqrt(np.clip(target[rows], 1e-3, 0.999) / (1 - np.clip(target[rows], 1e-3, 0.999)))
        starts.append(np.linalg.lstsq(a[rows], b[rows], rcond=None)[0])
        starts.append(np.linalg.lstsq(a[rows] * w[:, None], b[rows] * w, rcond=None)[0])
    for _ in range(40):
        rows = random.choice(order[: int(random.integers(d, 2 * d + 6))], d, replace=False)
        starts.append(np.linalg.lstsq(a[rows], b[rows], rcond=None)[0])
    starts += [fit + t * spread @ random.standard_normal(d) for t in [1, 3, 10] for _ in range(4)]
    one = np.ones(n)
    starts = [x + 1e-3 * spread @ random.standard_normal(d) for x in starts]
    starts.sort(key=lambda x: ((scores(a, b, x)[2] - target) ** 2).sum())
    short = sorted((fitted(a, b, target, one, x, 8) for x in starts[:30]), key=lambda end: end[1])
    return min((fitted(a, b, target, one, x, 60) for x, _ in short[:6]), key=lambda end: end[1])[0]


def mean_of_the_allowed(a, b, target, half, x, random):
    for last in (False, False, True):
        at = scores(a, b, x)
        rows, ends = np.vstack([jacobian(*at)] * 2) / np.r_[half, half][:, None], target - at[2]
        rows[len(half) :] *= -1
        ends = np.r_[(ends + half) / half, (half - ends) / half]
        size = np.linalg.norm(rows, axis=0)
        rows = rows / size
        cost, free = np.r_[np.zeros(len(x)), -1], [(None, None)] * (len(x) + 1)
        found = linprog(cost, A_ub=np.c_[rows, np.ones(len(rows))], b_ub=ends, bounds=free, method="highs")
        if found.x is None or found.x[-1] <= 0:
            return None
        z = found.x[:-1]
        if last:
            walk, at_z = [], z.copy()
            for _ in range(4000):
                v = random.standard_normal(len(z))
                room, along = ends - rows @ at_z, rows @ v
                high, low = (room[along > 0] / along[along > 0]).min(), (room[along < 0] / along[along < 0]).max()
                at_z = at_z + v * (low + (high - low) * random.random())
                walk.append(at_z)
            z = np.mean(walk[200:], 0)
        x = x + z / size
    return x


def audited(binary, folder, a, b, x, noise, digits, tries):
    """Median errors by (attack, protection, level), noise in units of the scores."""
    np.savetxt(folder / "x.txt", x, fmt="%.17g")
    head = ",".join(f"c{j}" for j in range(a.shape[1] - 1)) + ",y"
    np.savetxt(folder / "t.csv", np.c_[a[:, 1:], b], delimiter=",", header=head, comments="", fmt="%.17g")
    rms = float(np.sqrt((scores(a, b, x)[2] ** 2).mean()))
    line = [binary, "audit", folder / "t.csv", "--response", "y", "--intercept", "--point", folder / "x.txt", "--json", "-q"]
    line += ["--noise", ",".join(repr(share * rms) for share in noise), "--round", ",".join(map(str, digits))]
    line += ["--clip", "0.95", "--top", "20", "--trials", str(tries), "--threads", "1"]
    found = json.loads(subprocess.run(line, capture_output=True, text=True, check=False).stdout.splitlines()[-1])
    levels = {}
    for result in found["releases"]:
        level = result["level"]
        if result["protection"] == "gaussian":
            level = min(noise, key=lambda share: abs(share * rms - level))
            if abs(level * rms / result["level"] - 1) > 1e-9:
                continue
        levels[result["attack"], result["protection"], level] = result["error_median"]
    return found["verdict"]["attack"], levels


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--tries", type=int, default=20)
    words.add_argument("--binary", default="unhat")
    words.add_argument("--record")
    words = words.parse_args()
    random, lines = np.random.default_rng(5), []

    def keep(**line):
        print(json.dumps(line), flush=True)
        lines.append(line)

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, (a, b, x) in tables().items():
            n, size = len(b), np.linalg.norm(x)
            exact = scores(a, b, x)[2]
            rms = np.sqrt((exact**2).mean())
            verdict, found = audited(words.binary, folder, a, b, x, NOISE, DIGITS, words.tries)
            for share in NOISE:
                draws = [exact + share * rms * random.standard_normal(n) for _ in range(words.tries)]
                error = float(np.median([np.linalg.norm(blind(a, b, y, random) - x) / size for y in draws]))
                audit = found["blind", "gaussian", share]
                keep(table=name, noise=share, audit=audit, here=error, ratio=audit / error, headline=verdict)
            for digits in DIGITS:
                last = 10.0 ** (np.floor(np.log10(exact)) - digits + 1)
                target, half = np.round(exact / last) * last, last / 2 * 1.0001
                end = fitted(a, b, target, 1 / half, x, 60)[0]
                mean = mean_of_the_allowed(a, b, target, half, end, random)
                weighted = float(np.linalg.norm(end - x) / size)
                mean = None if mean is None else float(np.linalg.norm(mean - x) / size)
                audit = found["blind", "rounding", digits]
                keep(table=name, digits=digits, audit=audit, weighted_here=weighted, mean_here=mean)
            penalty = np.diag(np.r_[0, a[:, 1:].var(0)]) * n
            ridge = lambda value: np.linalg.solve(a.T @ a + value * penalty, a.T @ b)
            x = ridge(0.03)
            exact, size = scores(a, b, x)[2], np.linalg.norm(x)
            rms = np.sqrt((exact**2).mean())
            path = [ridge(value) for value in np.r_[0, 10.0 ** np.linspace(-6, 3, 1500)]]
            along = np.array([scores(a, b, point)[2] for point in path])
            verdict, found = audited(words.binary, folder, a, b, x, RIDGE_NOISE, [3], words.tries)
            for share in RIDGE_NOISE:
                draws = [exact + share * rms * random.standard_normal(n) for _ in range(words.tries)]
                nearest = [path[((along - y) ** 2).sum(1).argmin()] for y in draws]
                error = float(np.median([np.linalg.norm(point - x) / size for point in nearest]))
                audit = found["ridge", "gaussian", share]
                keep(table=name, ridge_noise=share, audit=audit, here=error, headline=verdict)
    if words.record:
        pathlib.Path(words.record).write_text("".join(json.dumps(line) + "\n" for line in lines))


if __name__ == "__main__":
    main()
