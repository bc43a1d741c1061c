"""Hat values of fits: results of statsmodels as data, audits of diagnostics, checkpoints."""

import json
import pickle
import types

import numpy as np
import pytest

import unhat


def logistic(random, n=80):
    """A design, coefficients, responses, and hat values of the fit with these coefficients."""
    A = np.column_stack([np.ones(n), random.normal(size=(n, 2))])
    beta = np.array([0.3, -1.1, 0.8])
    p = 1 / (1 + np.exp(-A @ beta))
    y = (random.uniform(size=n) < p).astype(float)
    return A, beta, y, unhat.leverage_scores(A * np.sqrt(p * (1 - p))[:, None])


def a_result(kind, exog, endog, params, **parts):
    """What this package reads of a result of statsmodels."""
    model = type(kind, (), {})()
    model.exog, model.endog = exog, endog
    model.exog_names, model.endog_names = [f"v{j}" for j in range(exog.shape[1])], "y"
    model.__dict__.update(parts)
    return types.SimpleNamespace(model=model, params=params)


def a_family(family, link, **parts):
    found = type(family, (), {})()
    found.link = type(link, (), {})()
    found.__dict__.update(parts)
    return found


@pytest.fixture
def random():
    return np.random.default_rng(11)


def test_a_fitted_result_stands_for_design_and_family(random):
    A, beta, y, h = logistic(random)
    result = a_result("GLM", A, y, beta, family=a_family("Binomial", "Logit"), n_trials=np.ones(len(y)))
    found = unhat.invert_hat(result, h)
    plain = unhat.invert_hat(A, h, family="binomial")
    np.testing.assert_array_equal(found.coefficients, plain.coefficients)
    np.testing.assert_allclose(abs(found.coefficients), abs(beta), rtol=1e-8)
    pearson = abs(y - 1 / (1 + np.exp(-A @ beta))) / np.sqrt(np.exp(-A @ beta) / (1 + np.exp(-A @ beta)) ** 2)
    told = unhat.invert_outcomes(result, h, pearson=pearson).outcomes
    assert (told == y).all() or (told == 1 - y).all()
    u = (random.uniform(size=len(y)) < 0.4).astype(float)
    all_hat = unhat.leverage_scores(np.column_stack([A, u]))
    column = unhat.invert_column(a_result("OLS", A, y, beta), all_hat).column
    assert (column == u).all() or (column == 1 - u).all()


def test_weights_trials_offset_and_theta_of_a_result_are_those_of_the_model(random):
    A, beta, _, _ = logistic(random)
    n = len(A)
    trials, offset = random.integers(1, 9, size=n).astype(float), 0.3 * random.normal(size=n)
    mean = np.exp(A @ beta + offset)
    theta = 2.0
    weights = trials * mean / (1 + mean / theta)
    h = unhat.leverage_scores(A * np.sqrt(weights)[:, None])
    family = a_family("NegativeBinomial", "Log", alpha=1 / theta)
    result = a_result("GLM", A, mean, beta, family=family, freq_weights=trials, _offset_exposure=offset)
    np.testing.assert_allclose(unhat.invert_hat(result, h).coefficients, beta, rtol=1e-7)


def test_what_a_result_says_is_not_said_again_and_other_fits_are_refused(random):
    A, beta, y, h = logistic(random)
    result = a_result("GLM", A, y, beta, family=a_family("Binomial", "Logit"))
    for call, word in [
        (lambda: unhat.invert_hat(result, h, family="binomial"), "family"),
        (lambda: unhat.invert_hat(result, h, offset=y), "offset"),
        (lambda: unhat.audit(result), "releases hat"),
        (lambda: unhat.audit(result, y, release="hat"), "^b: "),
        (lambda: unhat.audit(A, y, beta, family="binomial"), "family: belongs"),
        (lambda: unhat.invert_column(result, h), "another fit than OLS"),
        (lambda: unhat.invert_outcomes(a_result("OLS", A, y, beta), h, cook=h), "another fit than a logistic one"),
        (lambda: unhat.invert_hat(a_result("RLM", A, y, beta), h), "found a fit of RLM"),
        (lambda: unhat.invert_hat(a_result("GLM", A, y, beta, family=a_family("Tweedie", "Log")), h), "Tweedie"),
        (lambda: unhat.audit(A, y, beta, release="hat", hidden=7), "hidden: found 7"),
        (lambda: unhat.audit(A, y, beta, release="hat", weights=y + 1, delta=0.1), "delta"),
    ]:
        with pytest.raises(unhat.InputError, match=word):
            call()


def test_an_audit_of_a_fit_is_that_of_the_command_line(random, command, tmp_path):
    A, beta, y, _ = logistic(random)
    np.save(tmp_path / "A.npy", A), np.save(tmp_path / "y.npy", y), np.save(tmp_path / "x.npy", beta)
    options = ["--trials", 2, "--round", 3, "--clip", 0.9, "--top", 20]
    line = ["audit", "--matrix", "A.npy", "--offset", "y.npy", "--point", "x.npy", "--release", "cook"]
    printed = command(*line, "--family", "binomial", *options)
    chosen = {"trials": 2, "round": 3, "clip": 0.9, "top": 20}
    found = unhat.audit(A, y, beta, release="cook", family="binomial", **chosen)
    assert found.to_dict()["results"] == printed["results"]
    assert found.to_dict()["findings"] == printed["findings"]
    result = a_result("GLM", A, y, beta, family=a_family("Binomial", "Logit"))
    of_result = unhat.audit(result, release="cook", **chosen)
    assert of_result.to_dict()["results"] == printed["results"]
    assert [part.name for part in of_result.coefficients] == ["v0", "v1", "v2"]
    assert found.verdict.secret == "outcomes" and not found.verdict.meets_target
    assert "of the responses can be told" in repr(found)
    assert "<figure" in found._repr_html_()
    found.save_html(tmp_path / "audit.html")
    assert (tmp_path / "audit.html").read_text().rstrip().endswith("</html>")
    hidden = unhat.audit(np.column_stack([A, y]), release="hat", hidden=3, **chosen)
    assert json.loads(json.dumps(hidden.to_dict()))["results"][1]["secret"] == "column"


def test_pages_of_weights_responses_and_a_column(random, tmp_path):
    A, beta, y, h = logistic(random)
    found = unhat.invert_hat(A, h, family="binomial")
    found.save_html(tmp_path / "hat.html")
    page = (tmp_path / "hat.html").read_text()
    assert "The way back from hat values" in page and page.rstrip().endswith("</html>")
    hidden = unhat.invert_column(A, unhat.leverage_scores(np.column_stack([A, y])))
    assert "A hidden column from hat values" in hidden.to_html()
    copy = pickle.loads(pickle.dumps(hidden))
    assert copy.to_html() == hidden.to_html()


def test_weights_are_kept_in_a_checkpoint_and_go_on_to_the_same_bits(random, tmp_path):
    A = random.normal(size=(300, 6))
    w = 10 ** random.uniform(0, 3, size=300)
    h = unhat.leverage_scores(A * np.sqrt(w)[:, None])
    file = tmp_path / "run.json"
    whole = unhat.invert_hat(A, h)
    with pytest.warns(unhat.ConvergenceWarning):
        unhat.invert_hat(A, h, max_iter=5, checkpoint=file)
    assert file.exists()
    rest = unhat.invert_hat(A, h, checkpoint=file)
    assert not file.exists()
    np.testing.assert_array_equal(rest.weights, whole.weights)


def test_results_of_statsmodels_itself(random):
    statsmodels = pytest.importorskip("statsmodels.api")
    A, _, y, _ = logistic(random)
    families = statsmodels.families
    trials = random.integers(1, 9, size=len(y)).astype(float)
    offset = 0.2 * random.normal(size=len(y))
    counts = random.poisson(np.exp(0.5 + 0.4 * A[:, 1] + offset)).astype(float)
    positive = np.exp(0.3 * A[:, 1]) * random.gamma(5, 0.2, size=len(y))
    fits = {
        "logit": statsmodels.GLM(y, A, family=families.Binomial()),
        "probit": statsmodels.GLM(y, A, family=families.Binomial(families.links.Probit())),
        "binomial trials": statsmodels.GLM(np.column_stack([y * trials, (1 - y) * trials]), A, family=families.Binomial()),
        "poisson": statsmodels.GLM(counts, A, family=families.Poisson(), offset=offset, freq_weights=trials),
        "gamma": statsmodels.GLM(positive, A, family=families.Gamma(families.links.InversePower())),
        "negative binomial": statsmodels.GLM(counts, A, family=families.NegativeBinomial(alpha=0.5), offset=offset),
    }
    for name, model in fits.items():
        result = model.fit(tol=1e-12, maxiter=200)
        found = unhat.invert_hat(result, result.get_hat_matrix_diag(), digits=9)
        told = np.isfinite(found.coefficients)
        expected, values = result.params[told], found.coefficients[told]
        if any("factor" in words for words in found.open):
            expected = expected / np.linalg.norm(expected)
        values = values * np.sign(values @ expected) if any("sign" in words for words in found.open) else values
        np.testing.assert_allclose(values, expected, rtol=1e-4, err_msg=name)
    w = 10 ** random.uniform(0, 1, size=len(y))
    result = statsmodels.WLS(y, A, weights=w).fit()
    found = unhat.invert_hat(result, result.get_influence().hat_matrix_diag)
    np.testing.assert_allclose(found.weights / found.weights[0], w / w[0], rtol=1e-8)
    audit = unhat.audit(result, release="cook", trials=2, round=3, clip=(), top=())
    assert {guess.secret for guess in audit.secrets} == {"weights", "residuals"}
    result = fits["logit"].fit(tol=1e-12)
    audit = unhat.audit(result, release="cook", trials=2, round=3, clip=(), top=())
    assert audit.verdict.secret == "outcomes"
    cook = result.get_influence().cooks_distance[0]
    assert audit.release.beside_rms == pytest.approx(np.sqrt((cook**2).mean()), rel=1e-6)
