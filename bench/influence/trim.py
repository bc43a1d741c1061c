"""Trims a share of the rows by each score, trains again, and compares test accuracies: `unhat influence trim`.

    UNHAT=target/release/unhat .venv/bin/python bench/influence/trim.py [--seeds 7]

Noisy training labels, clean validation and test labels; the share trimmed is the share of noise, 5 % where there is none.
The text set is generated (text_set.py). Needs NumPy and SciPy.
"""

import argparse
import pathlib
import tempfile

import common
import numpy as np
import text_set

METHODS = ("ip", "wt-ip", "cg2")
FIRST_SEED = 700


def text(random):
    x, y = text_set.documents(1550, int(random.integers(1 << 31)))
    x = np.log1p(x)
    return (x[:700], y[:700]), (x[700:950], y[700:950]), (x[950:], y[950:]), 4


def adult(random):
    tables = [common.read_rows(name) for name in ("adult.csv.gz", "adult_test.csv.gz")]
    (x, y), test = common.encoded(*tables, response="income", positive=">50K")
    order = random.permutation(len(y))
    train, held = order[:3000], order[3000:]
    xt, xv, xs = common.standardised(x[train], x[held], test[0])
    return (xt, y[train]), (xv, y[held]), (xs, test[1]), 2


def digits(random):
    x, y = common.numbers_of("digits.csv.gz", "digit")
    order = random.permutation(len(y))
    parts = order[:1000], order[1000:1400], order[1400:]
    return *((x[part] / 16, y[part]) for part in parts), 10


# name: data, model, share of noise, share trimmed
SETS = {
    "text, 30 % noise": (text, "softmax", 0.3, 0.3),
    "text, 5 % noise": (text, "softmax", 0.05, 0.05),
    "Adult, 30 % noise": (adult, "logistic", 0.3, 0.3),
    "Adult, 5 % noise": (adult, "logistic", 0.05, 0.05),
    "Adult, clean": (adult, "logistic", 0.0, 0.05),
    "digits, 30 % noise": (digits, "softmax", 0.3, 0.3),
}


def one(folder, seed, data, model, noise, share):
    random = np.random.default_rng(seed)
    (x, y), held, test, classes = data(random)
    labels, bad = common.flipped(y, classes, noise, random)
    common.write_numbers(folder / "train.csv", x, labels, extra={"bad": bad.astype(int)} if noise else None)
    common.write_numbers(folder / "held.csv", *held)
    common.write_numbers(folder / "test.csv", *test)
    call = ["trim", folder / "train.csv", "--response", "y", "--model", model, "--penalty", 1, "--no-standardize"]
    call += ["--validation", folder / "held.csv", "--test", folder / "test.csv", "--fraction", share]
    call += ["--task", "trim", "--seed", seed, *(["--truth", "bad"] if noise else [])]
    accuracy, areas, default = {}, {}, None
    for method in (*METHODS, None):
        told = common.unhat(*call, *(["--method", method] if method else []))
        default = told["method"]
        name = method or "default"
        for row in told["rows"]:
            accuracy[name if row["trim"] == told["method"] else row["trim"]] = row["test_accuracy"]
        areas[name] = told["auc_of_truth"]
    return {"seed": seed, "test_accuracy": accuracy, "auc": areas, "default": default}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=7)
    parser.add_argument("--set", action="append", choices=[*SETS])
    chosen = parser.parse_args()
    for name in chosen.set or SETS:
        how = SETS[name]
        runs = []
        for seed in range(FIRST_SEED, FIRST_SEED + chosen.seeds):
            with tempfile.TemporaryDirectory() as folder:
                runs.append(one(pathlib.Path(folder), seed, *how))
        means = {}
        for trim in runs[0]["test_accuracy"]:
            values = [run["test_accuracy"][trim] for run in runs]
            means[trim] = [float(np.mean(values)), float(np.std(values, ddof=1))] if len(values) > 1 else [values[0], 0.0]
        row = {"set": name, "share": how[3], "noise": how[2], "mean_and_deviation": means, "runs": runs}
        told = "  ".join(f"{trim} {v[0]:.3f} ± {v[1]:.3f}" for trim, v in means.items())
        print(f"{name} (default {runs[0]['default']}): {told}", flush=True)
        common.record_set("trim", row)


if __name__ == "__main__":
    main()
