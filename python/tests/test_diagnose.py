"""Regression diagnostics: the command line's numbers, labels of a table, results of other packages, what is refused."""

import csv
import pickle
from types import SimpleNamespace

import numpy as np
import pandas
import polars
import pytest
from sklearn.linear_model import LinearRegression, Ridge

import unhat

# R 4.2.2: lm(y ~ x + g) on these rows.
HAT = [0.43654822335025401, 0.61928934010152237, 0.25380710659898476, 0.33502538071065979, 0.43654822335025378, 0.66497461928933999, 0.2538071065989847]
DFBETAS_G = [-0.53666524312621455, -0.79331730553394286, -0.13166079718315385, -0.10591451830990027, 0.19530904818415137, 0.62786962391671208, 0.69378683225684712]


@pytest.fixture
def frame():
    return pandas.DataFrame(
        {
            "y": [1.2, 2.9, 4.1, 5.8, 7.7, None, 9.1, 3.3, 6.0],
            "x": [0.5, 1, 2, 3, 4, 5, 5.5, None, 2.5],
            "g": ["b", "a", "b", "a", "b", "a", "a", "b", "b"],
        },
        index=list("abcdefghi"),
    )


def test_numbers_are_those_of_r_under_the_labels_of_the_table(frame):
    found = unhat.diagnose(frame, "y ~ x + g")
    assert found.names == ["(Intercept)", "x", "gb"]
    np.testing.assert_allclose(found.hat, HAT, rtol=1e-12)
    np.testing.assert_allclose(found.dfbetas[:, 2], DFBETAS_G, rtol=1e-12)
    table = found.to_frame()
    assert list(table.index) == list("abcdegi")
    np.testing.assert_array_equal(table["dfbetas_gb"], found.dfbetas[:, 2])
    assert found.flags().tolist() == [True, True, False, True, True, True, False]
    assert found.flags("cook4n").tolist() == (found.cooks > 4 / 7).tolist()
    assert "9 rows, 2 left out (y 1, x 1)" in found.summary()
    assert pickle.loads(pickle.dumps(found)).hat.tolist() == found.hat.tolist()


def test_excluded_rows_keep_their_place(frame):
    found = unhat.diagnose(frame, "y ~ x + g", missing="exclude")
    assert list(found.to_frame().index) == list("abcdefghi")
    assert np.isnan(found.hat[[5, 7]]).all() and not np.isnan(np.delete(found.hat, [5, 7])).any()
    with pytest.raises(unhat.InputError, match='row 6, column "y"'):
        unhat.diagnose(frame, "y ~ x + g", missing="raise")


def test_tables_and_files_say_the_same_as_the_command_line(frame, command, tmp_path):
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    of_frame = unhat.diagnose(frame, "y ~ x + g")
    command("diagnose", path, "--formula", "y ~ x + g", "-o", "d.csv")
    with open(tmp_path / "d.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for other in (unhat.diagnose(path, "y ~ x + g"), unhat.diagnose(polars.from_pandas(frame), "y ~ x + g")):
        assert other.cooks.tolist() == of_frame.cooks.tolist() == [float(row["cooks"]) for row in rows]
    assert of_frame.flag == [row["flag"] for row in rows]


def test_categories_have_their_own_order(frame):
    frame["g"] = pandas.Categorical(frame["g"], ["b", "a"])
    assert unhat.diagnose(frame, "y ~ x + g").names == ["(Intercept)", "x", "ga"]
    assert unhat.diagnose(frame, "y ~ x + g", levels={"g": ["a", "b"]}).names == ["(Intercept)", "x", "gb"]


def test_a_fit_of_scikit_learn_is_diagnosed_as_the_same_model(frame):
    rows = frame.dropna()
    X = pandas.DataFrame({"x": rows["x"], "gb": (rows["g"] == "b") * 1.0})
    found = unhat.diagnose(LinearRegression().fit(X, rows["y"]), X=X, y=rows["y"])
    np.testing.assert_allclose(found.hat, HAT, rtol=1e-12)
    assert list(found.to_frame().index) == list("abcdegi")
    with pytest.raises(unhat.InputError, match="coefficient of"):
        unhat.diagnose(Ridge(10.0).fit(X, rows["y"]), X=X, y=rows["y"])
    with pytest.raises(unhat.InputError, match="X: missing"):
        unhat.diagnose(LinearRegression().fit(X, rows["y"]))


def test_a_result_as_statsmodels_makes_it_is_fitted_again(frame):
    rows = frame.dropna()
    exog = np.column_stack([np.ones(7), rows["x"], (rows["g"] == "b") * 1.0])
    weights = np.arange(1.0, 8.0)
    root = np.sqrt(weights)[:, None]
    params = np.linalg.lstsq(root * exog, root[:, 0] * rows["y"].to_numpy(), rcond=None)[0]

    class WLS:
        endog, exog_names = rows["y"].to_numpy(), ["const", "x", "gb"]
        data = SimpleNamespace(row_labels=rows.index)

    WLS.exog, WLS.weights = exog, weights
    found = unhat.diagnose(SimpleNamespace(model=WLS(), params=params))
    hat = np.diag(root * exog @ np.linalg.inv((root * exog).T @ (root * exog)) @ (root * exog).T)
    np.testing.assert_allclose(found.hat, hat, rtol=1e-10)
    assert list(found.to_frame().index) == list("abcdegi")
    with pytest.raises(unhat.InputError, match="coefficient of 'x'"):
        unhat.diagnose(SimpleNamespace(model=WLS(), params=params + [0, 1, 0]))


def test_what_cannot_be_read_is_refused_with_its_place(frame):
    for formula, words in [("y ~ x + (1|g)", "position 11"), ("y ~ q", 'no column "q"'), ("y ~ ns(x)", "splines")]:
        with pytest.raises(unhat.InputError, match=words):
            unhat.diagnose(frame, formula)
    with pytest.raises(unhat.InputError, match="formula: missing"):
        unhat.diagnose(frame)
    with pytest.raises(unhat.InputError, match="family"):
        unhat.diagnose(frame, "y ~ x", family="poison")


def test_of_many_levels_the_changes_are_told_where_they_are_asked_for():
    rows = np.arange(460)
    frame = pandas.DataFrame({"y": rows * 7.0 % 11, "x": rows * rows * 1.0 % 13, "g": [f"l{i % 230:03}" for i in rows]})
    few = unhat.diagnose(frame, "y ~ x + g")
    assert few.dfbeta_names == ["(Intercept)", "x"] and few.dfbeta.shape == (460, 2) and len(few.names) == 231
    assert any("of 2 of 231 coefficients" in warning for warning in few.warnings)
    every = unhat.diagnose(frame, "y ~ x + g", dfbeta="all")
    assert every.dfbeta_names == every.names and not any("231 coefficients" in warning for warning in every.warnings)
    np.testing.assert_array_equal(every.dfbetas[:, :2], few.dfbetas)
    named = unhat.diagnose(frame, "y ~ x + g", dfbeta=["gl229"])
    np.testing.assert_array_equal(named.to_frame()["dfbetas_gl229"], every.dfbetas[:, -1])
    assert unhat.diagnose(frame, "y ~ x + g", dfbeta=[]).dfbeta.shape == (460, 0)
    for wrong in ("x", ["z"], ["x", "x"], [1]):
        with pytest.raises(unhat.InputError, match="dfbeta"):
            unhat.diagnose(frame, "y ~ x + g", dfbeta=wrong)
