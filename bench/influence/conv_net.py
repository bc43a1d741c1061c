"""Which scores find exchanged labels of a convolutional network: `unhat.torch.influence` and kronfluence on the same weights.

    .venv/bin/pip install torch kronfluence . && .venv/bin/python bench/influence/conv_net.py [--seeds 10]

15 % of the labels of 1197 digits are exchanged, 600 clean ones validate. Two convolutions (8 and 16 of 3×3, the second with
stride 2) and a linear layer, trained by AdamW. Seconds from the trained model to the scores, the capture of the factors apart.
"""

import argparse
import time

import common
import nets  # settles the threads before PyTorch is loaded
import noise
import numpy as np
import torch
from torch import nn
from unhat.torch import capture, influence

METHODS = ("grad-norm", "self", "ip", "wt-ip", "cg2", "leverage", "fisher")
EPOCHS, BATCH, RATE = 12, 64, 3e-3


def trained(x, y, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, 10),
    )
    rule = torch.optim.AdamW(model.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        for ids in torch.randperm(len(y)).split(BATCH):
            rule.zero_grad()
            nets.losses(model(x[ids]), y[ids]).mean().backward()
            rule.step()
    return model.eval()


def captured(model, x, y):
    with capture(model, reduction="sum") as factors:
        for x, y in zip(x.split(200), y.split(200)):
            nets.losses(model(x), y).sum().backward()
    return factors


def one(seed):
    random = np.random.default_rng(seed)
    (x, y), (x_held, y_held), classes = noise.digits(random)
    y, bad = common.flipped(y, classes, noise.RATE, random)
    (x, y), (x_held, y_held) = nets.tensors(x, y), nets.tensors(x_held, y_held)
    x, x_held = x.reshape(-1, 1, 8, 8), x_held.reshape(-1, 1, 8, 8)
    model = trained(x, y, seed)
    found, seconds = {}, {}

    def timed(name, work):
        begin = time.perf_counter()
        result = work()
        seconds[name] = time.perf_counter() - begin
        return result

    with torch.no_grad():
        found["loss"] = -nets.losses(model(x), y).double().numpy()
        accuracy = float((model(x_held).argmax(1) == y_held).double().mean())
    training = timed("capture", lambda: captured(model, x, y))
    held = captured(model, x_held, y_held)
    for method in METHODS:
        found[method] = timed(method, lambda: influence(training, held, method=method, threads=1))
    for strategy in ("identity", "ekfac"):
        name = f"kronfluence {strategy}"
        (found[name],) = timed(name, lambda: nets.kronfluence(model, (x, y), (x_held, y_held), strategy, seed=seed))
    return {
        "seed": seed,
        "validation_accuracy": accuracy,
        "auc": {name: common.auc(-scores, bad) for name, scores in found.items()},
        "ip_against_kronfluence_identity": common.spearman(found["ip"], found["kronfluence identity"]),
        "seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    runs = [one(seed) for seed in range(noise.FIRST_SEED, noise.FIRST_SEED + parser.parse_args().seeds)]
    for name in runs[0]["auc"]:
        areas = [run["auc"][name] for run in runs]
        least = min(run["seconds"].get(name, np.nan) for run in runs)
        print(f"{name:22} AUC {np.mean(areas):.3f} ± {np.std(areas, ddof=1):.3f}   {least:.3f} s")
    print("capture", min(run["seconds"]["capture"] for run in runs))
    print("ip against kronfluence's identity", min(run["ip_against_kronfluence_identity"] for run in runs))
    common.record_set("conv_net", {"set": "digits", "rate": noise.RATE, "runs": runs}, ("torch", "kronfluence"))


if __name__ == "__main__":
    main()
