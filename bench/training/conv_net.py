"""The comparison of optimisers.py on a small convolutional network in PyTorch, with `unhat.torch`'s FNGD and SharedMetric.

    .venv/bin/pip install torch . && .venv/bin/python bench/training/conv_net.py tune measure

The same images, split, batches of 128, grid, seeds and losses as its digits; parts `conv net` of the records `rates` and
`optimisers`. Two convolutions (8 of 3×3, 16 of 4×4 with stride 2), 64, 10; single precision, one thread. Processor seconds of
the steps alone, each stretch between two evaluations at its shortest of the repeats.
"""

import argparse
import importlib.metadata
import pathlib
import tempfile
import time

import common
import numpy as np
import optimisers
import torch
from torch import nn
from unhat.torch import FNGD, SharedMetric

TASK = "conv net"
LOSSES, EPOCHS, EVERY = (0.01, 0.1), 40, 4
MOMENTUM = 0.9
RULES = ("sgd", "nesterov", "adamw", "fngd by_id", "fngd layer_mean", "fngd-metric adamw", "fngd-metric nesterov")


def images():
    """Training and test images, 1437 and 360, pixels from 0 to 1: the split of the digits."""
    with tempfile.TemporaryDirectory() as name:
        paths = common.digits(pathlib.Path(name), 16)
        for path in paths:
            table = np.loadtxt(path, delimiter=",", skiprows=1)
            yield torch.tensor(table[:, :-1], dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(table[:, -1]).long()


def network(seed):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def rule_of(name, model, rate, samples, steps_per_epoch):
    def base(kind):
        if kind == "adamw":
            return torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
        return torch.optim.SGD(model.parameters(), lr=rate, momentum=MOMENTUM, nesterov=kind == "nesterov")

    if name.startswith("fngd-metric "):
        return SharedMetric(base(name.split()[1]), model, steps_per_epoch=steps_per_epoch)
    if name.startswith("fngd "):
        share = {"by_id": "id", "layer_mean": "layer-mean"}[name.split()[1]]
        return FNGD(model, rate, samples=samples, steps_per_epoch=steps_per_epoch, share=share, momentum=MOMENTUM)
    return base(name)


def train(data, name, seed, rate, epochs):
    """A run in the form of `unhat train --json`."""
    (x, y), test = data
    samples = len(y)
    model = network(seed)
    rule = rule_of(name, model, rate, samples, -(-samples // common.BATCH))
    draws = torch.Generator().manual_seed(seed)
    history, seconds, step, status = [], 0.0, 0, "solved"

    def evaluate(epoch):
        model.eval()
        with torch.no_grad():
            loss = nn.functional.cross_entropy(model(x), y).item()
            accuracy = (model(test[0]).argmax(1) == test[1]).double().mean().item()
        model.train()
        finite = loss == loss and loss != float("inf")
        entry = {"step": step, "epoch": epoch, "train_loss": loss if finite else None, "validation_accuracy": accuracy}
        history.append({**entry, "seconds": seconds})
        return finite

    evaluate(0)
    for epoch in range(1, epochs + 1):
        for ids in torch.randperm(samples, generator=draws).split(common.BATCH):
            inputs, labels = x[ids], y[ids]
            started = time.process_time()
            rule.zero_grad()
            nn.functional.cross_entropy(model(inputs), labels).backward()
            if isinstance(rule, FNGD):
                rule.step(ids)
            else:
                rule.step()
            seconds += time.process_time() - started
            step += 1
            if step % EVERY == 0 and not evaluate(epoch):
                return {"status": "diverged", "history": history}
    return {"status": status, "history": history}


def tune(data):
    found = []
    for name in RULES:
        rate, scores = optimisers.climb(name, lambda seed, rate: train(data, name, seed, rate, EPOCHS), LOSSES[0])
        print(f"{TASK}, {name}: rate {rate:g} of {scores}", flush=True)
        found.append({"rule": name, "rate": rate, "scores": scores})
    common.record("rates", TASK, {"loss": LOSSES[0], "seeds": optimisers.TUNING_SEEDS, "rules": found})


def measure(data, seeds, repeats):
    rates = {row["rule"]: row["rate"] for row in common.read_record("rates")["parts"][TASK]["rules"]}
    results = {name: [] for name in RULES}
    for seed in range(optimisers.FIRST_SEED, optimisers.FIRST_SEED + seeds):
        runs = {name: [] for name in RULES}
        for turn in range(repeats):
            for name in RULES[:: 1 if turn % 2 == 0 else -1]:
                length = EPOCHS
                if turn > 0:
                    hit = common.first_below(runs[name][0]["history"], LOSSES[0])
                    if not hit:
                        continue
                    length = max(2, hit[1]["epoch"])
                runs[name].append(train(data, name, seed, rates[name], length))
        for name in RULES:
            results[name].append(optimisers.one_result(seed, runs[name], LOSSES))
        print(f"{TASK}, seed {seed}: {[(n, r[-1]['reached'][0]['step']) for n, r in results.items()]}", flush=True)
    rules = [{"rule": n, "rate": rates[n], **optimisers.summary(found), "runs": found} for n, found in results.items()]
    for row in rules:
        print(f"{TASK}, {row['rule']}: {row['reached'][0]}", flush=True)
    made_by = {"torch": torch.__version__, "unhat": importlib.metadata.version("unhat")}
    told = {"losses": LOSSES, "epochs": EPOCHS, "every": EVERY, "repeats": repeats, "peers": made_by, "rules": rules}
    common.record("optimisers", TASK, told)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=["tune", "measure"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    data = tuple(images())
    if "tune" in chosen.parts:
        tune(data)
    if "measure" in chosen.parts:
        measure(data, chosen.seeds, chosen.repeats)


if __name__ == "__main__":
    main()
