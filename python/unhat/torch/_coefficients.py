"""The natural-gradient step as a weighted sum of per-sample gradients, and what is kept of its weights.

(λI + GᵀG/n)⁻¹ Gᵀ1/n = Gᵀc,  c = (K + M·I)⁻¹1,  M = nλ,  K = GGᵀ
"""

import torch

from unhat._errors import InputError


def layer_kernel(inputs, gradients):
    """K of one layer, n × n: the inner products of its per-sample gradients Dᵢᵀ Aᵢ."""
    n, positions, d = inputs.shape
    outputs = gradients.shape[2]
    if positions == 1:
        return (inputs[:, 0] @ inputs[:, 0].T) * (gradients[:, 0] @ gradients[:, 0].T)
    # Both ways are exact: by pairs of positions, or by the gradients themselves.
    if n * positions**2 * (d + outputs) < positions * d * outputs + n * d * outputs:
        a, g = inputs.flatten(0, 1), gradients.flatten(0, 1)
        return ((a @ a.T) * (g @ g.T)).view(n, positions, n, positions).sum((1, 3))
    each = torch.bmm(gradients.transpose(1, 2), inputs).flatten(1)
    return each @ each.T


def natural_coefficients(kernel, *, alpha, damping):
    """c of the n samples of a batch; M = α·tr(K)/n, or nλ where λ = `damping` is given."""
    n = len(kernel)
    # n³/3 flops beside the kernel's: double precision costs little, and small damping needs it
    system = kernel.to(kernel.dtype if kernel.device.type == "mps" else torch.float64, copy=True)
    m = float(n * damping if damping is not None else alpha * system.trace() / n)
    if not torch.isfinite(system).all():
        raise InputError("the gradients of the batch are not finite", "numerical")
    if m <= 0.0:  # every gradient of the batch is zero, and so is the step
        return torch.zeros(n, dtype=kernel.dtype, device=kernel.device)
    system.diagonal().add_(m)
    lower, failed = torch.linalg.cholesky_ex(system)
    if int(failed):
        raise InputError(
            f"the kernel of a batch of {n} samples is not positive definite at damping {m:e}", "numerical"
        )
    return torch.cholesky_solve(torch.ones_like(system[:, :1]), lower)[:, 0].to(kernel.dtype)


class CoefficientTable:
    """The coefficients of one layer (or of the network) by sample; NaN where there is none."""

    def __init__(self, share, samples):
        self.share = share
        self.by_id = torch.full((samples,), torch.nan, dtype=torch.float64)
        self.total, self.count = 0.0, 0

    def store(self, ids, coefficients):
        """Keep the coefficients of a batch."""
        coefficients = coefficients.to("cpu", torch.float64)
        if ids is not None:
            self.by_id[ids] = coefficients
        self.total += float(coefficients.sum())
        self.count += len(coefficients)

    def shared(self, ids, n):
        """The coefficients that a later batch of n samples uses."""
        if self.share == "layer-mean":
            if not self.count:
                raise InputError("ids: no coefficient was stored before the first shared step")
            return torch.full((n,), self.total / self.count, dtype=torch.float64)
        found = self.by_id[ids]
        if found.isnan().any():
            lost = int(ids[found.isnan()][0])
            raise InputError(f"ids: sample {lost + 1} has no coefficient: it was in no batch of the first epoch")
        return found

    def permuted(self, generator):
        """A control: the same coefficients, dealt out to other samples."""
        present = (~self.by_id.isnan()).nonzero()[:, 0]
        dealt = CoefficientTable(self.share, len(self.by_id))
        dealt.total, dealt.count = self.total, self.count
        dealt.by_id[present] = self.by_id[present[torch.randperm(len(present), generator=generator)]]
        return dealt


def checked_ids(ids, samples):
    """Ids as a tensor, each once and in the table."""
    ids = torch.as_tensor(ids, device="cpu")
    if ids.dim() != 1 or ids.is_floating_point():
        raise InputError(f"ids: found {tuple(ids.shape)} of {ids.dtype}, expected one whole number a sample", "shape")
    ids = ids.long()
    if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < samples:
        outside = next(int(i) for i in ids if not 0 <= i < samples)
        raise InputError(f"ids: sample {outside + 1} is not among the {samples} samples of the table")
    if len(ids.unique()) < len(ids):
        values, counts = ids.unique(return_counts=True)
        raise InputError(f"ids: sample {int(values[counts > 1][0]) + 1} is twice in one batch")
    return ids
