"""What a training leaves, and what a model says of the rows of a table."""

import json
import os

import numpy as np

from unhat import _unhat
from unhat._data import table as given_table
from unhat._results import CHARTS, Reported, Result
from unhat._rows import ByRow, labels_of


class Training(Reported):
    """What :func:`unhat.train` leaves.

    Attributes
    ----------
    status : str
        ``"solved"`` or ``"diverged"``.
    kept : Record
        The weights that were kept: ``.step``, ``.epoch``, ``.train_loss``, ``.train_accuracy``, ``.validation_loss``,
        ``.validation_accuracy``.
    history : list of Record
        The losses on the way.
    optimizer, learning_rate : str, float
        The rule, and its rate in the first step.
    settings, model : Record
        The options as they took effect; the model.
    controls : Record or None
        What the idea of the rule contributed.
    warnings : list of str
        What the caller should know.
    """

    def __init__(self, text, page, weights):
        super().__init__(text, page)
        self._weights = weights

    def _made_of(self):
        return (self._text, self._page, self._weights)

    def _drawn(self):
        return _unhat.training_page(self._page)

    def save(self, path):
        """Write the model to a file that the command line takes too, whole or not at all.

        Parameters
        ----------
        path : str or os.PathLike
            The file, ``.safetensors``, replaced if it is there.
        """
        _unhat.write_model(os.fspath(path), self._weights)

    def predict(self, table, *, missing="raise", threads=None):
        """What the model says of the rows of a table.

        Parameters
        ----------
        table : table or path
            As for :func:`unhat.predict`.
        missing : {"raise", "omit"}
            As for :func:`unhat.predict`.
        threads : int, optional
            As for :func:`unhat.predict`.

        Returns
        -------
        Predictions
            As of :func:`unhat.predict`.
        """
        return predictions(table, self, missing, threads)

    def _charts(self):
        return json.loads(_unhat.training_images(self._page))[:CHARTS]

    def _sentence(self):
        loss = "not finite" if self.kept.train_loss is None else f"{self.kept.train_loss:.4g}"
        return f"{self.status}: {self.model.name} by {self.optimizer}, training loss {loss} after epoch {self.kept.epoch}"

    def _table(self):
        for name in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"):
            if self.kept[name] is not None:
                yield name.replace("_", " "), f"{self.kept[name]:.4g}"
        yield "steps", self.steps
        yield "learning rate", f"{self.learning_rate:.4g}"
        for warning in self.warnings:
            yield "warning", warning


class Predictions(ByRow, Result):
    """What :func:`unhat.predict` says.

    Attributes
    ----------
    values : numpy.ndarray
        One for each row of the table: a number, or its class.
    probabilities : numpy.ndarray or None
        Of each row and class, in the order of ``.classes``; None for numbers.
    classes : list
        The classes; empty for numbers.
    loss, accuracy : float or None
        Where the table holds the response.
    rows : int
        How many there are.
    positions : numpy.ndarray
        Where they stand in the table, from 0.
    warnings : list of str
        What the caller should know.
    """

    def __init__(self, text, positions):
        super().__init__(text)
        self.positions = positions
        found = self._facts["predictions"]
        self.values = np.array([row.prediction for row in found], dtype=None if found else np.float64)
        self.probabilities = np.array([row.probabilities for row in found]) if self.classes and found else None

    def _made_of(self):
        return self._text, self.positions

    def _columns(self):
        columns = {"prediction": self.values}
        if self.probabilities is not None:
            columns |= {f"p({name})": self.probabilities[:, k] for k, name in enumerate(self.classes)}
        return columns

    def _sentence(self):
        loss = "" if self.loss is None else f", mean loss {self.loss:.4g}"
        accuracy = "" if self.accuracy is None else f", accuracy {self.accuracy:.4f}"
        return f"{self.rows} rows predicted by {self.model}{loss}{accuracy}"

    def _table(self):
        yield self.response, np.array2string(self.values, threshold=8)
        for warning in self.warnings:
            yield "warning", warning


def predictions(table, model, missing, threads):
    """The core's predictions by a model, a file or a training."""
    found = Predictions(*_unhat.predict(given_table(table)[0], weights(model), missing, threads))
    names = [row.row for row in found.predictions]
    return found._under(labels_of(table).at(found.positions, names))


def weights(model):
    """A saved model as the core takes it: its bytes where it was trained here, else its file."""
    return model._weights if isinstance(model, Training) else os.fspath(model)
