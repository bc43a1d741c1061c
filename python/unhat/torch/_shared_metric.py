"""Descent in the shared input metric of every layer, on top of any optimiser of torch."""

import hashlib
import json
import statistics
from collections.abc import Mapping

import torch

from unhat import _unhat
from unhat._errors import InputError
from unhat.torch._hooks import Hook, first_input, in_backward, is_trained_forward
from unhat.torch._layers import layers_of, missed_layer
from unhat.torch._metric import LayerMetric
from unhat.torch._options import is_count, require
from unhat.torch._processes import Processes

# The core's own.
_DEFAULTS = json.loads(_unhat.defaults())["shared_metric"]
_REFRESH_STEPS = frozenset(_DEFAULTS["refresh_steps"])
_CONTROLS = (None, "permuted", "random")
_UNSEEN = (
    'run the model within torch.compiler.set_stance("force_eager" if optimizer.is_refreshing else "default"), or '
    "compile it after the last refresh"
)


class SharedMetric(torch.optim.Optimizer):
    """Puts the gradient of every layer into the metric of its inputs, then lets another optimiser step.

    The metric S of a layer is the second moment of its inputs, found in low rank in the first steps and kept: the
    gradient g becomes g(S + λI)⁻¹ with λ = α·tr(S)/d. No per-sample gradients, no ids; between refreshes a step costs
    two thin products a layer. Start with the learning rate of plain AdamW, which was within a factor of two of the best
    wherever it was measured.

    Linear layers and convolutions of one and two dimensions with weights of their own take part. Everything else goes
    to the base optimiser unchanged: norms, embeddings, attention as one module, weights that are tied to another module
    or computed by a parametrisation, grouped and transposed convolutions.

    Hooks are on the model only before the steps that refresh the metric. They see training forwards alone: not those
    of ``model.eval()`` or ``torch.no_grad()``, nor the second forward of a checkpointed layer. A layer that is called
    several times, or in several micro-batches, adds its rows.

    Processes that train one model (``DistributedDataParallel``) share one metric, that of the rows of all of them, to
    the same bits: S = Σₚ AₚᵀAₚ / Σₚ rowsₚ.

    Parameters
    ----------
    base_optimizer : torch.optim.Optimizer
        Takes the step, and holds learning rates and ``param_groups``. With SGD the changed gradients are multiplied by
        the median layer's typical moment, so that SGD's learning rate carries over.
    model : torch.nn.Module
        The model that `base_optimizer` trains; on its device before this is made.
    rank : int
        r: ranks from 8 to 32 differ little.
    alpha : float
        α > 0. 0.1 is a little faster and was seen to cost test accuracy on wide networks.
    memory : float
        The largest weight of the past at a refresh.
    rows : int
        Rows of a layer's inputs that a refresh reads, in each process.
    refresh : "epoch1" or int
        "epoch1": at the steps 0, 1, 2, 4, 8, 16 and 32. A number k: every k steps as well.
    steps_per_epoch : int, optional
        Where the first epoch is shorter than 33 steps: no refresh of "epoch1" comes after it.
    seed : int
        Seed of the first subspaces.
    control : {None, "permuted", "random"}
        For comparison: the metric with a layer's inputs permuted, or the same spectrum along random directions.
    process_group : torch.distributed.ProcessGroup, optional
        The processes that train the model together; without it those of a `model` in ``DistributedDataParallel``, or
        else all there are. A process that trains by itself among others gives a group of its own
        (``torch.distributed.new_subgroups(1)``).

    Attributes
    ----------
    base : torch.optim.Optimizer
        The base optimiser.
    is_refreshing : bool
        Whether the next step refreshes the metric.
    refused : int
        How often a layer's rows were not finite, in any of the processes, and its metric stayed as it was.

    Raises
    ------
    InputError
        For options that cannot be used, a model without a layer that takes part, a model that was changed, parameters
        sharded over processes (FSDP, DTensor); in every process, where models, options, states or steps are not the
        same in all, and within ``DistributedDataParallel.join``, unless it throws on early termination. At a refresh,
        where layers got gradients and no forward was seen, or not that of a layer in a compiled module.

    Notes
    -----
    Gradients may be accumulated: the metric is applied once, to their sum. To clip after the metric, as it should be,
    call :meth:`precondition` before clipping. With ``torch.amp.GradScaler`` that is ``scaler.unscale_(optimizer)``,
    ``optimizer.precondition()``, the clipping, ``scaler.step(optimizer)``; a step that the scaler skips does not count.

    In several processes, each makes its optimiser and loads its state; `model` may be the wrapped model or the one
    within, and a state saved by any number of processes goes on in any other. Making, loading and the refreshes wait
    for all processes: where one fails alone, the others wait until the group's timeout. What is exchanged are sums over
    the processes: one when it is made or loaded, and in a refresh one for all layers and 7 a layer (5 after its first
    refresh, 3 where d ≤ 2r), together r(5d + r + 1) numbers a layer (r(3d + r + 1), 2d²) of the layer's precision, and
    nothing in other steps. A layer that a process does not go through has no rows there.

    ``torch.compile`` makes no graph anew when hooks come: what it compiled without them does not see a refresh. Let
    :attr:`is_refreshing` say when to run the model as it is, within ``torch.compiler.set_stance("force_eager" if
    optimizer.is_refreshing else "default")``; it was then one graph, whole, in all other steps. Compiling after the
    last refresh does as well. What is compiled before the first step and run without that is right too, as far as was
    tried, and breaks its graph at every layer in all steps. What a compiled function misses of a model is noticed only
    where it misses all of it.

    Examples
    --------
    >>> import torch
    >>> from unhat.torch import SharedMetric
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    >>> optimizer = SharedMetric(torch.optim.AdamW(model.parameters(), lr=3e-3), model)
    >>> x = torch.randn(64, 8)
    >>> y = x.prod(1, keepdim=True).sign()
    >>> for _ in range(200):
    ...     optimizer.zero_grad()
    ...     loss = torch.nn.functional.mse_loss(model(x), y)
    ...     loss.backward()
    ...     optimizer.step()
    >>> bool(loss < 0.5)
    True
    """

    # Without Optimizer.__init__: the parameters are the base optimiser's, and torch would wrap this step as well as
    # that of the base, which shows in steps of less than a millisecond.
    def __init__(
        self,
        base_optimizer,
        model,
        *,
        rank=_DEFAULTS["rank"],
        alpha=_DEFAULTS["alpha"],
        memory=_DEFAULTS["memory"],
        rows=_DEFAULTS["rows"],
        refresh="epoch1",
        steps_per_epoch=None,
        seed=_DEFAULTS["seed"],
        control=None,
        process_group=None,
    ):
        self._handles = []
        if not isinstance(base_optimizer, torch.optim.Optimizer) or isinstance(base_optimizer, SharedMetric):
            raise InputError(f"base_optimizer: found {type(base_optimizer).__name__}, expected an optimiser of torch")
        require(rank >= 1, "rank", rank, "a number of 1 or more")
        require(alpha > 0, "alpha", alpha, "a number above 0")
        require(0 <= memory < 1, "memory", memory, "a number from 0 to below 1")
        require(rows >= 1, "rows", rows, "a number of 1 or more")
        require(refresh == "epoch1" or is_count(refresh), "refresh", refresh, '"epoch1" or a number of steps')
        require(steps_per_epoch is None or steps_per_epoch >= 1, "steps_per_epoch", steps_per_epoch, "1 or more")
        require(control in _CONTROLS, "control", control, 'None, "permuted" or "random"')
        self.base = base_optimizer
        self._options = {"rank": rank, "alpha": alpha, "memory": memory, "rows": rows, "seed": seed}
        self._every = None if refresh == "epoch1" else refresh
        self._first_epoch = steps_per_epoch
        self._control = control
        self._model = model
        self._layers = layers_of(model, [p for group in base_optimizer.param_groups for p in group["params"]])
        if not self._layers:
            raise InputError("model: no linear layer or convolution with weights that base_optimizer trains")
        self._processes = Processes(model, process_group)
        self._require_same(
            {"model": [(layer.name, layer.d, layer.outputs, str(layer.dtype)) for layer in self._layers],
             "options": [self._options, refresh, steps_per_epoch, control, type(base_optimizer).__name__]},
        )
        self._metrics = [LayerMetric(layer.d, k, **self._options) for k, layer in enumerate(self._layers)]
        self._carries_rate = isinstance(base_optimizer, torch.optim.SGD)
        self._plan = []
        self._t = 0
        self._refreshed_at = None
        self._is_applied = False
        self.refused = 0
        # Hooks of torch's own kind are the base optimiser's.
        vars(self).update({name: held for name, held in vars(base_optimizer).items() if name.startswith("_optimizer_")})
        self._arm_if_due()

    @property
    def param_groups(self):
        """Those of the base optimiser: schedulers change them."""
        return self.base.param_groups

    @property
    def state(self):
        """That of the base optimiser."""
        return self.base.state

    @property
    def defaults(self):
        """Those of the base optimiser."""
        return self.base.defaults

    @property
    def t(self):
        """Steps taken."""
        return self._t

    @property
    def is_refreshing(self):
        """Whether the next step refreshes the metric, for which the forwards before it must run with their hooks."""
        return bool(self._handles)

    def __repr__(self):
        return f"SharedMetric(layers={len(self._layers)}, t={self._t}, base={self.base!r})"

    # The base optimiser and the model cannot be copied along.
    def __getstate__(self):
        raise TypeError("SharedMetric cannot be copied or pickled: save its state_dict()")

    def __del__(self):
        self.close()

    def close(self):
        """Take the hooks off the model; no refresh comes after this."""
        for handle in self.__dict__.get("_handles", ()):
            handle.remove()
        self._handles = []
        self._rows = {}

    def add_param_group(self, param_group):
        """Add parameters to the base optimiser; layers among them do not take part in the metric."""
        self.base.add_param_group(param_group)

    def zero_grad(self, set_to_none=True):
        """Clear the gradients, before or after the forward; what a skipped step left behind gives way to new rows."""
        self.base.zero_grad(set_to_none)
        self._is_applied = False
        self._stale = set(self._rows)

    def step(self, closure=None):
        """Put the gradients into the metric, unless :meth:`precondition` did, and let the base optimiser step."""
        loss = None
        try:
            if closure is not None:
                with torch.enable_grad():
                    loss = closure()
            if not self._is_applied:
                self.precondition()
            self.base.step()
        except BaseException:
            self.close()
            raise
        self._is_applied = False
        self._t += 1
        self._arm_if_due()
        return loss

    @torch.no_grad()
    def precondition(self):
        """Put the gradients into the metric now, so that they can be clipped or looked at before :meth:`step`."""
        self._processes.require_whole_batches()
        if self._handles:
            try:
                self._refresh()
            finally:
                self.close()
        for layer in self._layers:
            layer.require_unchanged()
        for layer, inverse, basis, update, scale in self._plan:
            if layer.weight.grad is not None:
                _apply(layer, inverse, basis, update, scale)
        self._is_applied = True

    def state_dict(self):
        """The states of the base optimiser and of the metrics, to be saved between steps."""
        metrics = {layer.name: metric.state() for layer, metric in zip(self._layers, self._metrics, strict=True)}
        shared = {"t": self._t, "refused": self.refused, "options": dict(self._options), "layers": metrics}
        return {"base": self.base.state_dict(), "shared_metric": shared}

    def load_state_dict(self, state_dict):
        """Go on where a state was taken, to the same bits."""
        if not isinstance(state_dict, Mapping) or not {"base", "shared_metric"} <= set(state_dict):
            raise InputError("state: not of a SharedMetric: it has no base and shared_metric")
        shared = state_dict["shared_metric"]
        held = {name: metric["d"] for name, metric in shared["layers"].items()}
        own = {layer.name: layer.d for layer in self._layers}
        if held != own:
            name = next(name for name in [*own, *held] if held.get(name) != own.get(name))
            raise InputError(
                f"state: of another model: layer {name!r} has {held.get(name, 'no')} inputs there "
                f"and {own.get(name, 'no')} here", "shape",
            )
        if shared["options"] != self._options:
            raise InputError(f"state: made with the options {shared['options']}, and here they are {self._options}")
        self.base.load_state_dict(state_dict["base"])
        for layer, metric in zip(self._layers, self._metrics, strict=True):
            metric.recall(shared["layers"][layer.name], layer.weight, layer.dtype)
        if self._processes.count > 1:
            self._require_same({"state": [shared["t"], [metric.digest() for metric in self._metrics]]})
        self.close()
        self._t, self.refused = shared["t"], shared["refused"]
        self._refreshed_at, self._is_applied = None, False
        self._make_plan()
        self._arm_if_due()

    def _is_due(self):
        early = self._t in _REFRESH_STEPS and (self._first_epoch is None or self._t < self._first_epoch)
        return early or (self._every is not None and self._t % self._every == 0)

    def _arm_if_due(self):
        self._rows, self._stale = {}, set()
        if self._is_due() and self._refreshed_at != self._t:
            for k, layer in enumerate(self._layers):
                hook = Hook(self._take_rows, k)
                self._handles.append(layer.module.register_forward_pre_hook(hook, with_kwargs=True))

    def _take_rows(self, k, module, positional, named):
        if not is_trained_forward(module):
            return
        _, is_first = self._rows.get(k, ([], False))
        # A checkpointed layer runs twice; where its first run recorded gradients, the second says nothing new.
        if in_backward() and is_first:
            return
        if k in self._stale:
            self._stale.discard(k)
            del self._rows[k]
        taken, _ = self._rows.setdefault(k, ([], not in_backward()))
        taken.append(self._layers[k].sampled_rows(first_input(positional, named), self._options["rows"]))

    def _refresh(self):
        seen = self._seen_layers()
        self._require_none_missed(seen)
        for k in seen:
            layer, (rows, _) = self._layers[k], self._rows.get(k, ([], False))
            rows = torch.cat(rows) if rows else layer.weight.new_empty(0, layer.d, dtype=layer.dtype)
            if not self._metrics[k].refresh(rows, self._processes):
                self.refused += 1
        self._refreshed_at = self._t
        self._make_plan()

    def _seen_layers(self):
        """The layers of which any process has rows; where one process cannot go on, none does."""
        changed = [layer.is_changed() for layer in self._layers]
        own = [self._t, *changed, *(k in self._rows for k in range(len(self._layers)))]
        steps, *table = zip(*self._processes.table(own, self._layers[0].weight.device), strict=True)
        if len(set(steps)) > 1:
            raise InputError(f"step: the processes have taken different numbers of steps: {[int(t) for t in steps]}")
        for layer, by_process in zip(self._layers, table, strict=False):
            layer.require_unchanged()
            if any(by_process):
                where = f"in process {by_process.index(1)}"
                raise InputError(f"model: layer {layer.name!r} has other parameters {where} than it had", "shape")
        return [k for k, by_process in enumerate(table[len(self._layers) :]) if any(by_process)]

    def _require_none_missed(self, seen):
        """Forwards were seen, and of the layers that torch.compile may have made blind to hooks each that trains."""
        missed = missed_layer(self._model, self._layers, seen, training_only=True)
        if not seen:
            missed = next((y for y in self._layers if y.module.training and y.has_gradient()), None)
        if missed is not None:
            raise InputError(
                f"model: layer {missed.name!r} has a gradient at step {self._t}, which refreshes its metric, and no "
                "forward of it was seen: it was compiled without hooks", help=_UNSEEN,
            )

    def _require_same(self, described):
        """The processes hold the same of everything described, as far as 48 bits of a digest tell."""
        digests = [hashlib.sha256(repr(value).encode()).digest()[:6] for value in described.values()]
        numbers = [int.from_bytes(digest, "big") for digest in digests]
        self._processes.require_same(numbers, list(described), self._layers[0].weight.device)

    def _make_plan(self):
        """What a step multiplies by, layer by layer: (layer, inverse or None, U, Vᵀ, s)."""
        known = [pair for pair in zip(self._layers, self._metrics, strict=True) if pair[1].refreshes]
        # the upper median, as in the core
        moment = statistics.median_high(m.typical_moment for _, m in known) if known and self._carries_rate else 1.0
        self._plan = []
        for layer, metric in known:
            if metric.inverse is not None:
                self._plan.append((layer, metric.inverse * moment, None, None, None))
            elif metric.basis is not None:
                basis, update, scale = metric.fused(self._control)
                self._plan.append((layer, None, basis, (update * moment).T.contiguous(), scale * moment))


def _apply(layer, inverse, basis, update, scale):
    """g ← g(S + λI)⁻¹ in the place of the gradients."""
    weight, bias = layer.weight.grad, None if layer.bias is None else layer.bias.grad
    if layer.bias is not None and bias is None:
        raise InputError(f"model: layer {layer.name!r} has a gradient for its weight and none for its bias")
    g = weight.flatten(1)
    g = g if g.dtype == layer.dtype else g.to(layer.dtype)
    if inverse is not None:
        if bias is None:
            g = g @ inverse
        else:
            both = torch.cat([g, bias[:, None].to(layer.dtype)], 1) @ inverse
            g = both[:, :-1]
            bias.copy_(both[:, -1])
    elif bias is None:
        g.addmm_(g @ basis, update, beta=scale)
    else:
        along = g @ basis[:-1]
        of_bias = bias if bias.dtype == layer.dtype else bias.to(layer.dtype)
        along.addr_(of_bias, basis[-1])
        g.addmm_(along, update[:, :-1], beta=scale)
        of_bias.addmv_(along, update[:, -1], beta=scale)
        if of_bias is not bias:
            bias.copy_(of_bias)
    if g.data_ptr() != weight.data_ptr() or g.dtype != weight.dtype:
        weight.copy_(g.reshape(weight.shape))
