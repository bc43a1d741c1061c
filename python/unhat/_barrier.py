"""The volumetric barrier as an object."""

import numpy as np

from unhat import _unhat
from unhat._data import _real, right_side, system, vector
from unhat._errors import InputError


class VolumetricBarrier:
    """V(x) = ½ log det(A_xᵀA_x) of the cell that holds x, and its derivatives.

    Every method takes one point, d values, or many, k × d, and returns the quantity at it or at each of them.

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d
        As for :func:`unhat.leverage_scores`, copies included. The array is kept, not copied: do not change it.
    b : array_like, path or None
        The n offsets; None where `response` names them.
    columns, response, intercept, threads
        As for :func:`unhat.leverage_scores`.

    Examples
    --------
    >>> import unhat
    >>> A = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    >>> barrier = unhat.VolumetricBarrier(A, [-1.0] * 4)
    >>> barrier.gradient([[0.5, 0.0], [0.0, 0.0]]).round(6) + 0.0
    array([[1.733333, 0.      ],
           [0.      , 0.      ]])
    >>> barrier.value([0.0, 0.0]).round(6)
    np.float64(0.693147)
    """

    def __init__(self, A, b, *, columns=None, response=None, intercept=False, threads=None):
        found = system(A, columns, response, intercept)
        self._matrix = found.matrix
        self._offset = right_side(found, b)
        self._threads = threads

    def value(self, x):
        """V at x."""
        return self._at(x, "value", lambda d, n: ())

    def gradient(self, x):
        """g(x) = −A_xᵀσ, d values at each point."""
        return self._at(x, "gradient", lambda d, n: (d,))

    def hessian(self, x):
        """The second derivatives, d × d at each point."""
        return self._at(x, "hessian", lambda d, n: (d, d))

    def hessian_vec(self, x, h):
        """The Hessian times `h`, d values at each point, without the Hessian."""
        return self._at(x, "hessian_vec", lambda d, n: (d,), vector(h, "direction"))

    def scores(self, x):
        """The leverage scores of A_x, n values at each point."""
        return self._at(x, "scores", lambda d, n: (n,))

    def _at(self, x, what, shape, direction=None):
        points = _real(x, "point")
        if points.ndim not in (1, 2):
            raise InputError(f"point: found {points.ndim} dimensions, expected 1, or 2 for many points", "shape")
        rows = points if points.ndim == 2 else points[np.newaxis]
        values = _unhat.barrier(self._matrix, self._offset, rows, what, direction, self._threads)
        values = values.reshape(len(rows), *shape(rows.shape[1], len(self._offset)))
        return values if points.ndim == 2 else values[0]
