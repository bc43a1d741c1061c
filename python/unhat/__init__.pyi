from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Literal

from numpy import float64
from numpy.linalg import LinAlgError
from numpy.typing import ArrayLike, NDArray

_Path = str | PathLike[str]
_Values = ArrayLike | _Path
_Data = Any  # an array, a sparse matrix of SciPy, a table of pandas, polars or pyarrow, a path
_Solver = Literal["auto", "exact", "cg", "coreset", "surrogate", "diagonal"]
_Scores = Literal["auto", "exact", "sketched"]
_Method = Literal["auto", "lift", "second-order", "newton", "first-order"]
_Progress = Callable[[str, dict[str, Any]], object]

__version__: str
__all__ = [
    "Audit",
    "ConvergenceWarning",
    "GradientInversion",
    "InputError",
    "RankDeficientError",
    "Record",
    "Result",
    "ScoreInversion",
    "UnhatWarning",
    "VolumetricBarrier",
    "__version__",
    "audit",
    "invert_gradient",
    "invert_scores",
    "leverage_gradient",
    "leverage_scores",
    "volumetric_center",
]

class InputError(ValueError):
    kind: str
    help: str | None
    def __init__(self, message: str, kind: str = "option", help: str | None = None) -> None: ...

class RankDeficientError(InputError, LinAlgError): ...
class UnhatWarning(UserWarning): ...
class ConvergenceWarning(UnhatWarning): ...

class Record(dict[str, Any]):
    def __getattr__(self, name: str) -> Any: ...
    def __dir__(self) -> list[str]: ...

class Result:
    def __init__(self, text: str) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
    def __dir__(self) -> list[str]: ...
    def to_dict(self) -> dict[str, Any]: ...
    def _repr_html_(self) -> str: ...

class GradientInversion(Result):
    def __init__(self, text: str, history: Sequence[Any] = ()) -> None: ...
    history: NDArray[Any]
    x: NDArray[float64]

class ScoreInversion(Result):
    def __init__(self, text: str, history: Sequence[Any] = ()) -> None: ...
    history: NDArray[Any]
    x: NDArray[float64] | None

class Audit(Result):
    def to_html(self) -> str: ...
    def save_html(self, path: _Path) -> None: ...

class VolumetricBarrier:
    def __init__(
        self,
        A: _Data,
        b: _Values | None = None,
        *,
        columns: Sequence[str] | None = None,
        response: str | None = None,
        intercept: bool = False,
        threads: int | None = None,
    ) -> None: ...
    def within(self, x: _Values) -> VolumetricBarrier: ...
    def value(self, x: ArrayLike) -> Any: ...
    def gradient(self, x: ArrayLike) -> NDArray[float64]: ...
    def hessian(self, x: ArrayLike) -> NDArray[float64]: ...
    def hessian_vec(self, x: ArrayLike, h: ArrayLike) -> NDArray[float64]: ...
    def hessian_operator(self, x: _Values) -> Any: ...
    def scores(self, x: ArrayLike) -> NDArray[float64]: ...
    def slack(self, x: ArrayLike) -> NDArray[float64]: ...

def leverage_scores(
    A: _Data,
    *,
    offset: _Values | None = None,
    point: _Values | None = None,
    ridge: float = ...,
    strict: bool = ...,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    intercept: bool = False,
    threads: int | None = None,
) -> NDArray[float64]: ...

def leverage_gradient(
    A: _Data,
    b: _Values | None,
    x: _Values,
    *,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    intercept: bool = False,
    threads: int | None = None,
) -> NDArray[float64]: ...

def invert_gradient(
    A: _Data,
    b: _Values | None,
    c: _Values,
    *,
    target_scale: float = 1.0,
    start: _Values | None = None,
    signs: _Values | None = None,
    upper: bool = False,
    solver: _Solver = ...,
    scores: _Scores = ...,
    tol: float = ...,
    max_iter: int = ...,
    weights: _Values | float | None = None,
    noise: float | None = None,
    prove: bool = False,
    seed: int = ...,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    intercept: bool = False,
    threads: int | None = None,
    checkpoint: _Path | None = None,
    progress: bool | _Progress = False,
) -> GradientInversion: ...

def volumetric_center(
    A: _Data,
    b: _Values | None = None,
    *,
    start: _Values | None = None,
    signs: _Values | None = None,
    upper: bool = False,
    solver: _Solver = ...,
    scores: _Scores = ...,
    tol: float = ...,
    max_iter: int = ...,
    seed: int = ...,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    intercept: bool = False,
    threads: int | None = None,
    checkpoint: _Path | None = None,
    progress: bool | _Progress = False,
) -> GradientInversion: ...

def invert_scores(
    A: _Data,
    b: _Values | None,
    sigma: _Values,
    *,
    rows: Sequence[int] | NDArray[Any] | None = None,
    method: _Method = ...,
    start: _Values | None = None,
    signs: _Values | None = None,
    upper: bool = False,
    noise: float | None = ...,
    tol: float = ...,
    max_iter: int | None = ...,
    seed: int = ...,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    intercept: bool = False,
    threads: int | None = None,
    progress: bool | _Progress = False,
) -> ScoreInversion: ...

def audit(
    A: _Data,
    b: _Values | None,
    x: _Values | None = None,
    *,
    release: Literal["scores", "gradient", "both"] = ...,
    rows: Sequence[int] | NDArray[Any] | None = None,
    noise: float | Sequence[float] | None = None,
    round: int | Sequence[int] | None = None,
    clip: float | Sequence[float] | None = None,
    top: int | Sequence[int] | None = None,
    target_error: float = ...,
    trials: int = ...,
    delta: float = ...,
    seed: int = ...,
    report_detail: Literal["owner", "share"] = ...,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    intercept: bool = False,
    threads: int | None = None,
    progress: bool | _Progress = False,
) -> Audit: ...
