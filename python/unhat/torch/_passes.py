"""One batch forward and back: every watched call meets the gradient of its output, and is gone."""

import contextlib
import threading
import weakref

import torch

from unhat._errors import InputError
from unhat.torch._calls import SAMPLE_MAJOR, UNREACHED, Call, Part, Weights, factors
from unhat.torch._hooks import in_backward
from unhat.torch._layers import require_whole
from unhat.torch._watching import watched

# Two passes through one model would undo each other's freezing.
_busy: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
_busy_lock = threading.Lock()


class Passes:
    """The passes through one model: what was found of its calls by experiment, and what is done with them.

    ``layouts``: of each kind of call where its samples lie, None where its gradients cannot be told apart by sample.
    ``rest``: parameters whose gradients of samples need a backward each. ``copied``: calls whose input the model
    writes over. ``shared``: lookups that all samples of a batch share, made for each of them.
    """

    def __init__(self, model, losses):
        require_whole(model)
        self.model, self.losses = model, losses
        self.weights = Weights({n: p for n, p in model.named_parameters() if p.requires_grad})
        if not self.parameters:
            raise InputError("model: none of its parameters requires a gradient", help="call requires_grad_(True) on those to attribute to")
        self.layouts, self.rest, self.copied, self.shared = {}, [], set(), set()
        self.unused = set()
        self.samples = 0
        self.kept = None  # every call, while experimenting
        self._arrived = None

    @property
    def parameters(self):
        """{name: parameter} of those that require a gradient."""
        return self.weights.parameters

    def __call__(self, original, described, positional, named):
        """A function of the model was called."""
        parts = self.weights.find(described.weight), self.weights.find(described.bias)
        if (parts[0] is None and parts[1] is None) or not torch.is_grad_enabled():
            return original(*positional, **named)
        call = Call(described, *parts)
        if call.kind == "rows":
            a = self._for_each_sample(call.tag, described.a)
            positional, named = (a, *positional[1:]), named
            described.a = a
        y = original(*positional, **named)
        if in_backward():  # a checkpointed layer runs again; its first run was seen
            return y
        return self._record(call, described.a, y)

    def _for_each_sample(self, tag, ids):
        """Positions, which all samples share, are looked up for each, so that their gradients stay apart."""
        new = self.kept is not None and (ids.dim() == 1 and len(ids) != self.samples or ids.dim() > 1 and len(ids) == 1)
        if self.samples < 2 or not (new or tag in self.shared) or self.shared is None:
            return ids
        self.shared.add(tag)
        return ids.expand(self.samples, *ids.shape[ids.dim() > 1 :])

    def _record(self, call, a, y):
        if not y.requires_grad:
            y = y.detach().requires_grad_().clone()
        call.a = a.detach().clone() if call.tag in self.copied else a.detach()
        call.version = call.a._version
        if call.kind != "rows" and call.kind != "scale" and y.dtype != a.dtype:
            call.low = y.dtype
        if self.kept is not None:
            call.output = y
            self.kept.append(call)
            return y.clone()  # what is written over in place must not be the tensor whose gradient is asked for
        y.register_hook(lambda d: self._meet(call, d))
        return y

    def _meet(self, call, d):
        if self._arrived is None:
            return
        if call.a._version != call.version:
            raise InputError(f"model: the input of {call.name} was written over after its use, in this batch alone", help="check() with this batch first")
        if call.tag not in self.layouts:
            raise InputError(f"model: {call.name} was not used like this in the batch that was checked", help="check() with a batch that takes this way first")
        layout = SAMPLE_MAJOR if self.samples == 1 else self.layouts[call.tag]
        if layout == UNREACHED:
            if bool((d != 0).any()):
                raise InputError(f"model: no loss of the batch that was checked depended on this use of {call.name}", help="check() with a batch like this one first")
        elif layout is not None:
            with torch.no_grad(), torch.autocast(d.device.type, enabled=False):
                self._arrived(call, *factors(call, d, self.samples, layout), layout)

    @contextlib.contextmanager
    def open(self, *, is_frozen, kept=None):
        """The model is watched; frozen, no gradient of a weight is computed that is not in the rest."""
        with _busy_lock:
            lock = _busy.setdefault(self.model, threading.RLock())
        with lock, contextlib.ExitStack() as stack:
            stack.enter_context(torch.enable_grad())
            stack.enter_context(eager())
            grads = {name: p.grad for name, p in self.parameters.items()}
            self.kept = kept
            try:
                for name, p in self.parameters.items():
                    p.requires_grad_(not is_frozen or name in self.rest or name in self.unused)
                    p.grad = None
                with watched(self.model, self):
                    yield
            finally:
                self.kept = self._arrived = None
                for name, p in self.parameters.items():
                    p.requires_grad_(True)
                    p.grad = grads[name]

    def run(self, batch, arrived, rest=None):
        """Forward and back; ``arrived(call, a, d, layout)`` for every call, ``rest(part, sample, gradient)``.

        Returns the losses.
        """
        self.samples = size_of(batch) or 0
        with self.open(is_frozen=True):
            losses = require_losses(self.losses(self.model, batch), batch)
            if self.shared and self.samples != len(losses):
                raise InputError(
                    f"batch: its first tensor has {self.samples} entries and there are {len(losses)} losses", "shape",
                    "put a tensor whose first dimension is the samples first",
                )
            self.samples = len(losses)
            if not losses.requires_grad:
                raise InputError("losses: they have no gradient", help="compute them under the model, without torch.no_grad")
            if rest is not None and self.rest:
                self._loop(losses, rest)
            self._arrived = arrived
            losses.sum().backward()
            for name in self.unused:
                if self.parameters[name].grad is not None and bool(self.parameters[name].grad.any()):
                    raise InputError(f"model: {name} is used in this batch and was not in the one that was checked", help="check() with a batch like this one first")
        return losses.detach()

    def _loop(self, losses, rest):
        """The exact and slow way: a backward for each sample."""
        parameters = [self.parameters[name] for name in self.rest]
        for k in range(len(losses)):
            found = torch.autograd.grad(losses[k], parameters, retain_graph=True, allow_unused=True)
            for name, g in zip(self.rest, found, strict=True):
                if g is not None:
                    rest(Part(name, 0, g.numel()), k, g.reshape(1, -1))


def eager():
    """Compiled parts of a model run as they are written: their graphs would not be seen."""
    if hasattr(torch.compiler, "set_stance"):
        return torch.compiler.set_stance("force_eager")
    return contextlib.nullcontext()


def tensors_of(batch):
    """The tensors of a batch: of a tensor, dict, sequence, or anything nested of them."""
    if isinstance(batch, torch.Tensor):
        yield batch
    elif hasattr(batch, "values") and callable(batch.values):
        for value in batch.values():
            yield from tensors_of(value)
    elif isinstance(batch, (list, tuple)):
        for value in batch:
            yield from tensors_of(value)


def size_of(batch):
    """The samples of a batch as its first tensor tells, None where it has none."""
    return next((len(t) for t in tensors_of(batch) if t.dim()), None)


def require_losses(losses, batch):
    """One finite loss for each sample."""
    if not isinstance(losses, torch.Tensor) or losses.dim() != 1 or not len(losses):
        found = f"shape {tuple(losses.shape)}" if isinstance(losses, torch.Tensor) else type(losses).__name__
        samples = size_of(batch)
        expected = "sample" if samples is None else f"of {samples} samples"
        raise InputError(
            f"losses: found {found}, expected one loss for each {expected}", "shape",
            'return a vector: reduction="none", then the mean over positions; of a language model unhat.torch.lm_losses',
        )
    bad = (~torch.isfinite(losses.detach())).nonzero()
    if len(bad):
        raise InputError(f"losses: that of sample {int(bad[0]) + 1} of the batch is {float(losses[bad[0]])}", "not_finite")
    return losses
