"""Influence of the samples of a trained model, from its captured layer factors."""

import numpy as np

from unhat import _unhat
from unhat._errors import InputError
from unhat._progress import shown


def influence(captured, validation=None, *, method, damping=None, threads=None, progress=False):
    """Score the samples of a trained model by their influence, from its captured layer factors.

    Larger is better in every method, and positive is helpful for the signed ones. The layers are linear ones; those with
    positions (convolutions, layers on sequences) are an error that names them, since their gradients are sums of products.

    Parameters
    ----------
    captured : capture
        Of the training samples, from :func:`capture`; or its ``.layers``. The factors are copied.
    validation : capture, optional
        Of the validation samples, through the same model: v is their summed gradient. Needed by the methods ``"ip"``,
        ``"wt-ip"``, ``"cg2"`` and ``"fisher"``.
    method : {"grad-norm", "self", "ip", "wt-ip", "cg2", "leverage", "fisher"}
        How to score; as for :func:`unhat.influence`, at temperature 1.
    damping : float, optional
        α > 0: the damping is α times the mean of ‖g‖²; by default as for :func:`unhat.influence`.
    threads : int, optional
        Threads to use, by default as many as there are cores. The result has the same bits for any number.
    progress : bool or callable
        As for :func:`unhat.invert_gradient`.

    Returns
    -------
    numpy.ndarray
        One score for each sample, in the order in which they were captured.

    Raises
    ------
    InputError
        For a method that needs more than factors, layers with positions, or layers that differ.

    Examples
    --------
    >>> import torch
    >>> from unhat.torch import capture, influence
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).eval()
    >>> x, y = torch.randn(10, 4), torch.randn(10, 1)
    >>> with capture(model) as training:
    ...     torch.nn.functional.mse_loss(model(x[:7]), y[:7]).backward()
    >>> with capture(model) as held_out:
    ...     torch.nn.functional.mse_loss(model(x[7:]), y[7:]).backward()
    >>> influence(training, held_out, method="wt-ip").shape
    (7,)
    """
    training = _factors(captured, "captured")
    held_out = None if validation is None else _factors(validation, "validation")
    if validation is not None and list(_layers(validation)) != list(_layers(captured)):
        raise InputError("validation: its layers are not those of the training samples", "shape")
    with shown(progress) as told:
        return _unhat.captured_influence(training, held_out, method, damping, threads, told)


def _layers(captured):
    return getattr(captured, "layers", captured)


def _factors(captured, what):
    """(A, D) of every layer."""
    parts = []
    for name, layer in _layers(captured).items():
        if layer.inputs.ndim != 2:
            raise InputError(f"{what}: layer {name!r} has positions; influence takes linear layers on vectors", "shape")
        arrays = (layer.inputs, layer.output_gradients)
        parts.append(tuple(np.ascontiguousarray(array, dtype=np.float64) for array in arrays))
    return parts
