"""Descent in the shared input metric of every layer, on top of any optimiser of torch."""

import json
import statistics
from collections.abc import Mapping

import torch

from unhat import _unhat
from unhat._errors import InputError
from unhat.torch._hooks import Hook, first_input, in_backward, is_trained_forward
from unhat.torch._layers import layers_of
from unhat.torch._metric import LayerMetric
from unhat.torch._options import is_count, require

# The core's own.
_DEFAULTS = json.loads(_unhat.defaults())["shared_metric"]
_REFRESH_STEPS = frozenset(_DEFAULTS["refresh_steps"])
_CONTROLS = (None, "permuted", "random")


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
    several times, or in several micro-batches, adds its rows. With ``torch.compile``, compile after the first
    refreshes. Training by several processes is refused: their metrics would differ.

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
        Rows of a layer's inputs that a refresh reads.
    refresh : "epoch1" or int
        "epoch1": at the steps 0, 1, 2, 4, 8, 16 and 32. A number k: every k steps as well.
    steps_per_epoch : int, optional
        Where the first epoch is shorter than 33 steps: no refresh of "epoch1" comes after it.
    seed : int
        Seed of the first subspaces.
    control : {None, "permuted", "random"}
        For comparison: the metric with a layer's inputs permuted, or the same spectrum along random directions.

    Attributes
    ----------
    base : torch.optim.Optimizer
        The base optimiser.
    refused : int
        How often a layer's rows were not finite, and its metric stayed as it was.

    Raises
    ------
    InputError
        For options that cannot be used, a model without a layer that takes part, a model that was changed.

    Notes
    -----
    Gradients may be accumulated: the metric is applied once, to their sum. To clip after the metric, as it should be,
    call :meth:`precondition` before clipping. With ``torch.amp.GradScaler`` that is ``scaler.unscale_(optimizer)``,
    ``optimizer.precondition()``, the clipping, ``scaler.step(optimizer)``; a step that the scaler skips does not count.

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
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            if torch.distributed.get_world_size() > 1:
                raise InputError("model: trained by several processes, whose metrics would differ; not supported")
        self.base = base_optimizer
        self._options = {"rank": rank, "alpha": alpha, "memory": memory, "rows": rows, "seed": seed}
        self._every = None if refresh == "epoch1" else refresh
        self._first_epoch = steps_per_epoch
        self._control = control
        self._layers = layers_of(model, [p for group in base_optimizer.param_groups for p in group["params"]])
        if not self._layers:
            raise InputError("model: no linear layer or convolution with weights that base_optimizer trains")
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
        """Clear the gradients, and what a skipped step left behind."""
        self.base.zero_grad(set_to_none)
        self._is_applied = False
        self._rows = {}

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
        self.close()
        self._t, self.refused = shared["t"], shared["refused"]
        self._refreshed_at, self._is_applied = None, False
        self._make_plan()
        self._arm_if_due()

    def _is_due(self):
        early = self._t in _REFRESH_STEPS and (self._first_epoch is None or self._t < self._first_epoch)
        return early or (self._every is not None and self._t % self._every == 0)

    def _arm_if_due(self):
        self._rows = {}
        if self._is_due() and self._refreshed_at != self._t:
            for k, layer in enumerate(self._layers):
                hook = Hook(self._take_rows, k)
                self._handles.append(layer.module.register_forward_pre_hook(hook, with_kwargs=True))

    def _take_rows(self, k, module, positional, named):
        if not is_trained_forward(module):
            return
        taken, is_first = self._rows.setdefault(k, ([], not in_backward()))
        # A checkpointed layer runs twice; where its first run recorded gradients, the second says nothing new.
        if in_backward() and is_first:
            return
        taken.append(self._layers[k].sampled_rows(first_input(positional, named), self._options["rows"]))

    def _refresh(self):
        for k, (rows, _) in self._rows.items():
            self._layers[k].require_unchanged()
            if not self._metrics[k].refresh(torch.cat(rows)):
                self.refused += 1
        self._refreshed_at = self._t
        self._make_plan()

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
