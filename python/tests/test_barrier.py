"""The barrier as a function: one cell, minimisers and operators of SciPy."""

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize
from scipy.sparse.linalg import cg

import unhat


@pytest.fixture
def polytope():
    """A, b of a cube that random facets cut, its centre, and a point near the boundary."""
    random = np.random.default_rng(0)
    A = np.vstack([np.eye(4), -np.eye(4), random.normal(size=(12, 4))])
    b = np.concatenate([-np.ones(8), -np.abs(random.normal(size=12)) - 0.2])
    centre, away = unhat.volumetric_center(A, b).x, np.array([-1.0, 0.3, 0.2, 0.1])
    room = ((A @ centre - b) / -(A @ away))[A @ away < 0].min()
    return A, b, centre, centre + 0.97 * room * away


def test_outside_its_cell_a_barrier_is_infinite(polytope):
    A, b, centre, start = polytope
    barrier, outside = unhat.VolumetricBarrier(A, b), centre + [10.0, 0.0, 0.0, 0.0]
    cell = barrier.within(start)
    np.testing.assert_allclose(cell.slack(centre), A @ centre - b, rtol=1e-14)
    assert cell.value(centre) == barrier.value(centre)
    np.testing.assert_array_equal(cell.hessian(centre), barrier.hessian(centre))
    assert np.isfinite(barrier.value(outside)) and cell.value(outside) == np.inf
    for of, shape in (("gradient", (4,)), ("hessian", (4, 4)), ("scores", (20,))):
        values = getattr(cell, of)([centre, outside])
        assert np.isfinite(values[0]).all() and np.isnan(values[1]).all() and values[1].shape == shape
    assert np.isnan(cell.hessian_vec(outside, np.ones(4))).all()
    with pytest.raises(unhat.InputError) as caught:
        unhat.VolumetricBarrier([[1.0], [-1.0]], [-1.0, -1.0]).within([1.0])
    assert caught.value.kind == "zero_slack" and "row 2" in str(caught.value)


@pytest.mark.parametrize("method", ["trust-exact", "trust-ncg", "trust-krylov", "dogleg", "Newton-CG", "BFGS", "L-BFGS-B", "CG"])
def test_minimisers_reach_the_centre(polytope, method):
    A, b, centre, start = polytope
    cell = unhat.VolumetricBarrier(A, b).within(start)
    options = {}
    if method in ("trust-exact", "dogleg"):
        options["hess"] = cell.hessian
    elif method in ("trust-ncg", "trust-krylov", "Newton-CG"):
        options["hessp"] = cell.hessian_vec
    found = minimize(cell.value, start, jac=cell.gradient, method=method, **options)
    assert found.success, found.message
    np.testing.assert_allclose(found.x, centre, atol=1e-4)
    assert found.fun == cell.value(found.x) <= cell.value(start)


def test_the_gradient_is_that_of_the_value(polytope):
    A, b, centre, start = polytope
    cell = unhat.VolumetricBarrier(A, b).within(start)
    assert check_grad(cell.value, cell.gradient, start) < 1e-4 * np.linalg.norm(cell.gradient(start))


def test_an_operator_is_the_hessian(polytope):
    A, b, centre, start = polytope
    barrier = unhat.VolumetricBarrier(A, b)
    operator, hessian = barrier.hessian_operator(start), barrier.hessian(start)
    np.testing.assert_allclose(operator @ np.eye(4), hessian, rtol=1e-10)
    np.testing.assert_allclose(operator.T @ np.ones(4), hessian.sum(axis=0), rtol=1e-10)
    solution, unsolved = cg(operator, barrier.gradient(start), rtol=1e-12)
    assert unsolved == 0
    np.testing.assert_allclose(solution, np.linalg.solve(hessian, barrier.gradient(start)), rtol=1e-8)


def test_the_polytope_of_a_file(tmp_path):
    path = tmp_path / "square.ine"
    path.write_text("H-representation\nbegin\n4 3 real\n1 1 0\n3 -1 0\n1 0 1\n1 0 -1\nend\n")
    np.testing.assert_allclose(unhat.volumetric_center(path).x, [1.0, 0.0], atol=1e-9)
    barrier = unhat.VolumetricBarrier(path)
    np.testing.assert_array_equal(barrier.slack([0.0, 0.0]), [1.0, 3.0, 1.0, 1.0])
    c = unhat.leverage_gradient(path, None, [0.5, 0.2])
    np.testing.assert_allclose(unhat.invert_gradient(path, None, c).x, [0.5, 0.2], atol=1e-8)
    for wrong in (
        lambda: unhat.volumetric_center(path, [1.0] * 4),
        lambda: unhat.volumetric_center(path, upper=True),
        lambda: unhat.volumetric_center(path, intercept=True),
        lambda: unhat.volumetric_center(path, columns=["a"]),
    ):
        with pytest.raises(unhat.InputError) as caught:
            wrong()
        assert caught.value.kind == "option"
