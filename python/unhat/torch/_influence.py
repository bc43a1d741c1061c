"""Influence of the samples of a trained model, from its captured layer factors."""

import numpy as np

from unhat import _unhat
from unhat._errors import InputError
from unhat._progress import shown


def influence(captured, validation=None, *, method, damping=None, threads=None, progress=False):
    """Score the samples of a trained model by their influence, from its captured layer factors.

    Larger is better in every method, and positive is helpful for the signed ones. Linear layers on vectors or sequences
    and convolutions count, whatever :func:`capture` found; parameters of other layers (norms, embeddings) do not.
    A sample's gradient in a layer with positions is the sum over them, gᵢ = DᵢᵀAᵢ; ``"wt-ip"`` whitens with the mean of aaᵀ
    over samples and positions.

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
        Threads to use, by default as many as there are cores. The result has the same bits for any number;
        on a processor without FMA the last ones differ.
    progress : bool or callable
        As for :func:`unhat.invert_gradient`.

    Returns
    -------
    numpy.ndarray
        One score for each sample, in the order in which they were captured.

    Raises
    ------
    InputError
        For a method that needs more than factors, factors that do not belong together, or layers that differ.

    Notes
    -----
    Per-sample gradients are formed only where that is cheaper than the factors: for norms by layers with
    T(d_in + d_out) > d_in·d_out, T being the positions; in the n × n form of ``"leverage"`` and ``"fisher"`` by layers with
    T²(d_in + d_out) > d_in·d_out; in its p × p form always.

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

    Of a convolution:

    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(32, 3)).eval()
    >>> images, classes = torch.randn(10, 1, 6, 6), torch.randint(3, (10,))
    >>> with capture(model) as training:
    ...     torch.nn.functional.cross_entropy(model(images), classes).backward()
    >>> influence(training, method="self").shape
    (10,)
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
    """(positions, A, D) of every layer, A and D with a row for every position of every sample."""
    parts = []
    for name, layer in _layers(captured).items():
        sides = [np.ascontiguousarray(array, dtype=np.float64) for array in (layer.inputs, layer.output_gradients)]
        if len({array.shape[:-1] for array in sides}) > 1 or sides[0].ndim not in (2, 3):
            shapes = " and ".join(str(array.shape) for array in sides)
            raise InputError(
                f"{what}: layer {name!r} has factors of shapes {shapes}, expected samples × width or samples × "
                "positions × width, and the same samples and positions in both", "shape",
            )
        positions = sides[0].shape[1] if sides[0].ndim == 3 else 1
        parts.append((positions, *(array.reshape(-1, array.shape[-1]) for array in sides)))
    return parts
