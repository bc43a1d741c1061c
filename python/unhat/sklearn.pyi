from typing import Any, Literal

from numpy import float64, int64
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    OutlierMixin,
    RegressorMixin,
    TransformerMixin,
)
from typing_extensions import Self

__all__ = ["LeverageOutlierDetector", "LeverageSampler", "LeverageTransformer"]

class _Leverage(BaseEstimator):
    factor_: NDArray[float64]
    rank_: int

class LeverageOutlierDetector(OutlierMixin, _Leverage):
    leverage_: NDArray[float64]
    offset_: float
    def __init__(
        self,
        *,
        contamination: float | Literal["auto"] = "auto",
        ridge: float = 0.0,
        fit_intercept: bool = True,
        threads: int | None = None,
    ) -> None: ...
    def fit(self, X: Any, y: None = None) -> Self: ...
    def score_samples(self, X: Any) -> NDArray[float64]: ...
    def decision_function(self, X: Any) -> NDArray[float64]: ...
    def predict(self, X: Any) -> NDArray[int64]: ...

class LeverageTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, _Leverage):
    def __init__(self, *, ridge: float = 0.0, fit_intercept: bool = True, threads: int | None = None) -> None: ...
    def fit(self, X: Any, y: None = None) -> Self: ...
    def transform(self, X: Any) -> NDArray[float64]: ...

class LeverageSampler(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    estimator_: Any
    leverage_: NDArray[float64]
    sample_indices_: NDArray[int64]
    sample_weight_: NDArray[float64]
    def __init__(
        self,
        estimator: Any = None,
        *,
        n_samples: float = 0.1,
        ridge: float = 0.0,
        fit_intercept: bool = True,
        threads: int | None = None,
        random_state: Any = None,
    ) -> None: ...
    def fit(self, X: Any, y: Any) -> Self: ...
    def predict(self, X: Any) -> NDArray[Any]: ...
