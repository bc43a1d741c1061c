"""Influence from captured factors, against per-sample gradients that torch found one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import cross_entropy, mlp, per_sample_gradients
from torch import nn

import unhat
from unhat.torch import capture, influence


def captured(model, inputs, targets):
    with capture(model) as factors:
        cross_entropy(model(inputs), targets).backward()
    return factors


@pytest.fixture
def problem(random):
    model = mlp().eval()
    samples = torch.randn(30, 6, dtype=torch.float64, generator=random), torch.arange(30) % 3
    held = torch.randn(9, 6, dtype=torch.float64, generator=random), torch.arange(9) % 3
    return model, samples, held


def rows(model, samples):
    """The gradients as rows, and by layer: weights with the bias for a last column."""
    found = per_sample_gradients(model, cross_entropy, *samples)
    layers = [name.removesuffix(".weight") for name in found if name.endswith(".weight")]
    by_layer = []
    for name in layers:
        weights = found[f"{name}.weight"].numpy()
        weights = weights.reshape(*weights.shape[:2], -1)  # a convolution's kernel is flat
        bias = found.get(f"{name}.bias")
        by_layer.append(weights if bias is None else np.concatenate([weights, bias.numpy()[:, :, None]], axis=2))
    return np.concatenate([g.reshape(len(g), -1) for g in by_layer], axis=1), by_layer


def check_scores(problem):
    """Every method against the per-sample gradients."""
    model, samples, held = problem
    training, validation = captured(model, *samples), captured(model, *held)
    (G, by_layer), (H, held_by_layer) = rows(model, samples), rows(model, held)
    v, squares = H.sum(axis=0), (G * G).sum(axis=1)

    def damped(share, right):
        return np.linalg.solve(G.T @ G + share * squares.mean() * np.eye(G.shape[1]), right)

    whitened = np.zeros(len(G))
    for factors, g, h in zip(training.layers.values(), by_layer, held_by_layer, strict=True):
        inputs = factors.inputs.reshape(-1, factors.inputs.shape[-1])
        second = inputs.T @ inputs / len(inputs)
        second += np.trace(second) / len(second) * np.eye(len(second))
        whitened += np.einsum("nok,ok->n", g, h.sum(axis=0) @ np.linalg.inv(second))
    expected = {
        "self": -squares,
        "grad-norm": -np.sqrt(squares),
        "ip": G @ v,
        "wt-ip": whitened,
        "fisher": G @ damped(1.0, v),
        "leverage": -np.einsum("np,pn->n", G, damped(0.1, G.T)),
    }
    for method, scores in expected.items():
        found = influence(training, validation, method=method)
        np.testing.assert_allclose(found, scores, rtol=1e-9, atol=1e-12, err_msg=method)
    found = influence(training.layers, method="leverage", damping=3.0, threads=1)
    np.testing.assert_allclose(found, -np.einsum("np,pn->n", G, damped(3.0, G.T)), rtol=1e-9)
    assert influence(training, validation, method="cg2").shape == (len(G),)


def test_scores_are_those_of_the_gradients(problem):
    check_scores(problem)


@pytest.mark.parametrize("count", [12, 90])  # fewer rows than parameters, and more
def test_scores_of_a_convolutional_net_are_those_of_its_gradients(count, random):
    model = nn.Sequential(
        nn.Conv2d(1, 2, 2), nn.Tanh(), nn.Conv2d(2, 2, 2, stride=2, padding=1, bias=False), nn.Flatten(), nn.Linear(8, 3),
    ).double().eval()

    def draw(n):
        return torch.randn(n, 1, 4, 4, dtype=torch.float64, generator=random), torch.arange(n) % 3

    check_scores((model, draw(count), draw(9)))


class OfSequences(nn.Module):
    """Layers on vectors at every place of a sequence, the mean over places before the last."""

    def __init__(self):
        super().__init__()
        self.first, self.wide, self.last = nn.Linear(3, 5), nn.Linear(5, 8), nn.Linear(8, 3)

    def forward(self, sequences):
        return self.last(torch.tanh(self.wide(torch.tanh(self.first(sequences)))).mean(-2))


@pytest.mark.parametrize("count", [10, 120])
def test_scores_of_a_net_on_sequences_are_those_of_its_gradients(count, random):
    model = OfSequences().double().eval()

    def draw(n):
        return torch.randn(n, 3, 3, dtype=torch.float64, generator=random), torch.arange(n) % 3

    check_scores((model, draw(count), draw(9)))


def test_validation_sequences_may_have_another_length(random):
    model = OfSequences().double().eval()
    samples = torch.randn(12, 4, 3, dtype=torch.float64, generator=random), torch.arange(12) % 3
    held = torch.randn(5, 6, 3, dtype=torch.float64, generator=random), torch.arange(5) % 3
    found = influence(captured(model, *samples), captured(model, *held), method="ip")
    np.testing.assert_allclose(found, rows(model, samples)[0] @ rows(model, held)[0].sum(axis=0), rtol=1e-9, atol=1e-12)


def test_what_cannot_be_used_is_named(problem):
    model, samples, held = problem
    training = captured(model, *samples)
    for options, message in (
        ({"method": "exact"}, "method: exact needs the model itself"),
        ({"method": "magic"}, "method: found"),
        ({"method": "ip"}, "validation: is missing"),
        ({"method": "leverage", "damping": -1.0}, "damping: found -1"),
    ):
        with pytest.raises(unhat.InputError, match=message):
            influence(training, **options)
    other = captured(mlp(sizes=(6, 3)).eval(), *held)
    with pytest.raises(unhat.InputError, match="validation: its layers"):
        influence(training, other, method="ip")
    shapes = nn.Sequential(nn.Linear(6, 4, dtype=torch.float64), nn.Tanh(), nn.Linear(4, 3, dtype=torch.float64)).eval()
    with pytest.raises(unhat.InputError, match="layers of the validation rows"):
        influence(training, captured(shapes, *held), method="ip")
    layers = dict(training.layers)
    name, layer = next(iter(layers.items()))
    layers[name] = replace(layer, inputs=layer.inputs[:, None])
    with pytest.raises(unhat.InputError, match=f"captured: layer '{name}' has factors of shapes"):
        influence(layers, method="self")
