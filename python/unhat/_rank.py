"""Scores of the best approximation of rank k, of rows and of columns."""

import warnings as _warnings

import numpy as np

from unhat import _unhat
from unhat._data import system
from unhat._errors import InputError, UnhatWarning
from unhat._results import Result
from unhat._rows import ByRow


class RankKScores(ByRow, Result):
    """What :func:`unhat.rank_k_scores` found.

    Attributes
    ----------
    scores : numpy.ndarray
        Σⱼ≤ₖ uᵢⱼ², one a row; :meth:`to_frame` has them under the rows' labels.
    column_scores : numpy.ndarray
        Σⱼ≤ₖ vᵢⱼ², one a column; :meth:`columns_to_frame` has them under the columns' names.
    column_names : list of str
        The names of the columns, where they have any; else empty.
    rank : int
        k.
    singular_values : numpy.ndarray
        The first k + 1.
    gap : float or None
        sₖ/sₖ₊₁; None where nothing is left beyond sₖ.
    explained : float
        The share of the sum of squares that the approximation keeps.
    digits : float
        Decimal digits to expect of a score.
    """

    def __init__(self, text, scores, column_scores, column_names):
        super().__init__(text)
        self.scores, self.column_scores, self.column_names = scores, column_scores, list(column_names)
        self.singular_values = np.array(self._facts.pop("singular_values"), dtype=np.float64)

    def _made_of(self):
        return self._text, self.scores, self.column_scores, self.column_names

    def _columns(self):
        return {"leverage": self.scores}

    def columns_to_frame(self):
        """Return a pandas DataFrame with the scores of the columns, under their names or else their numbers from 1."""
        import pandas

        names = self.column_names or range(1, len(self.column_scores) + 1)
        return pandas.DataFrame({"leverage": self.column_scores}, index=pandas.Index(names, name="column"))

    def _sentence(self):
        gap = "nothing is left" if self.gap is None else f"singular value {self.rank} is {self.gap:.4g} times the next"
        return f"rank {self.rank}: {100 * self.explained:.4g} % of the sum of squares, {gap}; {len(self.scores)} rows"

    def _table(self):
        for name in ("rank", "explained", "gap", "digits"):
            yield name, self._facts[name]
        yield "method", f"{self.method.factor} ({self.method.reason})"


def rank_k_scores(A, rank, *, centre=False, columns=None, threads=None):
    """How much the best approximation of rank k leans on each row, and on each column.

    With the singular value decomposition A = USVᵀ, s₁ ≥ s₂ ≥ …, row i has the score Σⱼ≤ₖ Uᵢⱼ², column i Σⱼ≤ₖ Vᵢⱼ². Both lie in
    [0, 1] and sum to k. They choose columns (CUR), cells or genes; at k = rank those of rows are :func:`leverage_scores`.

    Parameters
    ----------
    A : array_like, sparse matrix, table, path or AnnData, n × d
        As in :func:`leverage_scores`; also an AnnData object (its ``X``, cells × genes), or the folder that 10x Genomics' Cell
        Ranger writes (cells × genes too). Sparse rows stay sparse.
    rank : int
        k, from 1 to the rank.
    centre : bool
        Subtract from each column its mean first, as principal components do.
    columns : list of str, optional
        Of a table, take these columns in this order.
    threads : int, optional
        Threads to use, by default as many as there are cores. The result has the same bits for any number.

    Returns
    -------
    RankKScores

    Raises
    ------
    InputError
        For data that cannot be used, for k = 0 or above the rank, and where sₖ and sₖ₊₁ are equal to rounding, so that no k
        directions are the first.

    Notes
    -----
    The Gram matrix of the smaller side is decomposed: its square must fit into memory. Rows are read twice; where they are fewer than
    columns, a transposed copy is made.

    References
    ----------
    M. W. Mahoney and P. Drineas, CUR matrix decompositions for improved data analysis, PNAS 106 (2009) 697–702.

    Examples
    --------
    >>> import unhat
    >>> found = unhat.rank_k_scores([[3.0, 4.0], [6.0, 8.0], [-0.8, 0.6]], 1)
    >>> found.scores.round(6), found.column_scores.round(6)
    (array([0.2, 0.8, 0. ]), array([0.36, 0.64]))
    >>> round(found.explained, 6)
    0.992063
    """
    if isinstance(rank, bool) or not isinstance(rank, (int, np.integer)) or rank < 0:
        raise InputError(f"rank: found {rank!r}, expected a whole number of at least 1")
    found = system(A, columns)
    names = found.columns
    scores, column_scores, text = _unhat.rank_k_scores(found.matrix, int(rank), bool(centre), threads)
    result = RankKScores(text, scores, column_scores, names)
    for said in result.warnings:
        _warnings.warn(said, UnhatWarning, stacklevel=2)
    return result._under(found.labels)
