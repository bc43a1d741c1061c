"""unhat's scores beside kronfluence's identity and captum's TracInCP, on the same weights and rows.

    UNHAT=target/release/unhat .venv/bin/python bench/influence/identities.py

IP is kronfluence's strategy `identity` with the validation gradients summed; a sum of IPs over checkpoints, each times its
learning rate, is captum's TracInCP. The networks are trained here, in float64, and handed to unhat as model files; the
linear models are those that unhat fitted, handed to the peers. Needs torch, kronfluence, captum.
"""

import pathlib
import tempfile

import common
import nets
import numpy as np
import torch
from captum.influence import TracInCP

RATES = (0.1, 0.05, 0.01)


def agreement(ours, theirs):
    """Spearman, and the largest difference in units of the largest score."""
    difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
    return {"spearman": common.spearman(ours, theirs), "largest_relative_difference": float(difference)}


def linear(folder, name, model, x, y, xv, yv, penalty):
    """Fitted by unhat; its coefficients go to kronfluence."""
    common.write_numbers(folder / "train.csv", x, y)
    common.write_numbers(folder / "held.csv", xv, yv)
    call = [folder / "train.csv", "--response", "y", "--model", model, "--penalty", penalty, "--no-standardize"]
    scores, told = common.scores_of(folder, *call, "--validation", folder / "held.csv", "--method", "ip")
    theta = np.array([c["value"] for c in told["model"]["coefficients"]]).reshape(-1, x.shape[1] + 1)
    net = nets.from_weights([theta], torch.float64)
    data, held = nets.tensors(x, y, torch.float64), nets.tensors(xv, yv, torch.float64)
    (theirs,) = nets.kronfluence(net, data, held, "identity", dtype=torch.float64)
    return {"identity": "ip = kronfluence identity", "on": name, **agreement(scores, theirs)}


def network(folder, x, y, xv, yv):
    """Three checkpoints of a network: IP of the last, and the weighted sum over all."""
    net, _ = nets.train(x, y, [x.shape[1], 64, 10], 0, 30, 1e-3)
    common.write_numbers(folder / "train.csv", x, y)
    common.write_numbers(folder / "held.csv", xv, yv)
    data, held = nets.tensors(x, y, torch.float64), nets.tensors(xv, yv, torch.float64)
    net, summed, paths = net.double(), 0.0, []
    for k, rate in enumerate(RATES):
        if k:  # further steps, so that the checkpoints differ
            rule = torch.optim.SGD(net.parameters(), lr=rate)
            for _ in range(20):
                rule.zero_grad()
                nets.losses(net(data[0]), data[1]).mean().backward()
                rule.step()
        nets.save(folder / f"{k}.safetensors", net, 10, 1.0)
        paths.append(str(folder / f"{k}.pt"))
        torch.save({"rate": rate, "weights": net.state_dict()}, paths[-1])
        call = [folder / "train.csv", "--model-file", folder / f"{k}.safetensors", "--method", "ip"]
        ip, _ = common.scores_of(folder, *call, "--validation", folder / "held.csv")
        summed = summed + rate * ip

    def load(model, path):
        kept = torch.load(path)
        model.load_state_dict(kept["weights"])
        return kept["rate"]

    (theirs,) = nets.kronfluence(net, data, held, "identity", dtype=torch.float64)
    tracin = TracInCP(
        net, torch.utils.data.TensorDataset(*data), paths, load, loss_fn=torch.nn.CrossEntropyLoss(reduction="none"),
        batch_size=256,
    )  # fmt: skip
    captum = tracin.influence(held).sum(0).detach().numpy()
    on = f"digits MLP 64, {len(y)} rows"
    return [
        {"identity": "ip = kronfluence identity", "on": on, **agreement(ip, theirs)},
        {"identity": "Σ rate · ip = captum TracInCP", "on": f"{on}, 3 checkpoints", **agreement(summed, captum)},
    ]


def main():
    random = np.random.default_rng(0)
    x, y = common.numbers_of("digits.csv.gz", "digit")
    order = random.permutation(len(y))
    train, held = order[:600], order[600:800]
    labels, _ = common.flipped(y, 10, 0.1, random)
    digits = (x[train] / 16, labels[train], x[held] / 16, y[held])
    ((a, b),) = common.encoded(common.read_rows("adult.csv.gz"), response="income", positive=">50K")
    a, av = common.standardised(a[:1000], a[1000:1300])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rows.append(linear(folder, "digits softmax, 600 rows", "softmax", *digits, 1.0))
        rows.append(linear(folder, "Adult logistic, 1000 rows", "logistic", a, b[:1000], av, b[1000:1300], 1.0))
        rows += network(folder, *digits)
    for row in rows:
        print(f"{row['identity']:32} {row['on']:40} {row['spearman']:.6f} {row['largest_relative_difference']:.1e}")
    common.record("identities", {"rows": rows}, ("torch", "kronfluence", "captum"))


if __name__ == "__main__":
    main()
