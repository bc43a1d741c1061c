from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Literal, overload

from numpy import float64, int64
from numpy.linalg import LinAlgError
from numpy.typing import ArrayLike, NDArray

_Path = str | PathLike[str]
_Values = ArrayLike | _Path | TableFile
_Data = Any  # an array, a sparse matrix of SciPy, a table of pandas, polars or pyarrow, a path, a TableFile, a fitted result
_Solver = Literal["auto", "exact", "cg", "coreset", "surrogate", "diagonal"]
_Scores = Literal["auto", "exact", "sketched"]
_Method = Literal["auto", "weights", "lift", "second-order", "newton", "first-order"]
_Task = Literal["noise", "trim", "loo", "fairness", "robustness"]
_Rule = Literal["sgd", "nesterov", "adamw", "fngd", "fngd-metric", "kfac", "ngd"]
_Table = Any  # a table of pandas, polars, pyarrow or what else hands over Arrow, a path, a TableFile
_HeldOut = Any  # a share, or a table
_Progress = Callable[[str, dict[str, Any]], object]

__version__: str
__all__ = [
    "AbsorbedScores",
    "Audit",
    "ColumnInversion",
    "ConvergenceWarning",
    "Diagnosis",
    "FitAudit",
    "GradientInversion",
    "HatInversion",
    "Influence",
    "InfluenceCheck",
    "InfluenceTrim",
    "InputError",
    "LewisWeights",
    "OptimalDesign",
    "OutcomeInversion",
    "OutputsAudit",
    "Predictions",
    "RankDeficientError",
    "RankKScores",
    "Record",
    "Result",
    "ScoreInversion",
    "TableFile",
    "Training",
    "UnhatWarning",
    "VolumetricBarrier",
    "__version__",
    "absorbed_scores",
    "audit",
    "audit_outputs",
    "d_optimal_design",
    "diagnose",
    "influence",
    "influence_check",
    "influence_trim",
    "invert_column",
    "invert_gradient",
    "invert_hat",
    "invert_outcomes",
    "invert_scores",
    "leverage_gradient",
    "leverage_scores",
    "lewis_weights",
    "predict",
    "rank_k_scores",
    "train",
    "volumetric_center",
]

class InputError(ValueError):
    kind: str
    help: str | None
    def __init__(self, message: str, kind: str = "option", help: str | None = None) -> None: ...

class RankDeficientError(InputError, LinAlgError): ...
class UnhatWarning(UserWarning): ...
class ConvergenceWarning(UnhatWarning): ...

class TableFile:
    path: str
    def __init__(
        self,
        path: _Path,
        *,
        delimiter: str | None = None,
        decimal: Literal[".", ","] | None = None,
        thousands: str | None = None,
        header: bool | None = None,
        row_names: str | Literal[False] | None = None,
        na: str | Sequence[str] = (),
        missing: Literal["error", "omit", "indicator"] = "error",
    ) -> None: ...

class Record(dict[str, Any]):
    def __getattr__(self, name: str) -> Any: ...
    def __dir__(self) -> list[str]: ...

class Result:
    def __init__(self, text: str) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
    def __dir__(self) -> list[str]: ...
    def to_dict(self) -> dict[str, Any]: ...
    def _repr_html_(self) -> str: ...

class _Reported(Result):
    def __init__(self, text: str, page: str) -> None: ...
    def to_html(self) -> str: ...
    def save_html(self, path: _Path) -> None: ...

class _ByRow:
    def to_frame(self) -> Any: ...

class GradientInversion(_Reported):
    def __init__(self, text: str, page: str, history: Sequence[Any] = ()) -> None: ...
    history: NDArray[Any]
    x: NDArray[float64]

class ScoreInversion(_Reported):
    def __init__(self, text: str, page: str, history: Sequence[Any] = ()) -> None: ...
    history: NDArray[Any]
    x: NDArray[float64] | None

class HatInversion(_ByRow, _Reported):
    def __init__(self, text: str, page: str, history: Sequence[Any] = ()) -> None: ...
    history: NDArray[Any]
    weights: NDArray[float64]
    coefficients: NDArray[float64] | None

class OutcomeInversion(_ByRow, _Reported):
    outcomes: NDArray[float64]
    margins: NDArray[float64]

class ColumnInversion(_ByRow, _Reported):
    column: NDArray[float64] | None
    magnitudes: NDArray[float64]

class AbsorbedScores(_ByRow, Result):
    def __init__(
        self, text: str, scores: NDArray[float64], standard_errors: NDArray[float64] | None, positions: NDArray[int64]
    ) -> None: ...
    scores: NDArray[float64]
    standard_errors: NDArray[float64] | None
    positions: NDArray[int64]

class RankKScores(_ByRow, Result):
    def __init__(
        self, text: str, scores: NDArray[float64], column_scores: NDArray[float64], column_names: Sequence[str]
    ) -> None: ...
    scores: NDArray[float64]
    column_scores: NDArray[float64]
    column_names: list[str]
    singular_values: NDArray[float64]
    def columns_to_frame(self) -> Any: ...

class LewisWeights(_ByRow, Result):
    def __init__(self, text: str, weights: NDArray[float64]) -> None: ...
    weights: NDArray[float64]

class OptimalDesign(_ByRow, Result):
    def __init__(self, text: str, weights: NDArray[float64]) -> None: ...
    weights: NDArray[float64]

class Audit(_Reported):
    def __init__(self, text: str) -> None: ...

class FitAudit(_Reported):
    def __init__(self, text: str) -> None: ...

class _Study(_Reported): ...

class Influence(_ByRow, _Study):
    def __init__(self, text: str, page: str, arrays: tuple[Any, ...]) -> None: ...
    scores: NDArray[float64]
    losses: NDArray[float64]
    gradient_norms: NDArray[float64]
    leverages: NDArray[float64] | None
    hat: NDArray[float64] | None
    positions: NDArray[int64]
    rows: NDArray[int64] | list[str]

class InfluenceCheck(_Study): ...

class InfluenceTrim(_ByRow, _Study):
    def __init__(
        self, text: str, page: str, scores: NDArray[float64], positions: NDArray[int64], kept: NDArray[int64]
    ) -> None: ...
    scores: NDArray[float64]
    positions: NDArray[int64]
    kept: NDArray[int64]

class Training(_Reported):
    def __init__(self, text: str, page: str, weights: bytes) -> None: ...
    def save(self, path: _Path) -> None: ...
    def predict(
        self, table: _Table, *, missing: Literal["raise", "omit"] = "raise", threads: int | None = None
    ) -> Predictions: ...

class Predictions(_ByRow, Result):
    def __init__(self, text: str, positions: NDArray[int64]) -> None: ...
    positions: NDArray[int64]
    values: NDArray[Any]
    probabilities: NDArray[float64] | None

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
    formula: str | None = None,
    weights: str | None = None,
    missing: Literal["raise", "omit", "exclude"] = "raise",
    levels: dict[str, Sequence[Any]] | None = None,
    ridge: float = ...,
    strict: bool = ...,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    intercept: bool = False,
    threads: int | None = None,
) -> Any: ...  # an array; of a table of pandas a Series

def absorbed_scores(
    table: _Table,
    absorb: str | Sequence[str],
    *,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    weights: str | None = None,
    method: Literal["auto", "exact", "probes"] = "auto",
    probes: int = 500,
    seed: int = 0,
    strict: bool = False,
    threads: int | None = None,
) -> AbsorbedScores: ...
def lewis_weights(
    A: _Data,
    p: float,
    *,
    tol: float = ...,
    max_iter: int = ...,
    columns: Sequence[str] | None = None,
    threads: int | None = None,
) -> LewisWeights: ...
def d_optimal_design(
    A: _Data,
    *,
    gap: float = ...,
    lift: bool = ...,
    max_iter: int = ...,
    columns: Sequence[str] | None = None,
    threads: int | None = None,
) -> OptimalDesign: ...
def rank_k_scores(
    A: _Data, rank: int, *, centre: bool = False, columns: Sequence[str] | None = None, threads: int | None = None
) -> RankKScores: ...
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
    minima: str = "best",
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
    digits: int | None = None,
    decimals: int | None = None,
    widths: _Values | float | None = None,
    noise: _Values | float | None = None,
    tol: float = ...,
    max_iter: int | None = ...,
    seed: int = ...,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    intercept: bool = False,
    threads: int | None = None,
    progress: bool | _Progress = False,
) -> ScoreInversion: ...

def invert_hat(
    A: _Data,
    h: _Values,
    *,
    ridge: float = ...,
    digits: int | None = None,
    decimals: int | None = None,
    widths: _Values | float | None = None,
    noise: _Values | float | None = None,
    family: str | None = None,
    link: str | None = None,
    trials: _Values | float | None = None,
    offset: _Values | None = None,
    theta: float | None = None,
    tol: float = ...,
    max_iter: int = ...,
    seed: int = ...,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    intercept: bool = False,
    threads: int | None = None,
    checkpoint: _Path | None = None,
    progress: bool | _Progress = False,
) -> HatInversion: ...

def invert_outcomes(
    A: _Data,
    h: _Values,
    *,
    cook: _Values | None = None,
    deviance: _Values | None = None,
    pearson: _Values | None = None,
    digits: int | None = None,
    decimals: int | None = None,
    widths: _Values | float | None = None,
    noise: _Values | float | None = None,
    seed: int = ...,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    intercept: bool = False,
    threads: int | None = None,
    progress: bool | _Progress = False,
) -> OutcomeInversion: ...

def invert_column(
    A: _Data,
    h: _Values,
    *,
    digits: int | None = None,
    decimals: int | None = None,
    widths: _Values | float | None = None,
    noise: _Values | float | None = None,
    seed: int = ...,
    columns: Sequence[str] | None = None,
    response: str | None = None,
    intercept: bool = False,
    threads: int | None = None,
    progress: bool | _Progress = False,
) -> ColumnInversion: ...

@overload
def audit(
    A: _Data,
    b: _Values | None = None,
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

@overload
def audit(
    A: _Data,
    b: _Values | None = None,
    x: _Values | None = None,
    *,
    release: Literal["hat", "cook", "deviance", "dffits"],
    family: str | None = None,
    link: str | None = None,
    theta: float | None = None,
    weights: _Values | None = None,
    predictor_offset: _Values | None = None,
    hidden: str | int | None = None,
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
) -> FitAudit: ...

class Diagnosis(_ByRow, Result):
    def __init__(self, answer: dict[str, Any]) -> None: ...
    fitted: NDArray[float64]
    residual: NDArray[float64]
    hat: NDArray[float64]
    sigma_loo: NDArray[float64]
    rstandard: NDArray[float64]
    rstudent: NDArray[float64]
    cooks: NDArray[float64]
    dffits: NDArray[float64]
    covratio: NDArray[float64]
    loo_prediction: NDArray[float64]
    dfbeta: NDArray[float64]
    dfbetas: NDArray[float64]
    dfbeta_names: list[str]
    names: list[str]
    flag: list[str]
    positions: NDArray[int64]
    labels: list[str]
    def flags(self, rule: Literal["r", "bkw", "cook4n", "outlier"] | None = None) -> NDArray[Any]: ...
    def plot(
        self,
        figure: Literal[
            "residuals_fitted", "scale_location", "normal_quantiles", "residuals_leverage", "cooks", "partial"
        ] = "residuals_fitted",
        column: str | None = None,
        *,
        ax: Any = None,
        safe: bool | int | None = None,
    ) -> Any: ...
    def summary(self) -> str: ...

def diagnose(
    data: Any,
    formula: str | None = None,
    *,
    family: str | None = None,
    link: str | None = None,
    weights: Any = None,
    trials: str | None = None,
    offset: str | None = None,
    missing: Literal["omit", "exclude", "raise"] = "omit",
    levels: dict[str, Sequence[Any]] | None = None,
    rule: Literal["r", "bkw", "cook4n", "outlier"] = "r",
    loo: Literal["one-step", "exact"] = "one-step",
    dfbeta: Literal["all"] | Sequence[str] | None = None,
    top: int = 10,
    X: Any = None,
    y: ArrayLike | None = None,
    threads: int | None = None,
) -> Diagnosis: ...

class OutputsAudit(_Reported):
    def __init__(self, text: str) -> None: ...
    def save_acro(self, folder: _Path) -> None: ...
    def to_frame(self) -> Any: ...

def audit_outputs(
    data: Any,
    formula: str | None = None,
    *,
    release: str | Sequence[str] = ...,
    family: str | None = None,
    link: str | None = None,
    weights: Any = None,
    trials: str | None = None,
    offset: str | None = None,
    missing: Literal["omit", "raise"] = "omit",
    levels: dict[str, Sequence[Any]] | None = None,
    digits: int | None = None,
    secret: str | Sequence[str] = (),
    rows: Sequence[int] | NDArray[Any] | _Path | None = None,
    second: OutputsAudit | dict[str, Any] | _Path | None = None,
    second_rows: Sequence[int] | NDArray[Any] | _Path | None = None,
    id: str | ArrayLike | None = None,
    appetite: dict[str, float] | _Path | None = None,
    remedies: bool = False,
    report: _Path | None = None,
    report_detail: Literal["full", "share"] = ...,
    acro: _Path | None = None,
    X: Any = None,
    y: ArrayLike | None = None,
    seed: int = ...,
    threads: int | None = None,
    progress: bool | _Progress = False,
) -> OutputsAudit: ...

def influence(
    table: _Table,
    *,
    response: str | None = None,
    formula: str | None = None,
    missing: Literal["raise", "omit"] = "raise",
    levels: dict[str, Sequence[Any]] | None = None,
    model: str | None = None,
    model_file: _Path | Training | None = None,
    validation: _HeldOut | None = None,
    test: _HeldOut | None = None,
    group: str | None = None,
    without: Sequence[str] = (),
    penalty: float | None = None,
    standardize: bool = ...,
    task: _Task = ...,
    impact: str | _Values | None = None,
    method: str | None = None,
    v: str | _Values = ...,
    temperature: float | None = None,
    damping: float | None = None,
    ensemble: int = ...,
    top: int = ...,
    seed: int = ...,
    threads: int | None = None,
    progress: bool | _Progress = False,
) -> Influence: ...

def influence_check(
    table: _Table,
    *,
    response: str | None = None,
    formula: str | None = None,
    missing: Literal["raise", "omit"] = "raise",
    levels: dict[str, Sequence[Any]] | None = None,
    model: str | None = None,
    validation: _HeldOut | None = None,
    test: _HeldOut | None = None,
    group: str | None = None,
    without: Sequence[str] = (),
    penalty: float | None = None,
    standardize: bool = ...,
    task: _Task = ...,
    impact: str | _Values | None = None,
    method: str | None = None,
    v: str | _Values = ...,
    temperature: float | None = None,
    damping: float | None = None,
    ensemble: int = ...,
    seed: int = ...,
    threads: int | None = None,
    progress: bool | _Progress = False,
) -> InfluenceCheck: ...

def influence_trim(
    table: _Table,
    *,
    response: str | None = None,
    formula: str | None = None,
    missing: Literal["raise", "omit"] = "raise",
    levels: dict[str, Sequence[Any]] | None = None,
    model: str | None = None,
    fraction: float = ...,
    truth: str | None = None,
    validation: _HeldOut | None = None,
    test: _HeldOut | None = None,
    group: str | None = None,
    without: Sequence[str] = (),
    penalty: float | None = None,
    standardize: bool = ...,
    task: _Task = ...,
    impact: str | _Values | None = None,
    method: str | None = None,
    v: str | _Values = ...,
    temperature: float | None = None,
    damping: float | None = None,
    ensemble: int = ...,
    top: int = ...,
    seed: int = ...,
    threads: int | None = None,
    progress: bool | _Progress = False,
) -> InfluenceTrim: ...

def train(
    table: _Table,
    *,
    response: str | None = None,
    formula: str | None = None,
    missing: Literal["raise", "omit"] = "raise",
    levels: dict[str, Sequence[Any]] | None = None,
    model: str,
    optimizer: _Rule = ...,
    batch: int = ...,
    epochs: int = ...,
    lr: float | Literal["auto"] | None = None,
    weight_decay: float = ...,
    momentum: float | None = None,
    schedule: Literal["cosine", "constant"] = ...,
    share: Literal["by_id", "by_id_fixed_batches", "layer_mean"] | None = None,
    scope: Literal["layer", "network"] | None = None,
    refresh: int | None = None,
    damping: float | None = None,
    alpha: float | None = None,
    factor_every: int | None = None,
    inverse_every: int | None = None,
    rank: int | None = None,
    base: Literal["adamw", "nesterov"] | None = None,
    validation: _HeldOut | None = None,
    patience: int | None = None,
    record_every: int | None = None,
    controls: bool = ...,
    without: Sequence[str] = (),
    standardize: bool = ...,
    output: _Path | None = None,
    checkpoint: _Path | None = None,
    seed: int = ...,
    threads: int | None = None,
    progress: bool | _Progress = False,
) -> Training: ...

def predict(
    table: _Table,
    model_file: _Path | Training,
    *,
    missing: Literal["raise", "omit"] = "raise",
    threads: int | None = None,
) -> Predictions: ...
