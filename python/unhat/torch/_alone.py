"""A sample of a batch alone: its loss and its gradient are those it has among the others, or the batch is refused."""

from collections.abc import Mapping

import torch

from unhat._errors import InputError
from unhat.torch._passes import eager

# Relative differences of a loss and of a gradient: products of other sizes round differently, on a GPU in fewer digits.
_LOSS, _GRADIENT = 2e-5, 1e-3
_COARSE_LOSS, _COARSE_GRADIENT = 1e-3, 1e-2
_LOW_LOSS, _LOW_GRADIENT = 5e-2, 2e-1


def probes_of(samples):
    """The samples of a batch that are looked at one by one."""
    return sorted({0, samples // 2, samples - 1})


def require_alone(passes, batch, plain, by_probe, low):
    """Each probe has the same loss and the same gradient without the others of its batch.

    The loss alone would not do: a joined term may be the same number in any batch.
    """
    parameters = list(passes.parameters.values())
    of_loss, of_gradient = _tolerances(plain, low)
    for k, among in zip(probes_of(len(plain)), by_probe, strict=True) if len(plain) > 1 else ():
        loss = _loss_alone(passes, batch, k, plain)
        if not close(loss.detach(), plain[k : k + 1], of_loss):
            raise InputError(
                f"losses: that of sample {k + 1} is {float(plain[k]):.6g} in its batch and {float(loss.detach()[0]):.6g} alone: the "
                "samples of a batch interact, or their losses are joined",
                help="return each sample's own loss, of a model in eval mode; put the samples first in every tensor",
            )
        alone = torch.autograd.grad(loss.sum(), parameters, allow_unused=True)
        difference = total = 0.0
        for p, one, other in zip(parameters, alone, among[: len(parameters)], strict=True):
            one, other = (torch.zeros_like(p) if g is None else g for g in (one, other))
            difference += float((one - other).double().square().sum())
            total += float(one.double().square().sum() + other.double().square().sum()) / 2.0
        if not difference <= of_gradient**2 * total:
            raise InputError(
                f"losses: the gradient of sample {k + 1} in its batch and its gradient alone differ by "
                f"{(difference / total) ** 0.5 if total else float('nan'):.2g} of their size: the samples of a batch interact, or "
                "their losses are joined",
                help="return each sample's own loss, without terms over the batch, of a model in eval mode",
            )


def close(one, other, tolerance):
    """Whether losses agree."""
    one, other = one.double(), other.double()
    return bool(((one - other).abs() <= tolerance * (one.abs() + other.abs()) / 2 + 1e-6).all())


def _tolerances(plain, low):
    if low or plain.dtype in (torch.float16, torch.bfloat16):
        return _LOW_LOSS, _LOW_GRADIENT
    return (_LOSS, _GRADIENT) if plain.device.type == "cpu" else (_COARSE_LOSS, _COARSE_GRADIENT)


def _loss_alone(passes, batch, k, plain):
    """The loss of sample k, from a batch of it alone."""
    cause = None
    try:
        with torch.enable_grad(), eager():
            loss = passes.losses(passes.model, cut(batch, k, len(plain)))
        if isinstance(loss, torch.Tensor) and loss.shape == (1,):
            return loss
        found = f"losses of shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
    except Exception as error:  # whatever a model says to a batch that was cut wrongly
        said, cause = str(error).splitlines(), error
        found = f"{type(error).__name__}: {said[0][:160]!a}" if said else type(error).__name__
    raise InputError(
        f"batch: sample {k + 1} of {len(plain)} cannot be tried alone, so that samples may interact, or losses be joined, unseen; "
        f"found {found}, expected one loss",
        "shape",
        "give a tensor, or a dict, tuple or list of tensors, whose first dimension is the samples, and make in losses() what "
        "samples share; or give batches of one sample",
    ) from cause


def cut(batch, k, samples):
    """Sample k of a batch as a batch; what has another first dimension is taken for shared, and the experiment judges."""
    if isinstance(batch, torch.Tensor):
        return batch[k : k + 1] if batch.dim() and len(batch) == samples else batch
    if isinstance(batch, Mapping):
        values = {name: cut(value, k, samples) for name, value in batch.items()}
        return values if type(batch) is dict else type(batch)(values)
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(cut(value, k, samples) for value in batch))
    if isinstance(batch, (list, tuple)):
        is_of_samples = len(batch) == samples and not any(_is_whole(value, samples) for value in batch)
        return batch[k : k + 1] if is_of_samples else type(batch)([cut(value, k, samples) for value in batch])
    return batch


def _is_whole(value, samples):
    """Whether an entry of a list holds all samples, and is not one of them."""
    if isinstance(value, torch.Tensor):
        return value.dim() > 0 and len(value) == samples
    return isinstance(value, (Mapping, list, tuple))


def has_list_of(batch, samples):
    """Whether a batch has a list of its two samples or more."""
    if isinstance(batch, Mapping):
        return any(has_list_of(value, samples) for value in batch.values())
    if isinstance(batch, list) and len(batch) == samples > 1:
        return True
    return isinstance(batch, (list, tuple)) and any(has_list_of(value, samples) for value in batch)
