"""The functions: they convert what they are given, call the core, and say what it warns of."""

import json
import os
import warnings as _warnings

import numpy as np

from unhat import _unhat
from unhat._data import levels_of, of_rows, require_all_rows, require_text, right_side, system, table as given_table, vector
from unhat._errors import ConvergenceWarning, InputError, UnhatWarning
from unhat._files import file_of
from unhat._fitted import fitted, require_alone
from unhat._progress import shown
from unhat._rows import labels_of, series
from unhat._results import (
    Audit,
    ColumnInversion,
    FitAudit,
    GradientInversion,
    HatInversion,
    OutcomeInversion,
    ScoreInversion,
)

# The core's own.
_DEFAULTS = json.loads(_unhat.defaults())
_SCORES = _DEFAULTS["leverage_scores"]
_GRADIENT = _DEFAULTS["invert_gradient"]
_RELEASED = _DEFAULTS["invert_scores"]
_HAT = _DEFAULTS["invert_hat"]
_AUDIT = _DEFAULTS["audit"]


def leverage_scores(
    A,
    *,
    offset=None,
    point=None,
    formula=None,
    weights=None,
    missing="raise",
    levels=None,
    ridge=_SCORES["ridge"],
    strict=_SCORES["strict"],
    columns=None,
    response=None,
    intercept=False,
    threads=None,
):
    """How much each row of a matrix matters.

    The scores are σᵢ = aᵢᵀ(AᵀA + λI)⁻¹aᵢ, the diagonal of the hat matrix. They lie in [0, 1] and sum to the rank, or
    with a ridge to the effective dimension. With `offset` b and `point` x they are those of the rows aᵢ/(aᵢx − bᵢ).

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d
        A NumPy array of float64 in C order is lent, not copied; other real types and orders are copied. CSR with
        indices in order lends its values and has its indices copied; CSC and COO are converted. A table of pandas,
        polars, pyarrow or any library that hands over Arrow is copied; truth values are 0 and 1, and a column of text,
        categories or times is an error that names it. A path, or a :class:`TableFile` that says how a table is written,
        is read as the command line reads it; files .ine and .mps hold a polytope {Ax > b} and with it b.
        A function without arguments is called for a table that comes batch after batch: what it returns hands over Arrow
        (``lambda: duckdb.sql("from 't.parquet'")``, ``lambda: pyarrow.dataset.dataset("t").scanner().to_reader()``) or is an
        iterator of such tables (``lazy.collect_batches``). Beyond an eighth of the memory its numbers go to a temporary file.
    offset, point : array_like or path, optional
        b and x, both or none; `response` may take the place of `offset`.
    formula : str, optional
        Of a table, take the model matrix that R's ``lm`` makes of this, such as ``"~ x + wool * C(tension)"``, in the place of
        its columns: with an intercept unless the formula says 0, without columns that depend on those before them, to the bits of
        the hat values of :func:`diagnose`. A response decides only which rows are complete.
    weights : str, optional
        With a formula: prior weights, a column or arithmetic on columns. A row of weight 0 has the score 0.
    missing : {"raise", "omit", "exclude"}
        With a formula: rows with a missing cell in a column that it names are an error; or left out; or left out, and NaN among the
        scores.
    levels : dict, optional
        With a formula: the levels of factors in their order, by column. By default sorted; those of a pandas category in its order.
    ridge : float
        λ ≥ 0; with a formula the intercept goes free.
    strict : bool
        Make dependent columns an error instead of a warning.
    columns : list of str, optional
        Of a table, take these columns in this order.
    response : str, optional
        Of a table, take this column as b and the rest as A.
    intercept : bool
        Put a column of ones before the columns of a table or array.
    threads : int, optional
        Threads to use, by default as many as there are cores. The result has the same bits for any number;
        on a processor without FMA the last ones differ.

    Returns
    -------
    numpy.ndarray or pandas.Series
        The n scores; of a table of pandas under its index, so that ``.to_frame()`` and a join find their rows.

    Raises
    ------
    InputError
        For data or options that cannot be used.
    RankDeficientError
        With `strict`, where columns are dependent; also a `numpy.linalg.LinAlgError`.

    Examples
    --------
    >>> import numpy as np
    >>> import unhat
    >>> unhat.leverage_scores([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]).round(6)
    array([0.833333, 0.333333, 0.833333])
    >>> import pathlib, tempfile
    >>> table = pathlib.Path(tempfile.mkdtemp()) / "t.csv"
    >>> _ = table.write_text("x,g\\n0,a\\n1,a\\n2,b\\n3,b\\n")
    >>> unhat.leverage_scores(table, formula="~ x + g").round(6)
    array([0.75, 0.75, 0.75, 0.75])
    """
    if formula is not None:
        alone = {"offset": offset, "point": point, "columns": columns, "response": response, "intercept": intercept or None}
        scores, said = _of_formula(A, formula, weights, (missing, levels), alone, (ridge, strict, threads))
        _say(said)
        return scores
    for name, value in {"weights": weights, "missing": None if missing == "raise" else missing, "levels": levels}.items():
        if value is not None:
            raise InputError(f"{name}: goes with a formula; give formula too")
    found = system(A, columns, response, intercept)
    if point is None and (offset is not None or found.offset is not None):
        raise InputError("point: missing; the rows are a_i/(a_i x - b_i), which needs x beside b")
    cell = None if point is None else (right_side(found, offset), vector(point, "point"))
    scores, said, _ = _unhat.leverage_scores(found.matrix, cell, ridge, strict, threads)
    _say([*_met(found), *said])
    return series(scores, found.labels)


def _of_formula(data, formula, weights, rows, alone, how):
    """The scores of the model matrix of a table, and what the caller should know."""
    for name, value in alone.items():
        if value is not None:
            raise InputError(f"{name}: the formula says which columns are taken; leave one of the two out")
    (missing, levels), (ridge, strict, threads) = rows, how
    options = {
        "formula": require_text(formula), "weights": weights, "levels": levels_of(data, levels), "missing": missing,
        "ridge": ridge, "strict": strict, "threads": threads,
    }
    scores, positions, names, said = _unhat.model_scores(given_table(data, "A")[0], options)
    return series(scores, labels_of(data).at(positions, names)), said


def leverage_gradient(A, b, x, *, columns=None, response=None, intercept=False, threads=None):
    """The gradient of the volumetric barrier, g(x) = −A_xᵀσ.

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d
        As for :func:`leverage_scores`, copies included.
    b : array_like, path or None
        The n offsets; None where `response` names them.
    x : array_like or path
        The d parameters; no entry of Ax − b may be zero.
    columns, response, intercept, threads
        As for :func:`leverage_scores`.

    Returns
    -------
    numpy.ndarray
        The d values.

    Raises
    ------
    InputError
        For data or options that cannot be used.
    RankDeficientError
        Where columns of A are dependent.

    Examples
    --------
    >>> import unhat
    >>> A = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]  # the square -1 < x < 1
    >>> unhat.leverage_gradient(A, [-1.0] * 4, [0.5, 0.0]).round(6)
    array([1.733333, 0.      ])
    """
    found = system(A, columns, response, intercept)
    values, said = _unhat.leverage_gradient(found.matrix, right_side(found, b), vector(x, "point"), threads)
    _say([*_met(found), *said])
    return values


def invert_gradient(
    A,
    b,
    c,
    *,
    target_scale=1.0,
    start=None,
    signs=None,
    upper=False,
    solver=_GRADIENT["solver"],
    scores=_GRADIENT["scores"],
    tol=_GRADIENT["tol"],
    max_iter=_GRADIENT["max_iter"],
    weights=None,
    minima="best",
    noise=None,
    prove=False,
    seed=_GRADIENT["seed"],
    columns=None,
    response=None,
    intercept=False,
    threads=None,
    checkpoint=None,
    progress=False,
):
    """Recover x from a released gradient c: the one x of a cell with g(x) = c.

    The cell holds `start`, or has the `signs` of Ax − b, or is {Ax > b}, with `upper` {Ax < b}. Within a cell the
    solution is unique; c alone never says which cell it was.

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d
        As for :func:`leverage_scores`, copies included.
    b : array_like, path or None
        The n offsets; None where `response` names them.
    c : array_like or path
        The released gradient, d values.
    target_scale : float
        `c` holds k·g: −1, 2 or −2 for releases in another convention of sign and scale.
    start : array_like or path, optional
        A point inside the cell.
    signs : array_like or path, optional
        n signs of Ax − b, each 1 or −1.
    upper : bool
        The cell {Ax < b}.
    solver : {"auto", "exact", "cg", "coreset", "surrogate", "diagonal"}
        Where the curvature of a step comes from; "diagonal" beside `weights` only, "surrogate" without only.
    scores : {"auto", "exact", "sketched"}
        The leverage scores of the first steps.
    tol : float
        Stop when the Newton decrement is at most this.
    max_iter : int
        Newton steps allowed.
    weights : float or array_like, optional
        Find the minima of ½‖g(x) − c‖² + ½‖diag(w)Ax‖² instead.
    minima : {"best", "all", "first"}
        Beside `weights`: look for the best minimum, for as many as can be found, or end where a single descent ends; the
        answer's `search` says how far that went.
    noise : float, optional
        Standard deviation of independent errors of c: the answer then has `standard_errors` and `covariance`.
    prove : bool
        Beside `weights`: try to prove the best minimum in up to five dimensions.
    seed : int
        Seed of everything that is drawn.
    columns, response, intercept, threads
        As for :func:`leverage_scores`.
    checkpoint : path, optional
        Keep the state of the solve in this file, and resume from it to the same bits where it exists; between
        processors with FMA and without it the last ones differ. It is written about every second and when the run ends
        unsolved, also by Ctrl-C, and removed when it is solved. The command line's files and these are the same. Beside
        `weights` it is the descents so far that are kept.
    progress : bool or callable
        Show the steps while they are taken: by tqdm where it is installed, otherwise as lines on standard error. A
        callable is called with a word, ``"step"`` or ``"phase"``, and a dictionary of what is known.

    Returns
    -------
    GradientInversion
        ``.x``, ``.status``, ``.certificate`` and the other keys of the command line's JSON; ``.save_html(path)``
        writes the report.

    Warns
    -----
    ConvergenceWarning
        Where the status is not "solved": x is then the best point so far.

    Raises
    ------
    InputError
        For data or options that cannot be used, an empty cell, a target that cannot be reached.
    RankDeficientError
        Where columns of A are dependent.

    Examples
    --------
    >>> import unhat
    >>> A = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    >>> b = [-1.0] * 4
    >>> released = unhat.leverage_gradient(A, b, [0.5, 0.25])
    >>> found = unhat.invert_gradient(A, b, released)
    >>> found.status, found.x.round(9)
    ('solved', array([0.5 , 0.25]))
    >>> found.certificate.euclidean < 1e-8
    True
    """
    found = system(A, columns, response, intercept)
    options = _gradient_options(upper, solver, scores, tol, max_iter, noise, prove, seed, threads, checkpoint)
    options["target_scale"], options["names"], options["minima"] = target_scale, _names(found, c), minima
    return _inverted("invert gradient", found, b, vector(c, "target"), start, signs, weights, options, progress)


def volumetric_center(
    A,
    b=None,
    *,
    start=None,
    signs=None,
    upper=False,
    solver=_GRADIENT["solver"],
    scores=_GRADIENT["scores"],
    tol=_GRADIENT["tol"],
    max_iter=_GRADIENT["max_iter"],
    seed=_GRADIENT["seed"],
    columns=None,
    response=None,
    intercept=False,
    threads=None,
    checkpoint=None,
    progress=False,
):
    """The volumetric centre of a polytope: the x of {Ax > b}, with `upper` {Ax < b}, at which g(x) = 0.

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d
        As for :func:`leverage_scores`, copies included.
    b : array_like, path or None
        The n offsets; None where `response` names them, or the file is one of a polytope.
    start, signs, upper, solver, scores, tol, max_iter, seed, checkpoint, progress
        As for :func:`invert_gradient`.
    columns, response, intercept, threads
        As for :func:`leverage_scores`.

    Returns
    -------
    GradientInversion
        ``.x``, ``.status``, ``.certificate`` and the other keys of the command line's JSON; ``.save_html(path)``
        writes the report.

    Warns
    -----
    ConvergenceWarning
        Where the status is not "solved".

    Raises
    ------
    InputError
        For data or options that cannot be used, and an empty cell.
    RankDeficientError
        Where columns of A are dependent.

    Examples
    --------
    >>> import unhat
    >>> A = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    >>> centre = unhat.volumetric_center(A, [-1.0, -3.0, -1.0, -1.0])  # -1 < x < 3, -1 < y < 1
    >>> (centre.x + 0.0).round(9)
    array([1., 0.])
    """
    found = system(A, columns, response, intercept)
    options = _gradient_options(upper, solver, scores, tol, max_iter, None, False, seed, threads, checkpoint)
    options["names"] = _names(found)
    return _inverted("centre", found, b, np.zeros(_dimension(found.matrix)), start, signs, None, options, progress)


def invert_scores(
    A,
    b,
    sigma,
    *,
    rows=None,
    method=_RELEASED["method"],
    start=None,
    signs=None,
    upper=False,
    digits=None,
    decimals=None,
    widths=None,
    noise=None,
    tol=_RELEASED["tol"],
    max_iter=_RELEASED["max_iter"],
    seed=_RELEASED["seed"],
    columns=None,
    response=None,
    intercept=False,
    threads=None,
    progress=False,
):
    """Recover x from released leverage scores σ(x) of A_x, of all rows or of some.

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d
        As for :func:`leverage_scores`, copies included.
    b : array_like, path or None
        The n offsets; None where `response` names them.
    sigma : array_like or path
        The released scores: n values, or one for each of `rows`.
    rows : sequence of int, optional
        The released rows, counted from 0, in the order of `sigma`; all by default.
    method : {"auto", "weights", "lift", "second-order", "newton", "first-order"}
        How x is found.
    start : array_like or path, optional
        A point that may be near x.
    signs : array_like or path, optional
        The signs of Ax − b.
    upper : bool
        x lies in the cell {Ax < b}.
    digits, decimals : int, optional
        The scores were rounded to so many significant digits, or decimals.
    widths : float or array_like, optional
        The true scores lie within this much of `sigma`: one number, or one for each released score.
    noise : float or array_like, optional
        Standard deviation of independent errors: one number, or one for each released score.
    tol : float
        A fit ends when a step changes no slack by more than this share.
    max_iter : int, optional
        Steps of one fit; by default what the method needs.
    seed : int
        Seed of everything that is drawn.
    columns, response, intercept, threads
        As for :func:`leverage_scores`.
    progress : bool or callable
        As for :func:`invert_gradient`.

    Returns
    -------
    ScoreInversion
        ``.x`` (None where the scores do not determine it), ``.status``, ``.candidates`` and the other keys of the
        command line's JSON; ``.save_html(path)`` writes the report.

    Warns
    -----
    ConvergenceWarning
        Where the status is not "solved".

    Raises
    ------
    InputError
        For data or options that cannot be used.
    RankDeficientError
        Where columns of A are dependent.

    Examples
    --------
    >>> import numpy as np
    >>> import unhat
    >>> random = np.random.default_rng(1)
    >>> A, b, hidden = random.normal(size=(60, 3)), random.normal(size=60), [0.5, -1.0, 2.0]
    >>> released = unhat.leverage_scores(A, offset=b, point=hidden)
    >>> unhat.invert_scores(A, b, released).x.round(6)
    array([ 0.5, -1. ,  2. ])
    """
    found = system(A, columns, response, intercept)
    options = {
        "upper": upper,
        "method": method,
        "digits": digits,
        "decimals": decimals,
        "tol": tol,
        "max_iter": max_iter,
        "seed": seed,
        "threads": threads,
        "names": _names(found, sigma),
    }
    _one_side(found, upper)
    released = vector(sigma, "target"), _list(require_all_rows(found, rows, "rows"), int)
    given = vector(start, "start"), of_rows(found, signs, "signs")
    offset = right_side(found, b)
    vectors, _ = _hidden(widths, noise, digits, decimals, seed, threads)
    with shown(progress) as options["progress"]:
        parts = _unhat.invert_scores(found.matrix, offset, *released, *given, vectors, options)
    return _converged(ScoreInversion(*parts))


def invert_hat(
    A,
    h,
    *,
    ridge=_HAT["ridge"],
    digits=None,
    decimals=None,
    widths=None,
    noise=None,
    family=None,
    link=None,
    trials=None,
    offset=None,
    theta=None,
    tol=_HAT["tol"],
    max_iter=_HAT["max_iter"],
    seed=_HAT["seed"],
    columns=None,
    response=None,
    intercept=False,
    threads=None,
    checkpoint=None,
    progress=False,
):
    """Recover row weights from hat values, and with a family the coefficients of the fit.

    The hat values are hᵢ = wᵢaᵢᵀ(AᵀWA + λI)⁻¹aᵢ. They determine the weights, without any model, up to one factor in each
    component of the rows. In a generalised linear model the weights are a known function of Aβ, so that β follows too.

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d, or a fitted result of statsmodels
        As for :func:`leverage_scores`, copies included. A result of OLS, WLS, GLM, Logit, Probit or Poisson stands for
        its design matrix, and says `family`, `link`, `trials`, `offset` and `theta`.
    h : array_like or path
        The n hat values.
    ridge : float
        λ ≥ 0; with a ridge the factor is known too.
    digits, decimals : int, optional
        The hat values were rounded to so many significant digits, or decimals.
    widths : float or array_like, optional
        The true hat values lie within this much of `h`: one number, or n.
    noise : float or array_like, optional
        Standard deviation of independent errors: one number, or n.
    family : {"gaussian", "poisson", "binomial", "negative-binomial", "gamma", "inverse-gaussian"}, optional
        The family of the fit.
    link : {"identity", "log", "logit", "probit", "cloglog", "inverse", "1/mu^2", "sqrt"}, optional
        Its link; by default the canonical one, log for the negative binomial.
    trials : float or array_like, optional
        Numbers of trials, or known prior weights.
    offset : array_like, optional
        What is added to Aβ.
    theta : float, optional
        θ of a negative binomial, where it is known.
    tol : float
        Stop when no score is off by more than this share of h(1 − h).
    max_iter : int
        Steps allowed.
    seed : int
        Seed of the search for coefficients.
    columns, response, intercept, threads
        As for :func:`leverage_scores`.
    checkpoint : path, optional
        Keep the state of the descent to the weights in this file, and resume from it to the same bits where it exists,
        as for :func:`invert_gradient`.
    progress : bool or callable
        As for :func:`invert_gradient`.

    Returns
    -------
    HatInversion
        ``.weights``, ``.intervals``, ``.coefficients``, ``.open`` and the other keys of the command line's JSON;
        ``.save_html(path)`` writes the report.

    Warns
    -----
    ConvergenceWarning
        Where the status is not "solved".

    Raises
    ------
    InputError
        For data or options that cannot be used, and for families whose hat values say nothing.
    RankDeficientError
        With a family, where columns of A are dependent.

    Examples
    --------
    >>> import numpy as np
    >>> import unhat
    >>> A = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> w = np.array([1.0, 2.0, 4.0])
    >>> h = unhat.leverage_scores(A * np.sqrt(w)[:, None])
    >>> found = unhat.invert_hat(A, h)
    >>> (found.weights / found.weights[0]).round(9)
    array([1., 2., 4.])
    """
    fit = fitted(A)
    if fit is None:
        found = system(A, columns, response, intercept)
    else:
        require_alone({"columns": columns, "response": response, "intercept": intercept, "family": family, "link": link})
        require_alone({"trials": trials, "offset": offset, "theta": theta})
        found, family, link, theta = fit.system, fit.family, fit.link, fit.theta
        trials, offset = (None, None) if family is None else (fit.weights, fit.offset)
    options = {
        "ridge": ridge,
        "digits": digits,
        "decimals": decimals,
        "family": family,
        "link": link,
        "theta": theta,
        "tol": tol,
        "max_iter": max_iter,
        "seed": seed,
        "threads": threads,
        "checkpoint": None if checkpoint is None else os.fspath(checkpoint),
        "names": _names(found, h),
    }
    vectors = {
        "widths": _each_row(widths, "widths"),
        "noise": _each_row(noise, "noise"),
        "trials": _each_row(trials, "trials"),
        "offset": vector(offset, "offset"),
    }
    released = vector(h, "target")
    with shown(progress) as options["progress"]:
        parts = _unhat.invert_hat(found.matrix, released, vectors, options)
    return _converged(HatInversion(*parts)._under(found.labels))


def invert_outcomes(
    A,
    h,
    *,
    cook=None,
    deviance=None,
    pearson=None,
    digits=None,
    decimals=None,
    widths=None,
    noise=None,
    seed=_HAT["seed"],
    columns=None,
    response=None,
    intercept=False,
    threads=None,
    progress=False,
):
    """Recover every 0/1 response of a logistic fit from its hat values and one residual a row.

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d, or a fitted result of statsmodels
        As for :func:`leverage_scores`, copies included. A result of a logistic fit stands for its design matrix.
    h : array_like or path
        The n hat values of the fit.
    cook, deviance, pearson : array_like or path
        One of them: Cook's distances, or residuals, whose signs are not used.
    digits, decimals, widths, noise
        How exactly the hat values are known, as for :func:`invert_hat`.
    seed : int
        Seed of the search for coefficients.
    columns, response, intercept, threads
        As for :func:`leverage_scores`.
    progress : bool or callable
        As for :func:`invert_gradient`.

    Returns
    -------
    OutcomeInversion
        ``.outcomes``, up to the complement of all, ``.margins`` and the other keys of the command line's JSON.

    Warns
    -----
    ConvergenceWarning
        Where the status is not "solved".

    Raises
    ------
    InputError
        For data or options that cannot be used.
    RankDeficientError
        Where columns of A are dependent.

    Examples
    --------
    >>> import numpy as np
    >>> import unhat
    >>> random = np.random.default_rng(3)
    >>> A = np.column_stack([np.ones(40), random.normal(size=40)])
    >>> p = 1 / (1 + np.exp(-A @ [0.5, 1.5]))
    >>> y = random.uniform(size=40) < p
    >>> h = unhat.leverage_scores(A * np.sqrt(p * (1 - p))[:, None])
    >>> pearson = (y - p) / np.sqrt(p * (1 - p))
    >>> found = unhat.invert_outcomes(A, h, pearson=abs(pearson))
    >>> agree = found.outcomes == y  # or all of the complements
    >>> bool(agree.all() or not agree.any())
    True
    """
    fit = fitted(A)
    if fit is None:
        found = system(A, columns, response, intercept)
    else:
        require_alone({"columns": columns, "response": response, "intercept": intercept})
        if (fit.family, fit.link) != ("binomial", "logit") or fit.weights is not None or fit.offset is not None:
            raise InputError("A: found another fit than a logistic one of single trials without offset")
        found = fit.system
    given = {"cook": cook, "deviance": deviance, "pearson": pearson}
    given = {name: values for name, values in given.items() if values is not None}
    if len(given) != 1:
        raise InputError("cook: give one of cook, deviance and pearson")
    [(kind, residuals)] = given.items()
    vectors, options = _hidden(widths, noise, digits, decimals, seed, threads)
    options["names"] = _names(found, h)
    released = vector(h, "target"), kind, vector(residuals, kind)
    with shown(progress) as options["progress"]:
        parts = _unhat.invert_outcomes(found.matrix, *released, vectors, options)
    return _converged(OutcomeInversion(*parts)._under(found.labels))


def invert_column(
    A,
    h,
    *,
    digits=None,
    decimals=None,
    widths=None,
    noise=None,
    seed=_HAT["seed"],
    columns=None,
    response=None,
    intercept=False,
    threads=None,
    progress=False,
):
    """Recover a hidden 0/1 column of a linear fit from its hat values, all other columns known.

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d, or a fitted result of statsmodels
        The known columns, as for :func:`leverage_scores`, copies included. A result of OLS stands for its design matrix.
    h : array_like or path
        The n hat values of the fit with all columns.
    digits, decimals, widths, noise
        How exactly the hat values are known, as for :func:`invert_hat`.
    seed : int
        Seed of the rows that a search begins with.
    columns, response, intercept, threads
        As for :func:`leverage_scores`.
    progress : bool or callable
        As for :func:`invert_gradient`.

    Returns
    -------
    ColumnInversion
        ``.column``, up to its complement, None where none was found; ``.magnitudes`` and the other keys of the command
        line's JSON.

    Raises
    ------
    InputError
        For data or options that cannot be used.
    RankDeficientError
        Where known columns are dependent.

    Examples
    --------
    >>> import numpy as np
    >>> import unhat
    >>> random = np.random.default_rng(4)
    >>> Z = np.column_stack([np.ones(40), random.normal(size=40)])
    >>> u = (random.uniform(size=40) < 0.4).astype(float)
    >>> found = unhat.invert_column(Z, unhat.leverage_scores(np.column_stack([Z, u])))
    >>> agree = found.column == u  # or its complement
    >>> bool(agree.all() or not agree.any())
    True
    """
    fit = fitted(A)
    if fit is None:
        found = system(A, columns, response, intercept)
    else:
        require_alone({"columns": columns, "response": response, "intercept": intercept})
        if fit.family is not None or fit.weights is not None:
            raise InputError("A: found another fit than OLS; a column is looked for in linear fits without weights")
        found = fit.system
    vectors, options = _hidden(widths, noise, digits, decimals, seed, threads)
    options["names"] = _names(found, h)
    released = vector(h, "target")
    with shown(progress) as options["progress"]:
        return ColumnInversion(*_unhat.invert_column(found.matrix, released, vectors, options))._under(found.labels)


def audit(
    A,
    b=None,
    x=None,
    *,
    release=_AUDIT["release"],
    family=None,
    link=None,
    theta=None,
    weights=None,
    predictor_offset=None,
    hidden=None,
    rows=None,
    noise=None,
    round=None,
    clip=None,
    top=None,
    target_error=_AUDIT["target_error"],
    trials=_AUDIT["trials"],
    delta=_AUDIT["delta"],
    seed=_AUDIT["seed"],
    report_detail=_AUDIT["report_detail"],
    columns=None,
    response=None,
    intercept=False,
    threads=None,
    progress=False,
):
    """What a release gives away, and what would protect it.

    Scores, gradient or both are those at x. With `release` "hat", "cook", "deviance" or "dffits" the release is the
    diagnostics of a fit, which is given: its table, coefficients, weights and responses. Nothing is fitted.

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d, or a fitted result of statsmodels
        As for :func:`leverage_scores`, copies included. A result, for diagnostics of a fit, says everything of its fit.
    b : array_like, path or None
        The n offsets; None where `response` names them. Of a fit its responses, which "hat" does not need; of a binomial
        the shares of successes.
    x : array_like or path, optional
        The d parameters that are to stay hidden; by default the least-squares fit, but for fits with a family or weights.
    release : {"scores", "gradient", "both", "hat", "cook", "deviance", "dffits"}
        What is released; the last three beside the hat values.
    family, link, theta
        Of the fit, as for :func:`invert_hat`; without a family it is linear.
    weights : array_like, optional
        Weights of the fit: with a family known numbers of trials or prior weights, without one hidden ones.
    predictor_offset : array_like, optional
        With a family, what is added to Ax.
    hidden : str or int, optional
        The column of A that the attacker does not have, by its name or its number, counted from 0.
    rows : sequence of int, optional
        The rows whose scores are released, counted from 0; all by default.
    noise : float or sequence of float, optional
        Standard deviations of Gaussian noise to try; the first is the planned protection.
    round : int or sequence of int, optional
        Significant digits to try.
    clip : float or sequence of float, optional
        Quantiles of the absolute values to clip at.
    top : int or sequence of int, optional
        Release of the largest scores only, how many.
    target_error : float
        The wish: no more than one try in twenty comes closer to x than this share of its size.
    trials : int
        Tries of every attack on every noisy release.
    delta : float
        δ of the (ε, δ) that noise means for this table.
    seed : int
        Seed of everything that is drawn.
    report_detail : {"owner", "share"}
        Who reads the findings: "share" holds no coefficient and no row number.
    columns, response, intercept, threads
        As for :func:`leverage_scores`.
    progress : bool or callable
        As for :func:`invert_gradient`.

    Returns
    -------
    Audit or FitAudit
        ``.findings``, ``.verdict`` and the other keys of the schema ``unhat.findings/1``, of a fit
        ``unhat.fit-findings/1``; ``.save_html(path)`` writes the report.

    Raises
    ------
    InputError
        For data or options that cannot be used.
    RankDeficientError
        Where columns of A are dependent.

    Examples
    --------
    >>> import numpy as np
    >>> import unhat
    >>> random = np.random.default_rng(1)
    >>> A, b = random.normal(size=(60, 2)), random.normal(size=60)
    >>> found = unhat.audit(A, b, [0.3, -0.8], trials=3)
    >>> found.verdict.meets_target
    False
    """
    fit = fitted(A)
    about_fit = {"family": family, "link": link, "theta": theta, "weights": weights, "predictor_offset": predictor_offset}
    if release not in _FITS:
        if fit is not None:
            raise InputError(f"A: a fitted result has the releases {', '.join(_FITS)}")
        for name, value in {**about_fit, "hidden": hidden}.items():
            if value is not None:
                raise InputError(f"{name}: belongs to the releases {', '.join(_FITS)}")
    elif fit is not None:
        require_alone({"b": b, "x": x, "columns": columns, "response": response, "intercept": intercept, **about_fit})
        about_fit = {"family": fit.family, "link": fit.link, "theta": fit.theta}
        about_fit |= {"weights": fit.weights, "predictor_offset": fit.offset}
        b, x = fit.endog, fit.params
    found = system(A, columns, response, intercept) if fit is None else fit.system
    options = {
        "release": release,
        "rows": _list(require_all_rows(found, rows, "rows"), int),
        "noise": _list(noise, float),
        "round": _list(round, int),
        "clip": _list(clip, float),
        "top": _list(top, int),
        "target_error": target_error,
        "trials": trials,
        "delta": delta,
        "seed": seed,
        "report_detail": report_detail,
        "threads": threads,
        "table": found.table or "table",
        "columns": found.columns,
        "response": found.response,
    }
    if release in _FITS:
        return _audit_of_fit(found, b, x, about_fit, hidden, options, progress)
    given = right_side(found, b), vector(x, "point")
    with shown(progress) as options["progress"]:
        return Audit(_unhat.audit(found.matrix, *given, options))


# Releases that are diagnostics of a fit.
_FITS = ("hat", "cook", "deviance", "dffits")


def _audit_of_fit(found, b, x, fit, hidden, options, progress):
    """The audit of diagnostics of a fit."""
    options |= {name: fit[name] for name in ("family", "link", "theta")}
    options["hidden"] = None if hidden is None else _column(found, hidden)
    vectors = {
        "responses": right_side(found, b) if b is not None or found.offset is not None else None,
        "coefficients": vector(x, "point"),
        "weights": of_rows(found, fit["weights"], "weights"),
        "predictor_offset": of_rows(found, fit["predictor_offset"], "predictor_offset"),
    }
    with shown(progress) as options["progress"]:
        return FitAudit(_unhat.audit_fit(found.matrix, vectors, options))


def _column(found, word):
    """The number of a column that is named, or counted from 0."""
    if isinstance(word, str):
        if word not in found.columns:
            raise InputError(f"hidden: found {word!r}, expected one of {', '.join(found.columns) or 'its number'}")
        return found.columns.index(word)
    if not 0 <= word < _dimension(found.matrix):
        raise InputError(f"hidden: found {word}, expected a column from 0 to {_dimension(found.matrix) - 1}")
    return int(word)


def _one_side(found, upper):
    if upper and found.polytope:
        raise InputError("upper: a polytope is {Ax > b}; leave it out")


def _names(found, target=None):
    """What the page of an inversion calls the data: files by their names; a centre has no target."""
    file = file_of(target)
    called = os.path.basename(file[0]) if file else "" if target is None else "target"
    return {"table": found.table or "table", "columns": found.columns, "target": called}


def _gradient_options(upper, solver, scores, tol, max_iter, noise, prove, seed, threads, checkpoint):
    return {
        "upper": upper,
        "solver": solver,
        "scores": scores,
        "tol": tol,
        "max_iter": max_iter,
        "noise": noise,
        "prove": prove,
        "minima": "best",
        "seed": seed,
        "threads": threads,
        "checkpoint": None if checkpoint is None else os.fspath(checkpoint),
        "target_scale": 1.0,
    }


def _inverted(command, found, b, c, start, signs, weights, options, progress):
    offset = right_side(found, b)
    _one_side(found, options["upper"])
    if isinstance(weights, (int, float, np.number)):  # one for all rows
        weights = np.full(len(offset), float(weights))
    given = vector(start, "start"), of_rows(found, signs, "signs"), of_rows(found, weights, "weights")
    with shown(progress) as options["progress"]:
        parts = _unhat.invert_gradient(command, found.matrix, offset, c, *given, options)
    return _converged(GradientInversion(*parts))


def _hidden(widths, noise, digits, decimals, seed, threads):
    vectors = {
        "widths": _each_row(widths, "widths"),
        "noise": _each_row(noise, "noise"),
        "trials": None,
        "offset": None,
    }
    return vectors, {"digits": digits, "decimals": decimals, "seed": seed, "threads": threads}


def _each_row(values, what):
    """A vector, or one number for all rows."""
    one = isinstance(values, (int, float, np.number))
    return np.array([float(values)]) if one else vector(values, what)


def _dimension(matrix):
    """d of what the core takes."""
    return matrix[3] if isinstance(matrix, tuple) else matrix.shape[-1]


def _list(values, kind):
    """A list of numbers; one number is a list of one. None stays None."""
    return None if values is None else [kind(value) for value in np.atleast_1d(values)]


def _converged(result):
    if result.status != "solved":
        words = "; ".join([result.status.replace("_", " "), *result.warnings])
        _warnings.warn(f"not converged: {words}", ConvergenceWarning, stacklevel=3)
    return result


def _met(found):
    """What the reader of a file left out or took for granted."""
    return getattr(found.matrix, "notes", [])


def _say(said):
    for text in said:
        _warnings.warn(text, UnhatWarning, stacklevel=3)
