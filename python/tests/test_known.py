"""Known answers: hat values of R and of 60-digit arithmetic, scores of published matrices, closed forms."""

import csv
import json

import numpy as np
import pytest
import scipy.io
import scipy.optimize

import unhat


def columns(path, *names):
    with open(path) as file:
        return np.array([[float(row[name]) for name in names] for row in csv.DictReader(file)])


def model_and_hat_values(path):
    """The model matrix of R, whose columns come before those that begin with a dot, and the hat values."""
    with open(path) as file:
        names = [name for name in next(csv.reader(file)) if not name.startswith(".")]
    return columns(path, *names), columns(path, ".hat")[:, 0]


def test_hat_values_of_longley_to_sixty_digits(known):
    rows, _ = model_and_hat_values(known / "regression" / "r_hat_longley.csv")
    exact = json.loads((known / "regression" / "mpmath_60digit_hat_reference.json").read_text())["longley"]
    np.testing.assert_allclose(unhat.leverage_scores(rows), [float(h) for h in exact], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["stackloss", "cars", "anscombe4"])
def test_hat_values_of_r(known, name):
    rows, hat = model_and_hat_values(known / "regression" / f"r_hat_{name}.csv")
    np.testing.assert_allclose(unhat.leverage_scores(rows), hat, rtol=0, atol=1e-12)


def test_scores_of_a_published_sparse_matrix(known):
    rows = scipy.io.mmread(known / "matrices" / "ash219.mtx")
    exact = np.loadtxt(known / "leverage_refs" / "ash219.sigma.txt")
    np.testing.assert_allclose(unhat.leverage_scores(rows.tocsr()), exact, rtol=0, atol=1e-11)
    np.testing.assert_allclose(unhat.leverage_scores(known / "matrices" / "ash219.mtx"), exact, rtol=0, atol=1e-11)


def test_the_centre_of_a_box_is_its_middle():
    rows = np.vstack([np.eye(3), -np.eye(3)])
    centre = unhat.volumetric_center(rows, [-1.0, 0.0, 2.0, -3.0, -1.0, -8.0])
    np.testing.assert_allclose(centre.x, [1.0, 0.5, 5.0], atol=1e-9)
    assert centre.certificate.euclidean < 1e-6


def test_the_barrier_against_its_definition_and_differences(problem):
    A, b, x = problem
    barrier = unhat.VolumetricBarrier(A, b)

    def value(x):
        scaled = A / (A @ x - b)[:, None]
        return 0.5 * np.linalg.slogdet(scaled.T @ scaled)[1]

    scaled = A / (A @ x - b)[:, None]
    assert barrier.value(x) == pytest.approx(value(x), rel=1e-13)
    scores = np.diag(scaled @ np.linalg.solve(scaled.T @ scaled, scaled.T))
    np.testing.assert_allclose(barrier.scores(x), scores, atol=1e-13)
    gradient = barrier.gradient(x)
    np.testing.assert_allclose(gradient, -scaled.T @ scores, rtol=1e-12)
    np.testing.assert_allclose(gradient, unhat.leverage_gradient(A, b, x), rtol=1e-13)
    hessian, step = barrier.hessian(x), 1e-6
    for j, e in enumerate(np.eye(3)):
        difference = (barrier.gradient(x + step * e) - barrier.gradient(x - step * e)) / (2 * step)
        np.testing.assert_allclose(hessian[j], difference, rtol=1e-5, atol=1e-4 * abs(hessian).max())
        np.testing.assert_allclose(barrier.hessian_vec(x, e), hessian[:, j], rtol=1e-9, atol=1e-9 * abs(hessian).max())


def test_the_barrier_at_many_points_is_that_at_each(problem):
    A, b, x = problem
    barrier = unhat.VolumetricBarrier(A, b)
    points = np.array([x, -x, 2 * x, [0.0, 0.1, 0.2]])
    for quantity in (barrier.value, barrier.gradient, barrier.hessian, barrier.scores):
        np.testing.assert_array_equal(quantity(points), [quantity(point) for point in points])
    h = np.array([1.0, 0.5, -2.0])
    np.testing.assert_array_equal(barrier.hessian_vec(points, h), [barrier.hessian_vec(point, h) for point in points])


def test_the_barrier_is_minimised_by_scipy_at_the_centre():
    rows = np.vstack([np.eye(2), -np.eye(2), [[1.0, 1.0]]])
    b = np.array([-1.0, -1.0, -1.0, -2.0, -1.5])
    barrier = unhat.VolumetricBarrier(rows, b)
    found = scipy.optimize.minimize(
        barrier.value, [0.0, 0.0], jac=barrier.gradient, hess=barrier.hessian, method="trust-exact"
    )
    np.testing.assert_allclose(found.x, unhat.volumetric_center(rows, b).x, atol=1e-4)


def test_x_comes_back_from_gradient_and_scores(problem):
    A, b, x = problem
    signs = np.sign(A @ x - b)
    found = unhat.invert_gradient(A, b, unhat.leverage_gradient(A, b, x), signs=signs)
    assert np.linalg.norm(found.x - x) <= max(found.certificate.euclidean, 1e-14) < 1e-6
    found = unhat.invert_scores(A, b, unhat.leverage_scores(A, offset=b, point=x))
    assert found.identified
    np.testing.assert_allclose(found.x, x, rtol=1e-8)
    rows = np.arange(3, 40)
    some = unhat.invert_scores(A, b, unhat.leverage_scores(A, offset=b, point=x)[rows], rows=rows)
    np.testing.assert_allclose(some.x, x, rtol=1e-8)


def test_hat_values_of_a_weighted_fit_give_its_weights_back():
    random = np.random.default_rng(5)
    A, w = random.normal(size=(60, 4)), 10 ** random.uniform(0, 3, size=60)
    h = unhat.leverage_scores(A * np.sqrt(w)[:, None])
    found = unhat.invert_hat(A, h)
    assert found.status == "solved" and found.open == ["one factor of all weights"]
    ratio = found.weights / w
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-10)
    held = found.components[0].held_row - 1
    low, high = np.array(found.intervals).T
    truth = w / w[held] * found.weights[held]
    assert np.all(low <= truth * (1 + 1e-12)) and np.all(truth <= high * (1 + 1e-12))
    rounded = unhat.invert_hat(A, np.round(h, 4), decimals=4)
    assert np.all(np.abs(np.log(rounded.weights / found.weights)) < 0.2)
    with pytest.raises(unhat.InputError, match="digits"):
        unhat.invert_hat(A, h, digits=3, noise=0.1)


def test_hat_values_of_a_logistic_fit_give_its_coefficients_back():
    random = np.random.default_rng(6)
    A, beta = np.column_stack([np.ones(80), random.normal(size=(80, 2))]), np.array([0.4, -1.1, 0.7])
    p = 1 / (1 + np.exp(-A @ beta))
    h = unhat.leverage_scores(A * np.sqrt(p * (1 - p))[:, None])
    found = unhat.invert_hat(A, h, family="binomial")
    sign = np.sign(found.coefficients @ beta)
    np.testing.assert_allclose(found.coefficients * sign, beta, rtol=1e-9)
    assert any("sign" in words for words in found.open)
    with pytest.raises(unhat.InputError, match="weights are the same"):
        unhat.invert_hat(A, h, family="gamma", link="log")
    with pytest.warns(unhat.ConvergenceWarning):
        assert unhat.invert_hat(A, h[::-1].copy(), family="poisson").status != "solved"


def test_hat_values_give_responses_and_a_hidden_column():
    random = np.random.default_rng(7)
    A, beta = np.column_stack([np.ones(60), random.normal(size=(60, 2))]), np.array([0.2, 1.3, -0.9])
    p = 1 / (1 + np.exp(-A @ beta))
    y = random.uniform(size=60) < p
    h = unhat.leverage_scores(A * np.sqrt(p * (1 - p))[:, None])
    cook = np.where(y, (1 - p) / p, p / (1 - p)) * h / (3 * (1 - h) ** 2)
    found = unhat.invert_outcomes(A, h, cook=cook)
    told = np.isfinite(found.outcomes)
    agree = (found.outcomes == y)[told]
    assert told.sum() >= 57 and (agree.all() or not agree.any())
    with pytest.raises(unhat.InputError, match="one of cook"):
        unhat.invert_outcomes(A, h)
    hidden = (random.uniform(size=60) < 0.4).astype(float)
    column = unhat.invert_column(A, unhat.leverage_scores(np.column_stack([A, hidden])))
    assert np.array_equal(column.column, hidden) or np.array_equal(column.column, 1 - hidden)
