"""Second moments of a layer's inputs and output gradients, and the inverses that whiten by them.

C = mean over samples and positions of aaᵀ + β·tr/d,  a with its 1 where there is a bias,
B = mean over samples of the sum over positions of ddᵀ + β·tr/d;   ``kron``: V ↦ B⁻¹VC⁻¹,   ``wt-ip``: V ↦ VC⁻¹.
"""

import torch

from unhat._errors import InputError
from unhat.torch._calls import matrices


class Moments:
    """The sums behind C and B, matrix by matrix, then their inverses."""

    def __init__(self, two_sided):
        self.two_sided = two_sided
        self._sums = {}
        self._transposed = {}
        self.inverses = {}  # {weight part: (bias part, is transposed, C⁻¹, B⁻¹ or None)}
        self.samples = 0

    def take(self, call, a, d, samples, layout, wanted):
        """One call of one batch."""
        if not call.is_matrix or call.weight is None or not wanted(call.weight.name):
            return
        for weight, bias, inputs, gradients in matrices(call, a, d, samples, layout):
            bias = bias if bias is not None and wanted(bias.name) else None
            rows, back = inputs.flatten(0, 1), gradients.flatten(0, 1)
            if inputs.shape[1] > 1:  # of padding, and of what no loss depends on, nothing counts
                is_reached = (back != 0).any(1)
                rows, back = rows[is_reached], back[is_reached]
            if bias is not None:
                rows = torch.cat([rows, rows.new_ones(len(rows), 1)], 1)
            held = self._sums.setdefault(weight, {})
            if bias not in held:
                held[bias] = [0, 0, 0]
                self._transposed[weight] = call.kind == "transposed"
            sums = held[bias]
            sums[0] = sums[0] + rows.T @ rows
            sums[1] += len(rows)
            if self.two_sided:
                sums[2] = sums[2] + back.T @ back

    def settle(self, damping):
        """The inverses, and the names of parameters whose uses have no single matrix."""
        taken, refused = {}, set()
        for weight, held in self._sums.items():
            taken.setdefault(weight.name, []).append(weight)
            if len(held) > 1:
                refused.add(weight.name)
        for name, parts in taken.items():
            parts.sort(key=lambda part: part.start)
            if any(one.stop > other.start for one, other in zip(parts, parts[1:], strict=False)):
                refused.add(name)
        for weight, held in self._sums.items():
            if weight.name not in refused:
                ((bias, (c, rows, b)),) = held.items()
                if rows == 0:
                    refused.add(weight.name)
                    continue
                inverse_b = _inverse(b, self.samples, damping, weight.name) if self.two_sided else None
                self.inverses[weight] = bias, self._transposed[weight], _inverse(c, rows, damping, weight.name), inverse_b
        self._sums = {}
        return refused

    def whiten(self, gradients):
        """{name: queries × parameter} whitened in place; what has no moments is taken out."""
        kept = set()
        for weight, (bias, is_transposed, c, b) in self.inverses.items():
            if weight.name not in gradients:
                continue
            block = gradients[weight.name][:, weight.start : weight.stop]
            q, outputs = len(block), self._outputs(block.shape[1], c, bias)
            v = block.reshape(q, -1, outputs).transpose(1, 2) if is_transposed else block.reshape(q, outputs, -1)
            if bias is not None:
                of_bias = gradients[bias.name][:, bias.start : bias.stop]
                v = torch.cat([v, of_bias[:, :, None]], 2)
            v = v @ c if b is None else b @ (v @ c)
            if bias is not None:
                of_bias.copy_(v[:, :, -1])
                v = v[:, :, :-1]
                kept.add(bias.name)
            block.copy_((v.transpose(1, 2) if is_transposed else v).reshape(q, -1))
            kept.add(weight.name)
        return {name: g for name, g in gradients.items() if name in kept}

    @staticmethod
    def _outputs(entries, c, bias):
        return entries // (len(c) - (bias is not None))


def _inverse(total, count, damping, name):
    moment = total.double() / count
    share = float(moment.trace()) / len(moment)
    if not share > 0.0:
        # nothing came, or nothing came back: every gradient is zero, whatever it is multiplied by
        return torch.zeros_like(moment, dtype=total.dtype)
    moment.diagonal().add_(damping * share)
    lower, failed = torch.linalg.cholesky_ex(moment)
    if int(failed) or not bool(torch.isfinite(lower).all()):
        raise InputError(f"damping: the moments of {name} are not positive definite at {damping:g}", "numerical", "take a larger damping")
    return torch.cholesky_inverse(lower).to(total.dtype)
