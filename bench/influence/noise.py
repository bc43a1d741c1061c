"""Which scores find flipped labels: unhat's methods and EK-FAC of kronfluence on the same weights.

    UNHAT=target/release/unhat .venv/bin/python bench/influence/noise.py [--seeds 10] [--set NAME …] [--weights FOLDER]
    .venv/bin/python bench/influence/noise.py --peers --weights FOLDER          the peer's columns, on the weights kept

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
    x, y = text_set.documents(1000, int(random.integers(1 << 31)))
    return (np.log1p(x[:700]), y[:700]), (np.log1p(x[700:]), y[700:]), 4


adult = binary("adult.csv.gz", "income", ">50K", 3000, 1000)
german = binary("german.csv", "credit", "good", 500, 250)
cancer = binary("breast_cancer.csv", "diagnosis", "benign", 398, 171)
REGULARISED, MEMORISING = {"epochs": 40, "decay": 1e-3}, {"epochs": 200, "decay": 0.0, "rate": 0.1}
# name: the data, hidden layers (none: a linear model with the penalty M = 1), training, whether labels go to the next class
SETS = {
    "breast cancer MLP 16": (cancer, [16], REGULARISED, False),
    "German MLP 32": (german, [32], REGULARISED, False),
    "digits MLP 64": (digits, [64], REGULARISED, False),
    "digits MLP 64, memorising": (digits, [64], MEMORISING, False),
    "text MLP 32": (text, [32], REGULARISED, False),
    "Adult logistic": (adult, [], None, False),
    "digits MLP 128-64, next class": (digits, [128, 64], REGULARISED, True),
    "Adult MLP 32": (adult, [32], REGULARISED, False),
    "digits MLP 128-64, next class, memorising": (digits, [128, 64], MEMORISING, True),
    "text softmax": (text, [], None, False),
}
METHODS = ("ip", "wt-ip")


def problem(name, seed):
    """Training rows with flipped labels, validation rows, number of classes, which labels are bad."""
    data, _, _, asymmetric = SETS[name]
    random = np.random.default_rng(seed)
    (x, y), held, classes = data(random)
    labels, bad = common.flipped(y, classes, RATE, random, asymmetric)
    return (x, labels), held, classes, bad


def area(harm, bad):
    return common.auc(harm, bad) if np.isfinite(harm).all() else None


def scored(name, seed, weights):
    """Trains, scores by unhat, and keeps the weights and the inner products for the peer."""
    (x, labels), (xv, yv), classes, bad = problem(name, seed)
    _, hidden, training, _ = SETS[name]
    outputs = 1 if classes == 2 else classes
    found, beside, seconds = {}, {}, {}
    begin = time.perf_counter()
    if hidden:
        model, found["loss, mean of 7 checkpoints"] = nets.train(x, labels, [x.shape[1], *hidden, outputs], seed, **training)
        penalty = training["decay"] * len(labels)
    else:
        model = nets.from_weights([common.newton(common.with_one(x), labels, outputs, 1.0)])
        penalty = 1.0
    seconds["training"] = time.perf_counter() - begin
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        common.write_numbers(folder / "train.csv", x, labels)
        common.write_numbers(folder / "held.csv", xv, yv)
        nets.save(folder / "model.safetensors", model, classes, penalty)
        call = [folder / "train.csv", "--model-file", folder / "model.safetensors", "--validation", folder / "held.csv"]
        for method in (*METHODS, None):
            scores, told = common.scores_of(folder, *call, *(["--method", method] if method else []))
            found[method or "default"] = -scores
        if told["method"] != "rank-sum":  # wide inputs: two steps of conjugate gradients in the place of whitening
            found["cg2"] = -common.scores_of(folder, *call, "--method", "cg2")[0]
            found["rank-sum"] = -common.scores_of(folder, *call, "--method", "rank-sum")[0]
    beside = {"default": told["method"], "train_accuracy": told["model"]["train_accuracy"]}
    seconds["unhat, whole calls"] = time.perf_counter() - begin - seconds["training"]
    found |= {"loss": told["losses"], "grad-norm": told["norms"]}
    layers = {f"layer{k}": layer for k, layer in enumerate(nets.weights(model))}
    np.savez(weights / f"{name.replace(' ', '_')}-{seed}.npz", ip=-found["ip"], **layers)
    return {"seed": seed, "auc": {m: area(harm, bad) for m, harm in found.items()}, "seconds": seconds, **beside}


def by_peer(name, run, weights):
    """The columns of kronfluence for a run that unhat scored."""
    seed = run["seed"]
    kept = np.load(weights / f"{name.replace(' ', '_')}-{seed}.npz")
    model = nets.from_weights([kept[f"layer{k}"] for k in range(len(kept.files) - 1)])
    training, held, _, bad = problem(name, seed)
    training, held = nets.tensors(*training), nets.tensors(*held)
    for strategy, damping in (("identity", (1e-8,)), ("ekfac", (1e-8, None))):
        begin = time.perf_counter()
        scores = nets.kronfluence(model, training, held, strategy, damping, seed=seed)
        run["seconds"][f"kronfluence {strategy}"] = time.perf_counter() - begin
        for value, score in zip(damping, scores):
            column = f"kronfluence {strategy}" + (", damping 0.1 × mean" if value is None else "")
            run["auc"][column] = area(-score, bad)
        if strategy == "identity":
            run["ip_against_kronfluence_identity"] = common.spearman(kept["ip"], scores[0])


def told(name, runs):
    """Prints and returns means and deviations."""
    means = {}
    for method in runs[0]["auc"]:
        values = [run["auc"][method] for run in runs if method in run["auc"]]  # the peer may have had time for some only
        spread = float(np.std(values, ddof=1)) if None not in values and len(values) > 1 else 0.0
        means[method] = None if None in values else [float(np.mean(values)), spread, len(values)]
    accuracy = np.mean([run["train_accuracy"] for run in runs])
    line = "  ".join(f"{m} {v[0]:.3f}" if v else f"{m} —" for m, v in means.items())
    print(f"{name} (training accuracy {accuracy:.3f}, default {runs[0]['default']}): {line}", flush=True)
    return means


def keep(name, runs):
    row = {"set": name, "rate": RATE, "mean_and_deviation": told(name, runs), "runs": runs}
    common.record_set("noise", row, ("torch", "kronfluence"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--set", action="append", choices=[*SETS])
    parser.add_argument("--weights", type=pathlib.Path, default=pathlib.Path("weights"), help="a folder for the weights")
    parser.add_argument("--peers", action="store_true", help="add the columns of kronfluence to the record")
    chosen = parser.parse_args()
    chosen.weights.mkdir(parents=True, exist_ok=True)
    if chosen.peers:  # seed by seed, so that a run that is cut short has some of every set
        for k in range(chosen.seeds):
            for name in chosen.set or SETS:
                runs = common.recorded_set("noise", name)["runs"]
                if "kronfluence ekfac" not in runs[k]["auc"]:
                    by_peer(name, runs[k], chosen.weights)
                    keep(name, runs)
        return
    for name in chosen.set or SETS:
        keep(name, [scored(name, seed, chosen.weights) for seed in range(FIRST_SEED, FIRST_SEED + chosen.seeds)])


if __name__ == "__main__":
    main()
