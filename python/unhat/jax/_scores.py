"""Leverage scores that can be differentiated in their matrix."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import linear_call

import unhat
from unhat import _unhat
from unhat._errors import InputError


def leverage_scores(A, *, ridge=0.0):
    """How much each row of a matrix matters, differentiable once, forward and backward.

    The scores are σᵢ = aᵢᵀ(AᵀA + λI)⁻¹aᵢ. They and both products with their derivative are computed in float64 by the
    library, on the processor, called from within compiled code.

    Parameters
    ----------
    A : jax.Array, n × d
        Of a floating type.
    ridge : float
        λ ≥ 0. Without it, dependent columns have scores but no derivative.

    Returns
    -------
    jax.Array
        The n scores, of the type of A.

    Raises
    ------
    InputError
        For a matrix or ridge that cannot be used; what the library finds when it runs, dependent columns under
        differentiation among them, comes as JAX's own error with that message.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> from unhat.jax import leverage_scores
    >>> gradient = jax.grad(lambda A: leverage_scores(A)[0])(jnp.array([[3.0], [4.0]]))
    >>> gradient[:, 0].round(4).tolist() == jnp.array([0.1536, -0.1152]).tolist()
    True
    """
    A = jnp.asarray(A)
    if A.ndim != 2 or not jnp.issubdtype(A.dtype, jnp.floating):
        found = f"{A.dtype} of {A.ndim} dimensions"
        raise InputError(f"matrix: found {found}, expected a floating type with two dimensions", "shape")
    if not ridge >= 0.0:
        raise InputError(f"ridge: found {ridge}, expected a finite number ≥ 0")
    return _scores(float(ridge), A)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _scores(ridge, A):
    def scores(A):
        return np.asarray(unhat.leverage_scores(_array(A), ridge=ridge), A.dtype)

    return _called(scores, A.shape[:1], A)


@_scores.defjvp
def _scores_jvp(ridge, primals, tangents):
    (A,), (change,) = primals, tangents

    def forward(A, change):
        return np.asarray(_unhat.score_jvp(_array(A), _array(change).reshape(-1), ridge), A.dtype)

    def backward(A, weights):
        return np.asarray(_unhat.score_vjp(_array(A), _array(weights), ridge), A.dtype).reshape(A.shape)

    along = linear_call(
        lambda A, change: _called(forward, A.shape[:1], A, change),
        lambda A, weights: _called(backward, A.shape, A, weights),
        A,
        change,
    )
    return _scores(ridge, A), along


def _called(function, shape, A, *others):
    result = jax.ShapeDtypeStruct(shape, A.dtype)
    return jax.pure_callback(lambda *arrays: function(*map(np.asarray, arrays)), result, A, *others, vmap_method="sequential")


def _array(values):
    return np.ascontiguousarray(values, dtype=np.float64)
