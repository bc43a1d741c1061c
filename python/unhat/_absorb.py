"""Scores beside factors of many levels, whose columns are never written out."""

import warnings as _warnings

import numpy as np

from unhat import _unhat
from unhat._data import table as given_table
from unhat._errors import InputError, UnhatWarning
from unhat._results import Result
from unhat._rows import ByRow, labels_of


class AbsorbedScores(ByRow, Result):
    """What :func:`unhat.absorbed_scores` found.

    Attributes
    ----------
    scores : numpy.ndarray
        hᵢ, one a row; :meth:`to_frame` has them under the rows' labels.
    standard_errors : numpy.ndarray or None
        Where the scores were estimated from probes, the standard error of each: 0 where a row is exact all the same.
    rank, sum, score_sum_defect, digits, factors, components, determined_rows, dependent, method
        As of the command line's ``scores --absorb``: ``determined_rows`` are numbers from 1 of rows with score 1, without which a
        coefficient cannot be estimated; ``dependent`` are covariates that the factors explain.
    positions : numpy.ndarray
        Where the rows stand in the table, from 0.
    """

    def __init__(self, text, scores, standard_errors, positions):
        super().__init__(text)
        self._facts.pop("standard_errors", None)
        self.scores, self.standard_errors, self.positions = scores, standard_errors, positions

    def _made_of(self):
        return self._text, self.scores, self.standard_errors, self.positions

    def _columns(self):
        columns = {"leverage": self.scores}
        return columns if self.standard_errors is None else columns | {"standard_error": self.standard_errors}

    def _sentence(self):
        factors = " and ".join(f"{factor.name} ({factor.levels} levels)" for factor in self.factors)
        return f"{len(self.scores)} leverage scores beside {factors}, rank {self.rank}; {self.method.factor}"

    def _table(self):
        for name in ("rank", "sum", "components"):
            yield name, self._facts[name]
        yield "rows of score 1", len(self.determined_rows)
        yield "method", f"{self.method.factor} ({self.method.reason})"


def absorbed_scores(
    table,
    absorb,
    *,
    columns=None,
    response=None,
    weights=None,
    method="auto",
    probes=500,
    seed=0,
    strict=False,
    threads=None,
):
    """How much each row matters in a model with a constant for every level of some factors (fixed effects).

    The scores are hᵢ = wᵢ zᵢᵀ(ZᵀWZ)⁺zᵢ, Z = [D₁ D₂ … X], D the 0/1 columns of the levels of a factor. They are computed without D.

    Parameters
    ----------
    table : table or path
        A table of pandas, polars, pyarrow or what hands over Arrow; or the path of a .csv or .tsv file, or a :class:`TableFile`.
    absorb : str or list of str
        The columns that are factors, whatever they hold: those of a file are compared as text, those of a table by value. A missing
        cell is an error.
    columns : list of str, optional
        The covariates; by default all other columns of numbers. The factors span the constant.
    response : str, optional
        A column that is no covariate.
    weights : str, optional
        A column of weights wᵢ ≥ 0.
    method : {"auto", "exact", "probes"}
        Exact, or estimates with a standard error a row; ``"auto"`` is exact within about a minute of one core and a quarter of the
        memory.
    probes : int
        Number of probes; the relative standard error is about √(2/probes).
    seed : int
        Of the probes.
    strict : bool
        Make covariates that depend on the factors or on each other an error instead of a warning.
    threads : int, optional
        The result has the same bits for any number.

    Returns
    -------
    AbsorbedScores

    Raises
    ------
    InputError
        For columns that are not there or named twice, missing cells (with row and column), and options that cannot be used.

    Examples
    --------
    >>> import pandas
    >>> import unhat
    >>> panel = pandas.DataFrame({"worker": [1, 1, 2, 2, 3, 3], "firm": list("abbaab")})
    >>> unhat.absorbed_scores(panel, ["worker", "firm"]).to_frame()["leverage"].round(6).tolist()
    [0.666667, 0.666667, 0.666667, 0.666667, 0.666667, 0.666667]
    """
    names = [absorb] if isinstance(absorb, str) else [str(name) for name in absorb]
    if not names:
        raise InputError("absorb: found no column, expected at least one factor")
    for name, value in {"probes": probes, "seed": seed}.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
            raise InputError(f"{name}: found {value!r}, expected a whole number of at least 0")
    options = {
        "absorb": names, "columns": None if columns is None else [str(name) for name in columns],
        "response": response, "weights": weights, "method": method, "probes": int(probes), "seed": int(seed),
        "strict": bool(strict), "threads": threads,
    }
    scores, errors, positions, row_names, text = _unhat.absorbed_scores(given_table(table)[0], options)
    result = AbsorbedScores(text, scores, errors, positions)
    said = list(result.warnings)
    if result.dependent:
        said.append(f"the factors explain {', '.join(result.dependent)}: nothing of it is left to score")
    for warning in said:
        _warnings.warn(warning, UnhatWarning, stacklevel=2)
    return result._under(labels_of(table).at(positions, row_names))
