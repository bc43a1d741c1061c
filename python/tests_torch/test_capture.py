"""Captured factors: their products are the per-sample gradients, in the order of the samples."""

import numpy as np
import pytest
import torch
from conftest import cross_entropy, mlp, per_sample_gradients
from torch import nn
from torch.nn import functional

import unhat
from unhat.torch import capture
from unhat.torch._layers import layers_of


def convolutions():
    return nn.Sequential(
        nn.Unflatten(1, (1, 2, 3)),
        nn.Conv2d(1, 3, 2, bias=False, dtype=torch.float64),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(6, 3, dtype=torch.float64),
    )


def gradients(factors, layer):
    a, d = (x if x.ndim == 3 else x[:, None] for x in (factors.inputs, factors.output_gradients))
    each = np.einsum("nto,nti->noi", d, a)
    weight = each if layer.bias is None else each[:, :, :-1]
    found = {f"{layer.name}.weight": weight.reshape(len(each), *layer.weight.shape)}
    return found if layer.bias is None else {**found, f"{layer.name}.bias": each[:, :, -1]}


@pytest.mark.parametrize("make", [mlp, convolutions])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_products_of_the_factors_are_the_gradients(make, reduction, random):
    model = make().eval()
    inputs, targets = torch.randn(10, 6, dtype=torch.float64, generator=random), torch.arange(10) % 3
    with capture(model, reduction=reduction) as captured:
        for part in (slice(0, 6), slice(6, 10)):
            functional.cross_entropy(model(inputs[part]), targets[part], reduction=reduction).backward()
    expected = per_sample_gradients(model, cross_entropy, inputs, targets)
    found = {}
    for layer in layers_of(model):
        found.update(gradients(captured.layers[layer.name], layer))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value.numpy(), rtol=1e-10, atol=1e-13)


def test_single_precision_leaves_as_double_and_hooks_are_removed(random):
    model = mlp(torch.float32)
    with capture(model) as captured:
        cross_entropy(model(torch.randn(5, 6, generator=random)), torch.arange(5) % 3).backward()
        with torch.no_grad():
            model(torch.randn(7, 6, generator=random))
    assert {f.inputs.dtype for f in captured.layers.values()} == {np.dtype(np.float64)}
    assert captured.layers["0"].inputs.shape == (5, 7) and captured.layers["2"].output_gradients.shape == (5, 3)
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())


def test_what_is_missing_is_named(random):
    model = mlp()
    inputs = torch.randn(5, 6, dtype=torch.float64, generator=random)
    with pytest.raises(unhat.InputError, match="batch 1: backward was not called"), capture(model):
        model(inputs)
    with pytest.raises(unhat.InputError, match="no batch went through"), capture(model):
        pass
    with pytest.raises(ZeroDivisionError), capture(model):
        raise ZeroDivisionError
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())
    with pytest.raises(unhat.InputError, match="reduction"):
        capture(model, reduction="none")
