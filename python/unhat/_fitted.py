"""Fitted results of statsmodels as data: A, the family, weights, offset and coefficients of the fit."""

import numpy as np

from unhat._data import System
from unhat._errors import InputError
from unhat._rows import Labels

# Classes of statsmodels by their names: it need not be installed.
_LINEAR = {"OLS": False, "WLS": True}
_FAMILIES = {
    "Gaussian": "gaussian",
    "Poisson": "poisson",
    "Binomial": "binomial",
    "NegativeBinomial": "negative-binomial",
    "Gamma": "gamma",
    "InverseGaussian": "inverse-gaussian",
}
_LINKS = {
    "Identity": "identity",
    "identity": "identity",
    "Log": "log",
    "log": "log",
    "Logit": "logit",
    "logit": "logit",
    "Probit": "probit",
    "probit": "probit",
    "CLogLog": "cloglog",
    "cloglog": "cloglog",
    "InversePower": "inverse",
    "inverse_power": "inverse",
    "InverseSquared": "1/mu^2",
    "inverse_squared": "1/mu^2",
    "Sqrt": "sqrt",
}
_POWERS = {1.0: "identity", -1.0: "inverse", -2.0: "1/mu^2", 0.5: "sqrt"}
# Models that are generalised linear ones under another name.
_DISCRETE = {"Logit": ("binomial", "logit"), "Probit": ("binomial", "probit"), "Poisson": ("poisson", "log")}


class Fitted:
    """What a result says of its fit; None where it has none."""

    def __init__(self, result):
        model = result.model
        kind = type(model).__name__
        if kind not in {*_LINEAR, *_DISCRETE, "GLM"}:
            raise InputError(f"A: found a fit of {kind}, expected one of OLS, WLS, GLM, Logit, Probit, Poisson")
        self.exog = _rows(model.exog)
        self.labels = Labels(getattr(getattr(model, "data", None), "row_labels", None))
        self.names = [str(name) for name in getattr(model, "exog_names", [])]
        self.response = getattr(model, "endog_names", None)
        self.endog = np.ascontiguousarray(model.endog, dtype=np.float64)
        self.params = np.ascontiguousarray(result.params, dtype=np.float64)
        self.family = self.link = self.theta = self.offset = self.weights = None
        if kind in _LINEAR:
            self.weights = np.ascontiguousarray(model.weights, dtype=np.float64) if _LINEAR[kind] else None
            return
        offset = np.broadcast_to(np.asarray(getattr(model, "_offset_exposure", 0.0), dtype=np.float64), len(self.endog))
        if kind in _DISCRETE:
            self.family, self.link = _DISCRETE[kind]
            parts = [getattr(model, "offset", None), getattr(model, "exposure", None)]  # log(exposure), in statsmodels
            offset = sum((np.asarray(part, dtype=np.float64) for part in parts if part is not None), offset)
        else:
            self._read_family(model)
        self.offset = np.ascontiguousarray(offset) if np.any(offset) else None

    def _read_family(self, model):
        family, link = type(model.family).__name__, model.family.link
        self.family = _FAMILIES.get(family)
        self.link = _LINKS.get(type(link).__name__) or _POWERS.get(getattr(link, "power", None))
        if self.family is None or self.link is None:
            raise InputError(f"A: found family {family} with link {type(link).__name__}, whose weights are not known here")
        if self.family == "negative-binomial":
            self.theta = 1.0 / float(model.family.alpha)
        # Frequencies and variance weights multiply the weight of a row, as numbers of trials do.
        parts = [getattr(model, name, None) for name in ("freq_weights", "var_weights", "n_trials")]
        weights = np.ones(len(self.endog))
        for part in parts:
            weights = weights if part is None else weights * np.asarray(part, dtype=np.float64)
        self.weights = None if np.all(weights == 1.0) else weights

    @property
    def system(self):
        """A with the names of its columns."""
        return System(self.exog, columns=self.names, response=self.response, labels=self.labels)


def fitted(data):
    """The fit of a result of statsmodels, or None for anything else."""
    model = getattr(data, "model", None)
    if model is None or not hasattr(data, "params") or not hasattr(model, "exog"):
        return None
    return Fitted(data)


def require_alone(given):
    """What a fit says itself is not said again."""
    for name, value in given.items():
        if value is not None and value is not False:
            raise InputError(f"{name}: the fit that was given has its own; leave it out")


def _rows(exog):
    rows = np.ascontiguousarray(exog, dtype=np.float64)
    if rows.ndim != 2:
        raise InputError(f"A: found a fit with {rows.ndim} dimensions of exog, expected 2", "shape")
    return rows
