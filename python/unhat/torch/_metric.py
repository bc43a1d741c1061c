"""The shared input metric of one layer, as the core has it: a low-rank second moment of its inputs.

S = AᵀA/rows,  g ← g(S + λI)⁻¹ with λ = α·tr(S)/d, in the fused form g ← s·g + (gU)Vᵀ

U spans the top of S by one step of subspace iteration a refresh, with the eigenvalues e within it; the rest of the
spectrum counts as its mean, s = 1/((tr S − Σe)/(d − r) + λ), V = U·diag(1/(e + λ) − s). Where d ≤ 2r the inverse itself
is kept.
"""

import math

import torch

from unhat import _unhat
from unhat.torch._layers import evenly_spaced

# The streams of the two controls are those of the core.
_PERMUTATION, _DIRECTIONS = 1 << 32, 1 << 33


class LayerMetric:
    """The metric of layer number `layer`, of d inputs with the constant one."""

    def __init__(self, d, layer, *, rank, alpha, memory, rows, seed):
        self.d, self.layer = d, layer
        self.rank, self.alpha, self.memory, self.rows, self.seed = rank, alpha, memory, rows, seed
        self.refreshes = 0
        self.trace = 0.0
        self.moment = self.inverse = None  # d ≤ 2r: S and (S + λI)⁻¹
        self.basis = self.values = None  # U, d × r, and e

    @property
    def damping(self):
        """λ."""
        return self.alpha * self.trace / self.d

    @property
    def scale(self):
        """s: what a direction that no input favours is multiplied by."""
        rest = (self.trace - float(self.values.sum(dtype=torch.float64))) / (self.d - len(self.values))
        return 1.0 / (max(rest, 0.0) + self.damping)

    @property
    def typical_moment(self):
        """1/s: a factor that makes the learning rate of plain descent carry over."""
        if self.basis is not None:
            return 1.0 / self.scale
        return 1.0 if self.inverse is None else (1.0 + self.alpha) * self.trace / self.d

    @torch.no_grad()
    def refresh(self, inputs):
        """Take in rows of inputs; False, and nothing changed, where they are not finite or all zero."""
        rows = evenly_spaced(inputs, self.rows)
        trace = float(rows.square().sum()) / len(rows)
        if not (math.isfinite(trace) and trace > 0.0):
            return False
        self.refreshes += 1
        past = 0.0 if self.refreshes == 1 else min(self.memory, 1.0 - 1.0 / self.refreshes)
        self.trace = past * self.trace + (1.0 - past) * trace
        share = (1.0 - past) / len(rows)
        if self.d <= 2 * self.rank:
            self._refresh_dense(rows, past, share)
        else:
            self._refresh_low_rank(rows, past, share)
        return True

    def _refresh_dense(self, rows, past, share):
        moment = share * (rows.T @ rows)
        if self.moment is not None:
            moment += past * self.moment
        damped = moment + self.damping * torch.eye(self.d, dtype=moment.dtype, device=moment.device)
        lower, failed = torch.linalg.cholesky_ex(damped)
        # λ > 0 on a positive semidefinite matrix: fails only where α is 0 and the inputs are dependent
        self.moment, self.inverse = (None, None) if int(failed) else (moment, torch.cholesky_inverse(lower))

    def _refresh_low_rank(self, rows, past, share):
        if self.basis is None:
            r = min(self.rank, len(rows))
            drawn = torch.from_numpy(_unhat.uniform(self.seed, self.layer, self.d * r)) - 0.5
            start = drawn.view(r, self.d).T.to(rows)
            once = _orthonormal(rows.T @ (rows @ start))
            subspace = _orthonormal(rows.T @ (rows @ once))
            small = _projected(rows, subspace, share)
        else:  # a later, smaller batch keeps the rank that was found
            image = rows.T @ (rows @ self.basis)
            subspace = _orthonormal(share * image + past * self.basis * self.values)
            overlap = subspace.T @ self.basis
            small = _projected(rows, subspace, share) + past * (overlap * self.values) @ overlap.T
        # the eigenvectors within the subspace (Rayleigh–Ritz): S is then exact on it
        values, rotation = torch.linalg.eigh(small)
        self.values = values.clamp_min(0.0)
        self.basis = subspace @ rotation

    def fused(self, control=None):
        """(U, V, s); with a control in place of the metric's own directions."""
        basis = self.basis
        if control == "permuted":
            keys = torch.from_numpy(_unhat.uniform(self.seed, self.layer | _PERMUTATION, self.d))
            basis = basis[keys.argsort(stable=True).to(basis.device)]
        elif control == "random":
            drawn = torch.from_numpy(_unhat.uniform(self.seed, self.layer | _DIRECTIONS, basis.numel())) - 0.5
            random = _orthonormal(drawn.view(basis.shape[1], self.d).T)
            basis = random.to(basis) * torch.linalg.vector_norm(basis, dim=0)
        scale = self.scale
        return basis.contiguous(), basis * (1.0 / (self.values + self.damping) - scale), scale

    def state(self):
        """Everything the metric remembers."""
        tensors = {name: getattr(self, name) for name in ("moment", "inverse", "basis", "values")}
        return {"d": self.d, "refreshes": self.refreshes, "trace": self.trace, **tensors}

    def recall(self, state, weight, dtype):
        """Put a state back, to where the weight lies."""
        self.refreshes, self.trace = int(state["refreshes"]), float(state["trace"])
        for name in ("moment", "inverse", "basis", "values"):
            value = state[name]
            # a clone, so that no later refresh of the one it came from is seen
            setattr(self, name, None if value is None else value.to(weight.device, dtype).clone())


def _orthonormal(columns):
    return torch.linalg.qr(columns).Q


def _projected(rows, subspace, share):
    along = rows @ subspace
    return share * (along.T @ along)
