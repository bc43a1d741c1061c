"""Whitened scores against their formula in NumPy; runs that are interrupted; attributions in two threads at once."""

import signal
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import unhat
from unhat.torch import Attribution


class Network(nn.Module):
    """A convolution or a layer of rows, then another layer of rows, and the mean over positions."""

    def __init__(self, first):
        super().__init__()
        self.first, self.second = first, nn.Linear(4, 3)

    def parts(self, x):
        h = self.first(x)
        middle = torch.tanh(h.flatten(2).transpose(1, 2) if x.dim() == 4 else h)
        return h, middle, self.second(middle)

    def forward(self, x):
        return self.parts(x)[2]


def losses(model, batch):
    out = model(batch[0]).unflatten(0, (len(batch[0]), -1)) if batch[0].dim() == 2 else model(batch[0])
    return functional.cross_entropy(out.mean(1), batch[1], reduction="none")


NETWORKS = {
    "vectors": (lambda: nn.Linear(5, 4), (5,)),
    "positions": (lambda: nn.Linear(5, 4), (6, 5)),
    "pictures": (lambda: nn.Conv2d(2, 4, 3, padding=1, stride=2), (2, 7, 6)),
}


def setting(name, dtype=torch.float32):
    torch.manual_seed(0)
    first, shape = NETWORKS[name]
    model, random = Network(first()).to(dtype).eval(), torch.Generator().manual_seed(1)
    data = [(torch.randn(n, *shape, generator=random, dtype=dtype), torch.arange(n) % 3) for n in (14, 4)]
    return model, *data


def cut(data, size):
    return [tuple(t[k : k + size] for t in data) for k in range(0, len(data[0]), size)]


def layers(model, x, y):
    """[(a with its 1, d)] of one sample in the two layers, positions × width, in double precision."""
    h, middle, out = model.parts(x)
    loss = functional.cross_entropy(out.reshape(-1, 3).mean(0), y[0])
    d1, d2 = torch.autograd.grad(loss, [h, out])
    if x.dim() == 4:
        a1, d1 = functional.unfold(x, 3, padding=1, stride=2)[0].T, d1.flatten(2)[0].T
    else:
        a1 = x
    pairs = [(a1.reshape(-1, a1.shape[-1]), d1.reshape(-1, 4)), (middle.reshape(-1, 4), d2.reshape(-1, 3))]
    return [(np.column_stack([a.detach().double(), np.ones(len(a))]), d.double().numpy()) for a, d in pairs]


def regular(moment, damping):
    return np.linalg.inv(moment + damping * np.trace(moment) / len(moment) * np.eye(len(moment)))


def by_formula(model, train, test, method, damping):
    samples = [layers(model, *one) for one in cut(train, 1)]
    queries = [layers(model, *one) for one in cut(test, 1)]
    scores = np.zeros((len(samples), len(queries)))
    for k in range(2):
        rows = np.concatenate([s[k][0] for s in samples])
        c = regular(rows.T @ rows / len(rows), damping)
        b = regular(sum(d.T @ d for _, d in (s[k] for s in samples)) / len(samples), damping)
        for j, q in enumerate(queries):
            v = q[k][1].T @ q[k][0] @ c
            v = b @ v if method == "kron" else v
            for i, s in enumerate(samples):
                scores[i, j] += np.sum((s[k][1].T @ s[k][0]) * v)
    return scores


@pytest.mark.parametrize("damping", [None, 0.7])
@pytest.mark.parametrize("method", ["wt-ip", "kron"])
@pytest.mark.parametrize("name", NETWORKS)
def test_whitened_scores_are_those_of_their_formula(name, method, damping):
    model, train, test = setting(name)
    expected = by_formula(model, train, test, method, 0.1 if damping is None else damping)
    attribution = Attribution(model, losses, method=method, damping=damping).fit(cut(train, 4)).queries(cut(test, 3))
    assert np.abs(attribution.matrix(cut(train, 5)) - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(("name", "method"), [("vectors", "wt-ip"), ("positions", "kron"), ("pictures", "kron")])
def test_auto_whitens_both_sides_where_matrices_have_positions(name, method):
    model, train, test = setting(name)
    found = [Attribution(model, losses, method=m).fit(cut(train, 4)).queries(cut(test, 3)).matrix(cut(train, 4)) for m in ("auto", method)]
    assert np.array_equal(*found)


def test_a_run_that_is_interrupted_goes_on_behind_its_rows_in_the_same_bits(tmp_path):
    model, train, test = setting("positions")
    seen, interrupt_at = [], []

    def counted(model, batch):
        seen.append(len(batch[0]))
        if len(seen) in interrupt_at:
            signal.raise_signal(signal.SIGINT)
        return losses(model, batch)

    attribution = Attribution(model, counted).fit(cut(train, 3)).queries(cut(test, 3))
    whole = attribution.matrix(cut(train, 3))
    path = tmp_path / "scores.npz"
    interrupt_at.append(len(seen) + 3)
    with pytest.raises(KeyboardInterrupt):
        attribution.matrix(cut(train, 3), resume=path)
    assert [p.name for p in tmp_path.iterdir()] == ["scores.npz"]
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    with np.load(path) as held:
        assert np.array_equal(held["scores"], whole[:6])
    before = len(seen)
    assert np.array_equal(attribution.matrix(cut(train, 3), resume=path), whole)
    assert seen[before:] == [3, 3, 2]
    with pytest.raises(unhat.InputError, match="first batches are not those"):
        attribution.matrix(cut((train[0].flip(0), train[1]), 3), resume=tmp_path / "scores.npz")


def test_two_threads_with_an_attribution_each_find_what_one_finds():
    names = ["positions", "pictures"]
    settings = [setting(name) for name in names]

    def scores(model, train, test):
        return Attribution(model, losses).fit(cut(train, 2)).queries(cut(test, 2)).matrix(cut(train, 2))

    alone = [scores(*one) for one in settings]
    found, start = [[], []], threading.Barrier(2)

    def work(k):
        start.wait()
        for _ in range(5):
            found[k].append(scores(*settings[k]))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(2):
        assert len(found[k]) == 5
        assert all(np.array_equal(one, alone[k]) for one in found[k])
