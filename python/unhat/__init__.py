"""Leverage scores of a data matrix, their gradient, and the way back; regressions diagnosed and checked before release.

Two lines that run:

>>> import unhat
>>> unhat.leverage_scores([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]).round(3)
array([0.833, 0.333, 0.833])

Data come first: arrays, sparse matrices, tables of pandas, polars or pyarrow, paths. Options go by name, those of the command
line ``unhat``, and the answers are its numbers to the last bit. ``help(unhat.diagnose)`` explains one function.

How much each row matters
    leverage_scores    hat values of a matrix, or of the model matrix of a formula; scores at a point
    absorbed_scores    the same beside factors of many levels (fixed effects), without their columns
    rank_k_scores      scores of the best approximation of rank k, of rows and of columns; of cells and genes
    lewis_weights      weights that are the leverage scores of the rows which they scale, for any p
    d_optimal_design   the best weights of candidates; the smallest ellipsoid around rows or points
    leverage_gradient  the gradient of the volumetric barrier, which the scores make up
    VolumetricBarrier  value, gradient, Hessian and products, for optimisers
    volumetric_center  the centre of a polytope {Ax > b}

Regressions
    diagnose           what R's influence.measures says of every row of an lm or glm
    audit_outputs      what of a regression may leave the house: attacks that are run on this very fit

What a release gives away, and the way back
    audit              what scores, gradients or diagnostics give away, and what would protect it
    invert_gradient    the hidden x behind a gradient, with a proven bound on the error
    invert_scores      the hidden x behind leverage scores
    invert_hat         the weights of a fit, and its coefficients, behind hat values
    invert_outcomes    the 0/1 responses of a logistic fit behind hat values and one residual a row
    invert_column      a hidden 0/1 column of a linear fit behind hat values

Rows of a table under a model
    influence          which rows helped or hurt
    influence_check    plants flipped labels and ranks the methods that look for them
    influence_trim     removes the worst rows and trains again, beside baselines
    train              trains a model of a table
    predict            what a saved model says of other rows

Answers print themselves; their attributes are the keys of the command line's JSON
    Result             what all answers have: to_dict()
    Record             a part of an answer: a dictionary with attributes
    Diagnosis, OutputsAudit, Audit, FitAudit, GradientInversion, ScoreInversion, HatInversion, OutcomeInversion,
    ColumnInversion, AbsorbedScores, RankKScores, LewisWeights, OptimalDesign, Influence, InfluenceCheck, InfluenceTrim,
    Training, Predictions
                       one for each function; those with a value for each row have to_frame(), under the labels of the table

Files, errors, warnings
    TableFile          a path, and how the table in it is written
    InputError         data or options that cannot be used, by name
    RankDeficientError dependent columns where there may be none
    UnhatWarning       what the caller should know
    ConvergenceWarning an answer that is only the best so far

``unhat.distributed`` has scores by the workers of an engine, ``unhat.sklearn`` estimators in scikit-learn's conventions,
``unhat.torch`` and ``unhat.jax`` scores that can be differentiated; they are imported by name. ``unhat.__version__`` is the
version.
"""

from unhat._absorb import AbsorbedScores, absorbed_scores
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
from unhat._outputs import OutputsAudit, audit_outputs
from unhat._rank import RankKScores, rank_k_scores
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
from unhat._weights import LewisWeights, OptimalDesign, d_optimal_design, lewis_weights

__all__ = [
    "AbsorbedScores",
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
    "LewisWeights",
    "OptimalDesign",
    "OutcomeInversion",
    "OutputsAudit",
    "Predictions",
    "RankDeficientError",
    "RankKScores",
    "Record",
    "Result",
    "ScoreInversion",
    "TableFile",
    "Training",
    "UnhatWarning",
    "VolumetricBarrier",
    "__version__",
    "absorbed_scores",
    "audit",
    "audit_outputs",
    "d_optimal_design",
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
    "lewis_weights",
    "predict",
    "rank_k_scores",
    "train",
    "volumetric_center",
]
