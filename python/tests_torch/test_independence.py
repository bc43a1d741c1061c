"""Samples that interact are refused, however their batch is made; samples that do not are scored."""

import collections

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import unhat
from unhat.torch import Attribution


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4)).eval()


def data(count=8):
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(1)), torch.arange(count) % 4


def own(model, x, y):
    return functional.cross_entropy(model(x), y, reduction="none")


def expected(model, train, test, losses=own):
    def gradients(x, y):
        each = [torch.autograd.grad(losses(model, x[k : k + 1], y[k : k + 1]).sum(), list(model.parameters())) for k in range(len(x))]
        return torch.stack([torch.cat([g.flatten().double() for g in one]) for one in each])

    return (gradients(*train) @ gradients(*test).T).numpy()


class Graph:
    """A batch that is no tensor and no collection of them."""

    def __init__(self, x, y):
        self.x, self.y = x, y


UNCUT = {
    "an object": (lambda x, y: Graph(x, y), lambda b: (b.x, b.y)),
    "positions first": (lambda x, y: (x.T, y), lambda b: (b[0].T, b[1])),
}


@pytest.mark.parametrize(("pack", "unpack"), UNCUT.values(), ids=UNCUT)
@pytest.mark.parametrize("method", ["ip", "auto"])
def test_joined_losses_of_a_batch_that_cannot_be_cut_are_refused(pack, unpack, method):
    def joined(model, batch):
        each = own(model, *unpack(batch))
        return each.mean().expand(len(each))

    with pytest.raises(unhat.InputError, match="cannot be tried alone") as refused:
        Attribution(model(), joined, method=method, rest="loop").check(pack(*data()))
    assert "whose first dimension is the samples" in str(refused.value)


def test_a_model_that_fails_on_one_sample_is_refused_with_what_it_said():
    def losses(model, batch):
        if len(batch[0]) < 2:
            raise ValueError("two samples\nat least")
        return own(model, *batch)

    with pytest.raises(unhat.InputError, match="ValueError: 'two samples'"):
        Attribution(model(), losses, method="ip").check(data())


INTERACTING = {
    "their mean": lambda each, h: each.mean().expand(len(each)),
    "a ten-thousandth of their mean": lambda each, h: each + 1e-3 * each.mean(),
    "a term of no value": lambda each, h: each + (each.mean() - each.mean().detach()),
    "inputs centred over the batch": lambda each, h: functional.cross_entropy(h - h.mean(0), torch.arange(len(h)) % 4, reduction="none"),
}


@pytest.mark.parametrize("join", INTERACTING.values(), ids=INTERACTING)
def test_losses_with_a_term_over_the_batch_are_refused(join):
    def losses(model, batch):
        return join(own(model, *batch), model(batch[0]))

    with pytest.raises(unhat.InputError, match="interact, or"):
        Attribution(model(), losses, method="ip", rest="loop").check(data())


Pair = collections.namedtuple("Pair", "x y")
BATCHES = {
    "a named tuple": (lambda x, y: Pair(x, y), lambda b: (b.x, b.y)),
    "a mapping that is no dict": (lambda x, y: collections.UserDict(x=x, y=y), lambda b: (b["x"], b["y"])),
    "lists of samples": (lambda x, y: {"x": list(x), "y": y.tolist()}, lambda b: (torch.stack(b["x"]), torch.tensor(b["y"]))),
    "beside what is shared": (lambda x, y: (x, torch.ones(6), y, None, "words"), lambda b: (b[0] * b[1], b[2])),
}


@pytest.mark.parametrize(("pack", "unpack"), BATCHES.values(), ids=BATCHES)
def test_batches_of_other_kinds_are_cut_and_scored(pack, unpack):
    train, test = data(9), data(3)
    attribution = Attribution(network := model(), lambda m, b: own(m, *unpack(b)), method="ip").queries([pack(*test)])
    found = attribution.matrix([pack(*(t[k : k + 4] for t in train)) for k in (0, 4, 8)])
    true = expected(network, train, test)
    assert np.abs(found - true).max() <= 1e-5 * np.abs(true).max()


def test_batches_of_one_sample_need_no_cutting():
    train, test = data(5), data(2)
    graphs = [[Graph(x[k : k + 1], y[k : k + 1]) for k in range(len(x))] for x, y in (train, test)]
    attribution = Attribution(network := model(), lambda m, b: own(m, b.x, b.y), method="ip").queries(graphs[1])
    true = expected(network, train, test)
    assert np.abs(attribution.matrix(graphs[0]) - true).max() <= 1e-5 * np.abs(true).max()
