"""Trims rows that carry unfairness, and compares with reweighing: `unhat influence trim --task fairness`.

    UNHAT=target/release/unhat .venv/bin/python bench/influence/fairness.py [--seeds 7]

Logistic regression, M = 1, the group among the features; at most a tenth of the rows is trimmed, until the unfairness on V
crosses 0. Adult: group sex; German credit: group 25 years or younger. Kamiran and Calders's reweighing is computed here, by
this folder's Newton method with weights, and the gap of hard decisions from the models that remain. Needs NumPy and SciPy.
"""

import argparse
import csv
import pathlib
import tempfile

import common
import numpy as np

METHODS = ("ip", "pcg:2", "exact")
FIRST_SEED = 800
FRACTION = 0.1


def adult(random):
    tables = [common.read_rows(name) for name in ("adult.csv.gz", "adult_test.csv.gz")]
    (x, y), test = common.encoded(*tables, response="income", positive=">50K")
    groups = [np.array([int(row["sex"] == "Male") for row in rows]) for rows in tables]
    order = random.permutation(len(y))
    train, held = order[:3000], order[3000:]
    xt, xv, xs = common.standardised(x[train], x[held], test[0])
    return (xt, y[train], groups[0][train]), (xv, y[held], groups[0][held]), (xs, test[1], groups[1])


def german(random):
    rows = common.read_rows("german.csv")
    ((x, y),) = common.encoded(rows, response="credit", positive="good")
    group = np.array([int(float(row["age"]) > 25) for row in rows])
    order = random.permutation(len(y))
    parts = order[:500], order[500:750], order[750:]
    xs = common.standardised(*(x[part] for part in parts))
    return [(x, y[part], group[part]) for x, part in zip(xs, parts)]


def hard(theta, x, y, group, impact):
    """Accuracy and the absolute gap of decisions: of all rows (parity), or of the positive ones (opportunity)."""
    decided = (common.with_one(x) @ theta[0] > 0).astype(int)
    rows = y == 1 if impact == "opportunity" else np.ones(len(y), bool)
    rates = [decided[rows & (group == s)].mean() for s in (0, 1)]
    return {"test_accuracy": float((decided == y).mean()), "hard_gap": float(abs(rates[1] - rates[0]))}


def reweighing(y, group):
    """P(s)P(y)/P(s, y) of each row."""
    weights = np.empty(len(y))
    for s in (0, 1):
        for c in (0, 1):
            cell = (group == s) & (y == c)
            weights[cell] = (group == s).mean() * (y == c).mean() / cell.mean()
    return weights


def one(folder, seed, data, impact):
    random = np.random.default_rng(seed)
    parts = data(random)
    for name, (x, y, group) in zip(("train", "held", "test"), parts):
        common.write_numbers(folder / f"{name}.csv", x, y, extra={"group": group})
    (x, y, group), (xv, yv, gv), test = parts
    # the group is a column of its own for unhat, and so for the models fitted here
    x, xv = np.column_stack([x, group]), np.column_stack([xv, gv])
    test = (np.column_stack([test[0], test[2]]), test[1], test[2])

    def fit(keep=slice(None), weights=None, features=x, labels=y):
        return common.newton(common.with_one(features[keep]), labels[keep], 1, 1.0, weights=weights)

    found = {}

    def note(name, theta, removed, value=(None, None)):
        found[name] = {**hard(theta, *test, impact), "removed": removed, "f_on_v": value[0], "f_on_test": value[1]}

    call = ["trim", folder / "train.csv", "--response", "y", "--model", "logistic", "--penalty", 1, "--no-standardize"]
    call += ["--validation", folder / "held.csv", "--test", folder / "test.csv", "--fraction", FRACTION]
    call += ["--task", "fairness", "--impact", impact, "--group", "group", "--seed", seed, "-o", folder / "kept.csv"]
    accuracies = 0.0
    for method in METHODS:
        told = common.unhat(*call, "--method", method)
        rows = {row["trim"]: row for row in told["rows"]}
        gone = np.zeros(len(y), bool)
        gone[[int(i) - 1 for i in told["removed"]]] = True
        row = rows[told["method"]]
        note(method, fit(~gone), int(gone.sum()), (row["value_validation"], row["value_test"]))
        accuracies = max(accuracies, abs(found[method]["test_accuracy"] - row["test_accuracy"]))
        with open(folder / "kept.csv") as file:
            assert sum(1 for _ in csv.DictReader(file)) == (~gone).sum()
    note("none", fit(), 0, (rows["none"]["value_validation"], rows["none"]["value_test"]))
    some = random.choice(len(y), round(FRACTION * len(y)), replace=False)
    note("random 10 %", fit(np.setdiff1d(np.arange(len(y)), some)), len(some))
    note("reweighing", fit(weights=reweighing(y, group)), 0)
    found["reweighing"]["f_on_test"] = rows["reweighing"]["value_test"]
    difference = abs(found["reweighing"]["test_accuracy"] - rows["reweighing"]["test_accuracy"])
    both = np.vstack([x, xv]), np.concatenate([y, yv])
    note("V added", fit(features=both[0], labels=both[1]), 0)
    return {"seed": seed, "trims": found, "largest_difference_of_accuracies": float(max(accuracies, difference))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=7)
    chosen = parser.parse_args()
    for name, data in (("Adult", adult), ("German", german)):
        for impact in ("parity", "opportunity"):
            runs = []
            for seed in range(FIRST_SEED, FIRST_SEED + chosen.seeds):
                with tempfile.TemporaryDirectory() as folder:
                    runs.append(one(pathlib.Path(folder), seed, data, impact))
            medians = {}
            for trim in runs[0]["trims"]:
                of = {k: [run["trims"][trim][k] for run in runs] for k in runs[0]["trims"][trim]}
                medians[trim] = {k: float(np.median(v)) if None not in v else None for k, v in of.items()}
            difference = max(run["largest_difference_of_accuracies"] for run in runs)
            print(f"{name}, {impact}; accuracies of unhat's and these models differ by at most {difference:.4f}")
            for trim, m in medians.items():
                print(f"  {trim:12} gap {m['hard_gap']:.3f}  accuracy {m['test_accuracy']:.3f}  removed {m['removed']:.0f}"
                      f"  f on V {m['f_on_v']}  on test {m['f_on_test']}", flush=True)  # fmt: skip
            common.record_set("fairness", {"set": f"{name}, {impact}", "medians": medians, "runs": runs})


if __name__ == "__main__":
    main()
