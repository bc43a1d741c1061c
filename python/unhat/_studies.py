"""What is found of the rows of a table: their influence, planted flips, a trimming."""

import json

import numpy as np

from unhat import _unhat
from unhat._results import CHARTS, Reported
from unhat._rows import ByRow


class Study(Reported):
    """An answer of :func:`unhat.influence` and its kin."""

    def _drawn(self):
        return _unhat.influence_page(self._page)

    def _charts(self):
        return json.loads(_unhat.influence_images(self._page))[:CHARTS]

    def _of_model(self):
        model = self.model
        yield "model", f"{model.name}, penalty {model.penalty:.4g}, {model.parameters} parameters"
        yield "training rows", model.training_rows
        for warning in self.warnings:
            yield "warning", warning


class Influence(ByRow, Study):
    """What :func:`unhat.influence` found.

    Attributes
    ----------
    scores : numpy.ndarray
        One for each row that was scored, in row order; larger is better, and positive is helpful for the signed methods.
    losses, gradient_norms : numpy.ndarray
        The loss of each row and the length of its gradient.
    leverages, hat : numpy.ndarray or None
        Ridge leverage of the gradients, and the hat values of the fit, where they were computed.
    positions : numpy.ndarray
        Where the rows stand in the table, from 0; rows drawn for validation or testing are not among them.
    rows : numpy.ndarray or list of str
        What the rows are called: their numbers from 1, or the names that the file gives them.
    top, best : list of Record
        The lowest scores, worst first, and the highest: ``.row``, ``.score``, ``.loss``.
    model, impact, diagnostics : Record
        The model, what influence is on, and how far to trust the scores.
    method, claim : str
        How rows were scored, and what the scores may be called.
    membership : Record or None
        For linear and ridge models, whose membership shows.
    warnings : list of str
        What the caller should know.
    """

    def __init__(self, text, page, arrays):
        super().__init__(text, page)
        self._arrays = arrays
        self.scores, self.losses, self.gradient_norms, self.leverages, self.hat, self.positions, self.rows = arrays

    def _made_of(self):
        return (self._text, self._page, self._arrays)

    def _columns(self):
        columns = {"score": self.scores, "loss": self.losses, "grad_norm": self.gradient_norms}
        columns |= {"gradient_leverage": self.leverages, "hat": self.hat}
        return {name: values for name, values in columns.items() if values is not None}

    def _sentence(self):
        worst = f"; row {self.top[0].row} hurts most" if self.top else ""
        return f"{len(self.scores)} rows scored by {self.method}{worst}"

    def _table(self):
        yield "worst rows", ", ".join(str(row.row) for row in self.top[:10])
        yield "best rows", ", ".join(str(row.row) for row in self.best[:10])
        yield "what the scores are", self.claim
        if self.impact.value_validation is not None:
            yield self.impact.name, f"{self.impact.value_validation:.4g} on the validation rows"
        yield from self._of_model()


class InfluenceCheck(Study):
    """What :func:`unhat.influence_check` found.

    Attributes
    ----------
    flipped : int
        How many labels were flipped.
    methods : list of Record
        Best first: ``.method``, ``.auc``, ``.average_precision``.
    left_out : list of Record
        Methods that the model does not admit: ``.method``, ``.reason``.
    model : Record
        The model trained on the flipped labels.
    warnings : list of str
        What the caller should know.
    """

    def _sentence(self):
        best = f"; {self.methods[0].method} finds them best, AUC {self.methods[0].auc:.3f}" if self.methods else ""
        return f"{self.flipped} labels flipped{best}"

    def _table(self):
        for method in self.methods:
            yield method.method, f"AUC {method.auc:.3f}, average precision {method.average_precision:.3f}"
        yield from self._of_model()


class InfluenceTrim(ByRow, Study):
    """What :func:`unhat.influence_trim` found.

    Attributes
    ----------
    rows : list of Record
        One a way, "none" first, the method second: ``.trim``, ``.removed``, ``.test_accuracy``, ``.value_validation``,
        ``.value_test``.
    removed : list of int or str
        Numbers from 1, or names, of the rows that were removed, worst first.
    kept : numpy.ndarray
        Where the rows that are left stand in the table, from 0: ``frame.iloc[found.kept]``.
    scores, positions : numpy.ndarray
        Of the rows that were scored, and where they stand in the table, from 0.
    auc_of_truth : float or None
        How well the scores find the rows known to be bad.
    stopped_at_crossing : bool
        Whether trimming stopped where the unfairness crossed 0 on the validation rows.
    model, impact : Record
        The model before trimming, and what influence is on.
    warnings : list of str
        What the caller should know.
    """

    def __init__(self, text, page, scores, positions, kept):
        super().__init__(text, page)
        self.scores, self.positions, self.kept = scores, positions, kept

    def _made_of(self):
        return (self._text, self._page, self.scores, self.positions, self.kept)

    def _columns(self):
        return {"score": self.scores, "removed": ~np.isin(self.positions, self.kept)}

    def _sentence(self):
        return f"{len(self.removed)} of {self.model.training_rows} rows removed by {self.method}"

    def _table(self):
        for way in self.rows:
            said = [f"{way.removed} removed"]
            if way.test_accuracy is not None:
                said.append(f"accuracy {way.test_accuracy:.4f} on the test rows")
            if way.value_test is not None:
                said.append(f"{self.impact.name} {way.value_test:.4g} there")
            yield way.trim, ", ".join(said)
        yield from self._of_model()
