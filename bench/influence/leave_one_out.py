"""Leave-one-out scores against models trained again without the row, by a method of this folder.

    UNHAT=target/release/unhat .venv/bin/python bench/influence/leave_one_out.py [--seeds 5]

Digits: softmax, M = 1, 1197 rows, 10 % of the labels flipped, 100 removals a seed. Breast cancer (M = 1) and wine (M = .3):
every row. The truth is the change of the summed validation loss when the row is removed. Needs NumPy and SciPy.
"""

import argparse
import pathlib
import tempfile

import common
import numpy as np
from scipy.linalg import cho_factor, cho_solve

METHODS = ("ip", "exact", "pcg:4", "pcg:8", "one-step", "one-step-f")


def digits(seed, scaled):
    """Pixels over 16, as they are or standardised; 1197 training and 600 validation rows, 10 % of the labels flipped."""
    x, y = common.numbers_of("digits.csv.gz", "digit")
    random = np.random.default_rng(seed)
    order = random.permutation(len(y))
    train, held = order[:1197], order[1197:]
    labels, _ = common.flipped(y[train], 10, 0.1, random)
    xt, xv = common.standardised(x[train], x[held]) if scaled else (x[train] / 16, x[held] / 16)
    removed = random.choice(len(train), 100, replace=False)
    return "softmax", 10, 1.0, (xt, labels), (xv, y[held]), removed


def small(name, response, model, outputs, penalty, seed):
    """Standardised; three tenths for validation, the training rows all removed in turn."""
    x, y = common.numbers_of(name, response)
    order = np.random.default_rng(seed).permutation(len(y))
    held = order[: round(0.3 * len(y))]
    train = order[len(held) :]
    xt, xv = common.standardised(x[train], x[held])
    return model, outputs, penalty, (xt, y[train]), (xv, y[held]), np.arange(len(train))


SETS = {
    "digits /16, M = 1": lambda seed: digits(seed, False),
    "digits standardised, M = 1": lambda seed: digits(seed, True),
    "breast cancer, M = 1": lambda seed: small("breast_cancer.csv", "diagnosis", "logistic", 1, 1.0, seed),
    "wine, M = .3": lambda seed: small("wine.csv", "cultivar", "softmax", 3, 0.3, seed),
}


def without_row(x, y, j, whole, factor, penalty):
    """The model without row j, from the whole one: the Hessian's factor is kept, and the gradient brought to 0.

    One row changes the Hessian little, so that every step gains digits; where it does not, Newton's method starts instead.
    """
    keep = np.arange(len(y)) != j
    x, y, theta = x[keep], y[keep], whole.copy()
    for _ in range(200):
        gradient = common.residuals(x @ theta.T, y).T @ x + penalty * theta
        if np.abs(gradient).max() < 1e-11:
            return theta
        theta -= cho_solve(factor, gradient.ravel()).reshape(theta.shape)
        if not np.abs(theta).max() < 1e6:
            break
    return common.newton(x, y, len(whole), penalty, start=whole)


def truth(x, y, xv, yv, outputs, penalty, removed):
    """θ with every row, and for each removed row f(θ without it) − f(θ)."""
    x, xv = common.with_one(x), common.with_one(xv)
    whole = common.newton(x, y, outputs, penalty)
    factor = cho_factor(common.hessian(x, x @ whole.T, penalty))
    before = common.losses(xv @ whole.T, yv)
    changes = []
    for j in removed:
        theta = without_row(x, y, j, whole, factor, penalty)
        changes.append((common.losses(xv @ theta.T, yv) - before).sum())
    return whole, np.array(changes)


def compare(folder, seed, make):
    model, outputs, penalty, (x, y), (xv, yv), removed = make(seed)
    common.write_numbers(folder / "train.csv", x, y)
    common.write_numbers(folder / "held.csv", xv, yv)
    theta, true = truth(x, y, xv, yv, outputs, penalty, removed)
    call = [folder / "train.csv", "--response", "y", "--model", model, "--penalty", penalty, "--no-standardize"]
    call += ["--validation", folder / "held.csv", "--task", "loo"]
    found = {}
    for method in METHODS:
        scores, told = common.scores_of(folder, *call, "--method", method)
        given = scores[removed]
        told_apart = true != 0  # a row that changes nothing in 16 digits has no relative error
        relative = np.abs(given - true)[told_apart] / np.abs(true)[told_apart]
        found[method] = {"spearman": common.spearman(given, true), "relative_error": float(np.median(relative))}
        residual, largest = told["diagnostics"]["cg_residual"], told["diagnostics"]["largest_leverage"]
        found[method] |= {"cg_residual": residual, "largest_leverage": largest}
    coefficients = np.array([c["value"] for c in told["model"]["coefficients"]]).reshape(theta.shape)
    found["loss"] = {"spearman": common.spearman(told["losses"][removed], np.abs(true)), "relative_error": None}
    return found, float(np.abs(coefficients - theta).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", action="append", choices=[*SETS])
    chosen = parser.parse_args()
    seeds = range(chosen.seeds)
    for name in chosen.set or SETS:
        make = SETS[name]
        found = []
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                methods, difference = compare(pathlib.Path(folder), seed, make)
            found.append({"seed": seed, "largest_difference_of_coefficients": difference, "methods": methods})
        row = {"set": name, "seeds": found, "summary": {}}
        print(f"\n{name}; coefficients agree within {max(f['largest_difference_of_coefficients'] for f in found):.1e}")
        for method in found[0]["methods"]:
            spearman = [f["methods"][method]["spearman"] for f in found]
            errors = [f["methods"][method]["relative_error"] for f in found]
            error = None if None in errors else float(np.median(errors))
            summary = {"median": float(np.median(spearman)), "worst": min(spearman), "median_relative_error": error}
            row["summary"][method] = summary
            told = "" if error is None else f"{100 * error:8.2f} %"
            print(f"  {method:12} median {summary['median']:.4f}  worst {summary['worst']:.4f} {told}")
        common.record_set("leave_one_out", row)


if __name__ == "__main__":
    main()
