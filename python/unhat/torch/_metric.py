"""The shared input metric of one layer, as the core has it: a low-rank second moment of its inputs.

S = AᵀA/rows,  g ← g(S + λI)⁻¹ with λ = α·tr(S)/d, in the fused form g ← s·g + (gU)Vᵀ

U spans the top of S by one step of subspace iteration a refresh, with the eigenvalues e within it; the rest of the
spectrum counts as its mean, s = 1/((tr S − Σe)/(d − r) + λ), V = U·diag(1/(e + λ) − s). Where d ≤ 2r the inverse itself
is kept.

Where several processes each see rows of their own, A is all of them: AᵀAU, AᵀA and the numbers of rows are sums over
the processes, and what is computed from the sums is the first one's.
"""

import hashlib
import math

import torch

from unhat import _unhat
from unhat.torch._layers import evenly_spaced
from unhat.torch._processes import ALONE

# The streams of the two controls are those of the core.
_PERMUTATION, _DIRECTIONS = 1 << 32, 1 << 33
# What a metric remembers beside its numbers.
_TENSORS = ("moment", "inverse", "basis", "values")


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
    def refresh(self, inputs, processes=ALONE):
        """Take in rows of inputs; False, and nothing changed, where any are not finite or all are zero."""
        rows = evenly_spaced(inputs, self.rows)
        seen = processes.table([len(rows), float(rows.square().sum())], rows.device)
        count = int(sum(number for number, _ in seen))
        trace = sum(squares for _, squares in seen) / count
        if not (math.isfinite(trace) and trace > 0.0):
            return False
        self.refreshes += 1
        past = 0.0 if self.refreshes == 1 else min(self.memory, 1.0 - 1.0 / self.refreshes)
        self.trace = past * self.trace + (1.0 - past) * trace
        share = (1.0 - past) / count
        if self.d <= 2 * self.rank:
            self._refresh_dense(rows, past, share, processes)
        else:
            self._refresh_low_rank(rows, past, share, min(self.rank, count), processes)
        return True

    def _refresh_dense(self, rows, past, share, processes):
        moment = share * processes.total(rows.T @ rows)
        if self.moment is not None:
            moment += past * self.moment
        damped = moment + self.damping * torch.eye(self.d, dtype=moment.dtype, device=moment.device)
        lower, failed = torch.linalg.cholesky_ex(damped)
        inverse = processes.agreed(torch.full_like(lower, torch.nan) if int(failed) else torch.cholesky_inverse(lower))
        # λ > 0 on a positive semidefinite matrix: fails only where α is 0 and the inputs are dependent
        self.moment, self.inverse = (None, None) if bool(inverse[0, 0].isnan()) else (moment, inverse)

    def _refresh_low_rank(self, rows, past, share, r, processes):
        if self.basis is None:
            drawn = torch.from_numpy(_unhat.uniform(self.seed, self.layer, self.d * r)) - 0.5
            start = drawn.view(r, self.d).T.to(rows)
            once = processes.agreed(_orthonormal(processes.total(rows.T @ (rows @ start))))
            subspace = processes.agreed(_orthonormal(processes.total(rows.T @ (rows @ once))))
            small = share * processes.total(_projected(rows, subspace))
        else:  # a later, smaller batch keeps the rank that was found
            image = processes.total(rows.T @ (rows @ self.basis))
            subspace = processes.agreed(_orthonormal(share * image + past * self.basis * self.values))
            overlap = subspace.T @ self.basis
            small = share * processes.total(_projected(rows, subspace)) + past * (overlap * self.values) @ overlap.T
        # the eigenvectors within the subspace (Rayleigh–Ritz): S is then exact on it
        values, rotation = torch.linalg.eigh(small)
        found = processes.agreed(torch.cat([subspace @ rotation, values.clamp_min(0.0)[None]]))
        self.basis, self.values = found[:-1], found[-1]

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
        tensors = {name: getattr(self, name) for name in _TENSORS}
        return {"d": self.d, "refreshes": self.refreshes, "trace": self.trace, **tensors}

    def digest(self):
        """The same where the metrics are, to the bit."""
        tensors = [getattr(self, name) for name in _TENSORS]
        parts = [b"" if value is None else value.cpu().contiguous().numpy().tobytes() for value in tensors]
        return self.refreshes, self.trace, hashlib.sha256(b"|".join(parts)).hexdigest()

    def recall(self, state, weight, dtype):
        """Put a state back, to where the weight lies."""
        self.refreshes, self.trace = int(state["refreshes"]), float(state["trace"])
        for name in _TENSORS:
            value = state[name]
            # a clone, so that no later refresh of the one it came from is seen
            setattr(self, name, None if value is None else value.to(weight.device, dtype).clone())


def _orthonormal(columns):
    return torch.linalg.qr(columns).Q


def _projected(rows, subspace):
    along = rows @ subspace
    return along.T @ along
