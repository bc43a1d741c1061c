"""What of a model is attributed to and how, found by experiment on one batch and held against autograd."""

from dataclasses import dataclass

import torch
from torch import nn

from unhat._errors import InputError
from unhat.torch._alone import close, has_list_of, probes_of, require_alone
from unhat.torch._calls import POSITION_MAJOR, SAMPLE_MAJOR, UNREACHED, factors, per_sample
from unhat.torch._passes import eager, require_losses, size_of, tensors_of

# Relative differences from autograd: rounding is far below, anything that was missed far above.
_TOLERANCE, _LOW_TOLERANCE = 1e-4, 2e-2
# Losses of two runs on one batch.
_AGAIN = 1e-3


@dataclass(frozen=True)
class Coverage:
    """The parameters by the way in which their gradients of samples are found.

    Attributes
    ----------
    factors : float
        Share of the parameters whose gradients come from the inputs and output gradients of their calls.
    rest : tuple of str
        Parameters that need a backward for each sample: exact and slow.
    left_out : tuple of str
        Parameters that do not count: whitened scores are of matrices only, and ``rest="leave-out"`` leaves out the rest.
    unused : tuple of str
        Parameters that no loss of the batch depends on.
    sizes : dict of str to int
        Entries of every parameter.
    method : str
        The score, ``"auto"`` settled.
    """

    factors: float
    rest: tuple
    left_out: tuple
    unused: tuple
    sizes: dict
    method: str

    def __str__(self):
        total = sum(self.sizes.values())
        said = [f"{self.method}: factors {100 * self.factors:.1f} %"]
        for word, names in (("rest", self.rest), ("left out", self.left_out), ("unused", self.unused)):
            if names:
                share = 100 * sum(self.sizes[name] for name in names) / total
                listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
                said.append(f"{word} {share:.1f} % ({listed})")
        return ", ".join(said)


class Found:
    """What one experiment says: names by way, and whether any matrix has positions."""

    def __init__(self):
        self.missed, self.unused, self.matrices, self.has_positions = [], set(), set(), False
        self.lookups = set()  # parameters that are looked up and nothing else


def examine(passes, batch):
    """Settle the layouts of a model's calls on one batch; every parameter is held against autograd.

    A model whose samples interact, whose losses are random, or whose losses are joined is refused.
    """
    plain = _plain_losses(passes, batch)
    calls, losses = _watched_forward(passes, batch, plain)
    probes = probes_of(len(losses))
    outputs = [call.output for call in calls]
    names = list(passes.parameters)
    wanted = [*passes.parameters.values(), *outputs]
    try:
        by_probe = [torch.autograd.grad(losses[k], wanted, retain_graph=True, allow_unused=True) for k in probes]
        whole = torch.autograd.grad(losses.sum(), wanted, allow_unused=True)
    except RuntimeError as error:
        raise InputError(f"model: its backward fails: {str(error).splitlines()[0]}", help="checkpointed layers need use_reentrant=False") from error
    low = any(call.output.dtype in (torch.float16, torch.bfloat16) for call in calls)
    require_alone(passes, batch, plain, by_probe, low)
    layouts = _layouts(passes, calls, [g[len(names) :] for g in by_probe], probes)
    found = _missed(passes, calls, layouts, names, by_probe, whole, probes, _LOW_TOLERANCE if low else _TOLERANCE)
    for call in calls:
        if call.is_matrix and call.weight is not None:
            found.matrices |= {part.name for part in (call.weight, call.bias) if part is not None}
            found.has_positions |= call.kind == "convolution" or call.a[..., 0].numel() > len(losses)
    looked_up = {call.weight.name for call in calls if call.kind == "rows" and call.weight is not None}
    found.lookups = looked_up - {p.name for c in calls if c.kind != "rows" for p in (c.weight, c.bias) if p is not None}
    return found


def _plain_losses(passes, batch):
    """The losses without any watching, twice: what they are, and whether they are random."""
    for name, module in passes.model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (module.training or module.running_mean is None):
            raise InputError(
                f"model: {name!r} normalises over the samples of a batch; a sample has no loss of its own",
                help="call model.eval()",
            )
    with torch.no_grad(), eager():
        first = require_losses(passes.losses(passes.model, batch), batch)
        second = require_losses(passes.losses(passes.model, batch), batch)
    if first.shape != second.shape or not close(first, second, _AGAIN):
        raise InputError("losses: two runs on the same batch differ: something in them is random", help="call model.eval()")
    samples = size_of(batch)
    by_size = {len(t) for t in tensors_of(batch) if t.dim()} == {samples}
    if by_size and len(first) != samples and not has_list_of(batch, len(first)):
        raise InputError(
            f"losses: found {len(first)}, expected one loss for each of {samples} samples", "shape",
            "put the samples first in every tensor of a batch",
        )
    passes.samples = len(first)
    return first


def _watched_forward(passes, batch, plain):
    """The calls and losses of a watched forward; lookups are made for each sample only where that changes nothing."""
    for is_last in (False, True):
        calls = []
        try:
            with passes.open(is_frozen=False, kept=calls):
                losses = require_losses(passes.losses(passes.model, batch), batch)
        except InputError:
            raise
        except RuntimeError:
            if is_last or not passes.shared:
                raise
            losses = None
        if losses is not None and losses.shape == plain.shape and close(losses, plain, _AGAIN):
            break
        if is_last:
            raise InputError("losses: they change when the model is watched; they are random, or depend on earlier calls")
        passes.shared = None
    if not losses.requires_grad:
        raise InputError("losses: they have no gradient", help="compute them under the model, without torch.no_grad")
    written_over = {call.tag for call in calls if call.a._version != call.version} - passes.copied
    if written_over:
        passes.copied |= written_over
        return _watched_forward(passes, batch, plain)
    return calls, losses


def _layouts(passes, calls, gradients, probes):
    """Where the samples of each call lie: its rows that a sample's loss reaches are those of that sample."""
    samples, possible = passes.samples, []
    for i, call in enumerate(calls):
        fits, is_reached = {SAMPLE_MAJOR, POSITION_MAJOR}, False
        for k, of_probe in zip(probes, gradients, strict=True):
            if of_probe[i] is None:
                continue
            rows = call.rows_of(of_probe[i])
            hit = (rows != 0).any(1).nonzero()[:, 0]
            is_reached |= bool(len(hit))
            if len(rows) % samples:
                fits = set()
                break
            if bool((hit // max(len(rows) // samples, 1) != k).any()):
                fits.discard(SAMPLE_MAJOR)
            if bool((hit % samples != k).any()):
                fits.discard(POSITION_MAJOR)
        if len(fits) == 2 and call.rows_of(call.output).shape[0] == samples:
            fits = {SAMPLE_MAJOR}  # one row a sample: both are the same
        possible.append(fits if is_reached else None)
    # Rows that few positions reach may fit both orders: then the one that all other calls have, if they agree.
    several = [len(call.rows_of(call.output)) > samples for call in calls]
    agreed = {next(iter(fits)) for fits, many in zip(possible, several, strict=True) if many and fits and len(fits) == 1}
    for call, fits in zip(calls, possible, strict=True):
        if fits is None or samples == 1:  # nothing is said of other batches
            layout = UNREACHED
        else:
            fits = fits & agreed if len(fits) > 1 and len(agreed) == 1 else fits
            layout = next(iter(fits)) if len(fits) == 1 else None
        before = passes.layouts.get(call.tag, UNREACHED)
        if UNREACHED in (before, layout):
            layout = before if layout == UNREACHED else layout
        elif before != layout:
            layout = None
        passes.layouts[call.tag] = layout
    return [SAMPLE_MAJOR if samples == 1 else passes.layouts[call.tag] for call in calls]


class _Sums:
    """Sums of per-sample gradients, parameter by parameter, of all samples or of one."""

    def __init__(self, parameters):
        self._parameters, self.by_name = parameters, {}

    def _of(self, part, like):
        if part.name not in self.by_name:
            self.by_name[part.name] = like.new_zeros(self._parameters[part.name].numel())
        return self.by_name[part.name]

    def dense(self, part, first, gradients):
        self._of(part, gradients)[part.start : part.stop] += gradients.sum(0)

    def rows(self, part, ids, d):
        table = self._of(part, d)[part.start : part.stop].view(-1, d.shape[-1])
        table.index_add_(0, ids.reshape(-1), d.reshape(-1, d.shape[-1]))


def _missed(passes, calls, layouts, names, by_probe, whole, probes, tolerance):
    """The parameters of which the calls do not make up autograd's gradient, of all samples and of single ones."""
    found, bad = Found(), set()
    called = {part.name for call in calls for part in (call.weight, call.bias) if part is not None}
    for probe, gradients in [(None, whole), *zip(probes, by_probe, strict=True)]:
        sums = _Sums(passes.parameters)
        for call, layout, d in zip(calls, layouts, gradients[len(names) :], strict=True):
            if d is None or layout in (None, UNREACHED) or call.a._version != call.version:
                continue
            with torch.no_grad():
                _one_call(call, d, layout, passes.samples, sums)
        own = dict(zip(names, gradients[: len(names)], strict=True))
        typical = max((float(g.norm()) / g.numel() ** 0.5 for g in own.values() if g is not None), default=0.0)
        for name, g in own.items():
            total = sums.by_name.get(name)
            g = torch.zeros_like(passes.parameters[name]) if g is None else g
            total = torch.zeros_like(g).flatten() if total is None else total
            scale = max(float(g.norm()), 1e-2 * typical * g.numel() ** 0.5)
            if not float((total - g.flatten()).norm()) <= tolerance * scale:
                bad.add(name)
        if probe is None:
            found.unused = {name for name, g in own.items() if g is None and name not in called}
    found.missed = [name for name in names if name in bad]
    return found


def _one_call(call, d, layout, samples, sums):
    with torch.autocast(d.device.type, enabled=False):
        a, d = factors(call, d, samples, layout)
        per_sample(call, a, d, samples, layout, sums, lambda name: True)
