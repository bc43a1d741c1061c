"""SharedMetric in two processes: one metric, that of all their rows, and what cannot be shared is refused in both."""

import re

import numpy as np
import pytest
import torch
from test_metric import applied
from together import Pair, base_optimizer, batches, network, part, pictures, seen
from torch.nn import functional

from unhat import _unhat
from unhat.torch import SharedMetric
from unhat.torch._metric import LayerMetric

pytestmark = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()), reason="torch without gloo"
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    pair = Pair(tmp_path_factory.mktemp("pair"))
    yield pair
    pair.close()


def same_in_both(answers):
    first, second = answers
    assert first["refused"] == second["refused"] and first["t"] == second["t"]
    for p, q in zip(first["parameters"], second["parameters"], strict=True):
        assert p.tobytes() == q.tobytes()
    for one, two in zip(first["metrics"], second["metrics"], strict=True):
        for name, value in one.items():
            assert np.array_equal(value, two[name]) or value is two[name] is None
    return first


def trained_by_one(model, base="sgd", steps=6, n=20, **options):
    """One process that sees the joined batches."""
    optimizer = SharedMetric(base_optimizer(base, model), model, **options)
    for inputs, targets in batches(steps, n):
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return optimizer


def assert_same_training(found, model, optimizer):
    for p, q in zip(found["parameters"], model.parameters(), strict=True):
        np.testing.assert_allclose(p, q.detach().numpy(), rtol=1e-9, atol=1e-11)
    for state, metric in zip(found["metrics"], optimizer._metrics, strict=True):
        assert state["refreshes"] == metric.refreshes
        assert state["trace"] == pytest.approx(metric.trace, rel=1e-11)


METRICS = {"low rank": {"rank": 2, "alpha": 0.5}, "dense": {"rank": 16}, "permuted": {"rank": 2, "control": "permuted"}}


@pytest.mark.parametrize("passed", ["wrapped", "inner"])
@pytest.mark.parametrize("base", ["sgd", "adamw"])
@pytest.mark.parametrize("options", METRICS.values(), ids=METRICS)
def test_two_processes_train_as_one_with_the_joined_batch(options, base, passed, pair):
    found = same_in_both(pair.run("train", base=base, passed=passed, **options))
    model = network()
    assert_same_training(found, model, trained_by_one(model, base, **options))


def test_convolutions_in_two_processes(pair):
    found = same_in_both(pair.run("train", make="pictures", rank=2))
    model = pictures()
    assert_same_training(found, model, trained_by_one(model, rank=2))


def test_micro_batches_without_synchronisation_add_their_rows(pair):
    found = same_in_both(pair.run("train", cut=5, rank=2))
    model = network()
    assert_same_training(found, model, trained_by_one(model, rank=2))


def test_a_compiled_wrapper(pair):
    found = same_in_both(pair.run("train", compiled=True, rank=2))
    model = network()
    assert_same_training(found, model, trained_by_one(model, rank=2))


def test_what_is_exchanged_is_what_is_documented(pair):
    """Two layers, of d = 10 and 9; each process says for both layers whether it is changed and seen, and its step."""
    making, statement, rows = (1, 2 * 2), 2 * 5, 2 * 2
    first, second = pair.run("exchanged", rank=2)
    low, later = (sum(2 * (k * d + 2 + 1) + rows for d in (10, 9)) + statement for k in (5, 3))
    assert first == second == [making, (1 + 2 * 7, low), (1 + 2 * 5, later), (1 + 2 * 5, later), (0, 0)]
    first, second = pair.run("exchanged", rank=16)
    dense = sum(2 * d * d + rows for d in (10, 9)) + statement
    assert first == second == [making, (1 + 2 * 3, dense), (1 + 2 * 3, dense), (1 + 2 * 3, dense), (0, 0)]


def test_factors_that_differ_between_machines_do_not_matter(pair):
    found = same_in_both(pair.run("train", odd=True, rank=2))
    model = network()
    assert_same_training(found, model, trained_by_one(model, rank=2))


@pytest.mark.parametrize(("rank", "rows"), [(2, 512), (16, 512), (2, 7), (16, 7)])
def test_the_metric_is_the_cores_of_all_rows(rank, rows, pair):
    """Of the first layer, whose inputs the training does not change: the rows of both, at most `rows` of each."""
    found = same_in_both(pair.run("train", steps=3, rank=rank, rows=rows))["metrics"][0]
    joined = []
    for inputs, _ in batches(3):
        own = [np.c_[part(process, 12, inputs)[0].numpy(), np.ones((12, 8)[process])] for process in range(2)]
        joined.append(np.concatenate([a[:: -(-len(a) // rows)] for a in own]))
    gradient = np.random.default_rng(0).standard_normal((4, 10))
    expected, _, _ = _unhat.layer_metric(joined, gradient, 0, rank, 1.0, 0.9, 512, 0)
    metric = LayerMetric(10, 0, rank=rank, alpha=1.0, memory=0.9, rows=rows, seed=0)
    metric.recall({k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in found.items()},
                  torch.zeros(()), torch.float64)
    values = applied(metric, torch.from_numpy(gradient)).numpy()
    np.testing.assert_allclose(values.ravel(), expected, rtol=1e-10, atol=1e-12)
    # the mean of the three, as the memory is at first that of a mean
    moments = [a.T @ a / len(a) for a in joined]
    assert found["trace"] == pytest.approx(np.mean([np.trace(m) for m in moments]), rel=1e-12)
    if rank == 16:
        np.testing.assert_allclose(found["moment"], np.mean(moments, axis=0), rtol=1e-11)


def test_the_rank_is_bounded_by_the_rows_of_both(pair):
    found = same_in_both(pair.run("train", steps=1, n=4, first=3, rank=4))
    assert found["metrics"][0]["basis"].shape == (10, 4)
    model = network()
    assert_same_training(found, model, trained_by_one(model, steps=1, n=4, rank=4))


@pytest.mark.parametrize("bad", [0, 1])
def test_a_value_that_is_not_finite_in_one_keeps_the_metric_of_both(bad, pair):
    (before, after), (_, others) = pair.run("not_finite", bad=bad)
    same_in_both([after, others])
    # the second layer's inputs are not finite either
    assert before["refused"] == 0 and after["refused"] == 2
    for one, two in zip(before["metrics"], after["metrics"], strict=True):
        assert all(np.array_equal(value, two[name]) or value is two[name] is None for name, value in one.items())


def test_a_layer_that_one_process_does_not_go_through(pair):
    one, two, three = same_in_both(pair.run("unused"))["metrics"]
    assert (one["refreshes"], two["refreshes"], three["refreshes"]) == (3, 3, 0)
    seen_by_one = [inputs.numpy().copy() for inputs, _ in batches(3)]
    for rows in seen_by_one:
        rows[12:, 0] = 100.0
    assert one["trace"] == pytest.approx(np.mean([(a**2).sum() / 20 + 1 for a in seen_by_one]), rel=1e-12)
    assert two["trace"] == pytest.approx(np.mean([(a[12:] ** 2).sum() / 8 + 1 for a in seen_by_one]), rel=1e-12)


@pytest.mark.parametrize("stopped", [0, 2, 5])
@pytest.mark.parametrize("passed", ["wrapped", "inner"])
def test_a_state_of_one_process_goes_on_in_two(passed, stopped, pair, tmp_path):
    options = {"rank": 2, "refresh": 3}
    model = network()
    optimizer = trained_by_one(model, "adamw", steps=stopped, **options)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state")
    given = {"base": "adamw", "passed": passed, "steps": 9, **options}
    found = same_in_both(pair.run("train", resumed=str(tmp_path / "state"), **given))
    whole = network()
    assert_same_training(found, whole, trained_by_one(whole, "adamw", steps=9, **options))


@pytest.mark.parametrize("stopped", [0, 2, 5])
def test_a_state_of_two_goes_on_to_the_same_bits(stopped, pair, tmp_path):
    given = {"base": "adamw", "rank": 2, "refresh": 3}
    same_in_both(pair.run("train", steps=stopped, saved=str(tmp_path), **given))
    whole = same_in_both(pair.run("train", steps=9, **given))
    resumed = same_in_both(pair.run("train", steps=9, resumed=str(tmp_path / "state"), **given))
    same_in_both([whole, resumed])


def test_a_group_of_one_trains_by_itself(pair):
    for process, found in enumerate(pair.run("alone")):
        model = network()
        same_in_both([found, seen(model, trained_by_one(model, steps=3, rank=2 + process))])


REFUSED = {
    "other_options": "options: other in process 1 than in process 0",
    "other_models": "model: other in process 1 than in process 0",
    "other_states": "state: other in process 1 than in process 0",
    "other_steps": r"different numbers of steps: \[0, 1\]",
    "changed_in_one": "layer '2' has other parameters",
    "joined": "within its join",
    "sharded_by_parameter": "parameter '0.weight' is sharded",
    "sharded_by_module": "module '' is sharded",
    "fngd": "trained by several processes",
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_shared_is_refused_in_both(what, pair):
    for message in pair.run("refused", what=what):
        assert re.search(REFUSED[what], message)
