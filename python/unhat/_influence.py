"""Which rows helped, hurt, are mislabelled, or carry unfairness."""

import json

from unhat import _unhat
from unhat._data import held_out, levels_of, require_text, table as given_table, word_or_vector
from unhat._errors import InputError
from unhat._progress import shown
from unhat._rows import labels_of
from unhat._studies import Influence, InfluenceCheck, InfluenceTrim
from unhat._trained import weights

# The core's own.
_DEFAULTS = json.loads(_unhat.defaults())["influence"]


def influence(
    table,
    *,
    response=None,
    formula=None,
    missing="raise",
    levels=None,
    model=None,
    model_file=None,
    validation=None,
    test=None,
    group=None,
    without=(),
    penalty=None,
    standardize=_DEFAULTS["standardize"],
    task=_DEFAULTS["task"],
    impact=None,
    method=None,
    v=_DEFAULTS["v"],
    temperature=None,
    damping=None,
    ensemble=_DEFAULTS["ensemble"],
    top=_DEFAULTS["top"],
    seed=_DEFAULTS["seed"],
    threads=None,
    progress=False,
):
    """Which rows of a table helped or hurt a model.

    Fits the model to the table and scores every row by what its gradient does to f. Larger is better in every method,
    and positive is helpful for the signed ones.

    Parameters
    ----------
    table : table or path
        A table of pandas, polars, pyarrow or any library that hands over Arrow, which is copied; words, categories,
        truth values and times become one feature a level. A path, or a :class:`TableFile` that says how the table is
        written, is read as the command line reads it.
    response : str
        The response column; not needed beside `formula` or `model_file`.
    formula : str, optional
        ``"y ~ x + wool * C(tension)"``: the response, and the features, which are then the columns of the model matrix of R's
        ``lm`` under its names, without the intercept, which every model has. By default every column is a feature.
    missing : {"raise", "omit"}
        With a formula, also that of `model_file`: rows with a missing cell in a column that it names are an error, or left out.
    levels : dict, optional
        With a formula: the levels of factors in their order, by column. By default sorted; those of a pandas category in its order.
    model : str
        ``"linear"``, ``"ridge"``, ``"logistic"``, ``"softmax"``, ``"poisson"``, ``"mlp"`` or ``"mlp:64,32"``; or
        `model_file`.
    model_file : path or Training, optional
        Score the rows under a model that :func:`train` saved or returned instead of fitting one.
    validation : float, table or path, optional
        Validation rows: a share of the table drawn by `seed`, or a table; drawn rows are not scored. By default 0.2
        where they are needed.
    test : float, table or path, optional
        Test rows, likewise.
    group : str, optional
        A column of two values, for parity and opportunity; it stays a feature, its later value is s = 1.
    without : sequence of str
        Columns that are no features.
    penalty : float, optional
        M ≥ 0 of the objective Σℓ + ½M‖θ‖²; by default 0 for linear, 1 for mlp, else by cross-validation.
    standardize : bool
        Standardise numeric columns.
    task : {"noise", "trim", "loo", "fairness", "robustness"}
        What the scores are for; decides the method and the words that come with it.
    impact : str, array_like or path, optional
        f: ``"utility"``, ``"parity"``, ``"opportunity"``, ``"robustness"`` or ``"robustness:1.3"``; or a vector v, or
        its file. By default the task's.
    method : str, optional
        ``"loss"``, ``"grad-norm"``, ``"ip"``, ``"self"``, ``"ip-checkpoints"``, ``"wt-ip"``, ``"cg2"``,
        ``"rank-sum"``, ``"leverage"``, ``"fisher"``, ``"pcg"`` or ``"pcg:8"``, ``"exact"``, ``"one-step"`` or
        ``"one-step-f"``; by default the task's.
    v : str, array_like or path
        Where v comes from: ``"validation"``, ``"training-margin"``, or p values, or their file.
    temperature : float, optional
        T ≥ 1 of the tempered methods; by default 4 for wt-ip, cg2 and rank-sum.
    damping : float, optional
        α > 0: the damping is α times the mean of ‖g‖²; by default 0.1 for leverage, 1 for fisher, 10 for cg2.
    ensemble : int
        Average over so many networks with seeds `seed`, `seed` + 1, ….
    top : int
        How many of the worst and of the best rows to list.
    seed : int
        Seed of everything that is drawn.
    threads : int, optional
        Threads to use, by default as many as there are cores. The result has the same bits for any number;
        on a processor without FMA the last ones differ.
    progress : bool or callable
        As for :func:`invert_gradient`; the kinds are ``"phase"``, ``"epoch"`` and ``"step"``.

    Returns
    -------
    Influence
        ``.scores`` in row order with ``.positions``, ``.top``, ``.diagnostics`` and the other keys of the command line's
        JSON; ``.save_html(path)`` writes the report.

    Raises
    ------
    InputError
        For a table or options that cannot be used; it names the column or the option.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import unhat
    >>> table = pathlib.Path(tempfile.mkdtemp()) / "doses.csv"
    >>> rows = [f"{dose},{'yes' if dose > 10 else 'no'}" for dose in range(20)]
    >>> rows[3] = "3,yes"  # a wrong label
    >>> _ = table.write_text("\\n".join(["dose,works", *rows]))
    >>> found = unhat.influence(table, response="works", model="logistic", method="loss")
    >>> found.top[0].row, int(found.positions[found.scores.argmin()])
    (4, 3)
    """
    options = _options(locals(), _DEFAULTS["fraction"], None)
    given, options["table"] = given_table(table)
    with shown(progress) as options["progress"]:
        found = Influence(*_unhat.influence(given, options))
    return found._under(labels_of(table).at(found.positions, found.rows))


def influence_check(
    table,
    *,
    response=None,
    formula=None,
    missing="raise",
    levels=None,
    model=None,
    validation=None,
    test=None,
    group=None,
    without=(),
    penalty=None,
    standardize=_DEFAULTS["standardize"],
    task=_DEFAULTS["task"],
    impact=None,
    method=None,
    v=_DEFAULTS["v"],
    temperature=None,
    damping=None,
    ensemble=_DEFAULTS["ensemble"],
    seed=_DEFAULTS["seed"],
    threads=None,
    progress=False,
):
    """Plant flipped labels and rank the methods by how they find them.

    Flips 5 % of the training labels, trains anew and scores by every method that the model admits. Where real noise is
    present, the numbers are understated.

    Parameters
    ----------
    table : table or path
        As for :func:`influence`.
    response, formula, missing, levels, model
        As for :func:`influence`.
    validation, test, group, without, penalty, standardize, task, impact, method, v, temperature, damping, ensemble, seed
        As for :func:`influence`.
    threads, progress
        As for :func:`influence`.

    Returns
    -------
    InfluenceCheck
        ``.methods``, best first, and the other keys of the command line's JSON.

    Raises
    ------
    InputError
        For a table or options that cannot be used; it names the column or the option.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import unhat
    >>> table = pathlib.Path(tempfile.mkdtemp()) / "doses.csv"
    >>> rows = [f"{dose},{'yes' if dose > 50 else 'no'}" for dose in range(100)]
    >>> _ = table.write_text("\\n".join(["dose,works", *rows]))
    >>> found = unhat.influence_check(table, response="works", model="logistic", penalty=1.0)
    >>> found.flipped
    4
    """
    model_file, top = None, _DEFAULTS["top"]
    options = _options(locals(), _DEFAULTS["fraction"], None)
    given, options["table"] = given_table(table)
    with shown(progress) as options["progress"]:
        text, page, _ = _unhat.influence_check(given, options)
    return InfluenceCheck(text, page)


def influence_trim(
    table,
    *,
    response=None,
    formula=None,
    missing="raise",
    levels=None,
    model=None,
    fraction=_DEFAULTS["fraction"],
    truth=None,
    validation=None,
    test=None,
    group=None,
    without=(),
    penalty=None,
    standardize=_DEFAULTS["standardize"],
    task=_DEFAULTS["task"],
    impact=None,
    method=None,
    v=_DEFAULTS["v"],
    temperature=None,
    damping=None,
    ensemble=_DEFAULTS["ensemble"],
    top=_DEFAULTS["top"],
    seed=_DEFAULTS["seed"],
    threads=None,
    progress=False,
):
    """Trim the worst rows, train again, and compare with baselines.

    Beside the method: removing as many rows at random, those with the largest loss, adding the validation rows to
    training, and with `truth` the oracle. An unfairness is trimmed until it crosses 0 on the validation rows.

    Parameters
    ----------
    table : table or path
        As for :func:`influence`.
    response, formula, missing, levels, model
        As for :func:`influence`.
    fraction : float
        Share of the training rows to remove at most.
    truth : str, optional
        A column of 0 and 1 that says which rows are bad; no feature.
    validation, test, group, without, penalty, standardize, task, impact, method, v, temperature, damping, ensemble, top, seed
        As for :func:`influence`.
    threads, progress
        As for :func:`influence`.

    Returns
    -------
    InfluenceTrim
        ``.kept``, ``.removed``, ``.rows`` and the other keys of the command line's JSON.

    Raises
    ------
    InputError
        For a table or options that cannot be used; it names the column or the option.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import unhat
    >>> table = pathlib.Path(tempfile.mkdtemp()) / "doses.csv"
    >>> rows = [f"{dose},{'yes' if dose > 50 else 'no'}" for dose in range(100)]
    >>> _ = table.write_text("\\n".join(["dose,works", *rows]))
    >>> found = unhat.influence_trim(table, response="works", model="logistic", penalty=1.0)
    >>> len(found.removed), len(found.kept)
    (3, 97)
    """
    model_file = None
    options = _options(locals(), fraction, truth)
    given, options["table"] = given_table(table)
    with shown(progress) as options["progress"]:
        (text, page, arrays), kept = _unhat.influence_trim(given, options)
    found = InfluenceTrim(text, page, arrays[0], arrays[5], kept)
    return found._under(labels_of(table).at(found.positions, arrays[6]))


# What the core takes as it is given.
_PLAIN = (
    "response", "missing", "model", "group", "penalty", "standardize", "task", "method", "temperature", "damping", "ensemble", "top",
    "seed", "threads",
)  # fmt: skip


def _options(given, fraction, truth):
    """The options of a study as the core takes them, from the arguments of a call."""
    options = {name: given[name] for name in _PLAIN}
    if given["formula"] is None and given["levels"] is not None:
        raise InputError("levels: goes with a formula; give formula too")
    options["formula"] = None if given["formula"] is None else require_text(given["formula"])
    options["levels"] = levels_of(given["table"], given["levels"]) if given["formula"] is not None else []
    impact, model_file = given["impact"], given["model_file"]
    return options | {
        "fraction": fraction,
        "truth": truth,
        "without": [str(name) for name in given["without"]],
        "validation": held_out(given["validation"], "validation"),
        "test": held_out(given["test"], "test"),
        "impact": None if impact is None else word_or_vector(impact, "impact"),
        "v": word_or_vector(given["v"], "v"),
        "model_file": None if model_file is None else weights(model_file),
    }
