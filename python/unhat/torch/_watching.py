"""The functions of PyTorch that weights go through, watched in one thread while others see nothing of it."""

import contextlib
import functools
import threading

import torch
from torch.nn import functional

_lock = threading.Lock()
_here = threading.local()  # .watcher: who watches in this thread
_installed: list = []  # one entry for every block that watches
_replaced: dict = {}
_RMS_NORMS = ("RMSNorm", "T5LayerNorm")


@contextlib.contextmanager
def watched(model, watcher):
    """Within the block, calls of this thread go to ``watcher(original, described, arguments)``.

    Functions and not modules are watched: tied weights, an in-projection, and adapters need no case of their own.
    Norms by the root mean square, which have no function of their own in most models, come from their modules.
    """
    outer = getattr(_here, "watcher", None)
    hook = _RmsHook(watcher)
    handles = [m.register_forward_hook(hook) for m in model.modules() if type(m).__name__.endswith(_RMS_NORMS)]
    _install()
    _here.watcher = watcher
    try:
        yield
    finally:
        _here.watcher = outer
        _remove()
        for handle in handles:
            handle.remove()


def _install():
    with _lock:
        if not _installed:
            for (place, name), describe in _FUNCTIONS.items():
                original = getattr(place, name)
                _replaced[place, name] = original, _passing(original, describe)
                setattr(place, name, _replaced[place, name][1])
            # the fused kernel of an encoder layer calls none of the functions
            _replaced["fast"] = torch.backends.mha.get_fastpath_enabled()
            torch.backends.mha.set_fastpath_enabled(False)
        _installed.append(None)


def _remove():
    with _lock:
        _installed.pop()
        if not _installed:
            torch.backends.mha.set_fastpath_enabled(_replaced.pop("fast"))
            for (place, name), (original, ours) in _replaced.items():
                if getattr(place, name) is ours:
                    setattr(place, name, original)
            _replaced.clear()


def _passing(original, describe):
    @functools.wraps(original)
    def call(*positional, **named):
        watcher = getattr(_here, "watcher", None)
        described = None if watcher is None else describe(*positional, **named)
        if described is None:
            return original(*positional, **named)
        return watcher(original, described, positional, named)

    return call


class Described:
    """What a call of a function is: its kind, its input a, its weights, and what else its gradient needs."""

    def __init__(self, kind, a, weight, bias, extra=None):
        self.kind, self.a, self.weight, self.bias, self.extra = kind, a, weight, bias, extra


class _RmsHook:
    def __init__(self, watcher):
        self._watcher = watcher

    def __call__(self, module, positional, output):
        weight = getattr(module, "weight", None)
        if getattr(_here, "watcher", None) is not self._watcher or weight is None or not positional:
            return None
        found = (getattr(module, name, None) for name in ("variance_epsilon", "eps"))
        eps = next((e for e in found if e is not None), torch.finfo(output.dtype).eps)

        def standardise(a):
            return a * torch.rsqrt(a.float().square().mean(-1, keepdim=True) + eps)

        described = Described("scale", positional[0], weight, None, (standardise, False))
        return self._watcher(lambda: output, described, (), {})


def _linear(input, weight, bias=None):
    return Described("matrix", input, weight, bias)


def _addmm(input, mat1, mat2, *, beta=1, alpha=1, out=None):
    return Described("transposed", mat1, mat2, input) if beta == alpha == 1 and out is None else None


def _embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    if max_norm is not None or scale_grad_by_freq or sparse:
        return None
    if padding_idx is not None and padding_idx < 0:
        padding_idx += len(weight)
    return Described("rows", input, weight, None, padding_idx)


def _norm(a, weight, bias, standardise, channels_first):
    return None if weight is None else Described("scale", a, weight, bias, (standardise, channels_first))


def _layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    if len(normalized_shape) != 1:
        return None
    return _norm(input, weight, bias, lambda a: torch.layer_norm(a, normalized_shape, None, None, eps), False)


def _group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    return _norm(input, weight, bias, lambda a: torch.group_norm(a, num_groups, None, None, eps), True)


def _batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if training or running_mean is None:
        return None
    shape = (1, -1, *[1] * (input.dim() - 2))
    scale = torch.rsqrt(running_var.detach() + eps).view(shape)
    mean = running_mean.detach().view(shape)
    return _norm(input, weight, bias, lambda a: (a - mean) * scale, True)


def _convolution(dimensions, is_transposed):
    """A convolution's description; a picture without a first dimension for samples is none."""

    def forward(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        return described(input, weight, bias, stride, padding, 0, groups, dilation)

    def backward(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        return described(input, weight, bias, stride, padding, output_padding, groups, dilation)

    def described(input, weight, bias, stride, padding, output_padding, groups, dilation):
        if input.dim() != dimensions + 2:
            return None
        stride, dilation, output_padding = (_each(v, dimensions) for v in (stride, dilation, output_padding))
        uneven = None
        if isinstance(padding, str):
            whole = [0 if padding == "valid" else s * (k - 1) for s, k in zip(dilation, weight.shape[2:], strict=True)]
            uneven = [side for total in reversed(whole) for side in (total // 2, total - total // 2)]
            padding = 0
        how = {"stride": stride, "padding": _each(padding, dimensions), "dilation": dilation,
               "transposed": is_transposed, "output_padding": output_padding, "groups": groups}
        return Described("convolution", input, weight, bias, (how, uneven))

    return backward if is_transposed else forward


def _each(value, dimensions):
    value = [value] if isinstance(value, int) else list(value)
    return value * dimensions if len(value) == 1 else value


_FUNCTIONS = {
    (functional, "linear"): _linear,
    (torch, "addmm"): _addmm,
    (functional, "embedding"): _embedding,
    (functional, "layer_norm"): _layer_norm,
    (functional, "group_norm"): _group_norm,
    (functional, "batch_norm"): _batch_norm,
}
for _dimensions in (1, 2, 3):
    _FUNCTIONS[functional, f"conv{_dimensions}d"] = _convolution(_dimensions, False)
    _FUNCTIONS[functional, f"conv_transpose{_dimensions}d"] = _convolution(_dimensions, True)
