"""The layers whose gradient has their inputs as a factor: which they are, and these inputs as rows."""

import math
from collections import Counter

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.lazy import LazyModuleMixin

from unhat._errors import InputError
from unhat.torch._processes import inner, require_whole

# A transposed convolution, and one in groups, has no single matrix of inputs.
_KINDS = (nn.Linear, nn.Conv1d, nn.Conv2d)
# A convolution repeats what is near: fewer samples than this say little, however many positions they have.
_LEAST_SAMPLES = 8


class Layer:
    """A linear layer or convolution, its gradient [dW | db] seen as a matrix: outputs × d, a column for the bias."""

    def __init__(self, name, module):
        self.name = name
        self.module = module
        self.weight = module.weight
        self.bias = module.bias if module.bias is not None and module.bias.requires_grad else None
        self.outputs = len(module.weight)
        self.d = module.weight[0].numel() + (self.bias is not None)
        double = module.weight.dtype == torch.float64
        self.dtype = torch.float64 if double else torch.float32  # of everything computed from half precision too

    def is_changed(self):
        """Whether the parameters are others than those that the layer was found with."""
        held = self.module._parameters
        return held.get("weight") is not self.weight or (self.bias is not None and held.get("bias") is not self.bias)

    def require_unchanged(self):
        """The parameters are those that the layer was found with."""
        if self.is_changed():
            raise InputError(
                f"model: layer {self.name!r} has other parameters than when the optimiser was made", "shape",
                "make the optimiser after the last change of the model",
            )

    def has_gradient(self):
        """Whether any gradient came to its weights."""
        held = self.weight.grad
        return held is not None and bool(held.any())

    def samples(self, inputs):
        """A: samples × positions × d, a convolution's patches as positions, with the constant 1 of the bias last."""
        inputs = inputs.detach().to(self.dtype)
        if isinstance(self.module, nn.Linear):
            rows = inputs.reshape(len(inputs) if inputs.dim() > 1 else 1, -1, inputs.shape[-1])
        else:
            rows = _patches(self.module, _batched(self.module, inputs))
        return rows if self.bias is None else torch.cat([rows, rows.new_ones(*rows.shape[:2], 1)], 2)

    def sampled_rows(self, inputs, limit):
        """Some of the rows of A, evenly spaced, without the patches of samples that would not be taken."""
        if isinstance(self.module, nn.Linear):
            rows = evenly_spaced(inputs.detach().reshape(-1, inputs.shape[-1]), limit)
            return self.samples(rows).flatten(0, 1).clone()  # the model may write over its activations
        inputs = _batched(self.module, inputs)
        wanted = max(math.ceil(limit / _positions(self.module, inputs)), _LEAST_SAMPLES)
        return evenly_spaced(self.samples(evenly_spaced(inputs, wanted)).flatten(0, 1), limit)

    def gradients(self, gradient):
        """D: samples × positions × outputs, from the gradient of the layer's output."""
        gradient = gradient.detach().to(self.dtype)
        if isinstance(self.module, nn.Linear):
            return gradient.reshape(len(gradient) if gradient.dim() > 1 else 1, -1, self.outputs)
        return _batched(self.module, gradient).flatten(2).transpose(1, 2)


def layers_of(model, parameters=None):
    """The layers of a model, in its order, that have weights of their own to be trained (among `parameters`).

    Tied weights, which another module uses too, are left out: their gradient has no single matrix of inputs.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model: found {type(model).__name__}, expected a torch.nn.Module")
    model = inner(model)
    require_whole(model)
    owners = Counter(id(p) for module in model.modules() for p in module._parameters.values() if p is not None)
    trained = None if parameters is None else {id(p) for p in parameters}
    layers = []
    for name, module in model.named_modules():
        if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params():
            raise InputError(f"model: layer {name!r} has no size yet; run one batch through the model first")
        if not isinstance(module, _KINDS) or getattr(module, "groups", 1) != 1:
            continue
        weight = module._parameters.get("weight")  # None where a parametrisation computes it
        if weight is None or not weight.requires_grad or owners[id(weight)] > 1:
            continue
        if trained is None or id(weight) in trained:
            layers.append(Layer(name, module))
    return layers


def missed_layer(model, layers, seen, *, training_only):
    """A layer within a compiled module that got a gradient and is not among the `seen`: its graph has no hooks."""
    if len(seen) == len(layers):
        return None
    compiled = [m for m in model.modules() if "_orig_mod" in m._modules or m._compiled_call_impl is not None]
    within = {id(m) for module in compiled for m in module.modules()}
    # attention calls a function with the weights of its last layer, and never the layer
    within -= {id(m.out_proj) for m in model.modules() if isinstance(m, nn.MultiheadAttention)}
    missed = (layer for k, layer in enumerate(layers) if k not in seen and id(layer.module) in within)
    watched = (layer for layer in missed if layer.module.training or not training_only)
    return next((layer for layer in watched if layer.has_gradient()), None)


def evenly_spaced(rows, limit):
    """At most `limit` of the rows, as the core takes them."""
    stride = max(math.ceil(len(rows) / max(limit, 1)), 1)
    return rows[::stride]


def _batched(module, values):
    """With a first dimension for samples, which a convolution may be called without."""
    return values if values.dim() == len(module.kernel_size) + 2 else values[None]


def _padded(module, inputs):
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    return functional.pad(inputs, module._reversed_padding_repeated_twice, mode=mode)


def _patches(module, inputs):
    """samples × positions × (channels · kernel), the order of the weight's entries."""
    inputs = _padded(module, inputs)
    size, step, spread = module.kernel_size, module.stride, module.dilation
    if len(size) == 1:  # a picture of one line
        inputs, size, step, spread = inputs.unsqueeze(-2), (1, *size), (1, *step), (1, *spread)
    return functional.unfold(inputs, size, dilation=spread, stride=step).transpose(1, 2)


def _positions(module, inputs):
    shape = _padded(module, inputs[:1, :1]).shape[2:]
    places = zip(shape, module.kernel_size, module.dilation, module.stride, strict=True)
    return math.prod((length - spread * (size - 1) - 1) // step + 1 for length, size, spread, step in places)
