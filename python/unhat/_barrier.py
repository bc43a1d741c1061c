"""The volumetric barrier as an object."""

import numpy as np

from unhat import _unhat
from unhat._data import _real, right_side, system, vector
from unhat._errors import InputError


class VolumetricBarrier:
    """V(x) = ½ log det(A_xᵀA_x) of the cell that holds x, and its derivatives.

    Every method takes one point, d values, or many, k × d, and returns the quantity at it or at each of them.

    Every sign pattern of Ax − b is a cell with a barrier of its own. :meth:`within` keeps to one of them: outside it the
    value is infinite and everything else NaN, which is what a minimiser needs.

    Parameters
    ----------
    A : array_like, sparse matrix, table or path, n × d
        As for :func:`unhat.leverage_scores`, copies included. The array is kept, not copied: do not change it.
    b : array_like, path or None
        The n offsets; None where `response` names them, or the file is one of a polytope.
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

    With SciPy, the volumetric centre:

    >>> from scipy.optimize import minimize
    >>> start = [0.9, -0.8]
    >>> square = barrier.within(start)
    >>> found = minimize(square.value, start, jac=square.gradient, hess=square.hessian, method="trust-exact")
    >>> (abs(found.x) < 1e-4).all()
    np.True_
    """

    def __init__(self, A, b=None, *, columns=None, response=None, intercept=False, threads=None):
        found = system(A, columns, response, intercept)
        self._matrix = found.matrix
        self._offset = right_side(found, b)
        self._threads = threads
        self._signs = None

    def within(self, x):
        """The same barrier on the cell that holds x alone.

        Its methods are ``fun``, ``jac``, ``hess`` and ``hessp`` of ``scipy.optimize.minimize``, where `x` is the start:
        a step across the boundary meets an infinite value and is taken back. Methods that shorten a step by the value
        alone work (trust-exact, trust-ncg, trust-krylov, dogleg, Newton-CG, BFGS, L-BFGS-B, CG); TNC does not.

        Parameters
        ----------
        x : array_like
            A point in the cell, d values.

        Returns
        -------
        VolumetricBarrier

        Raises
        ------
        InputError
            Where x lies on the boundary of a cell.
        """
        slack = self._at(vector(x, "point"), "slack", lambda d, n: (n,))
        if (slack == 0).any():
            raise InputError(f"row {int(np.flatnonzero(slack == 0)[0]) + 1} has slack 0 at the given point", "zero_slack")
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _signs=np.sign(slack))
        return other

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

    def hessian_operator(self, x):
        """The Hessian at one point as a ``scipy.sparse.linalg.LinearOperator``: products, without the Hessian.

        Parameters
        ----------
        x : array_like
            One point, d values; a copy is kept.

        Returns
        -------
        scipy.sparse.linalg.LinearOperator
            d × d, symmetric. SciPy, which must be installed, is imported here and nowhere else.

        Examples
        --------
        >>> import unhat
        >>> from scipy.sparse.linalg import eigsh
        >>> A = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
        >>> barrier = unhat.VolumetricBarrier(A, [-1.0] * 4)
        >>> operator = barrier.hessian_operator([0.0, 0.0])
        >>> (operator @ [1.0, 0.0]).round(6) + 0.0
        array([3., 0.])
        """
        from scipy.sparse.linalg import LinearOperator

        point = np.array(vector(x, "point"))
        product = lambda h: self.hessian_vec(point, np.asarray(h).reshape(-1))  # noqa: E731
        return LinearOperator((len(point), len(point)), matvec=product, rmatvec=product, dtype=np.float64)

    def scores(self, x):
        """The leverage scores of A_x, n values at each point."""
        return self._at(x, "scores", lambda d, n: (n,))

    def slack(self, x):
        """Ax − b, n values at each point; their signs are the cell."""
        return self._at(x, "slack", lambda d, n: (n,))

    def _at(self, x, what, shape, direction=None):
        points = _real(x, "point")
        if points.ndim not in (1, 2):
            raise InputError(f"point: found {points.ndim} dimensions, expected 1, or 2 for many points", "shape")
        rows = points if points.ndim == 2 else points[np.newaxis]
        values = _unhat.barrier(self._matrix, self._offset, rows, what, direction, self._signs, self._threads)
        values = values.reshape(len(rows), *shape(rows.shape[1], len(self._offset)))
        return values if points.ndim == 2 else values[0]
