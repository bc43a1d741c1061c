"""What can go wrong with what the caller gave, and what the caller should know."""

import numpy as np


class InputError(ValueError):
    """Something is wrong with the data or an option.

    Rows and columns in the message count from 1.

    Attributes
    ----------
    kind : str
        A stable word for programs, the one that the command line's JSON has: ``"shape"``, ``"not_finite"``,
        ``"zero_slack"``, ``"empty_cell"``, ``"no_interior"``, ``"outside_cell"``, ``"rank_deficient"``,
        ``"unattainable"``, ``"too_large"``, ``"option"``, ``"source"`` or ``"numerical"``; or ``"dtype"``, for data that
        are no real numbers.
    help : str or None
        What to do about it.
    """

    def __init__(self, message, kind="option", help=None):
        super().__init__(message if help is None else f"{message}\n  help: {help}")
        self.kind = kind
        self.help = help
        self._message = message

    def __reduce__(self):
        return type(self), (self._message, self.kind, self.help)


class RankDeficientError(InputError, np.linalg.LinAlgError):
    """The columns of the matrix are linearly dependent."""


class UnhatWarning(UserWarning):
    """Something about an answer that the caller should know."""


class ConvergenceWarning(UnhatWarning):
    """The answer is the best point so far and not a solution; ``.status`` says why."""


def from_core(kind, message, help):
    """The exception for an error of the core."""
    if kind == "interrupted":
        return KeyboardInterrupt()
    if kind == "rank_deficient":
        return RankDeficientError(message, kind, help)
    return InputError(message, kind, help)
