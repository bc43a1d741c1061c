"""The metric of a layer: the core's numbers, and those of the matrix that it stands for."""

import numpy as np
import pytest
import torch

from unhat import _unhat
from unhat.torch._metric import LayerMetric

OPTIONS = {"rank": 6, "alpha": 0.7, "memory": 0.9, "rows": 64, "seed": 3}


def applied(metric, gradient, control=None):
    if metric.inverse is not None:
        return gradient @ metric.inverse
    basis, update, scale = metric.fused(control)
    return scale * gradient + (gradient @ basis) @ update.T


def batches(sizes, d, generator, dtype=torch.float64):
    spectrum = torch.logspace(0, -2, d, dtype=dtype)
    return [
        torch.cat([torch.randn(n, d - 1, dtype=dtype, generator=generator) * spectrum[:-1] + 0.3, torch.ones(n, 1)], 1)
        for n in sizes
    ]


@pytest.mark.parametrize(
    ("d", "sizes"), [(40, [50, 90, 64, 300]), (40, [4, 80, 5]), (12, [30, 9, 500]), (13, [200])], ids=str
)
def test_the_numbers_of_the_core(d, sizes, random):
    metric = LayerMetric(d, 2, **OPTIONS)
    inputs = batches(sizes, d, random)
    gradient = torch.randn(3, d, dtype=torch.float64, generator=random)
    assert all(metric.refresh(rows) for rows in inputs)
    expected, taken, moment = _unhat.layer_metric([x.numpy() for x in inputs], gradient.numpy(), 2, *OPTIONS.values())
    assert all(taken)
    np.testing.assert_allclose(applied(metric, gradient).numpy().ravel(), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(metric.typical_moment, moment, rtol=1e-11)


def test_single_precision_agrees_to_its_digits(random):
    metric = LayerMetric(40, 0, **OPTIONS)
    inputs = [x.float() for x in batches([100, 100], 40, random)]
    gradient = torch.randn(3, 40, generator=random)
    assert all(metric.refresh(rows) for rows in inputs)
    expected, _, _ = _unhat.layer_metric(
        [x.double().numpy() for x in inputs], gradient.double().numpy(), 0, *OPTIONS.values()
    )
    np.testing.assert_allclose(applied(metric, gradient).numpy().ravel(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("d", [30, 9])
def test_inputs_of_low_rank_give_the_damped_inverse_itself(d, random):
    rows = torch.randn(60, 4, dtype=torch.float64, generator=random)
    rows = rows @ torch.randn(4, d, dtype=torch.float64, generator=random)
    metric = LayerMetric(d, 0, **OPTIONS)
    assert all(metric.refresh(rows) for _ in range(3))
    moment = rows.T @ rows / len(rows)
    damped = moment + 0.7 * moment.trace() / d * torch.eye(d, dtype=torch.float64)
    gradient = torch.randn(2, d, dtype=torch.float64, generator=random)
    expected = torch.linalg.solve(damped, gradient.T).T
    torch.testing.assert_close(applied(metric, gradient), expected, rtol=1e-10, atol=1e-12)


def test_rows_that_are_not_finite_leave_the_metric_as_it_was(random):
    metric = LayerMetric(40, 0, **OPTIONS)
    good, bad, small = batches([50, 50, 4], 40, random)
    assert metric.refresh(good)
    before = metric.state()
    bad[7, 3] = torch.nan
    assert not metric.refresh(bad)
    assert not metric.refresh(torch.zeros(50, 40, dtype=torch.float64))
    assert all(metric.state()[name] is value for name, value in before.items() if isinstance(value, torch.Tensor))
    assert (metric.refreshes, metric.trace) == (before["refreshes"], before["trace"])
    assert metric.refresh(small)


@pytest.mark.parametrize("control", ["permuted", "random"])
def test_controls_keep_the_spectrum_and_change_the_directions(control, random):
    metric = LayerMetric(40, 1, **OPTIONS)
    assert metric.refresh(*batches([80], 40, random))
    eye = torch.eye(40, dtype=torch.float64)
    plain, changed = applied(metric, eye), applied(metric, eye, control)
    torch.testing.assert_close(torch.linalg.eigvalsh(changed), torch.linalg.eigvalsh(plain))
    assert (plain - changed).abs().max() > 0.1 * plain.abs().max()
