"""What the scripts of this folder share: the program, the tables, the rules that are compared, and records."""

import concurrent.futures
import csv
import datetime
import functools
import gzip
import json
import os
import pathlib
import subprocess
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import machine  # noqa: E402
import numpy as np  # noqa: E402

TABLES = ROOT / "crates/unhat-testkit/data/tables"
RECORDS = ROOT / "bench/record"
UNHAT = os.environ.get("UNHAT", str(ROOT / "target/release/unhat"))

BATCH = 128
# Draws the digits that are set aside: a fifth. A choice.
SPLIT_SEED, DIGITS_TEST = 1, 360

# The name of a table, and the options that make the rule. Momentum .9 and dampings are the program's defaults.
RULES = {
    "sgd": ["--optimizer", "sgd"],
    "nesterov": ["--optimizer", "nesterov"],
    "adamw": ["--optimizer", "adamw"],
    "kfac 10/10": ["--optimizer", "kfac", "--factor-every", 10, "--inverse-every", 10],
    "kfac 1/10": ["--optimizer", "kfac", "--factor-every", 1, "--inverse-every", 10],
    "ngd": ["--optimizer", "ngd"],
    "fngd by_id": ["--optimizer", "fngd", "--share", "by_id"],
    "fngd by_id_fixed_batches": ["--optimizer", "fngd", "--share", "by_id_fixed_batches"],
    "fngd layer_mean": ["--optimizer", "fngd", "--share", "layer_mean"],
    "fngd-metric adamw": ["--optimizer", "fngd-metric", "--base", "adamw"],
    "fngd-metric nesterov": ["--optimizer", "fngd-metric", "--base", "nesterov"],
}
BASELINES = ("sgd", "nesterov", "adamw")


# ---- the program ---------------------------------------------------------------------------------------------------


def run(command, *arguments):
    """Runs `unhat COMMAND …` on one thread and returns its JSON object. A run that diverged has one too, and exit code 1."""
    whole = [UNHAT, command, *map(str, arguments), "--threads", "1", "--json", "--quiet"]
    finished = subprocess.run(whole, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if finished.returncode != 0 and not finished.stdout.startswith("{"):
        raise SystemExit(f"{' '.join(whole)}\nended with {finished.returncode}: {finished.stderr}")
    told = json.loads(finished.stdout)
    if finished.returncode != 0 and told["status"] != "diverged":
        raise SystemExit(f"{' '.join(whole)}\nended with {finished.returncode}: {finished.stderr}")
    return told


def train(table, *options, epochs, seed, rate, record_every=None):
    """A training run at a constant rate, in batches of 128."""
    told = [table, *options, "--batch", BATCH, "--schedule", "constant", "--epochs", epochs, "--seed", seed, "--lr", repr(rate)]
    return run("train", *told, *(["--record-every", record_every] if record_every else []))


def in_parallel(function, items):
    """The results in order; for work whose result does not depend on how long it takes."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


# ---- the tables ----------------------------------------------------------------------------------------------------


def read_rows(name):
    with gzip.open(TABLES / name, "rt") as file:
        header, *rows = csv.reader(file)
    return header, rows


def write_rows(path, header, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def digits(folder, divisor):
    """Training and test table, 1437 and 360 rows, drawn by a fixed seed."""
    header, rows = read_rows("digits.csv.gz")
    rows = [[*(float(v) / divisor for v in row[:-1]), row[-1]] for row in rows]
    order = np.random.default_rng(SPLIT_SEED).permutation(len(rows))
    parts = {"train": order[DIGITS_TEST:], "test": order[:DIGITS_TEST]}
    return [write_rows(folder / f"digits_{divisor}_{name}.csv", header, [rows[i] for i in part]) for name, part in parts.items()]


def adult(folder):
    """Both tables are bundled: 4000 rows to train on, 2000 to test."""
    return [write_rows(folder / f"{name}.csv", *read_rows(f"{name}.csv.gz")) for name in ("adult", "adult_test")]


# name: tables, options, losses to be reached (the first is the one that rates are tuned for and verdicts refer to),
# epochs at most, steps between two evaluations.
TASKS = {
    "digits": (
        lambda folder: digits(folder, 16),
        ["--response", "digit", "--model", "mlp:128,64", "--no-standardize"],
        (0.01, 0.1),
        40,
        4,
    ),
    "digits standardised": (
        lambda folder: digits(folder, 1),
        ["--response", "digit", "--model", "mlp:128,64"],
        (0.01, 0.1),
        40,
        4,
    ),
    "Adult": (adult, ["--response", "income", "--model", "mlp:64,32"], (0.28, 0.30), 40, 8),
}


# ---- records -------------------------------------------------------------------------------------------------------


def first_below(history, loss):
    """The first entry of a history whose training loss is at most `loss`, and its place; None where there is none."""
    for at, entry in enumerate(history):
        if entry["train_loss"] is not None and entry["train_loss"] <= loss:
            return at, entry
    return None


@functools.cache
def version_of_unhat():
    return subprocess.run([UNHAT, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@functools.cache
def machine_facts():
    return machine.facts()


def load_average():
    return [round(load, 1) for load in os.getloadavg()]


def read_record(name):
    path = RECORDS / f"training_{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def record(name, part, content):
    """Puts one part into bench/record/training_NAME.json, with the facts of the machine and the load it was measured under."""
    whole = read_record(name) or {"parts": {}}
    whole["parts"][part] = {"load_average": load_average(), **content}
    told = {"script": pathlib.Path(sys.argv[0]).name, "date": datetime.date.today().isoformat(), "unhat": version_of_unhat()}
    whole = {**told, "machine": machine_facts(), "parts": whole["parts"]}
    path = RECORDS / f"training_{name}.json"
    path.write_text(json.dumps(whole) + "\n")  # histories are long: indented they would be three times the size
    print(f"written: {path.relative_to(ROOT)}, {part}", flush=True)
