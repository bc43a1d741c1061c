"""Answers of many parts: their attributes are the names of the command line's JSON."""

import base64
import html
import json
import os

import numpy as np

from unhat import _unhat
from unhat._rows import ByRow

# The lists of numbers that are handed out as arrays.
_ARRAYS = {
    *("x", "null_direction", "standard_errors", "covariance"),
    *("weights", "coefficients", "coefficient_errors", "outcomes", "margins", "misfits", "magnitudes", "column"),
}
# The columns of the command line's --history.
_STEP = [("iteration", "i8"), ("passes", "i8"), *((name, "f8") for name in ("work", "decrement", "residual", "step", "certificate"))]
# The charts of a report that are shown beside its sentences; the report has all.
CHARTS = 3


class Record(dict):
    """A part of an answer: a dictionary whose keys are attributes too."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self):
        return [*super().__dir__(), *self]


def _handed_out(value, name=""):
    if isinstance(value, dict):
        return Record({key: _handed_out(part, key) for key, part in value.items()})
    if isinstance(value, list):
        # The coefficients of a fitted model are parts with names; those of hat values are numbers, or nothing.
        if name in _ARRAYS and not any(isinstance(part, dict) for part in value):
            return np.array(value, dtype=np.float64)
        return [_handed_out(part) for part in value]
    return value


class Result:
    """An answer.

    Its attributes are the keys of the JSON object that the command line prints; :meth:`to_dict` is that object.
    """

    def __init__(self, text):
        self._text = text
        self._facts = _handed_out(json.loads(text))

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._facts[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {', '.join(self._facts)}") from None

    def __dir__(self):
        return [*super().__dir__(), *self._facts]

    def __reduce__(self):
        return type(self), self._made_of(), {"_labels": self._labels} if isinstance(self, ByRow) else None

    def _made_of(self):
        return (self._text,)

    def to_dict(self):
        """Return everything as dictionaries, lists, numbers and words, as the command line's JSON has it."""
        return json.loads(self._text)

    def _sentence(self):
        raise NotImplementedError

    def _table(self):
        raise NotImplementedError

    def __repr__(self):
        return f"<{type(self).__name__}: {self._sentence()}>"

    def _charts(self):
        return []

    def _repr_html_(self):
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(str(name))}</th><td>{html.escape(str(value))}</td></tr>"
            for name, value in self._table()
        )
        charts = "".join(_image(chart) for chart in self._charts())
        return f"<p>{html.escape(self._sentence())}</p><table>{rows}</table>{charts}"


def _image(chart):
    """A chart as an image that survives a notebook nobody trusts; its words are HTML already."""
    source = base64.b64encode(chart["svg"].encode()).decode()
    words = "<br>".join(words for words in (chart["answer"], chart["legend"]) if words)
    return (
        f"<figure style='margin:1em 0;max-width:720px'><figcaption><b>{chart['question']}</b><br>{words}</figcaption>"
        f"<img alt=\"{chart['question']}\" style='width:100%' src='data:image/svg+xml;base64,{source}'></figure>"
    )


class Reported(Result):
    """An answer with a report: beside the facts, what its page draws."""

    def __init__(self, text, page):
        super().__init__(text)
        self._page = page

    def _made_of(self):
        return (self._text, self._page)

    def _drawn(self):
        raise NotImplementedError

    def to_html(self):
        """Return the report as one HTML page that needs nothing else."""
        return self._drawn()

    def save_html(self, path):
        """Write the report to a file, whole or not at all.

        Parameters
        ----------
        path : str or os.PathLike
            The file, replaced if it is there.
        """
        _unhat.write_page(os.fspath(path), self.to_html())


class _Inversion(Reported):
    def __init__(self, text, page, history=()):
        super().__init__(text, page)
        self.history = np.array([tuple(step) for step in history], dtype=_STEP)
        values = self._facts.pop("values", None)
        self.x = None if values is None else np.array(values, dtype=np.float64)

    def _made_of(self):
        return (self._text, self._page, self.history.tolist())

    def _drawn(self):
        return _unhat.inversion_page(self._page)

    def _charts(self):
        chart = json.loads(_unhat.convergence_chart(self.method.solver, self.history.tolist()))
        return [] if chart is None else [chart]

    def _sentence(self):
        status = self.status.replace("_", " ")
        return f"{status}: {self._found()}; {self._proof()}"

    def _found(self):
        return "no x" if self.x is None else f"x = {np.array2string(self.x, precision=6, threshold=8)}"

    def _table(self):
        yield "x", self._found().removeprefix("x = ")
        for name in ("status", "residual", "iterations", "passes", "condition"):
            if self._facts.get(name) is not None:
                yield name.replace("_", " "), self._facts[name]
        yield "proven", self._proof()
        yield "method", f"{self.method.solver}, {self.method.factor} ({self.method.reason})"
        for warning in self.warnings:
            yield "warning", warning


class GradientInversion(_Inversion):
    """What :func:`unhat.invert_gradient` and :func:`unhat.volumetric_center` found.

    Attributes
    ----------
    x : numpy.ndarray
        The solution, or the best point so far.
    status : str
        ``"solved"``, ``"iteration_limit"`` or ``"stalled"``.
    certificate : Record or None
        The proof: without weights ``.euclidean`` bounds the distance to the exact solution.
    minima : list of Record
        With weights: all minima found, best first, with ``.x`` and ``.objective``.
    history : numpy.ndarray
        The steps, a record each: iteration, passes, work, decrement, residual, step, certificate (NaN where unknown).
    warnings : list of str
        What the caller should know.
    """

    def _proof(self):
        proof = self.certificate
        if proof is None:
            return "nothing is proven"
        if "euclidean" in proof:
            return f"proven: within {proof.euclidean:.1e} of the exact solution"
        return f"proven: a {proof.kind} minimum"


class ScoreInversion(_Inversion):
    """What :func:`unhat.invert_scores` found.

    Attributes
    ----------
    x : numpy.ndarray or None
        The solution, or the best point so far; None where the scores do not determine it.
    status : str
        ``"solved"``, ``"iteration_limit"``, ``"stalled"`` or ``"not_identified"``.
    identified : bool
        Whether the released scores determine x near the answer.
    unique : bool
        Whether no other x, however far away, has these scores. False where that is not known: a warning says so.
    null_direction : numpy.ndarray or None
        The direction along which no released score changes.
    candidates : list of Record
        All fits, best first, with ``.x`` and ``.residual``.
    standard_errors : numpy.ndarray or None
        For noisy scores.
    history : numpy.ndarray
        The steps of the best fit, a record each, as for :class:`GradientInversion`.
    warnings : list of str
        What the caller should know.
    """

    def _proof(self):
        if self.certificate is not None:
            return f"proven: every x nearby with these scores is within {self.certificate.euclidean:.1e}"
        if self.standard_errors is not None:
            return f"standard errors up to {self.standard_errors.max():.1e}"
        return "nothing is proven"


class HatInversion(ByRow, Reported):
    """What :func:`unhat.invert_hat` found.

    Attributes
    ----------
    weights : numpy.ndarray
        The weight of every row, NaN where nothing is said; known up to one factor in each component.
    status : str
        ``"solved"``, ``"impossible"``, ``"iteration_limit"`` or ``"stalled"``.
    components : list of Record
        Rows whose weights are known up to one factor: ``.rows`` (counted from 1), ``.rank``, ``.held_row``.
    coefficients : numpy.ndarray or None
        With a family: one a column, NaN where the hat values leave it open.
    open : list of str
        What is open, in words.
    intervals : list or None
        Proven: ``[low, high]`` of each weight, that of the held row of its component being as given.
    standard_errors, coefficient_errors : numpy.ndarray or None
        For hat values with errors: of the logarithms of the weights against the held row, and of the coefficients.
    impossible : Record or None
        The rows that show that no weights have these scores.
    history : numpy.ndarray
        The steps, a record each; ``decrement`` is the largest misfit of a score, a share of h(1 − h).
    warnings : list of str
        What the caller should know.
    """

    def __init__(self, text, page, history=()):
        super().__init__(text, page)
        self.history = np.array([tuple(step) for step in history], dtype=_STEP)

    def _made_of(self):
        return (self._text, self._page, self.history.tolist())

    def _drawn(self):
        return _unhat.hat_page(self._page)

    def _columns(self):
        columns = {"weight": self.weights}
        if self.intervals is not None:
            low, high = np.array([[np.nan, np.nan] if part is None else part for part in self.intervals], dtype=np.float64).T
            columns |= {"low": low, "high": high}
        if self.standard_errors is not None:
            columns["standard_error"] = self.standard_errors
        return columns

    def _sentence(self):
        if self.impossible is not None:
            return f"impossible: {self.impossible.reason}"
        proof = "nothing is proven" if self.intervals is None else "an interval for every weight is proven"
        found = f"{int(np.isfinite(self.weights).sum())} weights of {len(self.weights)} rows"
        if self.coefficients is not None:
            found += f", coefficients {np.array2string(self.coefficients, precision=6, threshold=8)}"
        return f"{self.status.replace('_', ' ')}: {found}; {proof}"

    def _table(self):
        for name in ("status", "residual", "passes", "rank"):
            yield name, self._facts[name]
        for words in self.open:
            yield "open", words
        for warning in self.warnings:
            yield "warning", warning


class OutcomeInversion(ByRow, Reported):
    """What :func:`unhat.invert_outcomes` found.

    Attributes
    ----------
    outcomes : numpy.ndarray
        1, 0, or NaN where the two cannot be told apart; all of them or all of their complements.
    margins : numpy.ndarray
        How much nearer the response is than the other one, in log r².
    coefficients : numpy.ndarray
        Those of the fit, of the same sign as the responses.
    status : str
        ``"solved"``, ``"impossible"``, ``"iteration_limit"`` or ``"stalled"``.
    undecided : int
        Responses that cannot be told.
    warnings : list of str
        What the caller should know.
    """

    def _drawn(self):
        return _unhat.hat_page(self._page)

    def _columns(self):
        return {"outcome": self.outcomes, "margin": self.margins}

    def _sentence(self):
        return f"{self.status.replace('_', ' ')}: {len(self.outcomes) - self.undecided} of {len(self.outcomes)} responses"

    def _table(self):
        yield "undecided", self.undecided
        for warning in self.warnings:
            yield "warning", warning


class ColumnInversion(ByRow, Reported):
    """What :func:`unhat.invert_column` found.

    Attributes
    ----------
    column : numpy.ndarray or None
        The hidden column of zeros and ones, up to its complement; None where none was found.
    magnitudes : numpy.ndarray
        The size of what the column has beyond the known ones, a share of its length, for every row.
    margins : numpy.ndarray or None
        How much further off the other value of each row is.
    misfit, explained : float
        The misfit of the column found, and what the errors of the hat values explain.
    open : list of str
        What is open, in words.
    """

    def _drawn(self):
        return _unhat.hat_page(self._page)

    def _columns(self):
        columns = {"column": self.column, "magnitude": self.magnitudes, "margin": self.margins}
        return {name: values for name, values in columns.items() if values is not None}

    def _sentence(self):
        return f"{self.status}: {'a column of zeros and ones' if self.column is not None else 'magnitudes only'}"

    def _table(self):
        for words in self.open:
            yield "open", words


class Findings(Reported):
    """An answer whose sentences are its findings."""

    def __init__(self, text):
        super().__init__(text, text)  # the page draws the findings themselves

    def _made_of(self):
        return (self._text,)

    def _sentence(self):
        return self.findings[0].title if self.findings else "no finding"

    def _table(self):
        for finding in self.findings:
            yield finding.title, finding.text
        for warning in self.warnings:
            yield "warning", warning


class Audit(Findings):
    """What :func:`unhat.audit` found, schema ``unhat.findings/1``.

    Attributes
    ----------
    verdict : Record
        The answer in numbers.
    findings : list of Record
        Sentences, worst first: ``.level``, ``.title``, ``.text``.
    releases : list of Record
        One for each release, attack, protection and level that was tried.
    warnings : list of str
        What the caller should know.
    """

    def _drawn(self):
        return _unhat.audit_page(self._page)

    def _charts(self):
        return json.loads(_unhat.audit_images(self._text))[:CHARTS]


class FitAudit(Findings):
    """What :func:`unhat.audit` found of diagnostics of a fit, schema ``unhat.fit-findings/1``.

    Attributes
    ----------
    verdict : Record
        The strongest attack: ``.attack``, ``.secret``, ``.error`` (None where every try failed), ``.guess_error``.
    findings : list of Record
        Sentences, worst first: ``.level``, ``.title``, ``.text``.
    results : list of Record
        One for each protection, level and attack that was tried.
    secrets : list of Record
        What is hidden, and the error of the best guess without any release.
    open : list of str
        What the release leaves open, in words.
    warnings : list of str
        What the caller should know.
    """

    def _drawn(self):
        return _unhat.fit_audit_page(self._page)

    def _charts(self):
        return json.loads(_unhat.fit_audit_images(self._text))[:CHARTS]
