"""The gradients of the queries, which stay, and their inner products with those of a batch, which does not."""

import torch

from unhat.torch._calls import per_sample

# An embedding larger than this many entries keeps the rows that occur in queries, all others being zero.
_WHOLE_TABLE = 1 << 16


class QueryGradients:
    """queries × parameters, float32 or float64, parameter by parameter; of large embeddings the rows that occur."""

    def __init__(self, parameters, lookups, wanted):
        self._sizes = {name: p.numel() for name, p in parameters.items()}
        self._sparse = {name for name in lookups if self._sizes[name] > _WHOLE_TABLE}
        self._wanted = wanted
        self._blocks = []
        self.dense_by_name, self.rows_by_name = {}, {}
        self.count = 0

    def batch(self, samples):
        """What takes the gradients of one batch of queries."""
        block = _Block(self._sizes, self._sparse, samples)
        self._blocks.append(block)
        return block

    def settle(self, whiten=None):
        """Join the batches, and whiten."""
        self.count = sum(block.samples for block in self._blocks)
        names = sorted({name for block in self._blocks for name in block.dense_by_name})
        for name in names:
            like = next(b.dense_by_name[name] for b in self._blocks if name in b.dense_by_name)
            joined = like.new_zeros(self.count, self._sizes[name])
            first = 0
            for block in self._blocks:
                if name in block.dense_by_name:
                    joined[first : first + block.samples] = block.dense_by_name.pop(name)
                first += block.samples
            self.dense_by_name[name] = joined
        for name in {name for block in self._blocks for name in block.rows_by_name}:
            self.rows_by_name[name] = self._joined_rows(name)
        self._blocks = []
        if whiten is not None:
            self.dense_by_name, self.rows_by_name = whiten(self.dense_by_name), {}

    def _joined_rows(self, name):
        """(ids that occur, queries × ids · width)."""
        found = [(block, *pair) for block in self._blocks for pair in block.rows_by_name.get(name, ())]
        ids = torch.cat([ids for _, ids, _ in found]).unique()
        width = found[0][2].shape[2]
        joined = found[0][2].new_zeros(self.count, len(ids), width)
        first = {}
        for block in self._blocks:
            first[block] = sum(b.samples for b in first)
        for block, own, g in found:
            joined[first[block] : first[block] + block.samples].index_add_(1, torch.searchsorted(ids, own), g)
        return ids, joined.flatten(1)

    def products(self, samples, like):
        """What takes the gradients of a batch and makes its scores."""
        return _Products(self, samples, like)

    def digest(self, update):
        """Feed all bytes to a hash."""
        for name in sorted(self.dense_by_name):
            update(name.encode() + self.dense_by_name[name].cpu().numpy().tobytes())
        for name in sorted(self.rows_by_name):
            ids, g = self.rows_by_name[name]
            update(name.encode() + ids.cpu().numpy().tobytes() + g.cpu().numpy().tobytes())

    def take(self, call, a, d, samples, layout, taker):
        """A call of a batch, for `taker`."""
        per_sample(call, a, d, samples, layout, taker, self._wanted)


class _Block:
    def __init__(self, sizes, sparse, samples):
        self._sizes, self._sparse, self.samples = sizes, sparse, samples
        self.dense_by_name, self.rows_by_name = {}, {}

    def _of(self, part, like):
        if part.name not in self.dense_by_name:
            self.dense_by_name[part.name] = like.new_zeros(self.samples, self._sizes[part.name])
        return self.dense_by_name[part.name]

    def dense(self, part, first, gradients):
        self._of(part, gradients)[first : first + len(gradients), part.start : part.stop] += gradients

    def rows(self, part, ids, d):
        if part.name in self._sparse:
            own, places = ids.unique(return_inverse=True)
            self.rows_by_name.setdefault(part.name, []).append((own, _scattered(places, d, len(own))))
        else:
            table = self._of(part, d)[:, part.start : part.stop]
            table += _scattered(ids, d, table.shape[1] // d.shape[2]).flatten(1)


class _Products:
    """Σ over parameters of the inner products of a batch's gradients with the queries': samples × queries."""

    def __init__(self, queries, samples, like):
        self._queries = queries
        self.scores = like.new_zeros(samples, queries.count)

    def dense(self, part, first, gradients):
        own = self._queries.dense_by_name.get(part.name)
        if own is not None:
            self.scores[first : first + len(gradients)].addmm_(gradients.to(self.scores.dtype), own[:, part.start : part.stop].T)

    def rows(self, part, ids, d):
        if part.name in self._queries.rows_by_name:
            known, own = self._queries.rows_by_name[part.name]
            places = torch.searchsorted(known, ids).clamp_max(len(known) - 1)
            d = d.to(self.scores.dtype) * (known[places] == ids)[..., None]
            self.scores.addmm_(_scattered(places, d, len(known)).flatten(1), own.T)
        elif part.name in self._queries.dense_by_name:
            own = self._queries.dense_by_name[part.name][:, part.start : part.stop]
            self.scores.addmm_(_scattered(ids, d.to(self.scores.dtype), own.shape[1] // d.shape[2]).flatten(1), own.T)


def _scattered(ids, d, count):
    """samples × ids × width: d summed by id."""
    table = d.new_zeros(len(d), count, d.shape[2])
    return table.scatter_add_(1, ids[..., None].expand_as(d), d)
