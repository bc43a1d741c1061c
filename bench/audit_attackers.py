"""Compares the attackers of `unhat audit` with attackers written down here in NumPy, on the same tables and the same draws.

    python3 bench/audit_attackers.py [--tries 40] [--points 12] [--parts noise digits ridge] [--tables NAME ...]
        [--binary unhat] [--record FILE]

noise: the blind attacker at 1 to 50 % of the scores. Here: least squares on the scores from many starts (fits of the rows of
largest scores), and the same begun at the truth, which no attacker can do: the nearer end of what the scores allow.
digits: rounding to 1 to 4 digits, the median over points x. Here: a fit weighted by the digits and the mean of the linearised
polytope of what they allow, both begun at the truth. ridge: the nearest of 1500 penalties. Prints the ratio of median errors.
The noise is the audit's own, drawn again here (ChaCha12, Box and Muller): without that two medians of 20 tries differ by up to
two times by chance. Needs NumPy and SciPy.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from scipy.optimize import linprog

CRATES = pathlib.Path(__file__).parent.parent / "crates"
STACKLOSS = CRATES / "unhat-cli/data/stackloss.csv"
SKEWED = CRATES / "unhat/tests/data"
NOISE, DIGITS, RIDGE_NOISE = [0.01, 0.03, 0.1, 0.5], [1, 2, 3, 4], [1e-3, 1e-2, 0.03, 0.1, 0.5]


def uniform(seed, stream, count):
    """The uniform numbers of unhat::random: ChaCha12, its key drawn from the seed by PCG32."""
    key = []
    for _ in range(8):
        seed = (seed * 0x5851F42D4C957F2D + 0xA17654E46FBE17F3) % 2**64
        word, turn = (((seed >> 18) ^ seed) >> 27) % 2**32, seed >> 59
        key.append(((word >> turn) | (word << (32 - turn) % 32)) % 2**32)
    first = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *key]
    block = np.arange(-(-count // 8), dtype=np.uint64)
    state = [np.full(len(block), word, np.uint32) for word in first]
    state += [block.astype(np.uint32), (block >> np.uint64(32)).astype(np.uint32)]
    state += [np.full(len(block), word, np.uint32) for word in (stream % 2**32, stream >> 32)]
    begun = [word.copy() for word in state]
    columns = [(j, j + 4, j + 8, j + 12) for j in range(4)]
    diagonals = [(j, 4 + (j + 1) % 4, 8 + (j + 2) % 4, 12 + (j + 3) % 4) for j in range(4)]
    for a, b, c, d in (columns + diagonals) * 6:
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] += state[y]
            mixed = state[z] ^ state[x]
            state[z] = (mixed << np.uint32(turn)) | (mixed >> np.uint32(32 - turn))
    words = np.stack([a + b for a, b in zip(state, begun)], 1).astype(np.uint64)
    return ((words[:, 0::2] | words[:, 1::2] << np.uint64(32)).ravel()[:count] >> np.uint64(11)) / 2.0**53


def noise_of(count, trial):
    """The standard normal noise of one try of an audit of scores with seed 0."""
    u = uniform(0, 0xA0D1_0000_0000 + trial, count + count % 2).reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log1p(-u[:, 0])), 2 * np.pi * u[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()[:count]


def tables():
    """(A, b, x) by name: x is some way from the least-squares fit."""
    found = {}
    rows = np.genfromtxt(SKEWED / "skewed.csv", delimiter=",", skip_header=1)
    found["skew"] = np.c_[np.ones(len(rows)), rows[:, :-1]], rows[:, -1], np.loadtxt(SKEWED / "skewed_x.csv")
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


def audited(words, folder, a, b, x, noise, digits, tries):
    """Median errors by (attack, protection, level), noise in units of the scores."""
    np.savetxt(folder / "x.txt", x, fmt="%.17g")
    head = ",".join(f"c{j}" for j in range(a.shape[1] - 1)) + ",y"
    np.savetxt(folder / "t.csv", np.c_[a[:, 1:], b], delimiter=",", header=head, comments="", fmt="%.17g")
    rms = float(np.sqrt((scores(a, b, x)[2] ** 2).mean()))
    line = [words.binary, "audit", folder / "t.csv", "--response", "y", "--intercept", "--point", folder / "x.txt", "--json", "-q"]
    line += ["--noise", ",".join(repr(share * rms) for share in noise), "--round", ",".join(map(str, digits))]
    line += ["--clip", "0.95", "--top", "20", "--trials", str(tries), "--threads", str(words.threads)]
    found = json.loads(subprocess.run(line, capture_output=True, text=True, check=False).stdout.splitlines()[-1])
    levels = {}
    for result in found["releases"]:
        level = result["level"]
        if result["protection"] == "gaussian":
            level = min(noise, key=lambda share: abs(share * rms - level))
            if abs(level * rms / result["level"] - 1) > 1e-9 or result["trials"] < min(tries, 21):
                continue
        levels[result["attack"], result["protection"], level] = result["error_median"]
    return found["verdict"]["attack"], levels


def distance(found, x):
    return float(np.linalg.norm(found - x) / np.linalg.norm(x))


def noise_part(words, folder, name, a, b, x, keep):
    exact, one = scores(a, b, x)[2], np.ones(len(b))
    rms = np.sqrt((exact**2).mean())
    verdict, found = audited(words, folder, a, b, x, NOISE, [3], words.tries)
    for share in NOISE:
        here, truth = [], []
        for trial in range(words.tries):
            y = exact + share * rms * noise_of(len(b), trial)
            here.append(distance(blind(a, b, y, np.random.default_rng([5, trial])), x))
            truth.append(distance(fitted(a, b, y, one, x, 200)[0], x))
        audit, here, truth = found["blind", "gaussian", share], float(np.median(here)), float(np.median(truth))
        keep(table=name, noise=share, audit=audit, here=here, ratio=audit / here, from_the_truth=truth, headline=verdict)


def digits_part(words, folder, name, a, b, x, keep):
    random = np.random.default_rng(7)
    errors = {digits: [] for digits in DIGITS}
    for _ in range(words.points):
        point = x * (1 + 0.02 * random.standard_normal(len(x)))
        exact = scores(a, b, point)[2]
        _, found = audited(words, folder, a, b, point, [0.1], DIGITS, 1)
        for digits in DIGITS:
            last = 10.0 ** (np.floor(np.log10(exact)) - digits + 1)
            target, half = np.round(exact / last) * last, last / 2 * 1.0001
            end = fitted(a, b, target, 1 / half, point, 60)[0]
            mean = mean_of_the_allowed(a, b, target, half, end, random)
            mean = np.nan if mean is None else distance(mean, point)
            errors[digits].append((found["blind", "rounding", digits], distance(end, point), mean))
    for digits, found in errors.items():
        audit, weighted, mean = np.nanmedian(np.array(found, float), 0).tolist()
        ratio = audit / np.nanmin([weighted, mean])
        keep(table=name, digits=digits, audit=audit, weighted_here=weighted, mean_here=mean, ratio=ratio)


def ridge_part(words, folder, name, a, b, x, keep):
    penalty = np.diag(np.r_[0, a[:, 1:].var(0)]) * len(b)
    ridge = lambda value: np.linalg.solve(a.T @ a + value * penalty, a.T @ b)
    x = ridge(0.03)
    exact = scores(a, b, x)[2]
    rms = np.sqrt((exact**2).mean())
    path = [ridge(value) for value in np.r_[0, 10.0 ** np.linspace(-6, 3, 1500)]]
    along = np.array([scores(a, b, point)[2] for point in path])
    verdict, found = audited(words, folder, a, b, x, RIDGE_NOISE, [3], words.tries)
    for share in RIDGE_NOISE:
        draws = [exact + share * rms * noise_of(len(b), trial) for trial in range(words.tries)]
        here = float(np.median([distance(path[((along - y) ** 2).sum(1).argmin()], x) for y in draws]))
        audit = found["ridge", "gaussian", share]
        keep(table=name, ridge_noise=share, audit=audit, here=here, ratio=audit / here, headline=verdict)


PARTS = {"noise": noise_part, "digits": digits_part, "ridge": ridge_part}


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--tries", type=int, default=40)
    words.add_argument("--points", type=int, default=12)
    words.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    words.add_argument("--tables", nargs="+")
    words.add_argument("--threads", type=int, default=1)
    words.add_argument("--binary", default="unhat")
    words.add_argument("--record", type=pathlib.Path)
    words = words.parse_args()

    def keep(**line):
        line = json.dumps(line)
        print(line, flush=True)
        if words.record:
            with words.record.open("a") as record:
                record.write(line + "\n")

    with tempfile.TemporaryDirectory() as folder:
        for part in words.parts:
            for name, (a, b, x) in tables().items():
                if not words.tables or name in words.tables:
                    PARTS[part](words, pathlib.Path(folder), name, a, b, x, keep)


if __name__ == "__main__":
    main()
