"""Steps and seconds to fixed training losses, and the test accuracy there, for every rule that `unhat train` has.

    UNHAT=target/release/unhat .venv/bin/python bench/training/optimisers.py tune measure alpha [--task digits]

tune     the learning rate of every rule, climbing on one ×2 grid, by the steps to the loss on seeds 0 and 1
measure  with these rates on seeds that nothing was chosen by (10 to 14): all rules in turns within a seed
alpha    the damping α of fngd-metric, by the loss and accuracy of a fifth of the training rows that is set aside

Trajectories are the same bits in every run, so a run is repeated and each stretch between two evaluations counts with its
shortest time: what other programs take is then left out. Evaluation is in no time.
"""

import argparse
import math
import pathlib
import statistics
import tempfile

import common

TUNING_SEEDS = (0, 1)
FIRST_SEED = 10
# The grid is 0.001·2^k for all rules; where a climb begins, k, is no part of the result unless a valley lies between.
FINEST = 0.001
STARTS = {"sgd": 6, "nesterov": 6, "adamw": 2, "kfac": 3, "ngd": 3, "fngd": 3, "fngd-metric adamw": 2, "fngd-metric nesterov": 5}
STEEPEST, FLATTEST = 12, -6
ALPHAS = (0.1, 0.3, 1.0, 3.0, 10.0)


# ---- tune ----------------------------------------------------------------------------------------------------------


def score_of(runs, loss):
    """Smaller is better: steps to the loss; for runs that never reach it, more than all steps, ordered by their last loss."""
    total = 0.0
    for told in runs:
        hit = common.first_below(told["history"], loss)
        last = told["history"][-1]["train_loss"]
        if hit:
            total += hit[1]["step"]
        elif told["status"] == "diverged" or last is None:
            total += 1e9
        else:
            total += 1e4 * (1 + max(0.0, math.log(last / loss)))
    return total / len(runs)


def climb(rule, train, loss):
    """The rate with the best score, and all scores; train(seed, rate) returns a run."""
    scores = {}

    def score(k):
        if k not in scores:
            scores[k] = score_of([train(seed, FINEST * 2.0**k) for seed in TUNING_SEEDS], loss)
        return scores[k]

    best = STARTS.get(rule, STARTS.get(rule.split()[0]))
    while True:
        near = [k for k in (best - 1, best + 1) if FLATTEST <= k <= STEEPEST]
        next_best = min([best, *near], key=score)
        if next_best == best:
            break
        best = next_best
    return FINEST * 2.0**best, {repr(FINEST * 2.0**k): round(s, 1) for k, s in sorted(scores.items())}


def climb_of_task(tables, task, rule, extra=()):
    _, options, losses, epochs, every = common.TASKS[task]
    asked = [*options, *common.RULES[rule], *extra]

    def train(seed, rate):
        return common.train(tables[0], *asked, epochs=epochs, seed=seed, rate=rate, record_every=every)

    return climb(rule, train, losses[0])


def tune(task, folder):
    tables = common.TASKS[task][0](folder)

    def one(rule):
        rate, scores = climb_of_task(tables, task, rule)
        print(f"{task}, {rule}: rate {rate:g} of {scores}", flush=True)
        return {"rule": rule, "rate": rate, "scores": scores}

    found = common.in_parallel(one, common.RULES)
    common.record("rates", task, {"loss": common.TASKS[task][2][0], "seeds": TUNING_SEEDS, "rules": found})


# ---- measure -------------------------------------------------------------------------------------------------------


def stretches(history):
    """Seconds of the steps between one evaluation and the next."""
    return [b["seconds"] - a["seconds"] for a, b in zip(history, history[1:])]


def measure(task, folder, seeds, repeats):
    tables = common.TASKS[task][0](folder)
    _, options, losses, epochs, every = common.TASKS[task]
    rates = {row["rule"]: row["rate"] for row in common.read_record("rates")["parts"][task]["rules"]}
    results = {rule: [] for rule in common.RULES}
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        runs = {rule: [] for rule in common.RULES}
        for turn in range(repeats):
            order = list(common.RULES)[:: 1 if turn % 2 == 0 else -1]
            for rule in order:
                asked = [*options, *common.RULES[rule], "--validation", tables[1]]
                if turn == 0:
                    model = folder / "model.safetensors"
                    model.unlink(missing_ok=True)
                    asked, length = [*asked, "-o", model], epochs
                else:
                    # to the loss only: a constant rate makes the shorter run the beginning of the longer one
                    hit = common.first_below(runs[rule][0]["history"], losses[0])
                    if not hit:
                        continue
                    length = max(2, hit[1]["epoch"])
                told = common.train(tables[0], *asked, epochs=length, seed=seed, rate=rates[rule], record_every=every)
                runs[rule].append(told)
                if turn == 0 and told["status"] == "solved":
                    check_prediction(model, tables[1], told)
        for rule, told in runs.items():
            results[rule].append(one_result(seed, told, losses))
        told = "  ".join(f"{rule} {result[-1]['reached'][0]['step']}" for rule, result in results.items())
        print(f"{task}, seed {seed}, steps: {told}", flush=True)
    rules = [{"rule": rule, "rate": rates[rule], **summary(found), "runs": found} for rule, found in results.items()]
    for row in rules:
        print(f"{task}, {row['rule']}: {row['reached'][0]}", flush=True)
    common.record("optimisers", task, {"losses": losses, "epochs": epochs, "every": every, "repeats": repeats, "rules": rules})


def check_prediction(model, table, told):
    """`unhat predict` on the test table agrees with the accuracy that the history ends with."""
    accuracy = common.run("predict", table, "--model-file", model)["accuracy"]
    last = told["history"][-1]["validation_accuracy"]
    if abs(accuracy - last) > 1e-12:
        raise SystemExit(f"unhat predict has accuracy {accuracy}, the history of the training run {last}")


def one_result(seed, told, losses):
    """Steps, seconds and test accuracy at each loss, of the repeats of one run."""
    longest = told[0]["history"]
    shortest = [min(times) for times in zip(*(stretches(t["history"]) for t in told))]
    if any(t["history"][at]["train_loss"] != longest[at]["train_loss"] for t in told for at in range(len(t["history"]))):
        raise SystemExit(f"two runs of seed {seed} differ")
    reached = []
    for loss in losses:
        hit = common.first_below(longest, loss)
        at, entry = hit or (None, {})
        complete = hit and at <= len(shortest)
        reached.append(
            {
                "loss": loss,
                "step": entry.get("step"),
                "seconds": sum(shortest[:at]) if complete else None,
                "seconds_first_run": entry.get("seconds"),
                "test_accuracy": entry.get("validation_accuracy"),
            }
        )
    end = longest[-1]
    curve = [[e["step"], e["train_loss"] if e["train_loss"] is None else float(f"{e['train_loss']:.4g}")] for e in longest]
    keep = {"status": told[0]["status"], "end_loss": end["train_loss"], "end_test_accuracy": end["validation_accuracy"]}
    best = max((e["validation_accuracy"] for e in longest if e["validation_accuracy"] is not None), default=None)
    return {"seed": seed, "reached": reached, **keep, "best_test_accuracy": best, "curve": curve, "stretches": rounded(shortest)}


def rounded(times):
    return [float(f"{t:.3g}") for t in times]


def summary(runs):
    """Median and range over the seeds; a loss that a seed never reached has no seconds, and counts as later than all steps."""
    reached = []
    for at in range(len(runs[0]["reached"])):
        rows = [run["reached"][at] for run in runs]
        hits = [row for row in rows if row["step"] is not None]
        told = {"loss": rows[0]["loss"], "reached_by": len(hits), "of": len(rows)}
        for key in ("step", "seconds", "test_accuracy"):
            values = [row[key] for row in hits if row[key] is not None]
            enough = 2 * len(values) > len(rows)
            values_all = sorted(values) + [math.inf] * (len(rows) - len(values))
            median = statistics.median(values_all if key != "test_accuracy" else values) if enough else None
            told[key] = None if median is None or math.isinf(median) else median
            told[f"{key}_range"] = [min(values), max(values)] if values else None
        reached.append(told)
    ends = [run["end_test_accuracy"] for run in runs if run["end_test_accuracy"] is not None]
    best = [run["best_test_accuracy"] for run in runs if run["best_test_accuracy"] is not None]
    return {
        "reached": reached,
        "end_test_accuracy": statistics.median(ends) if ends else None,
        "best_test_accuracy": statistics.median(best) if best else None,
    }


# ---- alpha ---------------------------------------------------------------------------------------------------------


def alpha(task, folder, seeds):
    """Rates tuned for every α like all others; then the loss's steps, and the rows set aside, which the test set is no part of."""
    tables = common.TASKS[task][0](folder)
    _, options, losses, epochs, every = common.TASKS[task]

    def one(a):
        extra = ["--alpha", a, "--validation", 0.2]
        rate, scores = climb_of_task(tables, task, "fngd-metric adamw", extra)
        asked = [*options, *common.RULES["fngd-metric adamw"], *extra]
        rows = []
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            told = common.train(tables[0], *asked, epochs=epochs, seed=seed, rate=rate, record_every=every)
            hit = common.first_below(told["history"], losses[0])
            smallest = min(told["history"], key=lambda e: math.inf if e["validation_loss"] is None else e["validation_loss"])
            rows.append(
                {
                    "seed": seed,
                    "step": hit[1]["step"] if hit else None,
                    "accuracy_there": hit[1]["validation_accuracy"] if hit else None,
                    "loss_there": hit[1]["validation_loss"] if hit else None,
                    "smallest_loss": smallest["validation_loss"],
                    "accuracy_at_smallest_loss": smallest["validation_accuracy"],
                }
            )
        keys = [key for key in rows[0] if key != "seed"]
        medians = {key: statistics.median(v) if (v := [r[key] for r in rows if r[key] is not None]) else None for key in keys}
        print(f"{task}, alpha {a:g}, rate {rate:g}: {medians}", flush=True)
        return {"alpha": a, "rate": rate, "scores": scores, "median": medians, "runs": rows}

    common.record("alpha", task, {"loss": losses[0], "alphas": common.in_parallel(one, ALPHAS)})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=["tune", "measure", "alpha"])
    parser.add_argument("--task", action="append", choices=[*common.TASKS])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    for part in chosen.parts:
        for task in chosen.task or common.TASKS:
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                if part == "tune":
                    tune(task, folder)
                elif part == "measure":
                    measure(task, folder, chosen.seeds, chosen.repeats)
                else:
                    alpha(task, folder, chosen.seeds)


if __name__ == "__main__":
    main()
