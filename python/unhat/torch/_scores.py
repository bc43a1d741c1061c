"""Leverage scores that can be differentiated in their matrix."""

import numpy as np
import torch

import unhat
from unhat import _unhat
from unhat._errors import InputError


class _Scores(torch.autograd.Function):
    @staticmethod
    def forward(A, ridge):
        return _like(unhat.leverage_scores(_array(A), ridge=ridge), A)

    @staticmethod
    def setup_context(ctx, inputs, output):
        A, ctx.ridge = inputs
        ctx.save_for_backward(A)
        ctx.save_for_forward(A)

    @staticmethod
    def backward(ctx, weights):
        (A,) = ctx.saved_tensors
        return _Gradient.apply(A, weights, ctx.ridge), None

    @staticmethod
    def jvp(ctx, direction, _):
        (A,) = ctx.saved_tensors
        return _like(_unhat.score_jvp(_array(A), _array(direction).reshape(-1), ctx.ridge), A)


class _Gradient(torch.autograd.Function):
    """Part of the graph, so that a second derivative is an error; torch's own mark for this can come out as zero."""

    @staticmethod
    def forward(ctx, A, weights, ridge):
        return _like(_unhat.score_vjp(_array(A), _array(weights), ridge), A).view(A.shape)

    @staticmethod
    def backward(ctx, _):
        raise NotImplementedError("leverage_scores can be differentiated once, not twice")


def leverage_scores(A, *, ridge=0.0):
    """How much each row of a matrix matters, differentiable once, forward and backward.

    The scores are σᵢ = aᵢᵀ(AᵀA + λI)⁻¹aᵢ. They and both products with their derivative are computed in float64 by the
    library, on the processor: a matrix elsewhere is copied there and back.

    Parameters
    ----------
    A : torch.Tensor, n × d
        Of a floating type.
    ridge : float
        λ ≥ 0. Without it, dependent columns have scores but no derivative.

    Returns
    -------
    torch.Tensor
        The n scores, of the type of A and where A lies.

    Raises
    ------
    InputError
        For a matrix or ridge that cannot be used.
    RankDeficientError
        From ``backward``, where columns are dependent and there is no ridge.

    Examples
    --------
    >>> import torch
    >>> from unhat.torch import leverage_scores
    >>> A = torch.tensor([[3.0], [4.0]], dtype=torch.float64, requires_grad=True)
    >>> scores = leverage_scores(A)
    >>> scores[0].backward()
    >>> [round(g, 4) for g in A.grad[:, 0].tolist()]  # of 9/25: 2·3·16/625 and -2·4·9/625
    [0.1536, -0.1152]
    """
    if not isinstance(A, torch.Tensor) or not A.is_floating_point() or A.dim() != 2:
        found = f"{A.dtype} of {A.dim()} dimensions" if isinstance(A, torch.Tensor) else type(A).__name__
        raise InputError(f"matrix: found {found}, expected a tensor of a floating type with two dimensions", "shape")
    return _Scores.apply(A, float(ridge))


def _array(tensor):
    return np.ascontiguousarray(tensor.detach().cpu().double().numpy())


def _like(values, tensor):
    return torch.from_numpy(values).to(tensor.device, tensor.dtype)
