"""What the shared quantity contributes: `unhat train --controls` at the tuned rates, on the seeds that nothing was chosen by.

    UNHAT=target/release/unhat .venv/bin/python bench/training/controls.py [--task digits]

Runs end with the epoch in which the rule itself reaches the loss of the comparison in the median (record of optimisers.py); its
loss then is compared with that of the same rule with spoiled coefficients or a spoiled metric after equally many steps. One
length for all seeds: one by seed would be the luckiest moment of the rule and no particular one of its controls.
"""

import argparse
import math
import pathlib
import statistics
import tempfile

import common

RULES = ("fngd by_id", "fngd-metric adamw")


def one(task, tables, row):
    _, options, losses, epochs, every = common.TASKS[task]
    with open(tables[0]) as file:
        rows = sum(1 for _ in file) - 1
    step, steps_an_epoch = row["reached"][0]["step"], math.ceil(rows / common.BATCH)
    length = epochs if step is None else max(2, math.ceil(step / steps_an_epoch))
    runs, correlations = [], []
    for measured in row["runs"]:
        asked = [*options, *common.RULES[row["rule"]], "--controls"]
        told = common.train(tables[0], *asked, epochs=length, seed=measured["seed"], rate=row["rate"], record_every=every)
        controls = told["controls"]
        losses_of = {run["name"]: run["train_loss"] for run in controls["runs"]}
        runs.append({"seed": measured["seed"], "losses": losses_of, "summary": controls["summary"]})
        correlations.append({str(c["epoch"]): c["correlation"] for c in controls["correlations"]})
    names = list(runs[0]["losses"])
    # a diverged control has no loss: worse than every loss
    median = {name: statistics.median(math.inf if (v := r["losses"][name]) is None else v for r in runs) for name in names}
    median = {name: None if math.isinf(v) else v for name, v in median.items()}
    epochs_of_all = sorted(set.intersection(*(set(c) for c in correlations)), key=int)
    correlation = {epoch: statistics.median(c[epoch] for c in correlations) for epoch in epochs_of_all}
    print(f"{task}, {row['rule']}: {median}, correlations {correlation}", flush=True)
    return {"rule": row["rule"], "rate": row["rate"], "epochs": length, "median": median, "correlation": correlation, "runs": runs}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", choices=[*common.TASKS])
    chosen = parser.parse_args()
    for task in chosen.task or common.TASKS:
        rows = [row for row in common.read_record("optimisers")["parts"][task]["rules"] if row["rule"] in RULES]
        with tempfile.TemporaryDirectory() as name:
            tables = common.TASKS[task][0](pathlib.Path(name))
            found = common.in_parallel(lambda row: one(task, tables, row), rows)
        common.record("controls", task, {"loss": common.TASKS[task][2][0], "rules": found})


if __name__ == "__main__":
    main()
