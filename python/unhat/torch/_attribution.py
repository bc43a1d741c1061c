"""Which training samples helped or hurt which queries: scores that stream at the price of a gradient pass."""

import contextlib
import hashlib
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, RandomSampler

from unhat._errors import InputError
from unhat.torch._calls import Part
from unhat.torch._coverage import Coverage, examine
from unhat.torch._kept_scores import KeptScores
from unhat.torch._moments import Moments
from unhat.torch._passes import Passes, size_of
from unhat.torch._query_gradients import QueryGradients

_DAMPING = 0.1
_METHODS = ("auto", "ip", "wt-ip", "kron")
# Batches of a pass that are held against autograd again.
_EXAMINED_AGAIN = {8**k for k in range(2, 12)}


class Top(NamedTuple):
    """The training samples with the largest scores of each query.

    Attributes
    ----------
    ids : numpy.ndarray
        Places of the samples in the order in which they came, from 0: queries × k, largest score first.
    scores : numpy.ndarray
        Their scores, float32.
    """

    ids: np.ndarray
    scores: np.ndarray


class Attribution:
    """Scores of training samples for queries: inner products of gradients, whitened by default.

    ``ip``: sᵢⱼ = ⟨gᵢ, qⱼ⟩ over all parameters. ``wt-ip``: qⱼ becomes V C⁻¹ in every matrix, ``kron``: B⁻¹ V C⁻¹, with C the
    moments of inputs and B those of output gradients, each with β times its mean eigenvalue added; of matrices only.
    Larger is better: a step on sample i lowers the loss of query j. Training gradients are never kept.

    Parameters
    ----------
    model : torch.nn.Module
        In ``eval()`` mode, and not trained or run by another thread meanwhile. Attributed to are its parameters that
        require a gradient.
    losses : callable
        ``losses(model, batch)``: one loss for each sample, never their mean.
    method : {"auto", "ip", "wt-ip", "kron"}
        ``"auto"`` is ``"kron"`` if any matrix has positions (convolutions, sequences) and else ``"wt-ip"``.
    damping : float, optional
        β > 0 of the whitened scores, .1 by default; an error beside ``"ip"``, which has none.
    rest : {"loop", "error", "leave-out"}
        Parameters without factors: a backward for each sample, which is exact and slow; refused; or left out.

    Raises
    ------
    InputError
        For joined or random losses, samples that interact, batches that take another way through the model than the
        checked one, and options that cannot be used.

    Notes
    -----
    Cost: two passes over the training samples (one for ``"ip"``), each about a forward and a backward, and queries ×
    parameters numbers of memory. Every parameter is held against autograd in the first batch, and again now and then.

    Examples
    --------
    >>> import torch
    >>> from unhat.torch import Attribution
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2)).eval()
    >>> x, y = torch.randn(12, 4), torch.arange(12) % 2
    >>> def losses(model, batch):
    ...     return torch.nn.functional.cross_entropy(model(batch[0]), batch[1], reduction="none")
    >>> train, test = [(x[:5], y[:5]), (x[5:9], y[5:9])], [(x[9:], y[9:])]
    >>> attribution = Attribution(model, losses)
    >>> print(attribution.check(train[0]))
    wt-ip: factors 100.0 %
    >>> attribution.fit(train).queries(test).matrix(train).shape
    (9, 3)
    """

    def __init__(self, model, losses, *, method="auto", damping=None, rest="loop"):
        if method not in _METHODS:
            raise InputError(f"method: found {method!r}, expected one of {', '.join(_METHODS)}")
        if rest not in ("loop", "error", "leave-out"):
            raise InputError(f'rest: found {rest!r}, expected "loop", "error" or "leave-out"')
        if damping is not None and method == "ip":
            raise InputError("damping: the inner product has none", help='take method="wt-ip" or "kron", or leave it out')
        if damping is not None and not (isinstance(damping, (int, float)) and 0.0 < damping < float("inf")):
            raise InputError(f"damping: found {damping!r}, expected a number above 0")
        self._passes = Passes(model, losses)
        self._asked, self._damping, self._rest = method, _DAMPING if damping is None else float(damping), rest
        self._method = None if method == "auto" else method
        self._found, self._checked = None, set()
        self._moments, self._refused, self._queries, self._versions = None, set(), None, None

    def check(self, batch):
        """Hold every parameter against autograd on one batch, and say what counts and how: a :class:`Coverage`."""
        known = None if self._found is None else set(self._passes.rest)
        found = examine(self._passes, batch)
        missed = [name for name in found.missed if name not in self._passes.rest]
        if missed and self._rest == "error":
            raise InputError(f"model: no factors of samples for {', '.join(missed[:6])}", help='take rest="loop", or "leave-out"')
        if missed and (self._queries is not None or self._moments is not None) and known is not None and set(missed) & self._counted():
            raise InputError(f"model: {missed[0]} is used otherwise than in the batches before", help="check() with this batch first, then fit and queries anew")
        self._passes.rest += missed
        if self._found is None:
            self._found = found
            if self._method is None:
                self._method = "kron" if found.has_positions else "wt-ip"
        else:
            self._found.matrices |= found.matrices
            self._found.lookups &= found.lookups | found.unused
            self._found.unused &= found.unused
        self._passes.unused = set(self._found.unused)
        self._checked.add(self._passes.samples == 1)
        if not self._counted():
            raise InputError(f"model: no parameter counts for {self._method}", help='take method="ip" and rest="loop"')
        return self.coverage()

    def coverage(self):
        """What the checked batches said: a :class:`Coverage`."""
        if self._found is None:
            raise InputError("coverage: no batch was checked yet", help="check(batch), or fit(batches)")
        sizes = {name: p.numel() for name, p in self._passes.parameters.items()}
        counted, rest, unused = self._counted(), set(self._passes.rest), self._found.unused
        by_factors = sum(sizes[n] for n in counted - rest - unused) / sum(sizes.values())
        left = [n for n in sizes if n not in counted and n not in unused]
        return Coverage(
            by_factors, tuple(n for n in sizes if n in rest & counted), tuple(left), tuple(sorted(unused)), sizes, self._method
        )

    def _counted(self):
        """The parameters that count for the method."""
        names, rest = set(self._passes.parameters), set(self._passes.rest)
        if self._method == "ip":
            return names if self._rest == "loop" else names - rest
        return self._found.matrices - rest - self._refused

    def _is_wanted(self, name):
        return name not in self._passes.rest

    def _batches(self, batches, *, is_ordered=True):
        """Each batch, checked where it has to be."""
        if is_ordered and isinstance(batches, DataLoader) and isinstance(batches.sampler, RandomSampler):
            raise InputError("batches: the loader shuffles, and rows of scores would be in no known order", help="shuffle=False")
        number = 0
        for batch in batches:
            if (size_of(batch) == 1) not in self._checked or number in _EXAMINED_AGAIN:
                self.check(batch)
            yield batch
            number += 1
        if not number:
            raise InputError("batches: there is none", help="an iterator is empty after its first use: give a list or a loader")

    def fit(self, batches):
        """The second moments of the whitened scores, from one pass over the training batches."""
        if self._asked == "ip":
            raise InputError('fit: method="ip" needs no second moments', help="go on with queries()")
        self._moments, self._queries, self._refused = None, None, set()
        moments = None
        for batch in self._batches(batches, is_ordered=False):
            moments = Moments(self._method == "kron") if moments is None else moments

            def arrived(call, a, d, layout, moments=moments):
                moments.take(call, a, d, self._passes.samples, layout, self._is_wanted)

            moments.samples += len(self._passes.run(batch, arrived))
        self._refused = moments.settle(self._damping)
        self._moments, self._versions = moments, self._now()
        return self

    def queries(self, batches):
        """The gradients of the queries, which are kept: queries × parameters numbers."""
        queries = None
        for batch in self._batches(batches):
            if self._method != "ip" and self._moments is None:
                raise InputError(f"queries: {self._method} needs the second moments of the training samples", help="fit(train) first")
            self._require_unchanged()
            if queries is None:
                queries = QueryGradients(self._passes.parameters, self._found.lookups, self._is_wanted)
            self._gradients(batch, queries, queries.batch)
        queries.settle(None if self._method == "ip" else self._moments.whiten)
        self._queries, self._versions = queries, self._now()
        return self

    def _gradients(self, batch, queries, take):
        """One batch, its gradients handed to what `take` makes of its number of samples."""
        held = []

        def taker():
            if not held:
                held.append(take(self._passes.samples))
            return held[0]

        def arrived(call, a, d, layout):
            queries.take(call, a, d, self._passes.samples, layout, taker())

        def rest(part: Part, sample, gradient):
            taker().dense(part, sample, gradient)

        self._passes.run(batch, arrived, rest if self._rest == "loop" and self._method == "ip" else None)
        return taker()

    def stream(self, batches):
        """For each training batch its scores, samples × queries, as a NumPy array; nothing of it is kept."""
        for scores, _ in self._scored(batches, None):
            yield scores

    def _scored(self, batches, kept):
        if self._queries is None:
            raise InputError("scores: there are no queries", help="queries(test) first")
        first = next(iter(self._passes.parameters.values()))
        is_double = any(p.dtype == torch.float64 for p in self._passes.parameters.values())
        like = first.new_zeros((), dtype=torch.float64 if is_double else torch.float32)
        done = 0
        for batch in self._batches(batches):
            self._require_unchanged()
            if kept is not None and kept.skip(batch, size_of(batch)):
                done += size_of(batch)
                continue
            products = self._gradients(batch, self._queries, lambda n: self._queries.products(n, like.detach()))
            scores = products.scores.float().cpu().numpy()
            bad = np.argwhere(~np.isfinite(scores))
            if len(bad):
                raise InputError(f"scores: those of sample {done + int(bad[0][0]) + 1} are not finite", "not_finite")
            yield scores, done
            done += len(scores)

    def matrix(self, batches, *, resume=None):
        """All scores, training samples × queries, float32.

        With `resume`, a path, finished rows are kept there every half minute and when the run is interrupted; the same
        call goes on behind them. Another model, other queries or other batches are refused.
        """
        if resume is None:
            return np.concatenate(list(self.stream(batches)))
        if self._queries is None:
            raise InputError("scores: there are no queries", help="queries(test) first")
        kept, blocks = KeptScores(resume, self._run()), []
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: kept.write(blocks, is_last=True))
            for scores, _ in self._scored(batches, kept):
                blocks.append(scores)
                kept.write(blocks)
        return np.concatenate([*([] if kept.done is None else [kept.done]), *blocks])

    def top(self, batches, k=20):
        """The k training samples with the largest scores of each query; memory does not grow with their number."""
        if not (isinstance(k, int) and k >= 1):
            raise InputError(f"k: found {k!r}, expected a whole number of 1 or more")
        ids = scores = None
        for new, first in self._scored(batches, None):
            own = np.broadcast_to(np.arange(first, first + len(new)), new.T.shape)
            ids = own if ids is None else np.concatenate([ids, own], 1)
            scores = new.T if scores is None else np.concatenate([scores, new.T], 1)
            order = np.lexsort((ids, -scores))[:, :k]  # of equal scores the earlier sample
            ids, scores = np.take_along_axis(ids, order, 1), np.take_along_axis(scores, order, 1)
        return Top(ids, scores)

    def _now(self):
        return [p._version for p in self._passes.parameters.values()]

    def _require_unchanged(self):
        if self._versions is not None and self._versions != self._now():
            raise InputError("model: its parameters changed since fit() or queries()", help="call them anew")

    def _run(self):
        digest = hashlib.blake2b(repr((self._method, self._damping, self._rest)).encode(), digest_size=16)
        for p in self._passes.parameters.values():
            digest.update(p.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        self._queries.digest(digest.update)
        return digest.hexdigest()
