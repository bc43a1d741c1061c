"""Scores of unhat.torch.Attribution against one backward for each sample, over all parameters."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import unhat
from unhat.torch import Attribution


def losses(model, batch):
    each = functional.cross_entropy(model(batch[0]).flatten(1), batch[1], reduction="none")
    return each


def truth(model, batch):
    rows = []
    for x, y in zip(*batch, strict=True):
        g = torch.autograd.grad(losses(model, (x[None], y[None])).sum(), list(model.parameters()))
        rows.append(torch.cat([v.flatten().double() for v in g]))
    return torch.stack(rows)


MODELS = {
    "vectors": lambda: nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5), nn.Tanh(), nn.Linear(5, 4)),
    "groups": lambda: nn.Sequential(nn.Conv2d(3, 6, 3, groups=3, padding="same"), nn.BatchNorm2d(6), nn.ReLU(inplace=True),
                                    nn.ConvTranspose2d(6, 2, 2, stride=2), nn.GroupNorm(2, 2), nn.Flatten(), nn.Linear(512, 4)),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_inner_products_are_those_of_one_backward_a_sample(make, random):
    model = make().eval()
    train = torch.randn(10, 3, 8, 8, generator=random), torch.arange(10) % 4
    test = torch.randn(3, 3, 8, 8, generator=random), torch.arange(3)
    expected = (truth(model, train) @ truth(model, test).T).numpy()
    batches = [tuple(t[k : k + 4] for t in train) for k in (0, 4, 8)]
    found = Attribution(model, losses, method="ip").queries([test]).matrix(batches)
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_joined_losses_and_normalising_over_a_batch_are_refused(random):
    batch = torch.randn(4, 3, 8, 8, generator=random), torch.arange(4)
    with pytest.raises(unhat.InputError, match="expected one loss for each of 4 samples"):
        Attribution(MODELS["vectors"](), lambda m, b: losses(m, b).mean()).check(batch)
    with pytest.raises(unhat.InputError, match="joined"):
        Attribution(MODELS["vectors"](), lambda m, b: losses(m, b).mean().expand(4)).check(batch)
    with pytest.raises(unhat.InputError, match="normalises over the samples"):
        Attribution(MODELS["groups"]().train(), losses).check(batch)
    with pytest.raises(unhat.InputError, match="damping"):
        Attribution(MODELS["vectors"](), losses, method="ip", damping=0.1)
