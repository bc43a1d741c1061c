"""Regression diagnostics of every row, with the names and the numbers of R's ``influence.measures``."""

import numpy as np

from unhat import _unhat
from unhat._data import levels_of, require_text, table as given_table
from unhat._diagnosis import Diagnosis
from unhat._errors import InputError
from unhat._rows import Labels, labels_of

# The families and links of statsmodels by the names of their classes.
_FAMILIES = {
    "Gaussian": "gaussian",
    "Binomial": "binomial",
    "Poisson": "poisson",
    "Gamma": "gamma",
    "InverseGaussian": "inverse-gaussian",
}
_LINKS = {
    "Identity": "identity",
    "Log": "log",
    "Logit": "logit",
    "Probit": "probit",
    "CLogLog": "cloglog",
    "InversePower": "inverse",
    "InverseSquared": "1/mu^2",
    "Sqrt": "sqrt",
}
# How far the coefficients of a result may lie from those of the fit that is diagnosed, relative to their size.
_AGREE = 1e-5


def diagnose(
    data,
    formula=None,
    *,
    family=None,
    link=None,
    weights=None,
    trials=None,
    offset=None,
    missing="omit",
    levels=None,
    rule="r",
    loo="one-step",
    dfbeta=None,
    top=10,
    X=None,
    y=None,
    threads=None,
):
    """Regression diagnostics of every row of a linear or generalised linear model.

    Fits the model as R's ``lm`` or ``glm`` and says of every row what ``influence.measures`` says, with one sweep over the
    rows beyond the fit.

    Parameters
    ----------
    data : table, path or result
        A table of pandas, polars, pyarrow or what else hands over Arrow, or a path, with a `formula`. Or a fitted result of
        statsmodels (OLS, WLS, GLM), or a fitted ``LinearRegression`` of scikit-learn with `X` and `y`: the same model is
        fitted again, and it is an error if its coefficients are others.
    formula : str, optional
        The model as R writes it: ``"mpg ~ wt * C(cyl) + log(hp)"``. Columns of text are factors.
    family : str, optional
        ``"gaussian"``, ``"binomial"``, ``"poisson"``, ``"gamma"``, ``"inverse-gaussian"``, ``"quasibinomial"`` or
        ``"quasipoisson"``; by default least squares, as ``lm``.
    link : str, optional
        ``"identity"``, ``"log"``, ``"logit"``, ``"probit"``, ``"cloglog"``, ``"inverse"``, ``"1/mu^2"`` or ``"sqrt"``; by
        default the canonical one.
    weights, trials, offset : str, optional
        Columns, or arithmetic on columns: prior weights, numbers of trials of which the response counts successes, and
        what is added to the predictor. With a ``LinearRegression``, `weights` are the weights it was fitted with.
    missing : {"omit", "exclude", "raise"}
        Rows with a missing cell in a column that is used: left out; left out of the fit, but with NaN among the rows; or an
        error.
    levels : dict, optional
        The levels of factors in their order, by column. By default sorted; those of a pandas category in its order.
    rule : {"r", "bkw", "cook4n", "outlier"}
        Which rows are flagged.
    loo : {"one-step", "exact"}
        How ``loo_prediction`` of a generalised model is found.
    dfbeta : "all" or list of str, optional
        The coefficients whose changes are told in ``.dfbeta`` and ``.dfbetas``, a number for every row each. By default all up to
        200; of more, those that are no levels of factors, and a warning says so. ``[]`` for none.
    top : int
        How many rows are listed as most influential.
    X, y : array_like, optional
        What a ``LinearRegression`` was fitted to.
    threads : int, optional
        Threads to use, by default as many as there are cores. The result has the same bits for any number.

    Returns
    -------
    Diagnosis
        ``.hat``, ``.rstudent``, ``.cooks``, ``.dffits``, … as arrays, ``.to_frame()``, ``.summary()``, ``.flags()``, and the
        keys of the command line's JSON.

    Raises
    ------
    InputError
        For a formula, a table or options that cannot be used; it names the position, the column or the row.

    Notes
    -----
    The hat values of a GLM are those of R, by the expected information; those of statsmodels' ``GLMInfluence`` are by the
    observed one, and differ where the link is not canonical.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import unhat
    >>> table = pathlib.Path(tempfile.mkdtemp()) / "t.csv"
    >>> _ = table.write_text("y,x\\n1,0\\n2,1\\n4,2\\n5,3\\n9,8\\n")
    >>> found = unhat.diagnose(table, "y ~ x")
    >>> round(float(found.hat.sum()), 12), found.flag[4]
    (2.0, 'dffits dfbetas_x cooks')
    """
    options = {
        "formula": formula, "family": family, "link": link, "weights": weights, "trials": trials, "offset": offset,
        "missing": missing, "levels": levels_of(data, levels), "rule": rule, "loo": loo,
        "dfbeta": _names(dfbeta), "top": top, "threads": threads,
    }
    if formula is not None:
        require_text(formula)
        given, _ = given_table(data)
        return _diagnosed(given, options, labels_of(data))
    fit = refit(data, X, y, options)
    return fit.agreeing(_diagnosed(fit.table, fit.options, fit.labels))


def _names(dfbeta):
    """None for the default, else a list; a single name would be read letter by letter."""
    if dfbeta is None or dfbeta == "all":
        return dfbeta and [dfbeta]
    if isinstance(dfbeta, str) or not all(isinstance(name, str) for name in dfbeta):
        raise InputError(f"dfbeta: found {dfbeta!r}, expected \"all\" or a list of names of coefficients")
    return list(dfbeta)


def _diagnosed(table, options, labels):
    answer = _unhat.diagnose(table, options)
    return Diagnosis(answer)._under(labels.at(answer["positions"], answer["labels"]))


class Refit:
    """The data that a fitted result of another package holds, as a table and the formula that fits it again."""

    def __init__(self, design, rest, labels, options):
        (matrix, self.names, self.params), (response, weights, offset) = design, rest
        if len(set(self.names)) < len(self.names) or any("`" in name for name in self.names):
            raise InputError("data: two columns of the design have one name, or a name has a backtick; rename them")
        constant = [k for k in range(matrix.shape[1]) if np.all(matrix[:, k] == 1)]
        columns = [k for k in range(matrix.shape[1]) if k not in constant[:1]]
        terms = ["1" if constant else "0", *(f"`{self.names[k]}`" for k in columns)]
        self.table = [(self.names[k], np.ascontiguousarray(matrix[:, k])) for k in columns]
        beside = {"response": response, "weights": weights, "offset": offset}
        for option, values in beside.items():
            if values is not None:
                self.table.append((f"({option})", np.ascontiguousarray(values, dtype=np.float64)))
        named = {option: f"`({option})`" for option, values in beside.items() if values is not None}
        formula = named.pop("response") + " ~ " + " + ".join(terms)
        self.options = options | {"weights": None} | named | {"formula": formula, "missing": "raise"}
        self.labels = Labels(labels)
        # The intercept is the first coefficient here, wherever its column stood.
        self.places = constant[:1] + columns

    def agreeing(self, found):
        """The diagnosis, whose coefficients must be those of the result."""
        size = max(1.0, float(np.max(np.abs(self.params))))
        for place, part in zip(self.places, found.coefficients, strict=True):
            name, value, own = self.names[place], self.params[place], part.estimate
            if own is None:
                raise InputError(f"data: the column {name!r} depends on those before it: its coefficient is not determined")
            if abs(own - value) > _AGREE * max(abs(own), 1e-3 * size):
                raise InputError(
                    f"data: the coefficient of {name!r} is {float(value)!r} in the result, and {own!r} in the fit of its data: "
                    "it is no plain least squares or maximum of the likelihood (a penalty, constraints, a scale)"
                )
        return found


def refit(data, X, y, options):
    """The data of a fitted result; an error for what is none, and for options that it says itself."""
    given_too = [name for name in ("family", "link", "trials", "offset") if options[name] is not None]
    if given_too:
        raise InputError(f"{given_too[0]}: goes with a formula; a result has its own")
    if hasattr(data, "model") and hasattr(data, "params"):
        return _of_statsmodels(data, options)
    if hasattr(data, "coef_") and hasattr(data, "intercept_"):
        return _of_linear_regression(data, X, y, options["weights"], options)
    raise InputError(f"formula: missing; give the model, such as \"y ~ x\", or a fitted result and not {type(data).__name__}")


def _of_statsmodels(result, options):
    """OLS, WLS and GLM: the design, the response and the weights that the result holds, fitted again."""
    model = result.model
    kind = type(model).__name__
    if kind not in ("OLS", "WLS", "GLM"):
        raise InputError(f"data: found a result of {kind}, expected one of OLS, WLS or GLM; others: fit by a formula here")
    if options["weights"] is not None:
        raise InputError("weights: a result of statsmodels has its own")
    response, weights, offset = np.asarray(model.endog, dtype=np.float64), None, None
    if kind == "WLS":
        weights = np.asarray(model.weights, dtype=np.float64)
    if kind == "GLM":
        family = type(model.family).__name__
        link = type(model.family.link).__name__
        if family not in _FAMILIES or link not in _LINKS:
            raise InputError(f"data: found a GLM of family {family} with link {link}, which is not fitted here")
        if np.any(np.asarray(model.freq_weights) != 1):
            raise InputError("data: found a GLM with freq_weights; repeat the rows, or give the weights as var_weights")
        options = options | {"family": _FAMILIES[family], "link": _LINKS[link]}
        weights = np.asarray(model.var_weights, dtype=np.float64) * np.asarray(getattr(model, "n_trials", 1.0))
        offset = np.zeros(len(response)) + getattr(model, "_offset_exposure", 0.0)
    labels = getattr(model.data, "row_labels", None)
    names = [str(name) for name in model.exog_names]
    params = np.asarray(result.params, dtype=np.float64)
    return Refit((np.asarray(model.exog, dtype=np.float64), names, params), (response, weights, offset), labels, options)


def _of_linear_regression(fitted, X, y, weights, options):
    if X is None or y is None:
        raise InputError("X: missing; a LinearRegression keeps no data: give X= and y= (and weights=) it was fitted to")
    design = np.asarray(X, dtype=np.float64)
    names = [str(name) for name in getattr(fitted, "feature_names_in_", [f"x{k + 1}" for k in range(design.shape[1])])]
    params = np.asarray(fitted.coef_, dtype=np.float64)
    if params.ndim != 1:
        raise InputError("y: several responses were fitted; diagnose one")
    if fitted.fit_intercept:
        design = np.column_stack([np.ones(len(design)), design])
        names, params = ["(Intercept)", *names], np.array([fitted.intercept_, *params])
    weights = None if weights is None else np.asarray(weights, dtype=np.float64)
    return Refit((design, names, params), (np.asarray(y, dtype=np.float64), weights, None), labels_of(X).index, options)
