"""What is found of the rows of a fit."""

import numpy as np

from unhat._figures import draw, figure_of
from unhat._results import Result
from unhat._rows import ByRow


class Diagnosis(ByRow, Result):
    """What :func:`unhat.diagnose` found.

    Attributes
    ----------
    fitted, residual, hat, sigma_loo, rstandard, rstudent, cooks, dffits, covratio, loo_prediction : numpy.ndarray
        One for each row; NaN where there is none: a row of weight 0, a row with ``hat`` 1, a row that was left out. With a
        family also ``linear_predictor``, ``residual_deviance``, ``residual_pearson``, ``residual_working`` and
        ``rstandard_pearson``.
    dfbeta, dfbetas : numpy.ndarray
        The change of a coefficient when the row is left out, rows × coefficients of `dfbeta_names`; the second in units of its
        error.
    dfbeta_names : list of str
        The columns of ``dfbeta`` and ``dfbetas``: the coefficients that were asked for. By default all up to 200; of more, those
        that are no levels of factors.
    names : list of str
        The coefficients that are estimated.
    flag : list of str
        What each row is flagged for, by `rule`.
    positions : numpy.ndarray
        Where the rows stand in the table, from 0.
    labels : list of str
        What the rows are called.
    coefficients, most_influential, flagged_by : list of Record
        Estimates with standard errors and robust ones (HC0 to HC3), the rows with the largest Cook's distances, counts.
    n, rank, df_residual, sigma, dispersion, r_squared, press, predictive_r_squared, deviance, log_likelihood, aic
        The fit as a whole; None where it has none.
    warnings : list of str
        What the caller should know.
    """

    def __init__(self, answer):
        super().__init__(answer["text"])
        self._parts = answer
        self._by_name = dict(answer["columns"])
        self.names, self.flag, self.labels = answer["kept"], answer["flag"], answer["labels"]
        self.dfbeta_names = answer["moved"]
        self.positions = answer["positions"]
        shape = (len(self.flag), len(self.dfbeta_names))
        self.dfbeta, self.dfbetas = answer["dfbeta"].reshape(shape), answer["dfbetas"].reshape(shape)

    def __getattr__(self, name):
        if not name.startswith("_") and name in self._by_name:
            return self._by_name[name]
        return super().__getattr__(name)

    def __dir__(self):
        return [*super().__dir__(), *self._by_name]

    def _made_of(self):
        return (self._parts,)

    def flags(self, rule=None):
        """Return whether each row is flagged by a rule: "r", "bkw", "cook4n" or "outlier"; by default the one asked for."""
        rules = dict(self._parts["rules"])
        name = self.rule if rule is None else rule
        if name not in rules:
            raise ValueError(f"found {name!r}, expected one of {', '.join(rules)}")
        return np.array(rules[name], dtype=bool)

    def summary(self):
        """Return the summary that the command line prints, as text."""
        return "\n".join(self._parts["summary"])

    def _columns(self):
        columns = {**self._by_name}
        for what, values in (("dfbeta", self.dfbeta), ("dfbetas", self.dfbetas)):
            columns.update({f"{what}_{name}": values[:, k] for k, name in enumerate(self.dfbeta_names)})
        return columns | {"flag": self.flag}

    def plot(self, figure="residuals_fitted", column=None, *, ax=None, safe=None):
        """Draw a figure by matplotlib, the same as the command line's ``--plots``.

        Up to 2000 rows are points; more are counted in hexagons. Flagged rows are squares, at most 50 of them, those with the
        largest Cook's distances labelled.

        Parameters
        ----------
        figure : str
            ``"residuals_fitted"``, ``"scale_location"``, ``"normal_quantiles"``, ``"residuals_leverage"`` (with contours of
            Cook's distance), ``"cooks"``, or ``"partial"``: the partial regression on `column`.
        column : str, optional
            A coefficient: one of the first twelve of ``.names`` but the intercept.
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default new axes.
        safe : bool or int, optional
            Draw what may leave a research data centre: hexagons of at least so many rows (True: 10), no row by itself and
            nothing that one row decides, as ``--safe`` says.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InputError
            For a figure or a column that there is not, and for ``"cooks"`` where it is to be safe.
        ImportError
            Without matplotlib.
        """
        return draw(figure_of(self, figure, column, safe), ax)

    def _sentence(self):
        return f"{self.n} rows, rank {self.rank}; {self.flagged} flagged by rule {self.rule}"

    def _table(self):
        yield "formula", self.formula
        for part in self.flagged_by:
            yield f"flagged by {part.column}", part.rows
        for row in self.most_influential[:5]:
            yield f"row {row.row}", f"Cook's distance {row.cooks:.3g}, hat {row.hat:.3g}"
        for warning in self.warnings:
            yield "warning", warning
