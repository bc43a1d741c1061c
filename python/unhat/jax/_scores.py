"""Leverage scores that can be differentiated in their matrix."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

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
    >>> [round(g, 4) for g in gradient[:, 0].tolist()]  # of 9/25: 2·3·16/625 and -2·4·9/625
    [0.1536, -0.1152]
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
    return _scores(ridge, A), _change_of_scores.bind(A, change, ridge=ridge)


# The change of the scores along a change of A, linear in it. A primitive of JAX, because a callback alone cannot be
# transposed, and `linear_call` can be but knows no vmap.
_change_of_scores = Primitive("unhat_change_of_scores")


@_change_of_scores.def_impl
def _forward(A, change, *, ridge):
    def forward(A, change):
        return np.asarray(_unhat.score_jvp(_array(A), _array(change).reshape(-1), ridge), A.dtype)

    return _called(forward, A.shape[:1], A, change)


def _backward(weights, A, change, *, ridge):
    return None, None if type(weights) is ad.Zero else _gradient(ridge, A, weights)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _gradient(ridge, A, weights):
    def backward(A, weights):
        return np.asarray(_unhat.score_vjp(_array(A), _array(weights), ridge), A.dtype).reshape(A.shape)

    return _called(backward, A.shape, A, weights)


def _refuse(*arguments, **options):
    raise NotImplementedError("leverage_scores can be differentiated once, not twice")


def _one_by_one(arrays, axes, *, ridge):
    size = next(array.shape[axis] for array, axis in zip(arrays, axes, strict=True) if axis is not None)
    stacked = [
        jnp.broadcast_to(array, (size, *array.shape)) if axis is None else jnp.moveaxis(array, axis, 0)
        for array, axis in zip(arrays, axes, strict=True)
    ]
    return jax.lax.map(lambda pair: _change_of_scores.bind(*pair, ridge=ridge), tuple(stacked)), 0


_change_of_scores.def_abstract_eval(lambda A, change, *, ridge: jax.core.ShapedArray(A.shape[:1], A.dtype))
mlir.register_lowering(_change_of_scores, mlir.lower_fun(_forward, multiple_results=False))
ad.primitive_transposes[_change_of_scores] = _backward
ad.primitive_jvps[_change_of_scores] = _refuse
_gradient.defjvp(_refuse)
batching.primitive_batchers[_change_of_scores] = _one_by_one


def _called(function, shape, A, *others):
    """A function of arrays, called from within compiled code."""
    result = jax.ShapeDtypeStruct(shape, A.dtype)
    call = lambda *arrays: function(*map(np.asarray, arrays))  # noqa: E731
    return jax.pure_callback(call, result, A, *others, vmap_method="sequential")


def _array(values):
    return np.ascontiguousarray(values, dtype=np.float64)
