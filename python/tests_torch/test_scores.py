"""Differentiable leverage scores, by the gradient checks of torch and of JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from conftest import DEVICES
from jax.test_util import check_grads

import unhat
import unhat.jax
import unhat.torch

SHAPES = [((9, 3), 0.0), ((3, 6), 0.4), ((5, 1), 0.0)]


@pytest.mark.parametrize(("shape", "ridge"), SHAPES)
@pytest.mark.parametrize("device", DEVICES)
def test_torch_agrees_with_differences_forward_and_backward(shape, ridge, device, random):
    A = torch.randn(shape, dtype=torch.float64, generator=random).to(device).requires_grad_()
    scores = unhat.torch.leverage_scores(A, ridge=ridge)
    assert scores.device == A.device
    np.testing.assert_array_equal(
        scores.detach().cpu().numpy(), unhat.leverage_scores(A.detach().cpu().numpy(), ridge=ridge)
    )
    function = lambda A: unhat.torch.leverage_scores(A, ridge=ridge)  # noqa: E731
    assert torch.autograd.gradcheck(function, A, check_forward_ad=True)


def test_torch_keeps_type_and_strides_do_not_matter(random):
    A = torch.randn(4, 30, generator=random).T.requires_grad_()
    scores = unhat.torch.leverage_scores(A)
    (scores * torch.arange(30)).sum().backward()
    assert scores.dtype == A.grad.dtype == torch.float32 and A.grad.shape == A.shape
    # scores do not change where the columns are mixed
    assert float((A.grad.T @ A.detach()).abs().max()) < 1e-4


def test_torch_names_what_has_no_derivative():
    A = torch.tensor([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], requires_grad=True)
    with pytest.warns(unhat.UnhatWarning, match="rank 1"):
        scores = unhat.torch.leverage_scores(A)
    with pytest.raises(unhat.RankDeficientError):
        scores.sum().backward()
    with pytest.raises(unhat.InputError, match="two dimensions"):
        unhat.torch.leverage_scores(torch.ones(3))
    with pytest.raises(unhat.InputError, match="floating"):
        unhat.torch.leverage_scores(torch.ones(3, 2, dtype=torch.int64))


def test_a_second_derivative_is_refused_and_not_zero(random):
    A = torch.randn(5, 2, dtype=torch.float64, generator=random)
    with pytest.raises(NotImplementedError, match="once"):
        torch.autograd.functional.hessian(lambda A: unhat.torch.leverage_scores(A).square().sum(), A)
    for twice in (jax.hessian, lambda f: jax.jacfwd(jax.jacfwd(f)), lambda f: jax.jacrev(jax.jacrev(f))):
        with pytest.raises(NotImplementedError, match="once"):
            twice(lambda A: (unhat.jax.leverage_scores(A) ** 2).sum())(A.numpy())


@pytest.mark.parametrize(("shape", "ridge"), SHAPES)
def test_jax_agrees_with_differences_forward_and_backward(shape, ridge):
    A = jax.random.normal(jax.random.PRNGKey(0), shape, dtype=jnp.float64)
    function = lambda A: unhat.jax.leverage_scores(A, ridge=ridge)  # noqa: E731
    np.testing.assert_array_equal(function(A), unhat.leverage_scores(np.asarray(A), ridge=ridge))
    for wrapped in (function, jax.jit(function)):
        check_grads(wrapped, (A,), order=1, modes=("fwd", "rev"), atol=1e-6, rtol=1e-6)


def test_jax_agrees_with_torch_in_compiled_and_mapped_code():
    A = np.random.default_rng(0).normal(size=(4, 12, 3))
    loss = lambda A: (unhat.jax.leverage_scores(A) ** 2).sum()  # noqa: E731
    gradients = jax.vmap(jax.jit(jax.grad(loss)))(A)
    for one, gradient in zip(A, gradients, strict=True):
        tensor = torch.from_numpy(one).requires_grad_()
        unhat.torch.leverage_scores(tensor).square().sum().backward()
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-12, atol=1e-14)
    assert unhat.jax.leverage_scores(jnp.ones((3, 1), jnp.float32)).dtype == jnp.float32


def test_jax_names_what_it_cannot_take():
    with pytest.raises(unhat.InputError, match="two dimensions"):
        unhat.jax.leverage_scores(jnp.ones(3))
    with pytest.raises(Exception, match="linearly dependent|rank"):
        jax.grad(lambda A: unhat.jax.leverage_scores(A).sum())(jnp.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]))
