"""FNGD: its coefficients are the core's, its exact step the natural gradient, and what is shared comes back by id."""

import copy
import io

import numpy as np
import pytest
import torch
from conftest import DEVICES, cross_entropy, mlp, per_sample_gradients
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset

import unhat
from unhat import _unhat
from unhat.torch import FNGD, with_ids
from unhat.torch._coefficients import layer_kernel, natural_coefficients


@pytest.mark.parametrize(("alpha", "damping"), [(10.0, None), (0.1, None), (1.0, 1e-6), (1.0, 0.3)])
def test_coefficients_of_the_core(alpha, damping, random):
    gradients = torch.randn(15, 6, dtype=torch.float64, generator=random)
    kernel = gradients @ gradients.T
    found = natural_coefficients(kernel, alpha=alpha, damping=damping)
    value = alpha if damping is None else damping
    expected = _unhat.natural_coefficients(kernel.numpy(), value, damping is None)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-8)
    assert natural_coefficients(0 * kernel, alpha=1.0, damping=None).eq(0).all()
    with pytest.raises(unhat.InputError, match="not finite"):
        natural_coefficients(kernel * torch.nan, alpha=1.0, damping=None)


@pytest.mark.parametrize(("n", "positions", "d", "outputs"), [(6, 1, 4, 3), (6, 2, 40, 30), (6, 9, 3, 2)])
def test_a_kernel_is_the_inner_products_of_gradients(n, positions, d, outputs, random):
    inputs = torch.randn(n, positions, d, dtype=torch.float64, generator=random)
    gradients = torch.randn(n, positions, outputs, dtype=torch.float64, generator=random)
    each = torch.einsum("nto,nti->noi", gradients, inputs).flatten(1)
    torch.testing.assert_close(layer_kernel(inputs, gradients), each @ each.T)


def convolutions():
    return nn.Sequential(
        nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 3, 3, dtype=torch.float64), nn.Tanh(), nn.Flatten(),
        nn.Linear(12, 3, dtype=torch.float64),
    )


def shared_layer():
    layer = nn.Linear(6, 6, dtype=torch.float64)
    return nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), nn.Linear(6, 3, bias=False, dtype=torch.float64))


@pytest.mark.parametrize("make", [mlp, convolutions, shared_layer])
@pytest.mark.parametrize("scope", ["layer", "network"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_exact_step_is_the_natural_gradient(make, scope, reduction, random):
    model = make()
    inputs, targets = torch.randn(11, 6, dtype=torch.float64, generator=random), torch.arange(11) % 3
    each = per_sample_gradients(model, cross_entropy, inputs, targets)
    optimizer = FNGD(model, 0.5, samples=11, refresh="always", scope=scope, damping=1e-2, reduction=reduction)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    functional.cross_entropy(model(inputs), targets, reduction=reduction).backward()
    optimizer.step()
    blocks = {}
    for name in each:
        blocks.setdefault("" if scope == "network" else name.split(".")[0], []).append(name)
    for names in blocks.values():
        rows = torch.cat([each[name].flatten(1) for name in names], 1)
        fisher = rows.T @ rows / 11 + 1e-2 * torch.eye(rows.shape[1], dtype=torch.float64)
        expected = torch.linalg.solve(fisher, rows.mean(0))
        moved = [before[name] - p for name, p in model.named_parameters() if name in names]
        found = torch.cat([move.flatten() for move in moved]) / 0.5
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)


def test_gradients_may_be_cleared_between_forward_and_backward(random):
    batches = [(torch.randn(8, 6, dtype=torch.float64, generator=random), torch.arange(8) % 3) for _ in range(3)]
    start, ends = mlp(), []
    for cleared_late in (False, True):
        model = copy.deepcopy(start)
        optimizer = FNGD(model, 0.1, samples=8, refresh="always")
        cross_entropy(model(100.0 * batches[0][0]), batches[0][1]).backward()  # and no step
        optimizer.zero_grad()
        for inputs, targets in batches:
            loss = cross_entropy(model(inputs), targets)
            if cleared_late:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if not cleared_late:
                optimizer.zero_grad()
        ends.append(list(model.parameters()))
    for early, late in zip(*ends, strict=True):
        assert torch.equal(early, late)


def test_other_parameters_move_with_the_mean_coefficient(random):
    model = nn.Sequential(nn.LayerNorm(6, dtype=torch.float64), *mlp())
    inputs, targets = torch.randn(9, 6, dtype=torch.float64, generator=random), torch.arange(9) % 3
    plain = torch.autograd.grad(cross_entropy(model(inputs), targets), model[0].weight)[0]
    optimizer = FNGD(model, 1.0, samples=9, refresh="always", scope="network")
    cross_entropy(model(inputs), targets).backward()
    (layer, *_) = factors = optimizer._factors(1.0)
    kernel = sum(layer_kernel(*pair) for pair in factors.values())
    mean = natural_coefficients(kernel, alpha=10.0, damping=None).mean()
    optimizer.precondition()
    assert layer == 0
    torch.testing.assert_close(model[0].weight.grad, plain * 9 * mean)


def test_momentum_and_both_decays(random):
    for coupled in (False, True):
        model = mlp(sizes=(4, 1))
        weight, bias = (p.detach().clone() for p in model.parameters())
        optimizer = FNGD(model, 0.1, samples=8, refresh="always", momentum=0.5, weight_decay=0.2, coupled=coupled)
        buffers = [torch.zeros_like(weight), torch.zeros_like(bias)]
        for _ in range(3):
            inputs = torch.randn(8, 4, dtype=torch.float64, generator=random)
            optimizer.zero_grad()
            model(inputs).square().mean().backward()
            optimizer.precondition()
            directions = [p.grad.clone() for p in model.parameters()]
            optimizer.step()
            for p, buffer, direction in zip((weight, bias), buffers, directions, strict=True):
                buffer.mul_(0.5).add_(direction + (0.2 * p if coupled else 0))
                p.sub_(0.1 * (buffer + (0 if coupled else 0.2 * p)))
        torch.testing.assert_close(list(model.parameters()), [weight, bias], check_device=False)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("share", ["id", "fixed-batches", "layer-mean"])
def test_later_steps_use_what_the_first_epoch_found(share, device, random):
    model = mlp().to(device)
    optimizer = FNGD(model, 0.1, samples=10, steps_per_epoch=2, share=share)
    inputs, targets = torch.randn(10, 6, dtype=torch.float64, generator=random).to(device), torch.arange(10) % 3
    targets = targets.to(device)
    stored = torch.zeros(10, dtype=torch.float64)

    def directions(ids):
        optimizer.zero_grad()
        each = per_sample_gradients(model, cross_entropy, inputs[ids], targets[ids])["0.weight"]
        optimizer.zero_grad()  # what the lines above ran through the model
        cross_entropy(model(inputs[ids]), targets[ids]).backward()
        optimizer.precondition(ids)
        found = model[0].weight.grad.clone()
        optimizer.step()
        return each, found

    for ids in (torch.tensor([3, 1, 4, 0, 9]), torch.tensor([2, 5, 6, 7, 8])):
        each, found = directions(ids)
        stored[ids] = optimizer._tables[0].by_id[ids]
        torch.testing.assert_close(found, torch.einsum("n,noi->oi", stored[ids].to(device), each))
    each, found = directions(torch.tensor([8, 3, 5]))
    used = stored[[8, 3, 5]] if share != "layer-mean" else stored.mean().expand(3)
    torch.testing.assert_close(found, torch.einsum("n,noi->oi", used.to(device), each))


def test_the_control_deals_coefficients_out_to_others(random):
    model = mlp()
    optimizer = FNGD(model, 1e-3, samples=12, steps_per_epoch=1, permuted=5)
    inputs, targets = torch.randn(12, 6, dtype=torch.float64, generator=random), torch.arange(12) % 3
    for _ in range(2):
        optimizer.zero_grad()
        cross_entropy(model(inputs), targets).backward()
        optimizer.step(torch.arange(12))
    own, dealt = optimizer._tables[0].by_id, optimizer._permuted[0].by_id
    assert not torch.equal(own, dealt) and torch.equal(own.sort()[0], dealt.sort()[0])


def test_accumulated_batches_are_the_whole_batch(random):
    inputs, targets = torch.randn(12, 6, dtype=torch.float64, generator=random), torch.arange(12) % 3
    grads = []
    start = nn.Sequential(nn.LayerNorm(6, dtype=torch.float64), *mlp())
    for parts in ((slice(0, 12),), (slice(0, 6), slice(6, 12)), (slice(0, 8), slice(8, 12))):
        model = copy.deepcopy(start)
        optimizer = FNGD(model, 0.1, samples=12, steps_per_epoch=1)
        for part in parts:
            cross_entropy(model(inputs[part]), targets[part]).backward()
        optimizer.precondition(torch.arange(12))
        grads.append([p.grad for p in model.parameters()])
    torch.testing.assert_close(grads[1], grads[0])
    torch.testing.assert_close(grads[2][2:], grads[0][2:])  # without those of the norm, a mean of unequal batches


@pytest.mark.parametrize("device", DEVICES)
def test_a_scaler_that_skips_does_not_count(device, random):
    start = nn.Sequential(nn.LayerNorm(6), *mlp(torch.float32)).to(device)
    inputs = torch.randn(5, 12, 6, generator=random).to(device)
    targets = (torch.arange(12) % 3).to(device)
    trained = []
    for scaled in (True, False):
        model = copy.deepcopy(start)
        optimizer = FNGD(model, 0.05, samples=12, steps_per_epoch=2)
        scaler = torch.amp.GradScaler(device, init_scale=2.0**10, growth_interval=1000, enabled=scaled)
        for number, x in enumerate(inputs):
            if number == 2 and not scaled:
                continue
            optimizer.zero_grad()
            loss = cross_entropy(model(x), targets) * (torch.inf if number == 2 else 1.0)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            optimizer.precondition(torch.arange(12), loss_scale=scaler.get_scale())
            scaler.step(optimizer)
            scaler.update()
        assert optimizer._t == 4
        trained.append(list(model.parameters()))
    torch.testing.assert_close(trained[0], trained[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointed_layers_are_tapped_once(reentrant, random):
    inner = mlp()
    plain = copy.deepcopy(inner)

    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return checkpoint(self.inner, x, use_reentrant=reentrant)

    model = Checkpointed()
    inputs = torch.randn(9, 6, dtype=torch.float64, generator=random).requires_grad_()
    for net in (model, plain):
        optimizer = FNGD(net, 0.1, samples=9, refresh="always")
        cross_entropy(net(inputs), torch.arange(9) % 3).backward()
        optimizer.step()
    torch.testing.assert_close(list(model.parameters()), list(plain.parameters()))


def test_ids_are_checked(random):
    model = mlp()
    optimizer = FNGD(model, 0.1, samples=10, steps_per_epoch=1)
    inputs, targets = torch.randn(4, 6, dtype=torch.float64, generator=random), torch.arange(4) % 3

    def step(ids):
        optimizer.zero_grad()
        cross_entropy(model(inputs), targets).backward()
        optimizer.step(ids)

    for ids, words in [
        (None, "missing"),
        ([0, 1, 2], "found 3, and the layers saw 4"),
        ([0, 1, 2, 10], "sample 11 is not among the 10"),
        ([0, 1, 1, 2], "sample 2 is twice"),
        ([0.5] * 4, "whole number"),
    ]:
        with pytest.raises(unhat.InputError, match=words):
            step(ids)
    step([0, 1, 2, 3])
    with pytest.raises(unhat.InputError, match="sample 6 has no coefficient"):
        step([0, 1, 2, 5])
    with pytest.raises(unhat.InputError, match="call backward"):
        optimizer.step([0, 1, 2, 3])
    with pytest.raises(unhat.InputError, match="steps_per_epoch"):
        FNGD(model, 0.1, samples=10)
    with pytest.raises(unhat.InputError, match="no places"):
        with_ids(iter([]))


def test_hooks_go_with_their_owner():
    model = mlp()
    count = lambda: sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())  # noqa: E731
    optimizer = FNGD(model, 0.1, samples=10, refresh="always")
    assert count() == 3
    optimizer.close()
    assert count() == 0


@pytest.mark.parametrize("stopped", [1, 3, 5])
def test_a_state_goes_on_to_the_same_bits(stopped, random):
    inputs, targets = torch.randn(12, 6, dtype=torch.float64, generator=random), torch.arange(12) % 3
    order = [torch.randperm(12, generator=random)[:6] for _ in range(8)]
    order[1] = torch.tensor(sorted(set(range(12)) - set(order[0].tolist())))

    def run(model, optimizer, batches):
        for ids in batches:
            optimizer.zero_grad()
            cross_entropy(model(inputs[ids]), targets[ids]).backward()
            optimizer.step(ids)

    options = {"samples": 12, "steps_per_epoch": 2, "refresh": 3, "permuted": 4}
    model = mlp()
    optimizer = FNGD(model, 0.05, **options)
    run(model, optimizer, order[:stopped])
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    run(model, optimizer, order[stopped:])
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    again = mlp()
    again.load_state_dict(saved["model"])
    resumed = FNGD(again, 0.05, **options)
    resumed.load_state_dict(saved["optimizer"])
    run(again, resumed, order[stopped:])
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), again.parameters(), strict=True))
    with pytest.raises(unhat.InputError, match="samples 12 there, 13 here"):
        FNGD(again, 0.05, samples=13, steps_per_epoch=2).load_state_dict(saved["optimizer"])


def test_a_loader_with_ids_trains(random):
    x = torch.randn(96, 6, generator=random)
    data = with_ids(TensorDataset(x, (x[:, 0] + x[:, 1] > 0).long()))
    model = mlp(torch.float32, (6, 8, 2))
    optimizer = FNGD(model, 0.3, samples=len(data), steps_per_epoch=6)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 60)
    losses = []
    for _ in range(10):
        for ids, (inputs, targets) in DataLoader(data, 16, shuffle=True, generator=random):
            optimizer.zero_grad()
            loss = cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step(ids)
            schedule.step()
            losses.append(loss.item())
    assert np.mean(losses[-6:]) < 0.5 * np.mean(losses[:6])
