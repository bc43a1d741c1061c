"""Differentiable leverage scores in JAX."""

try:
    import jax as _jax  # noqa: F401
except ImportError as _error:
    _message = "unhat.jax needs JAX, which is not installed; on most machines: pip install jax"
    raise ImportError(_message) from _error

from unhat.jax._scores import leverage_scores

__all__ = ["leverage_scores"]
