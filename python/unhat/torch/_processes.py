"""The processes that train one model together, and what they tell each other.

A sum over processes is all that is ever exchanged: what one process says to all is summed with zeros, to the same bits.
"""

import torch
from torch.nn.parallel import DistributedDataParallel

from unhat._errors import InputError

_ADVICE = "every process makes the optimiser of the same model with the same options; process_group= says which do"


def is_several():
    """Whether this process is one of several that torch knows of."""
    distributed = torch.distributed
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def inner(model):
    """The model itself, out of DistributedDataParallel and torch.compile, so that its layers have its own names."""
    return _wrappers(model)[-1]


def require_whole(model):
    """Every parameter is whole in this process, and its gradient will be."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return
    # late: the import takes half a second, and only where a process group is can anything be sharded
    from torch.distributed.fsdp import FullyShardedDataParallel
    from torch.distributed.tensor import DTensor

    sharded = [f"parameter {name!r}" for name, p in model.named_parameters() if isinstance(p, DTensor)]
    sharded += [f"module {name!r}" for name, m in model.named_modules() if isinstance(m, FullyShardedDataParallel)]
    if sharded:
        raise InputError(
            f"model: {sharded[0]} is sharded over processes (FSDP, DTensor), whose parts have no metric of their own; "
            "not supported", help="DistributedDataParallel keeps parameters whole",
        )


def _wrappers(model):
    """The model as given, what that wraps, and so on."""
    found = [model]
    while True:
        model = found[-1]
        within = model.module if isinstance(model, DistributedDataParallel) else model._modules.get("_orig_mod")
        if within is None:
            return found
        found.append(within)


class Processes:
    """Those of a group: of the one given, of that which a DistributedDataParallel has, or all there are."""

    def __init__(self, model=None, group=None):
        self.rank, self.count = 0, 1
        parallel = [] if model is None else [m for m in _wrappers(model) if isinstance(m, DistributedDataParallel)]
        self._parallel = parallel[0] if parallel else None
        self._group = self._parallel.process_group if group is None and self._parallel is not None else group
        if is_several():
            self.rank = torch.distributed.get_rank(self._group)
            self.count = torch.distributed.get_world_size(self._group)
            if self.rank < 0:
                raise InputError("process_group: this process is not one of it")

    def total(self, values):
        """The sum over the processes; may be written where `values` are."""
        if self.count > 1:
            values = values.contiguous()
            torch.distributed.all_reduce(values, group=self._group)
        return values

    def agreed(self, values):
        """The first process's: what each computed for itself could differ in its last digits, or in its signs."""
        if self.count > 1 and self.rank > 0:
            values = torch.zeros_like(values, memory_format=torch.contiguous_format)
        return self.total(values)

    def table(self, numbers, device):
        """Of each process, in order, its numbers."""
        if self.count == 1:
            return [list(numbers)]
        rows = torch.zeros(self.count, len(numbers), dtype=torch.float64)
        rows[self.rank] = torch.tensor(numbers, dtype=torch.float64)
        return self.total(rows.to(device)).tolist()

    def require_same(self, numbers, names, device):
        """Every process has the same numbers; `names` says what each stands for."""
        first, *others = self.table(numbers, device)
        for process, row in enumerate(others, 1):
            for name, mine, theirs in zip(names, first, row, strict=True):
                if mine != theirs:
                    raise InputError(f"{name}: other in process {process} than in process 0 of the group", help=_ADVICE)

    def require_whole_batches(self):
        """No process may leave the others alone with a refresh."""
        if self.count == 1 or self._parallel is None:
            return
        join = getattr(self._parallel, "_join_config", None)
        if join is not None and join.enable and not join.throw_on_early_termination:
            raise InputError(
                "model: within its join(), where processes may run out of batches; the others would wait for them",
                help="give every process as many batches, or join with throw_on_early_termination=True",
            )


ALONE = Processes()
