"""What the tests share: devices, small models, data, and the versions at the end."""

import pathlib

import jax
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import unhat

ROOT = pathlib.Path(__file__).resolve().parents[2]

without_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")
DEVICES = ["cpu", pytest.param("cuda", marks=without_gpu)]

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(1)


def pytest_terminal_summary(terminalreporter):
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    versions = {"unhat": unhat, "torch": torch, "jax": jax, "numpy": np}
    shown = ", ".join(f"{name} {module.__version__}" for name, module in versions.items())
    terminalreporter.write_line(f"{shown}; GPU: {gpu}")


@pytest.fixture
def random():
    torch.manual_seed(0)
    return torch.Generator().manual_seed(1)


@pytest.fixture(scope="session")
def digits():
    """1437 pictures of 8 × 8 with values in [0, 1], and their digits."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = torch.randperm(len(found.target), generator=torch.Generator().manual_seed(1234))[:1437]
    return torch.tensor(found.data / 16.0, dtype=torch.float32)[order], torch.tensor(found.target)[order]


def mlp(dtype=torch.float64, sizes=(6, 5, 3)):
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(inputs, outputs, dtype=dtype), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def per_sample_gradients(model, loss, inputs, targets):
    """{name: n × parameter} by one backward for each sample: slow, and nothing that is under test."""
    rows = []
    for x, y in zip(inputs, targets, strict=True):
        value = loss(model(x[None]), y[None])
        rows.append(torch.autograd.grad(value, list(model.parameters())))
    names = [name for name, _ in model.named_parameters()]
    return {name: torch.stack([row[k] for row in rows]) for k, name in enumerate(names)}


def cross_entropy(scores, targets):
    """The mean over samples, and over positions where there are any."""
    return functional.cross_entropy(scores.flatten(0, -2), targets.flatten())
