"""Leverage in the conventions of scikit-learn, which must be installed.

:class:`LeverageOutlierDetector` flags rows that lie far from the others, :class:`LeverageTransformer` appends how far as
a feature, and :class:`LeverageSampler` fits a model on few rows, drawn by how much each matters.

A sampler that hands on fewer rows than it was given has no place in scikit-learn's ``Pipeline``, whose steps keep rows.
What fits it is an estimator around another one, as ``RANSACRegressor`` is, so :class:`LeverageSampler` is that; the rows
that it drew are ``sample_indices_``.
"""

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError("unhat.sklearn needs scikit-learn; install it, for example by: pip install scikit-learn") from error

from numbers import Integral, Real

import numpy as np
import scipy.sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    OutlierMixin,
    RegressorMixin,
    TransformerMixin,
    clone,
)
from sklearn.linear_model import LinearRegression
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

from unhat import _unhat
from unhat._data import system

__all__ = ["LeverageOutlierDetector", "LeverageSampler", "LeverageTransformer"]

# A row is an outlier from this many times the average leverage, rank/n, on: the usual mark (Hoaglin and Welsch 1978).
_APART = 2.0


class _Leverage(BaseEstimator):
    """Leverage h(x) = xᵀ(AᵀA + λI)⁻¹x of any row against those of the fit; kept is the triangular factor, d × d."""

    _parameter_constraints = {
        "ridge": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "threads": [Interval(Integral, 1, None, closed="left"), None],
    }

    def _keep(self, X):
        """Keep what the rows of X are to others; return their own leverage and the rank."""
        self._validate_params()
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64)
        rows = self._rows(X)
        self.factor_ = _unhat.row_factor(rows, float(self.ridge), self.threads)
        return X, *_unhat.leverage_of(self.factor_, rows, self.threads)

    def _of(self, X):
        """The leverage of rows that may be others."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        return _unhat.leverage_of(self.factor_, self._rows(X), self.threads)[0]

    def _rows(self, X):
        return _lent(X, self.fit_intercept)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _lent(X, fit_intercept):
    """X as the core takes it, with a column of ones where there is an intercept."""
    if fit_intercept and scipy.sparse.issparse(X):
        X = scipy.sparse.hstack([np.ones((X.shape[0], 1)), X], format="csr")
    return system(X, intercept=fit_intercept and not scipy.sparse.issparse(X)).matrix


class LeverageOutlierDetector(OutlierMixin, _Leverage):
    """Flags rows that lie far from the rows of the fit, as a linear model sees it.

    The leverage of a row is h(x) = xᵀ(AᵀA + λI)⁻¹x: with an intercept and without ridge it is 1/n more than the squared
    Mahalanobis distance from the mean of the rows, divided by n − 1.

    Parameters
    ----------
    contamination : "auto" or float
        The share of outliers, at most 0.5, which sets ``offset_``. With ``"auto"`` a row is one from twice the
        average leverage on.
    ridge : float
        λ ≥ 0.
    fit_intercept : bool
        Put a column of ones before the columns.
    threads : int, optional
        Threads to use, by default as many as there are cores. The result has the same bits for any number;
        on a processor without FMA the last ones differ.

    Attributes
    ----------
    leverage_ : ndarray of shape (n_samples,)
        The leverage of the rows of the fit.
    rank_ : int
        Rank of these rows, the column of ones included.
    offset_ : float
        ``decision_function`` is ``score_samples`` less this.
    factor_ : ndarray of shape (d, d)
        The triangular factor R with RᵀR = AᵀA + λI.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray
        Their names, where all are strings.

    Examples
    --------
    >>> from unhat.sklearn import LeverageOutlierDetector
    >>> rows = [[-1.0], [-0.5], [0.0], [0.0], [0.5], [1.0], [0.2], [-0.2], [0.4], [30.0]]
    >>> LeverageOutlierDetector().fit_predict(rows)
    array([ 1,  1,  1,  1,  1,  1,  1,  1,  1, -1])
    """

    _parameter_constraints = {
        **_Leverage._parameter_constraints,
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
    }

    def __init__(self, *, contamination="auto", ridge=0.0, fit_intercept=True, threads=None):
        self.contamination = contamination
        self.ridge = ridge
        self.fit_intercept = fit_intercept
        self.threads = threads

    def fit(self, X, y=None):
        """Learn what is far.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : None
            Ignored.

        Returns
        -------
        self
        """
        X, self.leverage_, self.rank_ = self._keep(X)
        if self.contamination == "auto":
            self.offset_ = -_APART * self.rank_ / X.shape[0]
        else:
            self.offset_ = np.percentile(-self.leverage_, 100.0 * self.contamination)
        return self

    def score_samples(self, X):
        """Minus the leverage of each row: the lower, the farther.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return -self._of(X)

    def decision_function(self, X):
        """``score_samples`` less ``offset_``: negative for outliers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """1 for inliers, −1 for outliers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return np.where(self.decision_function(X) < 0, -1, 1)


class LeverageTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, _Leverage):
    """Turns each row into its leverage against the rows of the fit, one column.

    Beside other features in a ``FeatureUnion`` or ``ColumnTransformer`` it says how far a row lies from the rows of the
    fit, as a linear model sees it.

    Parameters
    ----------
    ridge, fit_intercept, threads
        As for :class:`LeverageOutlierDetector`.

    Attributes
    ----------
    rank_ : int
        Rank of the rows of the fit, the column of ones included.
    factor_ : ndarray of shape (d, d)
        The triangular factor R with RᵀR = AᵀA + λI.
    n_features_in_, feature_names_in_
        As for :class:`LeverageOutlierDetector`.

    Examples
    --------
    >>> from unhat.sklearn import LeverageTransformer
    >>> LeverageTransformer().fit_transform([[0.0], [1.0], [2.0]]).round(6)
    array([[0.833333],
           [0.333333],
           [0.833333]])
    """

    _n_features_out = 1

    def __init__(self, *, ridge=0.0, fit_intercept=True, threads=None):
        self.ridge = ridge
        self.fit_intercept = fit_intercept
        self.threads = threads

    def fit(self, X, y=None):
        """Keep what the rows are to others.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : None
            Ignored.

        Returns
        -------
        self
        """
        _, _, self.rank_ = self._keep(X)
        return self

    def transform(self, X):
        """The leverage of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, 1)
        """
        return self._of(X)[:, np.newaxis]


class LeverageSampler(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Fits a regression on few rows, drawn with probabilities proportional to their leverage scores.

    A row that is drawn weighs 1/(m·p), so that the sum of squares of the draw has that of all rows as its mean; rows that
    alone determine a direction are hardly ever missed, as they are by uniform draws (Drineas, Mahoney and Muthukrishnan
    2006).

    Parameters
    ----------
    estimator : regressor, optional
        What is fitted; its ``fit`` must take ``sample_weight``. By default ``LinearRegression()``.
    n_samples : int or float
        How many rows are drawn, with replacement: a number, or a share of the rows.
    ridge : float
        λ ≥ 0 of the scores.
    fit_intercept : bool
        Put a column of ones before the columns, for the scores.
    threads : int, optional
        Threads to use for the scores, by default as many as there are cores.
    random_state : int, RandomState or None
        What is drawn.

    Attributes
    ----------
    estimator_ : regressor
        The fitted one.
    sample_indices_ : ndarray of int
        The rows that were drawn, each once, in order.
    sample_weight_ : ndarray
        What each of these weighed.
    leverage_ : ndarray of shape (n_samples,)
        The leverage scores of all rows.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray
        Their names, where all are strings.

    Examples
    --------
    >>> import numpy as np
    >>> from unhat.sklearn import LeverageSampler
    >>> X = np.random.default_rng(1).normal(size=(5000, 4))
    >>> y = X @ [1.0, 2.0, 3.0, 4.0] + 5.0
    >>> model = LeverageSampler(n_samples=50, random_state=0).fit(X, y)
    >>> model.estimator_.coef_.round(6), len(model.sample_indices_) <= 50
    (array([1., 2., 3., 4.]), True)
    """

    _parameter_constraints = {
        **_Leverage._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_samples": [Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0, 1, closed="right")],
        "random_state": ["random_state"],
    }

    def __init__(
        self, estimator=None, *, n_samples=0.1, ridge=0.0, fit_intercept=True, threads=None, random_state=None
    ):
        self.estimator = estimator
        self.n_samples = n_samples
        self.ridge = ridge
        self.fit_intercept = fit_intercept
        self.threads = threads
        self.random_state = random_state

    def fit(self, X, y):
        """Draw rows and fit the estimator on them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            The response.

        Returns
        -------
        self
        """
        self._validate_params()
        given = X
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, y_numeric=True)
        estimator = LinearRegression() if self.estimator is None else clone(self.estimator)
        if not has_fit_parameter(estimator, "sample_weight"):
            raise ValueError(f"estimator: fit of {type(estimator).__name__} takes no sample_weight, which a draw needs")
        rows = _lent(X, self.fit_intercept)
        factor = _unhat.row_factor(rows, float(self.ridge), self.threads)
        self.leverage_ = _unhat.leverage_of(factor, rows, self.threads)[0]
        count = self.n_samples if isinstance(self.n_samples, Integral) else int(np.ceil(self.n_samples * len(y)))
        share = self.leverage_ / self.leverage_.sum()
        drawn = check_random_state(self.random_state).multinomial(count, share)
        self.sample_indices_ = chosen = np.flatnonzero(drawn)
        self.sample_weight_ = drawn[chosen] / (count * share[chosen])
        # A table keeps its names, which the estimator may ask for.
        taken = _safe_indexing(given, chosen) if hasattr(given, "columns") else X[chosen]
        self.estimator_ = estimator.fit(taken, y[chosen], sample_weight=self.sample_weight_)
        return self

    def predict(self, X):
        """What the fitted estimator predicts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray
        """
        check_is_fitted(self)
        validate_data(self, X, accept_sparse="csr", dtype=None, reset=False)
        return self.estimator_.predict(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
