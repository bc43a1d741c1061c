"""Nets that learn: iterations to a loss, each rule at its best rate, with the metric and with AdamW alone."""

import pytest
import torch
from conftest import DEVICES, cross_entropy
from torch import nn
from torch.nn import functional

from unhat.torch import SharedMetric

# The best rates of both rules lie inside these; the same for both, so that neither is tuned longer.
DIGITS, SORTING = [8e-3, 1.6e-2, 3.2e-2, 6.4e-2], [4e-3, 8e-3, 1.6e-2]


def dense_net():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def convolution_net():
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
    )


class Block(nn.Module):
    """Attention and two layers, each after a norm and around a bridge."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.into = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        n, length, width = x.shape
        parts = self.into(self.norms[0](x)).view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*parts).transpose(1, 2).reshape(n, length, width)
        x = x + self.out(seen)
        return x + self.down(functional.gelu(self.up(self.norms[1](x))))


class Sorter(nn.Module):
    """A transformer that is shown ten digits and says which stands where when they are sorted."""

    def __init__(self, width=32, length=10):
        super().__init__()
        self.digits = nn.Embedding(10, width)
        self.places = nn.Parameter(torch.randn(length, width))
        self.blocks = nn.Sequential(Block(width, 4), Block(width, 4))
        self.scores = nn.Linear(width, 10)

    def forward(self, x):
        return self.scores(self.blocks(self.digits(x) + self.places))


def steps_to(loss, make, optimiser, rate, inputs, targets, *, size, limit, device="cpu"):
    """Iterations until the loss over the first 512 samples is reached, read every 4; infinite if it is not."""
    torch.manual_seed(0)
    order = torch.Generator().manual_seed(1)
    inputs, targets = inputs.to(device), targets.to(device)
    model = make().to(device)
    rule = torch.optim.AdamW(model.parameters(), lr=rate)
    if optimiser == "metric":
        rule = SharedMetric(rule, model, steps_per_epoch=len(inputs) // size)
    for step in range(1, limit + 1):
        chosen = torch.randperm(len(inputs), generator=order)[:size]
        rule.zero_grad()
        cross_entropy(model(inputs[chosen]), targets[chosen]).backward()
        rule.step()
        if step % 4 == 0:
            model.eval()
            with torch.no_grad():
                reached = cross_entropy(model(inputs[:512]), targets[:512]) <= loss
            model.train()
            if reached:
                return step
    return float("inf")


def best_steps(loss, make, rates, inputs, targets, **options):
    best = {}
    for optimiser in ("metric", "adamw"):
        best[optimiser] = float("inf")
        for rate in rates:  # no run needs to be longer than the best so far
            allowed = {**options, "limit": min(options["limit"], best[optimiser])}
            best[optimiser] = min(best[optimiser], steps_to(loss, make, optimiser, rate, inputs, targets, **allowed))
    print(f"{make.__name__}: steps to loss {loss}: {best}")
    return best


def test_a_dense_net_on_digits_takes_far_fewer_iterations(digits):
    best = best_steps(0.03, dense_net, DIGITS, *digits, size=128, limit=200)
    assert best["metric"] <= 0.6 * best["adamw"] < float("inf")


def test_convolutions_on_digits_take_fewer_iterations(digits):
    best = best_steps(0.03, convolution_net, DIGITS, *digits, size=128, limit=100)
    assert best["metric"] < best["adamw"] < float("inf")


def test_a_transformer_sorts_after_fewer_iterations():
    inputs = torch.randint(10, (4096, 10), generator=torch.Generator().manual_seed(5))
    best = best_steps(0.2, Sorter, SORTING, inputs, inputs.sort(1)[0], size=32, limit=120)
    assert best["metric"] < best["adamw"] < float("inf")


@pytest.mark.parametrize("device", DEVICES[1:])
def test_the_same_on_a_gpu(device, digits):
    found = steps_to(0.1, dense_net, "metric", 4e-3, *digits, size=128, limit=200, device=device)
    assert abs(found - steps_to(0.1, dense_net, "metric", 4e-3, *digits, size=128, limit=200)) <= 8
