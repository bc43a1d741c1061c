"""Fast natural gradient descent: coefficients inverted in the first epoch and shared afterwards, with its controls."""

from collections.abc import Mapping

import torch

from unhat._errors import InputError
from unhat.torch._coefficients import CoefficientTable, checked_ids, layer_kernel, natural_coefficients
from unhat.torch._layers import layers_of, missed_layer
from unhat.torch._options import is_count, require
from unhat.torch._processes import is_several
from unhat.torch._taps import Taps

# The key of the table that all layers share.
_NETWORK = -1
_SHARES = ("id", "fixed-batches", "layer-mean")


class FNGD(torch.optim.Optimizer):
    """Natural gradient as a weighted sum of per-sample gradients, its weights shared across epochs.

    In the first epoch the weights of a batch are c = (K + M·I)⁻¹1 with K the inner products of the per-sample
    gradients; they are kept by sample, and later steps use them again: ΔW = Dᵀdiag(c)A, with momentum.

    The shared coefficients carried no usable information in any of our tests: permuting them between samples changed
    nothing or helped, a layer's mean did as well or better, and exact fresh ones were slower than SGD. This is the
    faithful algorithm with its controls; to train, take :class:`SharedMetric`.

    Trained by one process: coefficients solve the kernel of a whole batch, of which each of several processes would
    have a part.

    Parameters of modules that are no linear layer or convolution with weights of their own move along their mean
    gradient times n times the mean coefficient of the batch.

    Parameters
    ----------
    model : torch.nn.Module
        The model, on its device. Its call is a batch: the loss must come from ``model(…)``.
    lr : float
        Learning rate.
    samples : int
        Samples of the training set; ids lie below it.
    steps_per_epoch : int, optional
        Steps of an epoch; needed unless `refresh` is "always".
    share : {"id", "fixed-batches", "layer-mean"}
        Every sample keeps its own coefficient; the same, with the promise that the loader keeps the first epoch's
        batches; or all samples use the layer's mean.
    refresh : "epoch1", "always" or int
        Compute coefficients in the first epoch, in every step (the exact natural gradient), or every so many epochs.
    scope : {"layer", "network"}
        One kernel a layer, or one for all.
    alpha : float
        M = α·tr(K)/n. Below 10 the first epoch spoils larger networks.
    damping : float, optional
        λ in place of `alpha`: M = nλ.
    momentum : float
        In [0, 1).
    weight_decay : float
        Decoupled: weights shrink by lr · weight_decay a step.
    coupled : bool
        Make the decay part of the direction, and of its momentum.
    permuted : int, optional
        A control: deal shared coefficients out to other samples, drawn by this seed.
    reduction : {"mean", "sum"}
        How the loss joins the samples of a batch.

    Raises
    ------
    InputError
        For options that cannot be used, ids that are missing, unknown or twice in a batch, gradients that are not
        finite, one of several processes.

    Notes
    -----
    The layers' gradients are computed once more with the weights. With accumulated batches give the ids of all of
    them, in order, and do not divide the loss. With ``torch.amp.GradScaler``: ``scaler.unscale_(optimizer)``,
    ``optimizer.precondition(ids, loss_scale=scaler.get_scale())``, ``scaler.step(optimizer)``; a step that the scaler
    skips does not count.

    ``torch.compile`` breaks its graphs at the hooks of the layers; the steps are right. A model that was compiled and
    run before the optimiser was made has graphs without hooks, and is refused at the first step.

    Examples
    --------
    >>> import torch
    >>> from unhat.torch import FNGD, with_ids
    >>> _ = torch.manual_seed(0)
    >>> x = torch.randn(64, 5)
    >>> data = with_ids(torch.utils.data.TensorDataset(x, (x[:, :1] > 0).float()))
    >>> model = torch.nn.Linear(5, 1)
    >>> optimizer = FNGD(model, 0.3, samples=64, steps_per_epoch=4)
    >>> for epoch in range(5):
    ...     for ids, (inputs, y) in torch.utils.data.DataLoader(data, 16, shuffle=True):
    ...         optimizer.zero_grad()
    ...         loss = torch.nn.functional.binary_cross_entropy_with_logits(model(inputs), y)
    ...         loss.backward()
    ...         optimizer.step(ids)
    >>> bool(loss < 0.5)
    True
    """

    def __init__(
        self,
        model,
        lr,
        *,
        samples,
        steps_per_epoch=None,
        share="id",
        refresh="epoch1",
        scope="layer",
        alpha=10.0,
        damping=None,
        momentum=0.9,
        weight_decay=0.0,
        coupled=False,
        permuted=None,
        reduction="mean",
    ):
        self._taps = None
        require(lr > 0, "lr", lr, "a number above 0")
        require(samples >= 1, "samples", samples, "a number of 1 or more")
        require(share in _SHARES, "share", share, " or ".join(map(repr, _SHARES)))
        words = refresh in ("epoch1", "always")
        require(words or is_count(refresh), "refresh", refresh, '"epoch1", "always" or a number of epochs')
        known = refresh == "always" or is_count(steps_per_epoch)
        require(known, "steps_per_epoch", steps_per_epoch, "the number of steps of an epoch")
        require(scope in ("layer", "network"), "scope", scope, '"layer" or "network"')
        require(alpha > 0, "alpha", alpha, "a number above 0")
        require(damping is None or damping > 0, "damping", damping, "a number above 0")
        require(0 <= momentum < 1, "momentum", momentum, "a number from 0 to below 1")
        require(weight_decay >= 0, "weight_decay", weight_decay, "a number not below 0")
        require(reduction in ("mean", "sum"), "reduction", reduction, '"mean" or "sum"')
        if is_several():
            raise InputError(
                "model: trained by several processes, and FNGD's coefficients solve the kernel of one process's batch; "
                "not supported", help="SharedMetric trains with several processes",
            )
        self._model, self._layers = model, layers_of(model)
        if not self._layers:
            raise InputError("model: no linear layer or convolution with weights of its own")
        rule = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "coupled": coupled}
        super().__init__([p for p in model.parameters() if p.requires_grad], rule)
        self._samples, self._per_epoch, self._share, self._refresh = samples, steps_per_epoch, share, refresh
        self._scope, self._alpha, self._damping = scope, alpha, damping
        self._permutation_seed, self._reduction = permuted, reduction
        self._tables, self._permuted, self._filled_in = {}, {}, None
        self._t, self._is_applied = 0, False
        self._taps = Taps(model, self._layers, training_only=True)

    def __del__(self):
        self.close()

    def close(self):
        """Take the hooks off the model; no step comes after this."""
        if getattr(self, "_taps", None) is not None:
            self._taps.close()

    def zero_grad(self, set_to_none=True):
        """Clear the gradients, and what was tapped of them; before or after the forward."""
        super().zero_grad(set_to_none)
        self._taps.clear_finished()
        self._is_applied = False

    @torch.no_grad()
    def precondition(self, ids=None, *, loss_scale=None):
        """Put the natural direction in the place of the gradients, to be clipped or looked at before :meth:`step`.

        With `loss_scale` the gradients are those that a scaler has unscaled; where they are not finite they stay, for
        the scaler to skip.
        """
        try:
            if loss_scale is None or self._is_finite():
                factors = self._factors(1.0 if loss_scale is None else loss_scale)
                n = len(next(iter(factors.values()))[0])
                self._redirect(factors, self._coefficients(factors, self._checked(ids, n), n), n)
        finally:
            self._taps.clear()
        self._is_applied = True

    def _is_finite(self):
        grads = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        return all(bool(grad.isfinite().all()) for grad in grads)

    def _redirect(self, factors, coefficients, n):
        """Dᵀdiag(c)A for the layers, and the mean gradient as if its samples had the mean coefficient for the rest."""
        redirected = set()
        for k, (inputs, gradients) in factors.items():
            layer = self._layers[k]
            weighted = gradients * coefficients[k].to(gradients)[:, None, None]
            direction = weighted.flatten(0, 1).T @ inputs.flatten(0, 1)
            columns = direction if layer.bias is None else direction[:, :-1]
            _put(layer.weight, columns, redirected)
            if layer.bias is not None:
                _put(layer.bias, direction[:, -1], redirected)
        mean = torch.stack([c.mean() for c in coefficients.values()]).mean()
        joined = n / len(self._taps.batches) if self._reduction == "mean" else 1.0
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None and p not in redirected:
                    p.grad.mul_(joined * mean.to(p.grad))

    @torch.no_grad()
    def step(self, ids=None):
        """One step; `ids` of the batch's samples, in order, unless "always" or the layer's mean needs none."""
        if not self._is_applied:
            self.precondition(ids)
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                direction = p.grad.add(p, alpha=group["weight_decay"]) if group["coupled"] else p.grad
                buffer = self.state[p].get("momentum_buffer")
                if buffer is None:
                    self.state[p]["momentum_buffer"] = buffer = direction.clone()
                else:
                    buffer.mul_(group["momentum"]).add_(direction)
                if not group["coupled"]:
                    p.mul_(1.0 - group["lr"] * group["weight_decay"])
                p.add_(buffer, alpha=-group["lr"])
        self._t += 1
        self._is_applied = False

    def state_dict(self):
        """The state of the rule and the shared coefficients."""
        tables = {
            k: {"by_id": t.by_id.clone(), "total": t.total, "count": t.count} for k, t in self._tables.items()
        }
        shared = {
            "t": self._t, "filled_in": self._filled_in, "tables": tables, "samples": self._samples,
            "share": self._share, "layers": {layer.name: layer.d for layer in self._layers},
        }
        return {**super().state_dict(), "fngd": shared}

    def load_state_dict(self, state_dict):
        """Go on where a state was taken, to the same bits."""
        if not isinstance(state_dict, Mapping) or "fngd" not in state_dict:
            raise InputError("state: not of an FNGD")
        shared = state_dict["fngd"]
        own = {"samples": self._samples, "share": self._share, "layers": {y.name: y.d for y in self._layers}}
        for name, value in own.items():
            if shared[name] != value:
                found = f"{name} {shared[name]} there, {value} here"
                raise InputError(f"state: of another model or data set: {found}", "shape")
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "fngd"})
        self._t, self._filled_in, self._permuted = shared["t"], shared["filled_in"], {}
        self._tables = {}
        for k, stored in shared["tables"].items():
            self._tables[k] = table = CoefficientTable(self._share, self._samples)
            table.by_id.copy_(stored["by_id"])
            table.total, table.count = stored["total"], stored["count"]
        self._taps.clear()
        self._is_applied = False

    def _factors(self, loss_scale):
        """{layer: (A, D)} over all batches since the last step, D of each sample's own loss."""
        batches = [self._taps.factors(batch) for batch in self._taps.batches]
        batches = [batch for batch in batches if batch]
        if not batches:
            raise InputError(
                "model: no gradient has come to its layers since the last step; call backward before step, "
                "and make the optimiser before the first run of a compiled model"
            )
        if any(set(batch) != set(batches[0]) for batch in batches):
            raise InputError("model: accumulated batches went through different layers", "shape")
        factors = {}
        for k in batches[0]:
            inputs, gradients = zip(*(batch[k] for batch in batches), strict=True)
            if len({d.shape[1] for d in gradients}) > 1:
                raise InputError("model: accumulated batches have different numbers of positions", "shape")
            joined = [d * (len(d) if self._reduction == "mean" else 1) / loss_scale for d in gradients]
            factors[k] = torch.cat(inputs), torch.cat(joined)
        missed = missed_layer(self._model, self._layers, factors, training_only=True)
        if missed is not None:
            raise InputError(
                f"model: layer {missed.name!r} has a gradient, and no forward of it was seen: it was compiled without "
                "hooks",
                help="make the optimiser before the first run of what is compiled",
            )
        if len({len(d) for _, d in factors.values()}) > 1:
            raise InputError(
                "model: its layers saw different numbers of samples; the first dimension must be theirs", "shape"
            )
        return factors

    def _checked(self, ids, n):
        if ids is None:
            if self._refresh == "always" or self._share == "layer-mean":
                return None
            raise InputError("ids: missing; take them from a loader over with_ids(dataset)")
        ids = checked_ids(ids, self._samples)
        if len(ids) != n:
            raise InputError(f"ids: found {len(ids)}, and the layers saw {n} samples", "shape")
        return ids

    def _coefficients(self, factors, ids, n):
        """{layer: c}."""
        groups = {k: [k] for k in factors} if self._scope == "layer" else {_NETWORK: list(factors)}
        if self._refresh == "always":
            found = self._solved(factors, groups)
        elif self._is_fresh():
            found = self._solved(factors, groups)
            self._store(ids, found)
        else:
            found = {key: table.shared(ids, n) for key, table in self._shared_tables(groups).items()}
        return {k: found[key].to(factors[k][1]) for key, group in groups.items() for k in group}

    def _solved(self, factors, groups):
        kernels = {key: sum(layer_kernel(*factors[k]) for k in group) for key, group in groups.items()}
        options = {"alpha": self._alpha, "damping": self._damping}
        return {key: natural_coefficients(kernel, **options) for key, kernel in kernels.items()}

    def _store(self, ids, found):
        epoch = self._t // self._per_epoch
        if self._filled_in != epoch:
            self._tables = {}
            self._filled_in, self._permuted = epoch, {}
        for key, c in found.items():
            self._tables.setdefault(key, CoefficientTable(self._share, self._samples)).store(ids, c)

    def _shared_tables(self, groups):
        lost = [key for key in groups if key not in self._tables]
        if lost:
            name = "model" if lost[0] == _NETWORK else f"layer {self._layers[lost[0]].name!r}"
            raise InputError(f"ids: no coefficient of the {name} was stored before the first shared step")
        if self._permutation_seed is None:
            return {key: self._tables[key] for key in groups}
        if not self._permuted:
            generator = torch.Generator().manual_seed(self._permutation_seed)
            self._permuted = {key: table.permuted(generator) for key, table in sorted(self._tables.items())}
        return {key: self._permuted[key] for key in groups}

    def _is_fresh(self):
        epoch = self._t // self._per_epoch
        return epoch == 0 if self._refresh == "epoch1" else epoch % self._refresh == 0


def _put(parameter, gradient, done):
    """A gradient in the place of the parameter's own."""
    gradient = gradient.reshape(parameter.shape)
    if parameter.grad is None:
        parameter.grad = gradient.to(parameter.dtype)
    else:
        parameter.grad.copy_(gradient)
    done.add(parameter)
