"""Scores of whole networks against one backward for each sample alone, over all parameters."""

import numpy as np
import pytest
import torch
from architectures import CASES, language, llama, of_language_model
from torch import nn

import unhat
from unhat.torch import Attribution


def alone(case, item):
    parameters = [p for p in case.model.parameters() if p.requires_grad]
    found = torch.autograd.grad(case.losses(case.model, case.collate([item])).sum(), parameters, allow_unused=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten().double() for p, g in zip(parameters, found, strict=True)])


def truth(case):
    queries = torch.stack([alone(case, item) for item in case.queries])
    return torch.stack([queries @ alone(case, item) for item in case.train]).numpy()


def difference(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


def scores(case):
    attribution = Attribution(case.model, case.losses, method="ip").queries(case.batches(case.queries))
    return attribution.matrix(case.batches(case.train))


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_inner_products_of_a_network_are_those_over_all_its_parameters(make):
    torch.manual_seed(0)
    case = make()
    assert difference(scores(case), truth(case)) <= 1e-5


def test_normalising_over_the_batch_and_the_joined_loss_of_a_language_model_are_refused():
    torch.manual_seed(0)
    case = language(llama())
    with pytest.raises(unhat.InputError, match=r"found shape \(\), expected one loss for each of 4 samples"):
        Attribution(case.model, lambda m, b: m(input_ids=b, labels=b).loss).check(case.batches(case.train)[0])
    network = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 15 * 15, 10)).train()
    batch = torch.randn(4, 3, 32, 32), torch.arange(4)
    with pytest.raises(unhat.InputError, match="normalises over the samples"):
        Attribution(network, lambda m, b: nn.functional.cross_entropy(m(b[0]), b[1], reduction="none")).check(batch)


def test_under_autocast_scores_are_nearer_to_brute_force_than_autocast_is_to_single_precision():
    torch.manual_seed(0)
    case = language(llama())
    exact = truth(case)

    def low(model, batch):
        with torch.autocast("cpu", torch.bfloat16):
            return of_language_model(model, batch)

    case.losses = low
    rounded = truth(case)
    # Products of half precision are summed in single precision here; autograd rounds every gradient of a weight to half.
    assert difference(scores(case), rounded) <= 0.5 * difference(rounded, exact)
