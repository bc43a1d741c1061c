from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, NamedTuple, TypeVar

from numpy import float32, float64, int64
from numpy.typing import NDArray
from torch import Tensor
from torch.distributed import ProcessGroup
from torch.nn import Module
from torch.optim import Optimizer
from torch.utils.data import Dataset
from typing_extensions import Self

__all__ = [
    "FNGD", "Attribution", "Coverage", "LayerFactors", "SharedMetric", "Top", "capture", "influence", "leverage_scores",
    "lm_losses", "with_ids",
]

_Sample = TypeVar("_Sample")

class SharedMetric(Optimizer):
    base: Optimizer
    refused: int
    def __init__(
        self,
        base_optimizer: Optimizer,
        model: Module,
        *,
        rank: int = ...,
        alpha: float = ...,
        memory: float = ...,
        rows: int = ...,
        refresh: Literal["epoch1"] | int = "epoch1",
        steps_per_epoch: int | None = None,
        seed: int = ...,
        control: Literal["permuted", "random"] | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None: ...
    @property
    def t(self) -> int: ...
    @property
    def is_refreshing(self) -> bool: ...
    def __del__(self) -> None: ...
    def close(self) -> None: ...
    def add_param_group(self, param_group: dict[str, Any]) -> None: ...
    def zero_grad(self, set_to_none: bool = True) -> None: ...
    def step(self, closure: Callable[[], Any] | None = None) -> Any: ...
    def precondition(self) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None: ...

class FNGD(Optimizer):
    def __init__(
        self,
        model: Module,
        lr: float,
        *,
        samples: int,
        steps_per_epoch: int | None = None,
        share: Literal["id", "fixed-batches", "layer-mean"] = "id",
        refresh: Literal["epoch1", "always"] | int = "epoch1",
        scope: Literal["layer", "network"] = "layer",
        alpha: float = ...,
        damping: float | None = None,
        momentum: float = ...,
        weight_decay: float = ...,
        coupled: bool = False,
        permuted: int | None = None,
        reduction: Literal["mean", "sum"] = "mean",
    ) -> None: ...
    def __del__(self) -> None: ...
    def close(self) -> None: ...
    def zero_grad(self, set_to_none: bool = True) -> None: ...
    def precondition(self, ids: Tensor | Sequence[int] | None = None, *, loss_scale: float | None = None) -> None: ...
    def step(self, ids: Tensor | Sequence[int] | None = None) -> None: ...  # type: ignore[override]
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None: ...

@dataclass(frozen=True)
class LayerFactors:
    name: str
    inputs: NDArray[float64]
    output_gradients: NDArray[float64]

class capture:
    layers: dict[str, LayerFactors]
    def __init__(self, model: Module, *, reduction: Literal["mean", "sum"] = "mean") -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

def influence(
    captured: capture | Mapping[str, LayerFactors],
    validation: capture | Mapping[str, LayerFactors] | None = None,
    *,
    method: Literal["grad-norm", "self", "ip", "wt-ip", "cg2", "leverage", "fisher"],
    damping: float | None = None,
    threads: int | None = None,
    progress: bool | Callable[[str, dict[str, Any]], object] = False,
) -> NDArray[float64]: ...
def with_ids(dataset: Dataset[_Sample]) -> Dataset[tuple[int, _Sample]]: ...
def leverage_scores(A: Tensor, *, ridge: float = 0.0) -> Tensor: ...

class Top(NamedTuple):
    ids: NDArray[int64]
    scores: NDArray[float32]

@dataclass(frozen=True)
class Coverage:
    factors: float
    rest: tuple[str, ...]
    left_out: tuple[str, ...]
    unused: tuple[str, ...]
    sizes: dict[str, int]
    method: str

class Attribution:
    def __init__(
        self,
        model: Module,
        losses: Callable[[Any, Any], Tensor],
        *,
        method: Literal["auto", "ip", "wt-ip", "kron"] = "auto",
        damping: float | None = None,
        rest: Literal["loop", "error", "leave-out"] = "loop",
    ) -> None: ...
    def check(self, batch: Any) -> Coverage: ...
    def coverage(self) -> Coverage: ...
    def fit(self, batches: Iterable[Any]) -> Self: ...
    def queries(self, batches: Iterable[Any]) -> Self: ...
    def stream(self, batches: Iterable[Any]) -> Iterator[NDArray[float32]]: ...
    def matrix(self, batches: Iterable[Any], *, resume: Any = None) -> NDArray[float32]: ...
    def top(self, batches: Iterable[Any], k: int = 20) -> Top: ...

def lm_losses(
    logits: Tensor, labels: Tensor, reduce: Literal["mean", "sum"] = "mean", *, ignore_index: int = -100
) -> Tensor: ...
