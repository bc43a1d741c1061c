from jax import Array
from jax.typing import ArrayLike

__all__ = ["leverage_scores"]

def leverage_scores(A: ArrayLike, *, ridge: float = 0.0) -> Array: ...
