"""unhat's `exact` beside pyDVL's DirectInfluence, on the same weights and rows.

    UNHAT=target/release/unhat .venv-pydvl/bin/python bench/influence/identities_pydvl.py

pyDVL has the mean of the losses where unhat has their sum, and takes M/n for M; its scores are then n times unhat's. The
models are those that unhat fitted. In an environment of its own, since pyDVL needs NumPy 1.
"""

import pathlib
import tempfile
import warnings

import common
import numpy as np
import torch

warnings.filterwarnings("ignore", category=FutureWarning)
from pydvl.influence.torch import DirectInfluence  # noqa: E402

torch.set_num_threads(1)


def compare(folder, name, model, x, y, xv, yv, penalty):
    common.write_numbers(folder / "train.csv", x, y)
    common.write_numbers(folder / "held.csv", xv, yv)
    call = [folder / "train.csv", "--response", "y", "--model", model, "--penalty", penalty, "--no-standardize"]
    ours, told = common.scores_of(folder, *call, "--validation", folder / "held.csv", "--method", "exact")
    theta = torch.tensor([c["value"] for c in told["model"]["coefficients"]], dtype=torch.float64)
    theta = theta.reshape(-1, x.shape[1] + 1)
    net = torch.nn.Linear(x.shape[1], len(theta)).double()
    with torch.no_grad():
        net.weight.copy_(theta[:, :-1])
        net.bias.copy_(theta[:, -1])
    if len(theta) == 1:
        loss, kind = torch.nn.functional.binary_cross_entropy_with_logits, torch.float64
    else:
        loss, kind = torch.nn.functional.cross_entropy, torch.long

    def tensors(x, y):
        y = torch.tensor(y, dtype=kind)
        return torch.tensor(x), y[:, None] if len(theta) == 1 else y

    training, held = tensors(x, y), tensors(xv, yv)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*training), batch_size=len(y))
    influence = DirectInfluence(net, loss, regularization=penalty / len(y)).fit(data)
    theirs = influence.influences(*held, *training).detach().numpy().sum(0) / len(y)
    difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
    row = {"identity": "exact = pyDVL Direct", "on": name, "spearman": common.spearman(ours, theirs)}
    row["largest_relative_difference"] = float(difference)
    print(f"{row['identity']:32} {row['on']:40} {row['spearman']:.6f} {difference:.1e}")
    return row


def main():
    random = np.random.default_rng(0)
    x, y = common.numbers_of("digits.csv.gz", "digit")
    order = random.permutation(len(y))
    train, held = order[:600], order[600:800]
    labels, _ = common.flipped(y, 10, 0.1, random)
    ((a, b),) = common.encoded(common.read_rows("adult.csv.gz"), response="income", positive=">50K")
    a, av = common.standardised(a[:1000], a[1000:1300])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        digits = (x[train] / 16, labels[train], x[held] / 16, y[held])
        rows.append(compare(folder, "digits softmax, 600 rows", "softmax", *digits, 1.0))
        rows.append(compare(folder, "Adult logistic, 1000 rows", "logistic", a, b[:1000], av, b[1000:1300], 1.0))
    common.record("identities_pydvl", {"rows": rows}, ("torch", "pyDVL"))


if __name__ == "__main__":
    main()
