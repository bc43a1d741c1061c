"""SharedMetric as an optimiser: what it computes, its hooks, and everything that training loops do around a step."""

import copy
import gc
import io

import numpy as np
import pytest
import torch
from conftest import DEVICES, cross_entropy, mlp
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import unhat
from unhat import _unhat
from unhat.torch import SharedMetric
from unhat.torch._layers import layers_of


def hooks(model):
    return sum(len(m._forward_pre_hooks) + len(m._forward_hooks) for m in model.modules())


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def adamw(model, lr=3e-3):
    return torch.optim.AdamW(model.parameters(), lr=lr)


def batch(generator, n=20, d=6, classes=3, dtype=torch.float64):
    inputs = torch.randn(n, d, dtype=dtype, generator=generator)
    return inputs, torch.randint(classes, (n,), generator=generator)


def take_step(optimizer, model, inputs, targets, loss=cross_entropy):
    optimizer.zero_grad()
    value = loss(model(inputs), targets)
    value.backward()
    optimizer.step()
    return value.item()


def expected_gradient(batches, gradient, layer, options):
    values, _, moment = _unhat.layer_metric(
        [np.ascontiguousarray(b) for b in batches], np.ascontiguousarray(gradient), layer,
        options["rank"], options["alpha"], 0.9, 512, 0,
    )
    return values.reshape(gradient.shape), moment


def checkpointed(model, reentrant):
    """Every layer runs again in the backward."""

    def run(inputs):
        for layer in model:
            inputs = checkpoint(layer, inputs.requires_grad_(), use_reentrant=reentrant)
        return inputs

    return run


@pytest.mark.parametrize("how", ["plain", "checkpointed", "reentrant"])
@pytest.mark.parametrize("skipped", [False, True])
def test_gradients_may_be_cleared_between_forward_and_backward(how, skipped, random):
    start, batches, ends = mlp(), [batch(random) for _ in range(4)], []
    for cleared_late in (False, True):
        model = copy.deepcopy(start)
        run = model if how == "plain" else checkpointed(model, how == "reentrant")
        optimizer = SharedMetric(sgd(model), model, rank=2)
        if skipped:
            cross_entropy(run(100.0 * batches[0][0]), batches[0][1]).backward()
            optimizer.zero_grad()
        for inputs, targets in batches:
            if not cleared_late:
                optimizer.zero_grad()
            loss = cross_entropy(run(inputs), targets)
            if cleared_late:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        ends.append([*model.parameters(), *(m.basis for m in optimizer._metrics)])
    fresh = copy.deepcopy(start)
    alone = SharedMetric(sgd(fresh), fresh, rank=2)
    for inputs, targets in batches:
        take_step(alone, fresh, inputs, targets)
    for early, late, other in zip(*ends, [*fresh.parameters(), *(m.basis for m in alone._metrics)], strict=True):
        assert torch.equal(early, late) and torch.equal(early, other)


@pytest.mark.parametrize("options", [{"rank": 2, "alpha": 0.5}, {"rank": 16, "alpha": 1.0}], ids=["low rank", "dense"])
def test_a_step_is_the_cores_metric_and_then_the_base(options, random):
    model = mlp(sizes=(9, 8, 3))
    optimizer = SharedMetric(sgd(model), model, **options)
    seen = [[], []]
    for t in range(4):
        inputs, targets = batch(random, d=9)
        with torch.no_grad():
            hidden = torch.tanh(model[0](inputs))
        if t != 3:  # refreshed at 0, 1, 2
            for k, a in enumerate([inputs, hidden]):
                seen[k].append(torch.cat([a, torch.ones(20, 1)], 1).numpy())
        before = [p.detach().clone() for p in model.parameters()]
        value = cross_entropy(model(inputs), targets)
        plain = torch.autograd.grad(value, list(model.parameters()))
        found = [
            expected_gradient(seen[k], np.c_[plain[2 * k].numpy(), plain[2 * k + 1].numpy()], k, options)
            for k in range(2)
        ]
        moment = max(m for _, m in found)  # the upper median of two
        # the forward above counted as a micro-batch with the same rows: once more, as a training loop does
        optimizer.zero_grad()
        cross_entropy(model(inputs), targets).backward()
        optimizer.step()
        for k, (direction, _) in enumerate(found):
            torch.testing.assert_close(
                model[2 * k].weight, before[2 * k] - 0.1 * moment * torch.from_numpy(direction[:, :-1].copy()),
                rtol=1e-10, atol=1e-12,
            )
            torch.testing.assert_close(
                model[2 * k].bias, before[2 * k + 1] - 0.1 * moment * torch.from_numpy(direction[:, -1].copy()),
                rtol=1e-10, atol=1e-12,
            )


CONVOLUTIONS = [
    nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.Conv2d(2, 4, (3, 2), dilation=(1, 2), bias=False),
    nn.Conv2d(2, 4, 3, padding="same"), nn.Conv2d(2, 4, 3, padding=1, padding_mode="circular"), nn.Conv2d(2, 4, 1),
]


@pytest.mark.parametrize("module", CONVOLUTIONS, ids=str)
def test_rows_of_a_convolution_times_its_weights_are_its_output(module, random):
    inputs = torch.randn(12, 2, 7, 8, generator=random)
    (layer,) = layers_of(nn.Sequential(module))
    rows = layer.samples(inputs)
    weights = module.weight.flatten(1)
    weights = weights if module.bias is None else torch.cat([weights, module.bias[:, None]], 1)
    torch.testing.assert_close(layer.gradients(module(inputs)), rows @ weights.T)
    some = layer.sampled_rows(inputs, 20)
    assert len(some) <= 20 and all(((rows.flatten(0, 1) - row).abs().amax(1) < 1e-6).any() for row in some)


def test_rows_of_a_convolution_of_sequences(random):
    module = nn.Conv1d(3, 4, 3, stride=2, padding=1)
    inputs = torch.randn(5, 3, 11, generator=random)
    (layer,) = layers_of(nn.Sequential(module))
    weights = torch.cat([module.weight.flatten(1), module.bias[:, None]], 1)
    torch.testing.assert_close(layer.gradients(module(inputs)), layer.samples(inputs) @ weights.T)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("options", [{"rank": 3, "alpha": 1.0}, {"rank": 16, "alpha": 1.0}], ids=["low rank", "dense"])
def test_a_convolutions_gradient_is_in_the_cores_metric(options, layout, random):
    model = nn.Conv2d(2, 4, 3, stride=2, padding=1, dtype=torch.float64).to(memory_format=layout)
    inputs = torch.randn(9, 2, 6, 7, dtype=torch.float64, generator=random).to(memory_format=layout)
    optimizer = SharedMetric(adamw(model), model, **options)
    (model(inputs) ** 3).mean().backward()
    plain = np.c_[model.weight.grad.flatten(1).numpy(), model.bias.grad.numpy()]
    optimizer.precondition()
    padded = np.pad(inputs.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    rows = [padded[n, :, i : i + 3, j : j + 3].ravel() for n in range(9) for i in (0, 2, 4) for j in (0, 2, 4, 6)]
    expected, _ = expected_gradient([np.c_[np.array(rows), np.ones(len(rows))]], plain, 0, options)
    found = np.c_[model.weight.grad.flatten(1).numpy(), model.bias.grad.numpy()]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


def test_what_has_no_inputs_of_its_own_goes_to_the_base_unchanged(random):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(7, 8)
            self.norm = nn.LayerNorm(8)
            self.linear = nn.Linear(8, 8)
            self.grouped = nn.Conv1d(8, 8, 1, groups=2)
            self.transposed = nn.ConvTranspose1d(8, 8, 1)
            self.out = nn.Linear(8, 7, bias=False)
            self.out.weight = self.embedding.weight

        def forward(self, x):
            x = self.norm(self.linear(self.embedding(x)))
            return self.out(self.transposed(self.grouped(x.transpose(1, 2))).transpose(1, 2))

    model = Net()
    inputs = torch.randint(7, (5, 4), generator=random)
    optimizer = SharedMetric(adamw(model), model, rank=2)
    assert [layer.name for layer in layers_of(model)] == ["linear"]
    cross_entropy(model(inputs), inputs).backward()
    before = {name: p.grad.clone() for name, p in model.named_parameters()}
    optimizer.precondition()
    changed = {name for name, p in model.named_parameters() if not torch.equal(p.grad, before[name])}
    assert changed == {"linear.weight", "linear.bias"}


def test_hooks_are_there_for_refreshes_only(random):
    model = mlp()
    optimizer = SharedMetric(adamw(model), model, steps_per_epoch=7)
    armed = []
    for _ in range(20):
        armed.append(hooks(model) > 0)
        take_step(optimizer, model, *batch(random))
    assert [t for t, is_armed in enumerate(armed) if is_armed] == [0, 1, 2, 4]
    often = SharedMetric(adamw(model), model, refresh=6, steps_per_epoch=1)
    armed = []
    for _ in range(13):
        armed.append(hooks(model) > 0)
        take_step(often, model, *batch(random))
    assert [t for t, is_armed in enumerate(armed) if is_armed] == [0, 6, 12]


def test_hooks_go_with_their_owner(random):
    model = mlp()
    optimizer = SharedMetric(adamw(model), model)
    assert hooks(model) == 2
    del optimizer
    gc.collect()
    assert hooks(model) == 0
    with pytest.raises(unhat.InputError, match="rank"):
        SharedMetric(adamw(model), model, rank=0)
    optimizer = SharedMetric(adamw(model), model)
    optimizer.close()
    assert hooks(model) == 0
    optimizer = SharedMetric(adamw(model), model)

    def closure():
        raise ValueError("from the loss")

    with pytest.raises(ValueError, match="from the loss"):
        optimizer.step(closure)
    assert hooks(model) == 0


def test_copies_and_saved_models_have_no_part_in_it(random):
    model = mlp()
    optimizer = SharedMetric(adamw(model), model)
    average = copy.deepcopy(model)
    average(torch.randn(4, 6, dtype=torch.float64))
    assert optimizer._rows == {}
    torch.save(model, io.BytesIO())
    with pytest.raises(TypeError, match="state_dict"):
        copy.deepcopy(optimizer)


def test_forwards_that_are_no_training_are_ignored(random):
    model = mlp()
    optimizer = SharedMetric(adamw(model), model)
    inputs, targets = batch(random)
    model.eval()
    model(inputs * 100)
    model.train()
    with torch.no_grad():
        model(inputs * 100)
    assert optimizer._rows == {}
    take_step(optimizer, model, inputs, targets)
    expected = float((torch.cat([inputs, torch.ones(20, 1)], 1) ** 2).sum() / 20)
    assert optimizer._metrics[0].trace == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpointed_layer_is_seen_once(reentrant, random):
    model = mlp()
    optimizer = SharedMetric(adamw(model), model)
    inputs, targets = batch(random)
    inputs.requires_grad_()
    scores = checkpoint(model, inputs, use_reentrant=reentrant)
    cross_entropy(scores, targets).backward()
    assert [len(rows) for rows, _ in optimizer._rows.values()] == [1, 1]
    torch.testing.assert_close(optimizer._rows[0][0][0][:, :-1], inputs.detach())


def test_a_layer_called_twice_adds_its_rows(random):
    layer = nn.Linear(4, 4, dtype=torch.float64)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    optimizer = SharedMetric(adamw(model), model)
    inputs = torch.randn(10, 4, dtype=torch.float64, generator=random)
    hidden = torch.tanh(layer(inputs)).detach()
    optimizer.zero_grad()
    take_step(optimizer, model, inputs, inputs, functional.mse_loss)
    both = torch.cat([inputs, hidden])
    moment = torch.cat([both, torch.ones(20, 1)], 1)
    torch.testing.assert_close(optimizer._metrics[0].moment, moment.T @ moment / 20)


def test_accumulated_gradients_meet_the_metric_once(random):
    whole, parts = mlp(), mlp()
    parts.load_state_dict(whole.state_dict())
    inputs, targets = batch(random)
    one, two = SharedMetric(sgd(whole), whole, rank=2), SharedMetric(sgd(parts), parts, rank=2)
    for _ in range(6):
        take_step(one, whole, inputs, targets)
        two.zero_grad()
        for part in (slice(0, 8), slice(8, 20)):
            (functional.cross_entropy(parts(inputs[part]), targets[part], reduction="sum") / 20).backward()
        two.step()
    for p, q in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-9, atol=1e-11)


def test_clipping_comes_after_the_metric(random):
    model = mlp()
    optimizer = SharedMetric(sgd(model, lr=1.0), model)
    before = [p.detach().clone() for p in model.parameters()]
    inputs, targets = batch(random)
    cross_entropy(model(inputs), targets).backward()
    optimizer.precondition()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
    assert norm > 1e-3
    optimizer.step()
    moved = torch.cat([(p.detach() - q).flatten() for p, q in zip(model.parameters(), before, strict=True)])
    assert float(moved.norm()) == pytest.approx(1e-3, rel=1e-3)


def test_a_closure_and_schedulers_work(random):
    model = mlp()
    optimizer = SharedMetric(adamw(model, lr=0.1), model)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=5)
    inputs, targets = batch(random)
    rates = []

    def closure():
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), targets)
        loss.backward()
        return loss

    first = optimizer.step(closure)
    for _ in range(4):
        schedule.step()
        rates.append(optimizer.base.param_groups[0]["lr"])
        last = optimizer.step(closure)
    assert last < first and len(set(rates)) == 4 and optimizer.t == 5


@pytest.mark.parametrize("device", DEVICES)
def test_a_scaler_that_skips_does_not_count(device, random):
    model = mlp(torch.float32).to(device)
    plain = copy.deepcopy(model)
    optimizer, other = SharedMetric(adamw(model), model), SharedMetric(adamw(plain), plain)
    scaler = torch.amp.GradScaler(device, init_scale=2.0**10, growth_interval=1000)
    data = [tuple(x.to(device) for x in batch(random, dtype=torch.float32)) for _ in range(6)]
    for number, (inputs, targets) in enumerate(data):
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), targets) * (torch.inf if number == 2 else 1.0)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        if number != 2:
            take_step(other, plain, inputs, targets)
    assert optimizer.t == 5 and scaler.get_scale() == 2.0**9
    for p, q in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("half", ["autocast", "weights"])
def test_half_precision_is_read_in_single(half, device, random):
    model = mlp(torch.bfloat16 if half == "weights" else torch.float32, (40, 50, 3)).to(device)
    optimizer = SharedMetric(adamw(model), model, rank=4)
    inputs, targets = (x.to(device) for x in batch(random, d=40, dtype=torch.float32))
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=half == "autocast"):
            scores = model(inputs.bfloat16() if half == "weights" else inputs)
            loss = cross_entropy(scores.float(), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert {metric.basis.dtype for metric in optimizer._metrics} == {torch.float32}
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("base", [sgd, adamw])
@pytest.mark.parametrize("stopped", [0, 2, 5])
def test_a_state_goes_on_to_the_same_bits(base, stopped, random):
    options = {"rank": 2, "refresh": 3}
    data = [batch(random, d=9) for _ in range(10)]
    model = mlp(sizes=(9, 8, 3))
    optimizer = SharedMetric(base(model), model, **options)
    for number, (inputs, targets) in enumerate(data):
        if number == stopped:
            file = io.BytesIO()
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
        take_step(optimizer, model, inputs, targets)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    again = mlp(sizes=(9, 8, 3))
    again.load_state_dict(saved["model"])
    resumed = SharedMetric(base(again), again, **options)
    resumed.load_state_dict(saved["optimizer"])
    for inputs, targets in data[stopped:]:
        take_step(resumed, again, inputs, targets)
    for p, q in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(p, q)


def test_what_does_not_fit_is_named(random):
    model, other = mlp(), mlp(sizes=(6, 4, 3))
    optimizer, smaller = SharedMetric(adamw(model), model), SharedMetric(adamw(other), other)
    inputs, targets = batch(random)
    take_step(smaller, other, inputs, targets)
    with pytest.raises(unhat.InputError, match="layer '2' has 5 inputs there and 6 here"):
        optimizer.load_state_dict(smaller.state_dict())
    with pytest.raises(unhat.InputError, match="not of a SharedMetric"):
        optimizer.load_state_dict(smaller.base.state_dict())
    with pytest.raises(unhat.InputError, match="options"):
        SharedMetric(adamw(model), model, rank=3).load_state_dict(optimizer.state_dict())
    model[2].weight = nn.Parameter(torch.zeros(3, 5, dtype=torch.float64))
    with pytest.raises(unhat.InputError, match="layer '2' has other parameters"):
        take_step(optimizer, model, inputs, targets)
    with pytest.raises(unhat.InputError, match="no linear layer"):
        SharedMetric(torch.optim.SGD(nn.LayerNorm(3).parameters()), nn.LayerNorm(3))
    with pytest.raises(unhat.InputError, match="base_optimizer"):
        SharedMetric("adamw", model)
    with pytest.raises(unhat.InputError, match="refresh"):
        SharedMetric(adamw(model), model, refresh="epoch2")
    with pytest.raises(unhat.InputError, match="run one batch"):
        lazy = nn.Sequential(nn.LazyLinear(3))
        SharedMetric(adamw(other), lazy)


def test_inputs_that_are_not_finite_keep_the_old_metric(random):
    model = mlp()
    optimizer = SharedMetric(adamw(model), model)
    inputs, targets = batch(random)
    take_step(optimizer, model, inputs, targets)
    before = optimizer._metrics[0].moment.clone()
    bad = inputs.clone()
    bad[3, 2] = torch.nan
    optimizer.zero_grad()
    model(bad)  # its loss is thrown away, as by a scaler
    optimizer.precondition()
    assert optimizer.refused == 2 and torch.equal(optimizer._metrics[0].moment, before)


@pytest.mark.parametrize("device", DEVICES)
def test_fewer_rows_than_the_rank(device, random):
    model = mlp(torch.float32, (70, 60, 3)).to(device)
    optimizer = SharedMetric(adamw(model), model, rank=16)
    for n in (3, 40):
        inputs, targets = (x.to(device) for x in batch(random, n=n, d=70, dtype=torch.float32))
        assert np.isfinite(take_step(optimizer, model, inputs, targets))
    assert optimizer._metrics[0].basis.shape == (71, 3)


