"""Lewis weights and D-optimal designs."""

import json as _json
import warnings as _warnings

import numpy as np

from unhat import _unhat
from unhat._data import system
from unhat._errors import ConvergenceWarning, InputError, UnhatWarning
from unhat._results import Result
from unhat._rows import ByRow

_DEFAULTS = _json.loads(_unhat.defaults())
_LEWIS, _DESIGN = _DEFAULTS["lewis_weights"], _DEFAULTS["d_optimal_design"]


class _Weights(ByRow, Result):
    def __init__(self, text, weights):
        super().__init__(text)
        self.weights = weights

    def _made_of(self):
        return self._text, self.weights

    def _columns(self):
        return {"weight": self.weights}

    def _table(self):
        for name in self._shown:
            if self._facts.get(name) is not None:
                yield name.replace("_", " "), self._facts[name]
        for warning in self.warnings:
            yield "warning", warning


class LewisWeights(_Weights):
    """What :func:`unhat.lewis_weights` found.

    Attributes
    ----------
    weights : numpy.ndarray
        w, one a row; :meth:`to_frame` has them under the rows' labels.
    status : str
        ``"solved"``, ``"iteration_limit"`` or ``"stalled"``.
    residual : float
        maxᵢ |σᵢ/wᵢ − 1|, σ the leverage scores of diag(w)^(1/2 − 1/p)·A, computed anew from the rows given.
    log_error : float or None
        For p < 4: no weight is further than this from the exact one, in log w.
    rank : int
        The rank of the rows, which the weights sum to.
    passes : int
        Evaluations of all scores.
    digits : float
        Decimal digits to expect of a score.
    """

    _shown = ("status", "p", "rank", "residual", "log_error", "passes", "digits")

    def _sentence(self):
        status = self.status.replace("_", " ")
        return f"{status}: {len(self.weights)} Lewis weights for p = {self.p:g}, rank {self.rank}, residual {self.residual:.1e}"


class OptimalDesign(_Weights):
    """What :func:`unhat.d_optimal_design` found.

    Attributes
    ----------
    weights : numpy.ndarray
        w ≥ 0 with sum 1, one a row; :meth:`to_frame` has them under the rows' labels.
    status : str
        ``"solved"``, ``"iteration_limit"`` or ``"stalled"``.
    gap : float
        log det Σ wᵢaᵢaᵢᵀ of the best design is larger by this at most, proven over all rows.
    largest_form : float
        maxᵢ aᵢᵀ(Σ wⱼaⱼaⱼᵀ)⁻¹aᵢ; the rank at the best design.
    log_det : float or None
        log det Σ wᵢaᵢaᵢᵀ; None where columns are dependent.
    rank : int
        The rank of the rows.
    support : int
        Rows of weight above 0.
    iterations, passes, products : int
        Steps, evaluations over all rows or those left, products over those left.
    """

    _shown = ("status", "rank", "support", "gap", "log_det", "iterations", "passes", "digits")

    def _sentence(self):
        status = self.status.replace("_", " ")
        return f"{status}: a design of {self.support} of {len(self.weights)} rows, within {self.gap:.1e} of the best log det"


def _number(name, value):
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"{name}: found {value!r}, expected a number")
    return float(value)


def _steps(value):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 1 <= value < 2**32:
        raise InputError(f"max_iter: found {value!r}, expected a whole number of at least 1")
    return int(value)


def _finished(result, found):
    for said in result.warnings:
        _warnings.warn(said, UnhatWarning, stacklevel=3)
    if result.status != "solved":
        _warnings.warn(result._sentence(), ConvergenceWarning, stacklevel=3)
    return result._under(found.labels)


def lewis_weights(A, p, *, tol=_LEWIS["tol"], max_iter=_LEWIS["max_iter"], columns=None, threads=None):
    """ℓp Lewis weights: the weights that are the leverage scores of the rows which they scale.

    wᵢ is the leverage of row i of diag(w)^(1/2 − 1/p)·A. The weights sum to the rank and say how much each row can matter in
    ‖Ax‖ₚ; at p = 2 they are :func:`leverage_scores`. They exist and are unique for every p > 0.

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d
        As in :func:`leverage_scores`. Sparse rows stay sparse.
    p : float
        Above 0. For p = ∞ see :func:`d_optimal_design`.
    tol : float
        The largest \\|log(leverage/weight)\\| of a row.
    max_iter : int
        Evaluations of all scores at most.
    columns : list of str, optional
        Of a table, take these columns in this order.
    threads : int, optional
        Threads to use, by default as many as there are cores. The result has the same bits for any number.

    Returns
    -------
    LewisWeights
        ``.weights``, ``.residual`` and the other keys of the command line's JSON.

    Warns
    -----
    ConvergenceWarning
        Where the status is not "solved": the weights are then the best so far.

    Raises
    ------
    InputError
        For data or options that cannot be used, and where all rows are zero.

    References
    ----------
    M. B. Cohen and R. Peng, Lp row sampling by Lewis weights, STOC 2015.

    Examples
    --------
    >>> import unhat
    >>> unhat.lewis_weights([[1.0, 0.0], [1.0, 0.0], [0.0, 3.0]], 1).weights.round(6)
    array([0.5, 0.5, 1. ])
    """
    found = system(A, columns)
    weights, text = _unhat.lewis_weights(found.matrix, _number("p", p), _number("tol", tol), _steps(max_iter), threads)
    return _finished(LewisWeights(text, weights), found)


def d_optimal_design(
    A, *, gap=_DESIGN["gap"], lift=_DESIGN["lift"], max_iter=_DESIGN["max_iter"], columns=None, threads=None
):
    """The D-optimal design of the rows: w ≥ 0 with Σw = 1 that makes log det Σ wᵢaᵢaᵢᵀ largest.

    {x : xᵀ(Σ wᵢaᵢaᵢᵀ)⁻¹x ≤ d} is then the ellipsoid of least volume around all ±aᵢ, and its polar the largest one within
    {x : \\|aᵢᵀx\\| ≤ 1} (John's).

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d
        The candidates, as in :func:`leverage_scores`. Sparse rows stay sparse.
    gap : float
        How far log det may be below the best, proven over all rows.
    lift : bool
        The rows are points: the design of the rows (aᵢ, 1), which is the smallest ellipsoid around the points.
    max_iter : int
        Steps at most.
    columns : list of str, optional
        Of a table, take these columns in this order.
    threads : int, optional
        Threads to use, by default as many as there are cores. The result has the same bits for any number.

    Returns
    -------
    OptimalDesign
        ``.weights``, ``.gap`` and the other keys of the command line's JSON.

    Warns
    -----
    ConvergenceWarning
        Where the status is not "solved": the weights are then the best so far, and ``.gap`` holds for them.

    Raises
    ------
    InputError
        For data or options that cannot be used, and where all rows are zero.

    References
    ----------
    R. Harman and L. Pronzato, Improvements on removing nonoptimal support points in D-optimum design algorithms, Statistics &
    Probability Letters 77 (2007) 90–94.

    Examples
    --------
    >>> import unhat
    >>> line = [[1.0, -1.0], [1.0, 0.0], [1.0, 1.0]]  # where to measure a line on [−1, 1]
    >>> unhat.d_optimal_design(line).weights.round(4)
    array([0.5, 0. , 0.5])
    """
    if not isinstance(lift, (bool, np.bool_)):
        raise InputError(f"lift: found {lift!r}, expected True or False")
    found = system(A, columns)
    weights, text = _unhat.d_optimal_design(found.matrix, _number("gap", gap), bool(lift), _steps(max_iter), threads)
    return _finished(OptimalDesign(text, weights), found)
