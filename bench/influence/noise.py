"""Which scores find flipped labels: unhat's methods and EK-FAC of kronfluence on the same weights.

    UNHAT=target/release/unhat .venv/bin/python bench/influence/noise.py [--seeds 10] [--set NAME …]

15 % of the training labels are exchanged, the validation labels are clean. Networks are trained here in PyTorch and handed
to unhat as a model file; linear models are fitted by this folder's Newton method. Needs torch, kronfluence.
"""

import argparse
import pathlib
import tempfile
import time

import common
import nets
import numpy as np
import text_set

RATE = 0.15
FIRST_SEED = 600


def digits(random):
    x, y = common.numbers_of("digits.csv.gz", "digit")
    order = random.permutation(len(y))
    return (x[order[:1197]] / 16, y[order[:1197]]), (x[order[1197:]] / 16, y[order[1197:]]), 10


def binary(name, response, positive, rows, held):
    def make(random):
        ((x, y),) = common.encoded(common.read_rows(name), response=response, positive=positive)
        order = random.permutation(len(y))[: rows + held]
        xt, xv = common.standardised(x[order[:rows]], x[order[rows:]])
        return (xt, y[order[:rows]]), (xv, y[order[rows:]]), 2

    return make


def text(random):
    x, y = text_set.documents(1600, int(random.integers(1 << 31)))
    return (np.log1p(x[:1200]), y[:1200]), (np.log1p(x[1200:]), y[1200:]), 4


adult = binary("adult.csv.gz", "income", ">50K", 3000, 1000)
german = binary("german.csv", "credit", "good", 500, 250)
cancer = binary("breast_cancer.csv", "diagnosis", "benign", 398, 171)
REGULARISED, MEMORISING = {"epochs": 40, "decay": 1e-3}, {"epochs": 200, "decay": 0.0, "rate": 0.1}
# name: the data, hidden layers (none: a linear model with the penalty M = 1), training, whether labels go to the next class
SETS = {
    "digits MLP 64": (digits, [64], REGULARISED, False),
    "digits MLP 64, memorising": (digits, [64], MEMORISING, False),
    "digits MLP 128-64, next class": (digits, [128, 64], REGULARISED, True),
    "digits MLP 128-64, next class, memorising": (digits, [128, 64], MEMORISING, True),
    "Adult logistic": (adult, [], None, False),
    "Adult MLP 32": (adult, [32], REGULARISED, False),
    "German MLP 32": (german, [32], REGULARISED, False),
    "breast cancer MLP 16": (cancer, [16], REGULARISED, False),
    "text softmax": (text, [], None, False),
    "text MLP 32": (text, [32], REGULARISED, False),
}
METHODS = ("ip", "wt-ip", "cg2", "self", "rank-sum")


def one(folder, seed, data, hidden, training, asymmetric):
    random = np.random.default_rng(seed)
    (x, y), (xv, yv), classes = data(random)
    labels, bad = common.flipped(y, classes, RATE, random, asymmetric)
    outputs = 1 if classes == 2 else classes
    checkpoint_loss = None
    begin = time.perf_counter()
    if hidden:
        model, checkpoint_loss = nets.train(x, labels, [x.shape[1], *hidden, outputs], seed, **training)
        penalty = training["decay"] * len(labels)
    else:
        model = nets.from_weights([common.newton(common.with_one(x), labels, outputs, 1.0)])
        penalty = 1.0
    seconds = {"training": time.perf_counter() - begin}
    common.write_numbers(folder / "train.csv", x, labels)
    common.write_numbers(folder / "held.csv", xv, yv)
    nets.save(folder / "model.safetensors", model, classes, penalty)

    call = [folder / "train.csv", "--model-file", folder / "model.safetensors", "--validation", folder / "held.csv"]
    found, beside = {}, {}
    begin = time.perf_counter()
    for method in (*METHODS, None):
        scores, told = common.scores_of(folder, *call, *(["--method", method] if method else []))
        found[method or "default"] = -scores
        if method is None:
            beside = {"default": told["method"], "train_accuracy": told["model"]["train_accuracy"]}
    seconds["unhat, all calls"] = time.perf_counter() - begin
    found |= {"loss": told["losses"], "grad-norm": told["norms"]}
    if checkpoint_loss is not None:
        found["loss, mean of 7 checkpoints"] = checkpoint_loss
    train_data, held = nets.tensors(x, labels), nets.tensors(xv, yv)
    for strategy, damping in (("identity", (1e-8,)), ("ekfac", (1e-8, None))):
        begin = time.perf_counter()
        scores = nets.kronfluence(model, train_data, held, strategy, damping, seed=seed)
        seconds[f"kronfluence {strategy}"] = time.perf_counter() - begin
        for value, harm in zip(damping, scores):
            found[f"kronfluence {strategy}" + (", damping 0.1 × mean" if value is None else "")] = -harm
    beside["ip_against_kronfluence_identity"] = common.spearman(found["ip"], found["kronfluence identity"])
    areas = {name: common.auc(harm, bad) if np.isfinite(harm).all() else None for name, harm in found.items()}
    return {"seed": seed, "auc": areas, "seconds": seconds, **beside}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--set", action="append", choices=[*SETS])
    parser.add_argument("--name", default="noise", help="of the record")
    chosen = parser.parse_args()
    rows = []
    for name in chosen.set or SETS:
        runs = []
        for seed in range(FIRST_SEED, FIRST_SEED + chosen.seeds):
            with tempfile.TemporaryDirectory() as folder:
                runs.append(one(pathlib.Path(folder), seed, *SETS[name]))
        means = {}
        for method in runs[0]["auc"]:
            values = [run["auc"][method] for run in runs]
            means[method] = None if None in values else [float(np.mean(values)), float(np.std(values, ddof=1))]
        rows.append({"set": name, "mean_and_deviation": means, "runs": runs})
        accuracy = np.mean([run["train_accuracy"] for run in runs])
        told = "  ".join(f"{m} {v[0]:.3f}" if v else f"{m} not finite" for m, v in means.items())
        print(f"{name} (training accuracy {accuracy:.3f}, default {runs[0]['default']}): {told}", flush=True)
        common.record(chosen.name, {"rate": RATE, "sets": rows}, ("torch", "kronfluence"))


if __name__ == "__main__":
    main()
