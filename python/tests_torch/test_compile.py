"""Training and capture of compiled models: as without compiling, or refused. Tracing alone, which needs no compiler."""

import numpy as np
import pytest
import torch
from conftest import cross_entropy, mlp
from torch import nn

import unhat
from unhat.torch import FNGD, SharedMetric, capture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(autouse=True)
def no_graphs():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()


def graphs():
    counters = torch._dynamo.utils.counters
    return counters["stats"]["unique_graphs"], sum(counters["graph_break"].values())


def compiled(model):
    return torch.compile(model, backend="eager")


def in_place(model):
    model.compile(backend="eager")
    return model


def by_layer(model):
    for layer in model:
        layer.compile(backend="eager")
    return model


def as_function(model):
    return torch.compile(lambda inputs: model(inputs), backend="eager")


def batches(steps):
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(20, 9, dtype=torch.float64, generator=generator), torch.randint(3, (20,), generator=generator))
        for _ in range(steps)
    ]


def network():
    torch.manual_seed(0)
    return mlp(sizes=(9, 8, 3))


def step(optimizer, run, inputs, targets, *ids):
    optimizer.zero_grad()
    cross_entropy(run(inputs), targets).backward()
    optimizer.step(*ids)


def shared(model):
    return SharedMetric(torch.optim.SGD(model.parameters(), lr=0.1), model, rank=2, refresh=6)


def trained(change, at=0, eager_refreshes=False):
    """Parameters after 9 steps, of which 0, 1, 2, 4, 6 and 8 refresh; the model is compiled before step `at`."""
    model = run = network()
    optimizer = shared(model)
    for t, (inputs, targets) in enumerate(batches(9)):
        run = change(model) if t == at else run
        eager = eager_refreshes and optimizer.is_refreshing
        with torch.compiler.set_stance("force_eager" if eager else "default"):
            step(optimizer, run, inputs, targets)
    assert all(metric.refreshes == 6 for metric in optimizer._metrics)
    return list(model.parameters())


def assert_as_without(parameters):
    for p, q in zip(parameters, trained(lambda model: model), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-14)


CHANGES = [compiled, in_place, by_layer, as_function]


@pytest.mark.parametrize("change", CHANGES)
def test_compiled_before_the_first_step_sees_every_refresh(change):
    assert_as_without(trained(change))


@pytest.mark.parametrize("at", [0, 3, 5])
@pytest.mark.parametrize("change", [compiled, in_place, as_function])
def test_with_refreshes_run_as_they_are_the_graph_stays_whole(change, at):
    parameters = trained(change, at, eager_refreshes=True)
    assert graphs() == (1, 0)
    assert_as_without(parameters)


@pytest.mark.parametrize("change", [compiled, in_place, as_function])
def test_a_graph_that_misses_a_refresh_is_refused(change):
    with pytest.raises(unhat.InputError, match="layer '0' has a gradient at step 4.*no forward of it was seen"):
        trained(change, at=3)


def test_a_graph_after_the_last_refresh_is_right():
    model, plain = network(), network()
    ends = []
    for net, change in ((model, compiled), (plain, lambda model: model)):
        run = net
        optimizer = SharedMetric(torch.optim.SGD(net.parameters(), lr=0.1), net, rank=2, steps_per_epoch=3)
        for t, (inputs, targets) in enumerate(batches(6)):
            run = change(net) if t == 3 else run
            step(optimizer, run, inputs, targets)
        ends.append(list(net.parameters()))
    assert graphs() == (1, 0)
    for p, q in zip(*ends, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-14)


def with_a_compiled_part():
    """The last layer is compiled, and ran before any hook."""
    model = network()
    model[2] = torch.compile(model[2], backend="eager")
    cross_entropy(model(batches(1)[0][0]), batches(1)[0][1]).backward()
    model.zero_grad()
    return model


def test_a_part_that_was_compiled_without_hooks_is_refused():
    ((inputs, targets),) = batches(1)
    model = with_a_compiled_part()
    with pytest.raises(unhat.InputError, match="layer '2._orig_mod' has a gradient"):
        step(shared(model), model, inputs, targets)
    model = with_a_compiled_part()
    with pytest.raises(unhat.InputError, match="layer '2._orig_mod' has a gradient"):
        step(FNGD(model, 0.1, samples=20, refresh="always"), model, inputs, targets)
    model = with_a_compiled_part()
    with pytest.raises(unhat.InputError, match="layer '2._orig_mod' has a gradient"), capture(model):
        cross_entropy(model(inputs), targets).backward()


def test_attention_in_a_compiled_model_is_not_taken_for_a_missed_layer():
    torch.manual_seed(0)
    model = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    optimizer = SharedMetric(torch.optim.AdamW(model.parameters()), in_place(model), rank=2)
    inputs = torch.randn(4, 5, 8)
    for _ in range(3):
        optimizer.zero_grad()
        with torch.compiler.set_stance("force_eager" if optimizer.is_refreshing else "default"):
            model(inputs).square().mean().backward()
        optimizer.step()
    assert {y.name for y, m in zip(optimizer._layers, optimizer._metrics, strict=True) if m.refreshes} == {
        "linear1", "linear2",
    }


@pytest.mark.parametrize("change", CHANGES)
def test_a_compiled_fngd_takes_the_same_steps(change):
    ends = []
    for how in (change, lambda model: model):
        model = network()
        optimizer = FNGD(model, 0.1, samples=20, steps_per_epoch=3)
        run = how(model)
        for inputs, targets in batches(5):
            step(optimizer, run, inputs, targets, torch.arange(20))
        ends.append(list(model.parameters()))
    for p, q in zip(*ends, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("change", CHANGES)
def test_a_compiled_model_has_the_same_factors(change):
    both = []
    for how in (change, lambda model: model):
        model = network()
        run = how(model)
        with capture(model) as captured:
            for inputs, targets in batches(2):
                cross_entropy(run(inputs), targets).backward()
        both.append(captured.layers)
    for name, factors in both[1].items():
        np.testing.assert_allclose(both[0][name].inputs, factors.inputs, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(both[0][name].output_gradients, factors.output_gradients, rtol=1e-12, atol=1e-14)


def test_what_ran_compiled_before_any_hook_is_refused():
    ((inputs, targets),) = batches(1)
    model = network()
    run = compiled(model)
    cross_entropy(run(inputs), targets).backward()
    with pytest.raises(unhat.InputError, match="before the first run of a compiled model"):
        step(FNGD(model, 0.1, samples=20, refresh="always"), run, inputs, targets)
    for taken in (model, run):  # that which was compiled sees the batch, and nothing within
        with pytest.raises(unhat.InputError, match="was compiled and run before, without hooks"), capture(taken):
            cross_entropy(run(inputs), targets).backward()
    with pytest.raises(unhat.InputError, match="no forward of it was seen"):
        step(shared(model), run, inputs, targets)


def test_names_are_those_of_the_model_itself():
    model = network()
    optimizer = shared(compiled(model))
    assert list(optimizer.state_dict()["shared_metric"]["layers"]) == ["0", "2"]
