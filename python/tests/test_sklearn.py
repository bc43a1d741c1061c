"""scikit-learn: its own checks, and the leverage of rows in closed form."""

import subprocess
import sys

import numpy as np
import pandas
import pytest
import scipy.sparse
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import unhat
from unhat.sklearn import LeverageOutlierDetector, LeverageSampler, LeverageTransformer

# The checks fit rows of which some columns are alike.
pytestmark = pytest.mark.filterwarnings("ignore::unhat.UnhatWarning")


@parametrize_with_checks(
    [
        LeverageOutlierDetector(),
        LeverageOutlierDetector(contamination=0.1, ridge=1.0, fit_intercept=False),
        LeverageTransformer(),
        LeverageSampler(Ridge(), n_samples=500, ridge=0.1, random_state=0),
    ]
)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture
def rows():
    return np.random.default_rng(4).normal(size=(200, 3)) * [1.0, 10.0, 0.1] + [5.0, 0.0, 1.0]


def hat(rows, others, ridge=0.0):
    """xᵀ(AᵀA + λI)⁻¹x, with a column of ones."""
    A, B = (np.column_stack([np.ones(len(part)), part]) for part in (rows, others))
    return np.einsum("ij,ij->i", B, np.linalg.solve(A.T @ A + ridge * np.eye(A.shape[1]), B.T).T)


@pytest.mark.parametrize("ridge", [0.0, 2.0])
@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_array])
def test_leverage_of_rows_that_were_not_fitted(rows, ridge, form):
    others = np.random.default_rng(5).normal(size=(50, 3)) * 20
    found = LeverageOutlierDetector(ridge=ridge).fit(form(rows))
    np.testing.assert_allclose(-found.score_samples(form(others)), hat(rows, others, ridge), rtol=1e-9)
    np.testing.assert_allclose(found.leverage_, hat(rows, rows, ridge), rtol=1e-9)
    assert found.rank_ == 4


def test_the_leverage_of_the_fit_are_the_scores(rows):
    found = LeverageOutlierDetector().fit(rows)
    scores = unhat.leverage_scores(np.column_stack([np.ones(200), rows]))
    np.testing.assert_allclose(found.leverage_, scores, rtol=1e-12)
    np.testing.assert_allclose(LeverageTransformer().fit_transform(rows)[:, 0], scores, rtol=1e-12)


def test_outliers_are_those_from_twice_the_average_on(rows):
    rows[7] += 100.0
    found = LeverageOutlierDetector().fit(rows)
    assert found.offset_ == -2.0 * 4 / 200
    assert set(np.flatnonzero(found.predict(rows) == -1)) == set(np.flatnonzero(hat(rows, rows) > 0.04))
    assert found.predict(rows[7:8]) == [-1] and found.decision_function(rows[7:8]) < 0
    shared = LeverageOutlierDetector(contamination=0.05).fit(rows)
    assert (shared.predict(rows) == -1).sum() == 10


def test_in_pipelines_with_names():
    frame = pandas.DataFrame(np.random.default_rng(6).normal(size=(60, 2)), columns=["u", "v"])
    union = make_union(StandardScaler(), LeverageTransformer()).set_output(transform="pandas")
    names = ["standardscaler__u", "standardscaler__v", "leveragetransformer__leveragetransformer0"]
    assert list(union.fit_transform(frame).columns) == names
    pipeline = make_pipeline(StandardScaler(), LeverageOutlierDetector())
    # Leverage is that of the space, whatever the scale.
    np.testing.assert_array_equal(pipeline.fit_predict(frame), LeverageOutlierDetector().fit_predict(frame))


def test_a_fit_on_drawn_rows_is_near_that_on_all():
    random = np.random.default_rng(8)
    X = random.normal(size=(4000, 5))
    X[17] *= 200.0  # decides a direction alone
    y = X @ np.arange(5.0) + random.normal(size=4000)
    full = LinearRegression().fit(X, y)
    drawn = LeverageSampler(n_samples=600, random_state=1).fit(X, y)
    assert 17 in drawn.sample_indices_ and len(drawn.sample_indices_) <= 600
    loss = ((y - full.predict(X)) ** 2).sum()
    assert ((y - drawn.predict(X)) ** 2).sum() < 1.05 * loss
    # The weights make the draw as heavy as all rows, in the mean.
    assert drawn.sample_weight_.sum() == pytest.approx(4000, rel=0.2)


def test_a_sampler_keeps_the_names_that_its_estimator_needs():
    frame = pandas.DataFrame(np.random.default_rng(6).normal(size=(60, 2)), columns=["u", "v"])
    model = LeverageSampler(Ridge(), n_samples=40, random_state=0).fit(frame, frame["u"] * 2)
    assert list(model.estimator_.feature_names_in_) == ["u", "v"]
    again = LeverageSampler(Ridge(), n_samples=40, random_state=0).fit(frame, frame["u"] * 2)
    np.testing.assert_array_equal(model.predict(frame), again.predict(frame))
    with pytest.raises(ValueError, match="sample_weight"):
        LeverageSampler(NoWeights()).fit(frame, frame["u"])


class NoWeights(Lasso):
    def fit(self, X, y):
        return super().fit(X, y)


def test_without_scikit_learn_the_error_says_what_is_missing():
    program = "import sys; sys.modules['sklearn'] = None; import unhat\ntry: import unhat.sklearn\nexcept ImportError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "needs scikit-learn; install it" in done.stdout, done.stderr
    program = "import sys, unhat; print(any(name in sys.modules for name in ('sklearn', 'scipy', 'pandas', 'tqdm')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr
