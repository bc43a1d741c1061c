"""One call of a function with weights: which weights, where its samples lie, and the gradients of each sample."""

import math
from typing import NamedTuple

import torch
from torch.nn import functional

# Gradients of samples are formed for as many at a time as fit: memory does not grow with the batch.
_FORMED_BYTES = 1 << 24
# Where samples lie among the rows of a call: all rows of a sample together, or all samples of a position together.
# No loss of a batch that was looked at came to the call, or it was of one sample: nothing is known.
SAMPLE_MAJOR, POSITION_MAJOR, UNREACHED = 0, 1, -1


class Part(NamedTuple):
    """Entries `start` to `stop` of a parameter, flattened."""

    name: str
    start: int
    stop: int


class Weights:
    """The parameters that are attributed to, known by identity or, for a view of one, by its place in the storage."""

    def __init__(self, parameters):
        self.parameters = parameters
        self._names = {id(p): name for name, p in parameters.items()}

    def find(self, tensor):
        """(part, whether `tensor` is its transpose), or None for what is no parameter and no plain view of one."""
        if tensor is None:
            return None
        name = self._names.get(id(tensor))
        if name is not None:
            return Part(name, 0, tensor.numel()), False
        base = tensor._base
        name = None if base is None else self._names.get(id(base))
        if name is None or not base.is_contiguous():
            return None
        start = tensor.storage_offset() - base.storage_offset()
        part = Part(name, start, start + tensor.numel())
        if tensor.is_contiguous():
            return part, False
        return (part, True) if tensor.dim() == 2 and tensor.t().is_contiguous() else None


class Call:
    """A call that was watched; d, the gradient of its output, comes later."""

    __slots__ = ("a", "bias", "extra", "kind", "low", "output", "shape", "tag", "version", "weight")

    def __init__(self, described, weight, bias):
        kind = described.kind
        if weight is not None and weight[1]:
            kind = {"matrix": "transposed", "transposed": "matrix"}[kind]
        self.kind, self.extra = kind, described.extra
        self.weight = None if weight is None else weight[0]
        self.bias = None if bias is None else bias[0]
        self.tag = (kind, self.weight, self.bias)
        self.shape = described.weight.shape
        self.a = self.version = self.output = None
        self.low = None  # the precision in which autocast lets the product run

    @property
    def name(self):
        """The parameter that messages name."""
        return (self.weight or self.bias).name

    @property
    def is_matrix(self):
        """Whether its gradient is a sum of products d aᵀ that can be whitened."""
        return self.kind in ("matrix", "transposed") or (self.kind == "convolution" and not self.extra[0]["transposed"])

    def rows_of(self, d):
        """d as rows × width, in the order in which samples are looked for."""
        if self.kind == "convolution" or (self.kind == "scale" and self.extra[1]):
            d = d.flatten(2).transpose(1, 2) if d.dim() > 2 else d
        return d.reshape(-1, d.shape[-1])


def by_sample(rows, samples, layout):
    """samples × positions × width from anything whose rows lie in one of the two orders."""
    rows = rows.reshape(-1, rows.shape[-1])
    if layout == SAMPLE_MAJOR:
        return rows.view(samples, -1, rows.shape[-1])
    return rows.view(-1, samples, rows.shape[-1]).transpose(0, 1)


def factors(call, d, samples, layout):
    """(a, d) of a call: samples × positions × width, at least single precision; of a convolution as they came."""
    a, d = call.a, d.detach()
    width = torch.promote_types(d.dtype, torch.float32)
    if call.kind == "rows":
        return by_sample(a[..., None], samples, layout)[..., 0], by_sample(d, samples, layout).to(width)
    if call.low is not None:
        a = a.to(call.low)
    if call.kind == "convolution":
        uneven = call.extra[1]
        a = a if uneven is None else functional.pad(a, uneven)
        return a.to(width), d.to(width)
    if call.kind == "scale":
        a = call.extra[0](a)
    return by_sample(call.rows_of(a).to(width), samples, layout), by_sample(call.rows_of(d), samples, layout).to(width)


def per_sample(call, a, d, samples, layout, taker, wanted):
    """Hand the gradients of each sample to ``taker.dense(part, first sample, gradients)`` or ``taker.rows``.

    Σ over positions of d aᵀ for a matrix, Σ d∘a for a norm, Σ d at the row of the id for an embedding. `wanted` says
    of a parameter's name whether it is.
    """
    weight = call.weight if call.weight is not None and wanted(call.weight.name) else None
    bias = call.bias if call.bias is not None and wanted(call.bias.name) else None
    if call.kind == "rows":
        if weight is not None:
            kept = d if call.extra is None else d * (a != call.extra)[..., None]
            taker.rows(weight, a, kept)
        return
    if call.kind == "convolution":
        _convolved(call, a, d, samples, layout, taker, weight, bias)
        return
    if weight is not None and call.kind == "scale":
        taker.dense(weight, 0, (d * a).sum(1))
    elif weight is not None:
        left, right = (d, a) if call.kind == "matrix" else (a, d)
        for k, size in _chunks(samples, left.shape[2] * right.shape[2] * d.element_size()):
            taker.dense(weight, k, torch.bmm(left[k : k + size].transpose(1, 2), right[k : k + size]).flatten(1))
    if bias is not None:
        taker.dense(bias, 0, d.sum(1))


def _convolved(call, a, d, samples, layout, taker, weight, bias):
    """Every picture is a group of its own in one convolution; pictures of a sample are summed."""
    how = call.extra[0]
    if weight is not None:
        by_picture = math.prod(call.shape)
        pictures = len(a) // samples
        for k, size in _chunks(samples, by_picture * pictures * d.element_size()):
            of = _pictures(len(a), samples, layout, k, size)
            ak, dk = a[of], d[of]
            n = len(ak)
            folded = {**how, "groups": how["groups"] * n}
            shape = (call.shape[0] * n, *call.shape[1:])
            _, g, _ = torch.ops.aten.convolution_backward(
                dk.reshape(1, -1, *dk.shape[2:]), ak.reshape(1, -1, *ak.shape[2:]), d.new_zeros(()).expand(shape), None,
                folded["stride"], folded["padding"], folded["dilation"], folded["transposed"],
                folded["output_padding"], folded["groups"], [False, True, False],
            )
            taker.dense(weight, k, g.reshape(size, pictures, by_picture).sum(1))
    if bias is not None:
        g = d.flatten(2).sum(2)
        taker.dense(bias, 0, by_sample(g, samples, layout).sum(1))


def _pictures(count, samples, layout, first, size):
    """The pictures of some samples, those of a sample together."""
    places = torch.arange(count).view(samples, -1) if layout == SAMPLE_MAJOR else torch.arange(count).view(-1, samples).T
    return places[first : first + size].flatten()


def _chunks(samples, nbytes):
    size = max(_FORMED_BYTES // max(nbytes, 1), 1)
    return [(k, min(size, samples - k)) for k in range(0, samples, size)]


def matrices(call, a, d, samples, layout):
    """[(weight part, bias part, a, d)]: the matrices that can be whitened; a group of a convolution is one by itself."""
    if call.kind != "convolution":
        return [(call.weight, call.bias, a, d)]
    how = call.extra[0]
    groups, outputs = how["groups"], call.shape[0]
    windows = functional.pad(a, [side for p in reversed(how["padding"]) for side in (p, p)])
    for k, (size, step, spread) in enumerate(zip(call.shape[2:], how["stride"], how["dilation"], strict=True)):
        windows = windows.unfold(2 + k, (size - 1) * spread + 1, step)[..., ::spread]
    dimensions = len(call.shape) - 2
    # pictures × channels × places × window → pictures × places × channels × window
    windows = windows.movedim(1, 1 + dimensions).flatten(1, dimensions).flatten(3)
    places = d.flatten(2).transpose(1, 2)
    found, each = [], math.prod(call.shape[1:])
    for g in range(groups):
        channels = slice(g * call.shape[1], (g + 1) * call.shape[1])
        of = slice(g * outputs // groups, (g + 1) * outputs // groups)
        weight = None if call.weight is None else _within(call.weight, of, each)
        bias = None if call.bias is None else _within(call.bias, of, 1)
        inputs = _by_picture(windows[:, :, channels].flatten(2), samples, layout)
        found.append((weight, bias, inputs, _by_picture(places[:, :, of], samples, layout)))
    return found


def _within(part, rows, each):
    return Part(part.name, part.start + rows.start * each, part.start + rows.stop * each)


def _by_picture(values, samples, layout):
    """samples × (pictures · places) × width."""
    _, places, width = values.shape
    if layout == SAMPLE_MAJOR:
        return values.reshape(samples, -1, width)
    return values.reshape(-1, samples, places, width).transpose(0, 1).reshape(samples, -1, width)
