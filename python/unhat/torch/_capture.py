"""The layer factors of a trained model: per sample, what every layer saw and what came back to it."""

from dataclasses import dataclass

import numpy as np

from unhat._errors import InputError
from unhat.torch._layers import layers_of, missed_layer
from unhat.torch._taps import Taps


@dataclass(frozen=True)
class LayerFactors:
    """The factors of one layer: sample i's gradient in [W | b] is Σ over positions of dᵢaᵢᵀ.

    Attributes
    ----------
    name : str
        The layer's name in the model.
    inputs : numpy.ndarray
        A, float64: samples × d, or samples × positions × d where a layer has positions; the last of the d columns is 1
        where there is a bias.
    output_gradients : numpy.ndarray
        D, float64: samples × outputs, or samples × positions × outputs, of each sample's own loss.
    """

    name: str
    inputs: np.ndarray
    output_gradients: np.ndarray


class capture:
    """Keeps the layer factors of every batch that goes through a model within a ``with`` block.

    Within the block, call the model on each batch and ``backward`` on its loss; the gradients that this leaves in the
    parameters are not needed. The mode of the model is left as it is: call ``model.eval()`` before, for a trained one.

    Parameters
    ----------
    model : torch.nn.Module
        Its call is a batch, the first dimension of what its layers see the samples.
    reduction : {"mean", "sum"}
        How the loss joins the samples of a batch.

    Attributes
    ----------
    layers : dict of str to LayerFactors
        By the layer's name, after the block, samples in the order in which they came.

    Raises
    ------
    InputError
        For a model without a layer that has factors, a batch without ``backward``, batches through different layers, a
        model that was compiled and run before: its graphs have no hooks.

    Examples
    --------
    >>> import torch
    >>> from unhat.torch import capture
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).eval()
    >>> x, y = torch.randn(10, 4), torch.randn(10, 1)
    >>> with capture(model, reduction="sum") as captured:
    ...     for part in (slice(0, 6), slice(6, 10)):
    ...         torch.nn.functional.mse_loss(model(x[part]), y[part], reduction="sum").backward()
    >>> captured.layers["0"].inputs.shape, captured.layers["2"].output_gradients.shape
    ((10, 5), (10, 1))
    """

    def __init__(self, model, *, reduction="mean"):
        if reduction not in ("mean", "sum"):
            raise InputError(f'reduction: found {reduction!r}, expected "mean" or "sum"')
        self._layers = layers_of(model)
        if not self._layers:
            raise InputError("model: no linear layer or convolution with weights of its own")
        self._model, self._reduction = model, reduction
        self._taps, self._parts = None, []
        self.layers = {}

    def __enter__(self):
        self._parts, self.layers = [], {}
        self._taps = Taps(self._model, self._layers, training_only=False, started=self._keep)
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self._keep()
                self._join()
        finally:
            self._taps.close()
            self._taps.clear()

    def _keep(self):
        """Moves the last batch out of the device's memory."""
        for batch in self._taps.batches:
            factors = self._taps.factors(batch)
            if not factors:
                raise InputError(
                    f"batch {len(self._parts) + 1}: backward was not called on its loss, or the model was compiled "
                    "and run before, without hooks"
                )
            missed = missed_layer(self._model, self._layers, factors, training_only=False)
            if missed is not None:
                raise InputError(
                    f"model: layer {missed.name!r} has a gradient, and no forward of it was seen: it was compiled "
                    "and run before, without hooks", help="capture the model that is not compiled",
                )
            scale = {k: len(d) if self._reduction == "mean" else 1 for k, (_, d) in factors.items()}
            self._parts.append({k: (_array(a), _array(d) * scale[k]) for k, (a, d) in factors.items()})
        self._taps.clear()

    def _join(self):
        if not self._parts:
            raise InputError("model: no batch went through it, or it was compiled and run before, without hooks")
        for number, part in enumerate(self._parts):
            if set(part) != set(self._parts[0]):
                raise InputError(f"batch {number + 1}: went through other layers than the first", "shape")
        for k in sorted(self._parts[0]):
            try:
                inputs, gradients = (np.concatenate([part[k][side] for part in self._parts]) for side in (0, 1))
            except ValueError:
                message = f"layer {self._layers[k].name!r}: its batches have different numbers of positions"
                raise InputError(message, "shape") from None
            if inputs.shape[1] == 1:
                inputs, gradients = inputs[:, 0], gradients[:, 0]
            name = self._layers[k].name
            self.layers[name] = LayerFactors(name, np.ascontiguousarray(inputs), np.ascontiguousarray(gradients))


def _array(tensor):
    return tensor.double().cpu().numpy() if tensor.device.type != "mps" else tensor.cpu().double().numpy()
