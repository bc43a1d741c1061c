"""Descent in the metric of a layer's inputs, natural gradients, and differentiable leverage scores, in PyTorch.

:class:`SharedMetric` puts the metric on top of an optimiser, :class:`FNGD` is the fast natural gradient with its
controls, :func:`capture` keeps the layer factors of a trained model, from which :func:`influence` scores its samples,
and :func:`leverage_scores` can be differentiated.
"""

try:
    import torch as _torch  # noqa: F401
except ImportError as _error:
    _message = "unhat.torch needs PyTorch, which is not installed; on most machines: pip install torch"
    raise ImportError(_message) from _error

from unhat.torch._attribution import Attribution, Top
from unhat.torch._capture import LayerFactors, capture
from unhat.torch._coverage import Coverage
from unhat.torch._fngd import FNGD
from unhat.torch._ids import with_ids
from unhat.torch._influence import influence
from unhat.torch._sample_losses import lm_losses
from unhat.torch._scores import leverage_scores
from unhat.torch._shared_metric import SharedMetric

__all__ = [
    "FNGD", "Attribution", "Coverage", "LayerFactors", "SharedMetric", "Top", "capture", "influence", "leverage_scores",
    "lm_losses", "with_ids",
]
