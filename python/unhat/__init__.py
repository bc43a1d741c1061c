"""Leverage scores of a data matrix, their gradient, and the way back.

The leverage scores say how much each row matters (:func:`leverage_scores`). Their gradient (:func:`leverage_gradient`)
determines the hidden parameters, which :func:`invert_gradient` recovers with a proven bound on the error, and
:func:`invert_scores` from the scores themselves. :func:`invert_hat` recovers the weights of a fit from its hat values. :func:`audit` measures what a release gives away,
:func:`volumetric_center` finds the centre of a polytope, and :class:`VolumetricBarrier` is the function behind all of
it. :func:`diagnose` says of every row of a regression what R's ``influence.measures`` says. :func:`train` trains a model on a table, and :func:`influence` says which of its rows helped or hurt one. Models of a table are trained by :func:`train`, and :func:`influence` says which of its rows helped or hurt one.
"""

from unhat._barrier import VolumetricBarrier
from unhat._diagnose import diagnose
from unhat._diagnosis import Diagnosis
from unhat._errors import ConvergenceWarning, InputError, RankDeficientError, UnhatWarning
from unhat._files import TableFile
from unhat._functions import (
    audit,
    invert_column,
    invert_gradient,
    invert_hat,
    invert_outcomes,
    invert_scores,
    leverage_gradient,
    leverage_scores,
    volumetric_center,
)
from unhat._influence import influence, influence_check, influence_trim
from unhat._results import (
    Audit,
    ColumnInversion,
    FitAudit,
    GradientInversion,
    HatInversion,
    OutcomeInversion,
    Record,
    Result,
    ScoreInversion,
)
from unhat._studies import Influence, InfluenceCheck, InfluenceTrim
from unhat._trained import Predictions, Training
from unhat._training import predict, train
from unhat._unhat import __version__

__all__ = [
    "Audit",
    "ColumnInversion",
    "ConvergenceWarning",
    "Diagnosis",
    "FitAudit",
    "GradientInversion",
    "HatInversion",
    "Influence",
    "InfluenceCheck",
    "InfluenceTrim",
    "InputError",
    "OutcomeInversion",
    "Predictions",
    "RankDeficientError",
    "Record",
    "Result",
    "ScoreInversion",
    "TableFile",
    "Training",
    "UnhatWarning",
    "VolumetricBarrier",
    "__version__",
    "audit",
    "diagnose",
    "influence",
    "influence_check",
    "influence_trim",
    "invert_column",
    "invert_gradient",
    "invert_hat",
    "invert_outcomes",
    "invert_scores",
    "leverage_gradient",
    "leverage_scores",
    "predict",
    "train",
    "volumetric_center",
]
