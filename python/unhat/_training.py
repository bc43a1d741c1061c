"""Training a model on a table, and predicting with it."""

import json
import os
import warnings as _warnings

from unhat import _unhat
from unhat._data import held_out, levels_of, require_text, table as given_table
from unhat._errors import ConvergenceWarning, InputError
from unhat._progress import shown
from unhat._trained import Training, predictions

# The core's own.
_DEFAULTS = json.loads(_unhat.defaults())["train"]


def train(
    table,
    *,
    response=None,
    formula=None,
    missing="raise",
    levels=None,
    model,
    optimizer=_DEFAULTS["optimizer"],
    batch=_DEFAULTS["batch"],
    epochs=_DEFAULTS["epochs"],
    lr=None,
    weight_decay=_DEFAULTS["weight_decay"],
    momentum=None,
    schedule=_DEFAULTS["schedule"],
    share=None,
    scope=None,
    refresh=None,
    damping=None,
    alpha=None,
    factor_every=None,
    inverse_every=None,
    rank=None,
    base=None,
    validation=None,
    patience=None,
    record_every=None,
    controls=_DEFAULTS["controls"],
    without=(),
    standardize=_DEFAULTS["standardize"],
    output=None,
    checkpoint=None,
    seed=_DEFAULTS["seed"],
    threads=None,
    progress=False,
):
    """Train a model on a table.

    Parameters
    ----------
    table : table or path
        As for :func:`influence`.
    response : str
        The response column; not needed beside `formula`.
    formula, missing, levels
        As for :func:`influence`. A saved model holds its formula.
    model : str
        ``"linear"``, ``"ridge"``, ``"logistic"``, ``"softmax"``, ``"poisson"``, ``"mlp"`` or ``"mlp:64,32"``.
    optimizer : {"sgd", "nesterov", "adamw", "fngd", "fngd-metric", "kfac", "ngd"}
        The rule. fngd: a weighted sum of per-sample gradients whose coefficients are inverted in the first epoch and
        shared afterwards; fngd-metric: AdamW in the metric of each layer's inputs, found in the first epoch and shared
        afterwards; kfac: Kronecker factors of each layer's Fisher matrix; ngd: fresh coefficients in every step.
    batch : int
        Rows of a batch; the last of an epoch may have fewer.
    epochs : int
        How often all rows are seen.
    lr : float or "auto", optional
        Learning rate for the mean loss of a batch, or the best of a short range test. By default 0.05 for sgd and
        nesterov, 0.002 for adamw and fngd-metric, else "auto".
    weight_decay : float
        λ ≥ 0: part of the gradient for sgd and nesterov, decoupled for the others.
    momentum : float, optional
        μ of the rules that have one, by default 0.9.
    schedule : {"cosine", "constant"}
        What becomes of the learning rate.
    share : {"by_id", "by_id_fixed_batches", "layer_mean"}, optional
        How fngd shares its coefficients.
    scope : {"layer", "network"}, optional
        Which gradients a coefficient of fngd and ngd weighs.
    refresh : int, optional
        Compute anew every so many epochs (fngd) or steps (fngd-metric); by default in the first epoch only.
    damping : float, optional
        λ > 0 of fngd, kfac and ngd, in the units of the Fisher matrix; in place of `alpha`.
    alpha : float, optional
        α > 0, a damping relative to the trace: by default 10 for fngd and ngd, 1 for fngd-metric.
    factor_every, inverse_every : int, optional
        Steps from one update, and one inversion, of the factors of kfac to the next, by default 10.
    rank : int, optional
        Directions of a layer's metric of fngd-metric, by default 16.
    base : {"adamw", "nesterov"}, optional
        The rule beneath fngd-metric.
    validation : float, table or path, optional
        Validation rows: a share of the table drawn by `seed`, or a table; drawn rows are not trained on.
    patience : int, optional
        End after so many epochs without a smaller validation loss, and keep the weights of the smallest.
    record_every : int, optional
        Evaluate every so many steps as well as after every epoch.
    controls : bool
        Train again on the same seed with what fngd or fngd-metric shares spoiled, to see what it contributed.
    without : sequence of str
        Columns that are no features.
    standardize : bool
        Standardise numeric columns.
    output : path, optional
        Write the model to this ``.safetensors`` file; ``.save(path)`` of the result does so too.
    checkpoint : path, optional
        Keep the training in this file on the way; the same call goes on from it to the same bits, and the command line
        too; between processors with FMA and without it the last ones differ. It is removed at the end.
    seed : int
        Seed of first weights, batches and subspaces.
    threads : int, optional
        Threads to use, by default as many as there are cores. The result has the same bits for any number;
        on a processor without FMA the last ones differ.
    progress : bool or callable
        As for :func:`invert_gradient`; the kinds are ``"phase"`` and ``"evaluated"``.

    Returns
    -------
    Training
        ``.status``, ``.kept``, ``.history`` and the other keys of the command line's JSON; ``.predict(table)`` and
        ``.save(path)``.

    Raises
    ------
    InputError
        For a table or options that cannot be used; it names the column or the option.

    Warns
    -----
    ConvergenceWarning
        Where the training diverged; the last finite weights are kept.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import unhat
    >>> table = pathlib.Path(tempfile.mkdtemp()) / "doses.csv"
    >>> rows = [f"{dose},{'yes' if dose > 50 else 'no'}" for dose in range(100)]
    >>> _ = table.write_text("\\n".join(["dose,works", *rows]))
    >>> trained = unhat.train(table, response="works", model="logistic", optimizer="sgd", batch=20)
    >>> trained.status, trained.predict(table).accuracy > 0.9
    ('solved', True)
    """
    options = {name: value for name, value in locals().items() if name != "progress"}
    if formula is None and levels is not None:
        raise InputError("levels: goes with a formula; give formula too")
    options["levels"] = [] if formula is None else levels_of(table, levels)
    options["formula"] = None if formula is None else require_text(formula)
    given, options["table"] = given_table(table)
    options["lr"] = lr if lr is None or isinstance(lr, str) else repr(float(lr))
    options["validation"] = held_out(validation, "validation")
    options |= {"output": _path(output), "checkpoint": _path(checkpoint)}
    with shown(progress) as options["progress"]:
        trained = Training(*_unhat.train(given, options))
    if trained.status == "diverged":
        at = trained.diverged
        said = f"diverged at step {at.step}: layer {at.layer} is not finite; a smaller lr may help"
        _warnings.warn(said, ConvergenceWarning, stacklevel=2)
    return trained


def predict(table, model_file, *, missing="raise", threads=None):
    """What a saved model says of the rows of a table.

    Parameters
    ----------
    table : table or path
        As for :func:`influence`; columns are found by their names, and the response is not needed.
    model_file : path or Training
        A model that :func:`train` or the command line saved, or what :func:`train` returned.
    missing : {"raise", "omit"}
        Where the model is one of a formula: rows with a missing cell in a column of its features are an error, or left out.
    threads : int, optional
        Threads to use, by default as many as there are cores. The result has the same bits for any number;
        on a processor without FMA the last ones differ.

    Returns
    -------
    Predictions
        ``.values``, ``.probabilities``, ``.loss``, ``.accuracy`` and the other keys of the command line's JSON.

    Raises
    ------
    InputError
        For a table or a file that cannot be used.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import unhat
    >>> table = pathlib.Path(tempfile.mkdtemp()) / "line.csv"
    >>> _ = table.write_text("\\n".join(["x,y", *(f"{x},{2 * x + 1}" for x in range(20))]))
    >>> trained = unhat.train(table, response="y", model="linear", optimizer="sgd", batch=20, epochs=200)
    >>> unhat.predict(table, trained).values[:3].round(2)
    array([1., 3., 5.])
    """
    return predictions(table, model_file, missing, threads)


def _path(given):
    return None if given is None else os.fspath(given)
