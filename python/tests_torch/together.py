"""What each of two processes does in test_processes.py, and the pair that does it.

Imported by both processes, which is why it needs neither pytest nor the other tests.
"""

import contextlib
import datetime
import multiprocessing
import os
import sys
import traceback

import torch
from torch import nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from unhat import InputError
from unhat.torch import FNGD, SharedMetric

# Of one collective, of starting both, and of one task: a pair that waits for ever is a failed test.
_COLLECTIVE_SECONDS, _START_SECONDS, _TASK_SECONDS = 20, 60, 40


class Pair:
    """Two processes that wait for tasks; `run` gives what the task returned in each."""

    def __init__(self, folder):
        self._folder = folder
        self._started = 0
        self._processes = []

    def run(self, task, **given):
        if not self._processes:
            self._start()
        for connection in self._connections:
            connection.send((task, given))
        return self._answers(_TASK_SECONDS)

    def close(self):
        for process in self._processes:
            process.kill()
            process.join()
        self._processes = []

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self._started += 1
        store = f"file://{self._folder}/store-{self._started}"
        self._connections, theirs = zip(*(context.Pipe() for _ in range(2)), strict=True)
        self._processes = [
            context.Process(target=_serve, args=(process, store, theirs[process]), daemon=True) for process in range(2)
        ]
        for process, end in zip(self._processes, theirs, strict=True):
            process.start()
            end.close()  # so that its end is seen here
        assert self._answers(_START_SECONDS) == ["ready", "ready"]

    def _answers(self, seconds):
        answers = []
        for process, connection in enumerate(self._connections):
            if not connection.poll(seconds):
                self.close()
                raise TimeoutError(f"process {process} did not answer within {seconds} seconds")
            answers.append(connection.recv())
        if any(isinstance(answer, Failed) for answer in answers):
            self.close()  # one may still be in a collective that the other has left
            raise AssertionError("\n".join(str(vars(a)) for a in answers if isinstance(a, Failed)))
        return answers


class Failed:
    """A task ended by an error that it did not expect."""

    def __init__(self, message):
        self.message = message


def _serve(process, store, connection):
    os.environ["GLOO_SOCKET_IFNAME"] = "lo0" if sys.platform == "darwin" else "lo"
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=store, rank=process, world_size=2, timeout=datetime.timedelta(seconds=_COLLECTIVE_SECONDS)
    )
    connection.send("ready")
    while True:
        task, given = connection.recv()
        try:
            connection.send(globals()[task](process, **given))
        except BaseException as error:
            connection.send(Failed(f"process {process}: {error!r}\n{traceback.format_exc()}"))


def network(sizes=(9, 8, 3)):
    torch.manual_seed(0)
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(inputs, outputs, dtype=torch.float64), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def pictures():
    """A network with convolutions, for rows that were a picture of 3 × 3."""
    torch.manual_seed(0)
    convolutions = [nn.Conv2d(1, 4, 2, dtype=torch.float64), nn.Tanh(), nn.Conv2d(4, 3, 2, dtype=torch.float64)]
    return nn.Sequential(nn.Unflatten(1, (1, 3, 3)), *convolutions, nn.Flatten())


class Branches(nn.Module):
    """One branch for the rows whose first value is large, another that only process 1 takes, a third that none does."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = (network((9, 3)) for _ in range(3))

    def forward(self, inputs):
        return self.one(inputs) + (self.two(inputs) if inputs[0, 0] > _LARGE / 2 else 0.0)


_LARGE = 100.0


def batches(steps, n=20, d=9):
    """The joined batches: process 0 sees the first rows of each, process 1 the others."""
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(n, d, dtype=torch.float64, generator=generator), torch.randint(3, (n,), generator=generator))
        for _ in range(steps)
    ]


def part(process, first, *joined):
    return [values[:first] if process == 0 else values[first:] for values in joined]


def backward(model, inputs, targets, joined):
    """Of a loss whose mean over the two processes is the mean over the joined batch."""
    (functional.cross_entropy(model(inputs), targets, reduction="sum") * (2 / joined)).backward()


def base_optimizer(base, model):
    return torch.optim.SGD(model.parameters(), lr=0.1) if base == "sgd" else torch.optim.AdamW(model.parameters(), 3e-3)


def seen(model, optimizer):
    """Parameters and metrics as arrays, which can go through a pipe."""
    states = [metric.state() for metric in optimizer._metrics]
    metrics = [{name: v.numpy() if isinstance(v, torch.Tensor) else v for name, v in state.items()} for state in states]
    parameters = [p.detach().numpy() for p in model.parameters()]
    return {"parameters": parameters, "metrics": metrics, "refused": optimizer.refused, "t": optimizer.t}


def train(
    process,
    make="network",
    base="sgd",
    passed="wrapped",
    steps=6,
    first=12,
    n=20,
    cut=None,
    odd=False,
    compiled=False,
    saved=None,
    resumed=None,
    **options,
):
    """Steps of both processes, each with its part of the joined batches; `cut`: in two micro-batches."""
    inner = globals()[make]()
    model = DistributedDataParallel(inner)
    model = torch.compile(model, backend="eager") if compiled else model
    optimizer = SharedMetric(base_optimizer(base, inner), model if passed == "wrapped" else inner, **options)
    if resumed is not None:
        state = torch.load(resumed, weights_only=True)
        inner.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    with other_signs() if odd and process == 1 else contextlib.nullcontext():
        for inputs, targets in batches(steps, n)[optimizer.t :]:
            own = part(process, first, inputs, targets)
            optimizer.zero_grad()
            if cut is not None:
                with model.no_sync():
                    backward(model, *(values[:cut] for values in own), n)
                own = [values[cut:] for values in own]
            with torch.compiler.set_stance("force_eager" if optimizer.is_refreshing else "default"):
                backward(model, *own, n)
            optimizer.step()
    if saved is not None and process == 0:
        torch.save({"model": inner.state_dict(), "optimizer": optimizer.state_dict()}, f"{saved}/state")
    return seen(inner, optimizer)


@contextlib.contextmanager
def other_signs():
    """Factors as another machine may give them: just as right, with the signs of their columns turned."""
    qr, eigh = torch.linalg.qr, torch.linalg.eigh
    torch.linalg.qr = lambda a: type("", (), {"Q": -qr(a).Q})
    torch.linalg.eigh = lambda a: (eigh(a)[0], -eigh(a)[1])
    try:
        yield
    finally:
        torch.linalg.qr, torch.linalg.eigh = qr, eigh


def exchanged(process, rank):
    """(sums over the processes, numbers in them) of each of four steps, and of making the optimiser."""
    all_reduce, sizes = torch.distributed.all_reduce, []

    def counted(values, group=None):
        sizes.append(values.numel())
        return all_reduce(values, group=group)

    model = DistributedDataParallel(network())
    torch.distributed.all_reduce = counted
    try:
        optimizer = SharedMetric(base_optimizer("sgd", model), model, rank=rank)
        found = [(len(sizes), sum(sizes))]
        for inputs, targets in batches(4):
            sizes.clear()
            backward(model, *part(process, 12, inputs, targets), 20)
            optimizer.step()
            optimizer.zero_grad()
            found.append((len(sizes), sum(sizes)))
    finally:
        torch.distributed.all_reduce = all_reduce
    return found


def not_finite(process, bad):
    """A good step, then forwards of which process `bad` sees a value that is not finite."""
    inner = network()
    model = DistributedDataParallel(inner)
    optimizer = SharedMetric(base_optimizer("adamw", inner), model, rank=2)
    (inputs, targets), (again, _) = batches(2)
    backward(model, *part(process, 12, inputs, targets), 20)
    optimizer.step()
    before = seen(inner, optimizer)
    optimizer.zero_grad()
    (own,) = part(process, 12, again)
    if process == bad:
        own[1, 2] = torch.nan
    model(own)  # its loss is thrown away, as by a scaler
    optimizer.precondition()
    return before, seen(inner, optimizer)


def unused(process):
    """Steps in which process 0 does not go through one branch, and neither goes through another."""
    inner = Branches()
    model = DistributedDataParallel(inner, find_unused_parameters=True)
    optimizer = SharedMetric(base_optimizer("sgd", inner), model, rank=2)
    for inputs, targets in batches(4):
        inputs[12:, 0] = _LARGE
        optimizer.zero_grad()
        backward(model, *part(process, 12, inputs, targets), 20)
        optimizer.step()
    return seen(inner, optimizer)


def alone(process):
    """Each process for itself, in a group of its own."""
    group, _ = torch.distributed.new_subgroups(group_size=1)
    model = network()
    optimizer = SharedMetric(base_optimizer("sgd", model), model, rank=2 + process, process_group=group)
    for inputs, targets in batches(3):
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return seen(model, optimizer)


def refused(process, what):
    """The message with which something is refused."""
    try:
        globals()[f"_{what}"](process)
    except InputError as error:
        return str(error)
    return "nothing was refused"


def _other_options(process):
    model = network()
    SharedMetric(base_optimizer("sgd", model), model, rank=2 + process)


def _other_models(process):
    model = network((9, 8 + process, 3))
    SharedMetric(base_optimizer("sgd", model), model)


def _other_states(process):
    model = network()
    optimizer = SharedMetric(base_optimizer("sgd", model), model)
    state = optimizer.state_dict()
    state["shared_metric"]["layers"]["2"]["trace"] += 1e-16 * process
    optimizer.load_state_dict(state)


def _other_steps(process):
    model = network()
    optimizer = SharedMetric(base_optimizer("sgd", model), model)
    optimizer._t += process
    optimizer.precondition()


def _changed_in_one(process):
    model = network()
    optimizer = SharedMetric(base_optimizer("sgd", model), model)
    if process == 1:
        model[2].weight = nn.Parameter(model[2].weight.detach().clone())
    optimizer.precondition()


def _joined(process):
    model = DistributedDataParallel(network())
    optimizer = SharedMetric(base_optimizer("sgd", model), model)
    (data,) = batches(1)
    with model.join():
        backward(model, *part(process, 12, *data), 20)
        optimizer.step()


def _sharded_by_parameter(process):
    from torch.distributed.fsdp import fully_shard

    model = network()
    fully_shard(model)
    SharedMetric(base_optimizer("sgd", model), model)


def _sharded_by_module(process):
    from torch.distributed.fsdp import FullyShardedDataParallel

    model = FullyShardedDataParallel(network(), device_id=torch.device("cpu"), use_orig_params=True)
    SharedMetric(base_optimizer("sgd", model), model)


def _fngd(process):
    FNGD(DistributedDataParallel(network()), 0.1, samples=20, refresh="always")
