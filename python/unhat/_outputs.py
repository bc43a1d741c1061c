"""What of a regression may leave the house."""

import json
import os

import numpy as np

from unhat import _unhat
from unhat._data import levels_of, require_text, table as given_table
from unhat._diagnose import Refit, refit
from unhat._diagnosis import Diagnosis
from unhat._errors import InputError
from unhat._files import file_of
from unhat._progress import shown
from unhat._results import Reported

# The core's own.
_DEFAULTS = json.loads(_unhat.defaults())["audit_outputs"]


class OutputsAudit(Reported):
    """What :func:`unhat.audit_outputs` found, schema ``unhat.outputs/1``.

    Attributes
    ----------
    verdict : str
        ``"pass"``, ``"review"`` (a person has to look) or ``"fail"`` (may not leave as it is).
    headline : str
        The decision in one sentence.
    items : list of Record
        Item by item: ``.item``, ``.verdict``, and of the attack that decides ``.attack``, ``.value``, ``.threshold``, ``.summary``.
    findings : list of Record
        Attack by attack, with ``.rows``: the rows it is about, by their numbers from 1 or the names that a file gives them.
    remedies : list of Record or None
        Changes that were tried: ``.change``, ``.verdict``.
    not_checked : list of str
        What this check does not look at.
    model, table, appetite
        The fit that was checked, its table, and the thresholds in force with their sources.
    warnings : list of str
        What the caller should know.
    """

    def __init__(self, text):
        super().__init__(text, text)  # the page draws the check itself

    def _made_of(self):
        return (self._text,)

    def _drawn(self):
        return _unhat.outputs_page(self._page)

    def save_acro(self, folder):
        """Write the check as the package ACRO has its outputs, to a new folder, whole or not at all.

        Parameters
        ----------
        folder : str or os.PathLike
            A name that is free, or an empty folder.
        """
        _unhat.write_acro(os.fspath(folder), self._text)

    def to_frame(self):
        """Return a pandas DataFrame, one row for each item, with its verdict and the number that decided."""
        import pandas

        frame = pandas.DataFrame([dict(item) for item in self.items])
        return frame.set_index("item")

    def _sentence(self):
        return f"{self.verdict}: {self.headline}"

    def _table(self):
        for item in self.items:
            yield item.item, f"{item.verdict}: {item.summary}"
        for remedy in self.remedies or []:
            yield f"with {remedy.change}", remedy.verdict
        for warning in self.warnings:
            yield "warning", warning


def audit_outputs(
    data,
    formula=None,
    *,
    release=tuple(_DEFAULTS["release"]),
    family=None,
    link=None,
    weights=None,
    trials=None,
    offset=None,
    missing="omit",
    levels=None,
    digits=None,
    secret=(),
    rows=None,
    second=None,
    second_rows=None,
    id=None,
    appetite=None,
    remedies=False,
    report=None,
    report_detail=_DEFAULTS["report_detail"],
    acro=None,
    X=None,
    y=None,
    seed=_DEFAULTS["seed"],
    threads=None,
    progress=False,
):
    """What of a regression may leave the house: every known attack, run on this very fit.

    Fits the model and says for each item of the release pass, review or fail, with the number that was reached.

    Parameters
    ----------
    data : table, path or result
        As for :func:`diagnose`: a table with a `formula`, or a fitted result of statsmodels or scikit-learn.
    formula : str, optional
        The model as R writes it.
    release : sequence of str
        What is to leave: ``"coefficients"``, ``"se"``, ``"vcov"``, ``"r2"``, ``"n"``, ``"fitted"``, ``"residuals"``,
        ``"residual_quantiles"``, ``"hat"``, ``"cooks"``, ``"dffits"``, ``"rstudent"``, ``"plot"``, ``"binned_plot"``,
        ``"predictions"``. By default what a printed summary holds.
    family, link, weights, trials, offset, levels
        Of the fit, as for :func:`diagnose`.
    missing : {"omit", "raise"}
        Rows with a missing cell in a column that is used.
    digits : int, optional
        Significant digits that are printed; by default all.
    secret : str or sequence of str
        Columns whose values are secret, beside the response.
    rows : sequence, path, optional
        The rows that the fit uses: their numbers from 0, or a truth value for each row of the table, or a file of their numbers
        from 1. By default all.
    second : OutputsAudit, dict or path, optional
        A fit that was released before: an earlier check of the same table, its ``to_dict()``, or a file of the command line's JSON.
    second_rows : sequence, path, optional
        The same formula was released on these rows as well; as `rows`.
    id : str or array_like, optional
        Whose each row is, a column: shares and counts are then of people. With a fitted result a value for each of its rows.
    appetite : dict or path, optional
        Thresholds that differ from the defaults, such as ``{"minimum_count": 5}``, or a file with them.
    remedies : bool
        Try changes until one passes.
    report : path, optional
        Write the page to this file; ``.save_html(path)`` of the result does so too.
    report_detail : {"full", "share"}
        Who reads answer, page and folder: "full" names rows, "share" holds no row and no value.
    acro : path, optional
        Write the check as ACRO has its outputs to this new folder; ``.save_acro(folder)`` does so too.
    X, y : array_like, optional
        What a ``LinearRegression`` was fitted to.
    seed : int
        Seed of the searches.
    threads : int, optional
        Threads to use, by default as many as there are cores. The result has the same bits for any number.
    progress : bool or callable
        As for :func:`invert_gradient`.

    Returns
    -------
    OutputsAudit
        ``.verdict``, ``.items``, ``.findings`` and the other keys of the command line's JSON; ``.to_frame()``.

    Raises
    ------
    InputError
        For a formula, a table, a result or options that cannot be used; it names the option, the column or the row.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import unhat
    >>> table = pathlib.Path(tempfile.mkdtemp()) / "t.csv"
    >>> rows = [f"{i % 7 + 0.1 * i},{i % 31},{'island' if i == 17 else 'land'}" for i in range(60)]
    >>> _ = table.write_text("\\n".join(["income,age,region", *rows]))
    >>> unhat.audit_outputs(table, "income ~ age").verdict
    'pass'
    >>> found = unhat.audit_outputs(table, "income ~ age + region")  # one person's region
    >>> found.verdict, found.items[0].item
    ('fail', 'coefficients')
    """
    options = {
        "formula": formula, "family": family, "link": link, "weights": weights, "trials": trials, "offset": offset,
        "missing": missing, "levels": levels_of(data, levels), "threads": threads,
    }
    fit = None
    if formula is not None:
        require_text(formula)
        table, called = given_table(data)
        if not (id is None or isinstance(id, str)):
            raise InputError("id: found values, expected the name of a column of the table")
    else:
        fit = refit(data, X, y, options)
        fit.agreeing(Diagnosis(_unhat.diagnose(fit.table, fit.options | {"rule": "r", "loo": "one-step", "dfbeta": None, "top": 0})))
        table, called, options = fit.table, "table", fit.options
    file = None if fit is not None else file_of(data)
    count = len(table[0][1]) if isinstance(table, list) else None
    options |= {
        "release": _words(release, "release"),
        "digits": digits,
        "secret": _words(secret, "secret"),
        "rows": _rows(rows, data, count, "rows"),
        "second": _second(second),
        "second_rows": _rows(second_rows, data, count, "second_rows"),
        "id": id if fit is None else _beside(fit, id),
        "appetite": _json(appetite),
        "remedies": remedies,
        "report_detail": report_detail,
        "report": None if report is None else os.fspath(report),
        "acro": None if acro is None else os.fspath(acro),
        "seed": seed,
        "table": called,
    }
    with shown(progress) as options["progress"]:
        return OutputsAudit(_unhat.audit_outputs(table, options, None if file is None else file[0]))


def _words(given, what):
    """A list of words; one word is a list of one."""
    words = [given] if isinstance(given, str) else list(given)
    for word in words:
        if not isinstance(word, str):
            raise InputError(f"{what}: found {word!r}, expected words")
    return words


def _rows(given, data, count, what):
    """Row numbers from 0, or the path of a file of them; truth values are one a row of the table."""
    if given is None or isinstance(given, (str, os.PathLike)):
        return None if given is None else os.fspath(given)
    values = np.asarray(given)
    if values.dtype == bool:
        length = count if count is not None else len(data) if hasattr(data, "__len__") else None
        if values.ndim != 1 or length is not None and len(values) != length:
            raise InputError(f"{what}: found {values.size} truth values, expected one for each of {length} rows", "shape")
        return np.flatnonzero(values).tolist()
    if values.ndim != 1 or values.dtype.kind not in "iu" or values.size and values.min() < 0:
        raise InputError(f"{what}: expected row numbers from 0, a truth value for each row, or a path")
    return values.tolist()


def _second(given):
    """The JSON of an earlier check."""
    if given is None:
        return None
    if isinstance(given, OutputsAudit):
        return given._text
    return json.dumps(given) if isinstance(given, dict) else _unhat.read_file(os.fspath(given))


def _json(given):
    if given is None:
        return None
    return json.dumps(given) if isinstance(given, dict) else _unhat.read_file(os.fspath(given))


def _beside(fit: Refit, id):
    """The persons of a fitted result's rows as a column of their own."""
    if id is None:
        return None
    if isinstance(id, str):
        raise InputError("id: found a word, expected a value for each row: a fitted result keeps no other columns")
    values = np.asarray(id)
    count = len(fit.table[0][1])
    if values.ndim != 1 or len(values) != count:
        raise InputError(f"id: found {values.size} values, expected one for each of {count} rows", "shape")
    _, numbers = np.unique(values.astype(str), return_inverse=True)
    fit.table.append(("(id)", numbers.astype(np.float64)))
    return "(id)"
