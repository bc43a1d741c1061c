"""What a step costs beside one of SGD or AdamW, after the first epoch and in it, on a generated table; K-FAC with its intervals.

    UNHAT=target/release/unhat .venv/bin/python bench/training/step_cost.py [--rounds 5] [--width 256 --width 512]

All rules run in turns. A step's time is the mean of the 100 steps after the first epoch, so that an interval of 100 has its one
inversion in it. Minimum (each epoch, five steps, at its shortest) and median over the rounds; ratios of both. On a quiet
machine.
"""

import argparse
import pathlib
import statistics
import tempfile

import common
import numpy as np

# 5 steps an epoch at batch 128, 10 at batch 64: short stretches, and little to evaluate after each.
ROWS, COLUMNS, CLASSES = 640, 256, 10
RATE = 1e-3
EPOCHS = 21

RULES = {
    "sgd": ["--optimizer", "sgd"],
    "adamw": ["--optimizer", "adamw"],
    "fngd by_id": ["--optimizer", "fngd"],
    "fngd-metric adamw": ["--optimizer", "fngd-metric"],
    "fngd-metric nesterov": ["--optimizer", "fngd-metric", "--base", "nesterov"],
    "ngd": ["--optimizer", "ngd"],
    **{
        f"kfac {factor}/{inverse}": ["--optimizer", "kfac", "--factor-every", factor, "--inverse-every", inverse]
        for factor, inverse in ((1, 1), (1, 10), (10, 10), (10, 100))
    },
}
# What a rule's step is divided by.
BESIDE = {"fngd-metric adamw": "adamw"}
# Fresh exact coefficients: batches of n on layers of width d.
FRESH = ((256, 32), (512, 64), (512, 128))


def generated(path):
    """Normal columns and the largest of ten random linear functions of them as class."""
    random = np.random.default_rng(7)
    x = random.standard_normal((ROWS, COLUMNS))
    y = (x @ random.standard_normal((COLUMNS, CLASSES)) + 3 * random.standard_normal((ROWS, CLASSES))).argmax(1)
    rows = [[*(f"{v:.6f}" for v in row), int(label)] for row, label in zip(x, y)]
    return common.write_rows(path, [*(f"x{j}" for j in range(COLUMNS)), "y"], rows)


def step_seconds(table, width, batch, rule):
    """Seconds of the first epoch and of every later one, and the steps of both parts."""
    told = ["--response", "y", "--model", f"mlp:{width},{width}", "--no-standardize", "--batch", batch, "--epochs", EPOCHS]
    told = common.run("train", table, *told, *RULES[rule], "--schedule", "constant", "--lr", repr(RATE))
    pairs = list(zip(told["history"], told["history"][1:]))
    stretches = [[b["seconds"] - a["seconds"] for a, b in pairs if (b["epoch"] == 1) == first] for first in (True, False)]
    ends = max(b["step"] for _, b in pairs if b["epoch"] == 1), told["history"][-1]["step"]
    return stretches, (ends[0], ends[1] - ends[0])


def milliseconds(runs, part, of):
    """Of a step: `of` the rounds' means, or with None each stretch at its shortest."""
    steps = runs[0][1][part]
    if of is None:
        return 1e3 * sum(map(min, zip(*(stretches[part] for stretches, _ in runs)))) / steps
    return 1e3 * of(sum(stretches[part]) for stretches, _ in runs) / steps


def compare(table, width, batch, rules, rounds):
    times = {rule: [] for rule in rules}
    for turn in range(rounds):
        for rule in list(rules)[:: 1 if turn % 2 == 0 else -1]:
            times[rule].append(step_seconds(table, width, batch, rule))
    result = []
    for rule in rules:
        beside = BESIDE.get(rule, "sgd")
        row = {"rule": rule, "beside": beside}
        for name, of in (("minimum", None), ("median", statistics.median)):
            first, later = (milliseconds(times[rule], part, of) for part in (0, 1))
            base = milliseconds(times[beside], 1, of)
            row[name] = {"ms": later, "ratio": later / base, "first_epoch_ratio": first / base}
        row["rounds_ms"] = [[1e3 * sum(s) / n for s, n in zip(*run)] for run in times[rule]]
        result.append(row)
        print(
            f"width {width}, batch {batch}, {rule}: {row['minimum']['ms']:.2f} ms, {row['minimum']['ratio']:.3f} × {beside}"
            f" (medians {row['median']['ratio']:.3f}); first epoch {row['minimum']['first_epoch_ratio']:.2f}",
            flush=True,
        )
    return {"width": width, "batch": batch, "rounds": rounds, "rules": result}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, action="append")
    parser.add_argument("--without-fresh", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = generated(pathlib.Path(folder) / "table.csv")
        for width in chosen.width or (256, 512):
            common.record("step_cost", f"width {width}", compare(table, width, common.BATCH, RULES, chosen.rounds))
        for width, batch in () if chosen.without_fresh else FRESH:
            told = compare(table, width, batch, ("sgd", "ngd"), chosen.rounds)
            common.record("step_cost", f"fresh, width {width}, batch {batch}", told)


if __name__ == "__main__":
    main()
