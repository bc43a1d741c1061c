"""Differentiable leverage scores in JAX."""

try:
    import jax as _jax  # noqa: F401
except ImportError as _error:
    raise ImportError("unhat.jax needs JAX, which is not installed; on most machines: pip install jax") from _error

from unhat.jax._scores import leverage_scores

__all__ = ["leverage_scores"]
