"""What the scripts of this folder share: the program, the tables, models fitted apart from it, ranks, and records."""

import csv
import datetime
import functools
import gzip
import importlib.metadata
import json
import os
import pathlib
import struct
import subprocess
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import machine  # noqa: E402
import numpy as np  # noqa: E402
from scipy.stats import rankdata, spearmanr  # noqa: E402

TABLES = ROOT / "crates/unhat-testkit/data/tables"
RECORDS = ROOT / "bench/record"
UNHAT = os.environ.get("UNHAT", str(ROOT / "target/release/unhat"))


# ---- the program ---------------------------------------------------------------------------------------------------


def unhat(*arguments, threads=1):
    """Runs `unhat influence …` and returns its JSON object."""
    command = [UNHAT, "influence", *map(str, arguments), "--threads", str(threads), "--json", "--quiet"]
    finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if finished.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nended with {finished.returncode}: {finished.stderr}")
    return json.loads(finished.stdout)


def scores_of(folder, *arguments, threads=1):
    """All scores of a call, in the order of the rows, and its JSON object; `losses` and `norms` are the columns beside."""
    path = pathlib.Path(folder) / "scores.csv"
    told = unhat(*arguments, "-o", path, "--top", 1, threads=threads)
    with open(path) as file:
        rows = list(csv.DictReader(file))
    column = {name: np.array([float(row[name]) for row in rows]) for name in ("score", "loss", "grad_norm")}
    told["losses"], told["norms"] = column["loss"], column["grad_norm"]
    return column["score"], told


def write_numbers(path, x, y, response="y", extra=None):
    """A table of columns x0, x1, … and the response; `extra`: further columns by name."""
    extra = extra or {}
    with open(path, "w") as file:
        file.write(",".join([*(f"x{j}" for j in range(x.shape[1])), *extra, response]) + "\n")
        beside = list(zip(*extra.values())) if extra else [()] * len(y)
        for row, more, label in zip(x, beside, y):
            file.write(",".join([*(repr(float(v)) for v in row), *map(str, more), str(label)]) + "\n")


def write_model(path, kind, layers, classes, penalty, activation="Relu", first=0, response="y"):
    """A model for `--model-file`: layers (outputs, inputs + 1) with the bias last, on columns x0, x1, … (or from `first`)."""
    width = layers[0].shape[1] - 1
    number = {"kind": {"Numbers": {"mean": 0.0, "center": 0.0, "scale": 1.0}}, "missing": False, "constant": False}
    outputs = layers[-1].shape[0]
    told = {
        "version": 1,
        "model": kind,
        "family": "Bernoulli" if outputs == 1 else {"Categorical": {"classes": outputs}},
        "activation": activation,
        "penalty": float(penalty),
        "scaling": "None",
        "encoding": {"columns": [{"name": f"x{j + first}", **number} for j in range(width)]},
        "response": {"name": response, "kind": {"Classes": [float(k) for k in range(classes)]}},
        "layers": len(layers),
    }
    header, blobs, at = {"__metadata__": {"unhat": json.dumps(told)}}, [], 0
    for k, layer in enumerate(layers):
        blob = np.ascontiguousarray(layer, dtype="<f8").tobytes()
        header[f"layer.{k}.weight"] = {
            "dtype": "F64",
            "shape": list(layer.shape),
            "data_offsets": [at, at + len(blob)],
        }
        at += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


# ---- the tables ----------------------------------------------------------------------------------------------------


def read_rows(name):
    path = TABLES / name
    opened = gzip.open(path, "rt") if name.endswith(".gz") else open(path)
    with opened as file:
        return list(csv.DictReader(file))


def numbers_of(name, response):
    """Features and classes 0, 1, … of a table all of whose columns are numbers but the response."""
    rows = read_rows(name)
    x = np.array([[float(v) for k, v in row.items() if k != response] for row in rows])
    labels = sorted({row[response] for row in rows})
    return x, np.array([labels.index(row[response]) for row in rows])


def encoded(training, *others, response, positive):
    """Numbers as they are and every level of the other columns as a column of its own, levels of the training rows.

    Returns for each table its features and its response, 1 where it is `positive`.
    """
    columns = []
    for name in training[0]:
        if name == response:
            continue
        try:
            [float(row[name]) for row in training]
            columns.append((name, None))
        except ValueError:
            columns.append((name, sorted({row[name] for row in training})))

    def features(rows):
        parts = []
        for name, levels in columns:
            if levels is None:
                parts.append(np.array([[float(row[name])] for row in rows]))
            else:
                parts.append(np.array([[float(row[name] == level) for level in levels] for row in rows]))
        return np.hstack(parts), np.array([int(row[response] == positive) for row in rows])

    return [features(rows) for rows in (training, *others)]


def standardised(x, *others):
    """Numbers with mean 0 and variance 1 over the rows of x; constant columns become 0."""
    mean, scale = x.mean(0), x.std(0)
    scale[scale == 0] = 1.0
    return [(v - mean) / scale for v in (x, *others)]


def flipped(y, classes, rate, random, asymmetric=False):
    """Labels with a share exchanged for another class (`asymmetric`: for the next one), and which."""
    bad = np.zeros(len(y), bool)
    bad[random.choice(len(y), round(rate * len(y)), replace=False)] = True
    shift = np.ones(len(y), int) if asymmetric else random.integers(1, classes, len(y))
    return np.where(bad, (y + shift) % classes, y), bad


# ---- models fitted apart from the program --------------------------------------------------------------------------


def with_one(x):
    return np.hstack([x, np.ones((len(x), 1))])


def probabilities(z):
    """Of classes; of one output the positive class alone."""
    if z.shape[1] == 1:
        return 1.0 / (1.0 + np.exp(-z))
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def losses(z, y):
    if z.shape[1] == 1:
        return np.logaddexp(0.0, np.where(y == 1, -z[:, 0], z[:, 0]))
    top = z.max(1)
    return top + np.log(np.exp(z - top[:, None]).sum(1)) - z[np.arange(len(y)), y]


def residuals(z, y):
    p = probabilities(z)
    target = y[:, None] if z.shape[1] == 1 else np.eye(z.shape[1])[y]
    return p - target


def newton(x, y, outputs, penalty, start=None, weights=None, tolerance=1e-11):
    """θ (outputs × columns) of Σ w·loss + ½M‖θ‖² by Newton's method with halved steps; x has its constant column."""
    d = x.shape[1]
    w = np.ones(len(y)) if weights is None else weights
    theta = np.zeros((outputs, d)) if start is None else start.copy()

    def value(theta):
        return w @ losses(x @ theta.T, y) + 0.5 * penalty * (theta**2).sum()

    current = value(theta)
    for _ in range(200):
        z = x @ theta.T
        gradient = (w[:, None] * residuals(z, y)).T @ x + penalty * theta
        if np.abs(gradient).max() <= tolerance * max(1.0, np.abs(penalty * theta).max()):
            break
        step = np.linalg.solve(hessian(x, z, penalty, w), gradient.ravel()).reshape(outputs, d)
        length = 1.0
        while True:
            trial = theta - length * step
            found = value(trial)
            if found <= current or length < 1e-9:
                break
            length /= 2
        if length < 1e-9 or np.array_equal(trial, theta):
            break
        theta, current = trial, found
    return theta


def hessian(x, z, penalty, w=None):
    """Σ w·xxᵀ⊗S + M·I, the outputs outside."""
    outputs, d = z.shape[1], x.shape[1]
    w = np.ones(len(x)) if w is None else w
    p = probabilities(z)
    h = np.zeros((outputs, d, outputs, d))
    for a in range(outputs):
        for b in range(a + 1):
            s = p[:, a] * (float(a == b) - p[:, b]) if outputs > 1 else p[:, 0] * (1 - p[:, 0])
            h[a, :, b, :] = h[b, :, a, :] = (x * (w * s)[:, None]).T @ x
    h = h.reshape(outputs * d, outputs * d)
    h[np.diag_indices_from(h)] += penalty
    return h


# ---- measures ------------------------------------------------------------------------------------------------------


def auc(harm, bad):
    """Share of pairs (bad, good) in which the bad row is the more harmful; ties count half."""
    ranks = rankdata(harm)
    positives = bad.sum()
    return float((ranks[bad].sum() - positives * (positives + 1) / 2) / (positives * (len(bad) - positives)))


def spearman(a, b):
    return float(spearmanr(a, b).statistic)


def mean_and_deviation(values):
    values = np.asarray(values, float)
    return f"{values.mean():.3f} ± {values.std(ddof=1) if len(values) > 1 else 0.0:.3f}"


# ---- records -------------------------------------------------------------------------------------------------------


def versions(*packages):
    return {package: importlib.metadata.version(package) for package in packages}


@functools.cache
def version_of_unhat():
    return subprocess.run([UNHAT, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@functools.cache
def machine_facts():
    return machine.facts()


def record(name, content, packages=()):
    """Writes bench/record/influence_NAME.json with the facts of the machine."""
    whole = {"script": pathlib.Path(sys.argv[0]).name, "date": datetime.date.today().isoformat(), "unhat": version_of_unhat()}
    whole |= {"peers": versions(*packages), "machine": machine_facts(), **content}
    path = RECORDS / f"influence_{name}.json"
    path.write_text(json.dumps(whole, indent=1) + "\n")
    print(f"written: {path.relative_to(ROOT)}")


def recorded_set(name, wanted):
    """A set of a record made before."""
    sets = json.loads((RECORDS / f"influence_{name}.json").read_text())["sets"]
    return next(row for row in sets if row["set"] == wanted)


def record_set(name, row, packages=()):
    """Adds or replaces one set of a record whose sets are measured one by one, each with the load it was measured under."""
    machine_facts(), version_of_unhat()  # takes a while: between reading and writing another script may add a set of its own
    path = RECORDS / f"influence_{name}.json"
    sets = json.loads(path.read_text())["sets"] if path.exists() else []
    row = {**row, "date": datetime.date.today().isoformat(), "load_average": [round(v, 1) for v in os.getloadavg()]}
    record(name, {"sets": [*(s for s in sets if s["set"] != row["set"]), row]}, packages)
