"""Formulas beyond `diagnose`: scores, influence, training; answers by row under the labels of their table."""

import csv
import pickle

import numpy as np
import pandas
import polars
import pytest

import unhat

FORMULA = "y ~ x * wool + tension"


@pytest.fixture
def frame():
    random = np.random.default_rng(3)
    x = random.normal(size=90)
    wool, tension = random.choice(["A", "B"], 90), random.choice(["L", "M", "H"], 90)
    y = 1 + 2 * x - (wool == "B") + random.normal(size=90)
    frame = pandas.DataFrame({"y": y, "x": x, "wool": wool, "tension": tension, "w": random.integers(1, 5, 90), "empty": np.nan})
    frame.loc[frame.index[[4, 20]], "x"] = np.nan
    frame.index = [f"loom {k}" for k in range(90)]
    return frame


def expanded(frame):
    """The columns of the formula by hand, without the intercept."""
    b = (frame["wool"] == "B") * 1.0
    tension = {f"tension{level}": (frame["tension"] == level) * 1.0 for level in ("L", "M")}
    return pandas.DataFrame({"y": frame["y"], "x": frame["x"], "woolB": b, **tension, "x:woolB": frame["x"] * b})


def test_scores_of_a_formula_are_those_of_diagnose_under_the_index(frame):
    scores = unhat.leverage_scores(frame, formula=FORMULA, weights="w", missing="omit")
    found = unhat.diagnose(frame, FORMULA, weights="w")
    assert scores.tolist() == found.hat.tolist()
    assert list(scores.index) == list(found.to_frame().index) == [label for label in frame.index if label not in ("loom 4", "loom 20")]
    padded = unhat.leverage_scores(frame, formula=FORMULA, missing="exclude")
    assert list(padded.index) == list(frame.index) and padded.isna().sum() == 2
    joined = frame.join(padded.to_frame())
    assert joined.loc["loom 7", "leverage"] == padded["loom 7"]
    whole = frame.dropna(subset="x")
    X = np.column_stack([np.ones(88), expanded(whole).drop(columns="y")])
    np.testing.assert_allclose(unhat.leverage_scores(whole, formula=FORMULA), unhat.leverage_scores(X), rtol=1e-12)
    np.testing.assert_allclose(np.diag(X @ np.linalg.pinv(X)), unhat.leverage_scores(whole, formula=FORMULA), rtol=1e-10)


def test_scores_of_a_formula_are_those_of_the_command_line(frame, command, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    printed = command("scores", "t.csv", "--formula", "~ x + wool", "--missing", "exclude")["values"]
    found = unhat.leverage_scores(tmp_path / "t.csv", formula="~ x + wool", missing="exclude")
    assert [None if np.isnan(v) else v for v in found] == printed
    of_frame = unhat.leverage_scores(frame, formula="~ x + wool", missing="exclude")
    np.testing.assert_array_equal(of_frame, found)
    other = unhat.leverage_scores(polars.from_pandas(frame), formula="~ x + wool", missing="exclude")
    np.testing.assert_array_equal(other, found)
    printed = command("scores", "t.csv", "--formula", "~ x", "--missing", "omit", "--ridge", "2")["values"]
    assert unhat.leverage_scores(frame, formula="~ x", missing="omit", ridge=2).tolist() == printed


def test_what_contradicts_a_formula_is_refused_by_name(frame):
    for options, words in [
        ({"columns": ["x"]}, "columns: the formula"), ({"intercept": True}, "intercept: the formula"), ({"response": "y"}, "response"),
        ({"point": [1.0]}, "point"), ({"missing": "drop"}, "missing: found \"drop\""), ({"levels": {"wool": ["A"]}, "missing": "omit"}, "levels: .*B"),
        ({}, 'row 5, column "x"'), ({"weights": "x"}, "x"), ({"weights": "what"}, "what"),
    ]:
        with pytest.raises(unhat.InputError, match=words):
            unhat.leverage_scores(frame, formula="~ x + wool", **options)
    for options in ({"weights": "w"}, {"missing": "omit"}, {"levels": {}}):
        with pytest.raises(unhat.InputError, match=f"{next(iter(options))}: goes with a formula"):
            unhat.leverage_scores(frame[["w"]], **options)
    with pytest.raises(unhat.InputError, match="formula: found int"):
        unhat.leverage_scores(frame, formula=3)
    with pytest.raises(unhat.InputError, match="diagnose"):
        unhat.leverage_scores(frame, formula="cbind(w, w) ~ wool")
    for formula, words in [("y ~ wool + offset(w)", "no offset"), ("y ~ 0 + wool", "intercept"), ("y ~ poly(w, 2)", "raw = TRUE"), ("~ wool", "response")]:
        with pytest.raises(unhat.InputError, match=words):
            unhat.influence(frame, formula=formula, model="linear")
        with pytest.raises(unhat.InputError, match=words):
            unhat.train(frame, formula=formula, model="linear")
    with pytest.raises(unhat.InputError, match="response: the formula has it"):
        unhat.influence(frame, formula=FORMULA, response="y", model="linear", missing="omit")
    with pytest.raises(unhat.InputError, match="levels: goes with a formula"):
        unhat.train(frame, response="y", levels={"wool": ["B", "A"]}, model="linear")


def test_influence_takes_the_columns_of_a_formula(frame, command, tmp_path):
    found = unhat.influence(frame, formula=FORMULA, missing="omit", model="linear", method="loss")
    by_hand = unhat.influence(expanded(frame.dropna(subset="x")), response="y", model="linear", method="loss")
    assert found.scores.tolist() == by_hand.scores.tolist()
    assert [c.name for c in found.model.coefficients] == ["x", "woolB", "tensionL", "tensionM", "x:woolB", "(Intercept)"]
    table = found.to_frame()
    assert list(table.index) == list(by_hand.to_frame().index) == list(frame.dropna(subset="x").index)
    assert list(table.columns) == ["score", "loss", "grad_norm", "gradient_leverage", "hat"]
    frame.to_csv(tmp_path / "t.csv", index=False)
    command("influence", "t.csv", "--formula", FORMULA, "--missing", "omit", "--model", "linear", "--method", "loss", "-o", "s.csv")
    with open(tmp_path / "s.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name in table.columns:
        assert [float(row[name]) for row in rows] == table[name].tolist()
    assert [int(row["row"]) - 1 for row in rows] == found.positions.tolist()


def test_a_model_of_a_formula_predicts_other_tables(frame, tmp_path):
    whole = frame.dropna(subset="x")
    trained = unhat.train(whole, formula=FORMULA, model="linear", optimizer="sgd", epochs=3)
    by_hand = unhat.train(expanded(whole), response="y", model="linear", optimizer="sgd", epochs=3)
    rows = whole.iloc[:3].drop(columns=["y", "empty"])
    np.testing.assert_array_equal(trained.predict(rows).values, by_hand.predict(expanded(whole).iloc[:3]).values)
    trained.save(tmp_path / "m.safetensors")
    found = unhat.predict(frame.iloc[:6], tmp_path / "m.safetensors", missing="omit")
    assert list(found.to_frame().index) == [f"loom {k}" for k in (0, 1, 2, 3, 5)]
    with pytest.raises(unhat.InputError, match='row 5, column "x"'):
        trained.predict(frame.iloc[:6])
    with pytest.raises(unhat.InputError, match='wool: found "C"'):
        trained.predict(rows.assign(wool="C"))
    few = unhat.train(whole, formula=FORMULA, validation=whole.iloc[:5], model="linear", optimizer="sgd", epochs=2)
    assert few.kept.validation_loss is not None


def test_answers_by_row_keep_the_labels_of_their_table(frame, tmp_path):
    whole = frame.dropna(subset="x")
    trim = unhat.influence_trim(whole, formula=FORMULA, model="linear", task="loo", fraction=0.1, test=0.2, validation=0.2)
    table = trim.to_frame()
    assert list(table.index) == [whole.index[k] for k in trim.positions] and table["removed"].sum() == len(trim.removed)
    A = pandas.DataFrame({"one": 1.0, "x": whole["x"]})
    h = unhat.leverage_scores(A.mul(np.sqrt(whole["w"]), axis=0))
    assert list(h.index) == list(whole.index)
    hat = unhat.invert_hat(A, h)
    assert list(hat.to_frame().index) == list(whole.index) and hat.to_frame()["weight"].tolist() == hat.weights.tolist()
    again = pickle.loads(pickle.dumps(hat))
    assert again.to_frame().equals(hat.to_frame())
    u = (whole["wool"] == "B") * 1.0
    column = unhat.invert_column(A, unhat.leverage_scores(A.assign(u=u)))
    assert list(column.to_frame().index) == list(whole.index)
    # The names that a file gives its rows, else numbers from 1, those of the file.
    whole[["x", "w"]].to_csv(tmp_path / "named.csv", index_label="")
    of_file = unhat.invert_hat(tmp_path / "named.csv", unhat.leverage_scores(whole[["x", "w"]]))
    assert list(of_file.to_frame().index) == list(whole.index)
    frame[["x", "w"]].to_csv(tmp_path / "numbered.csv", index=False)
    gaps = unhat.TableFile(tmp_path / "numbered.csv", missing="omit")
    with pytest.warns(unhat.UnhatWarning):
        numbered = unhat.invert_hat(gaps, unhat.leverage_scores(gaps))
    index = list(numbered.to_frame().index)
    assert (index[:5], index[-1], len(index)) == ([1, 2, 3, 4, 6], 90, 88)
    of_polars = unhat.diagnose(polars.from_pandas(frame), FORMULA).to_frame()
    assert list(of_polars.index)[:5] == [1, 2, 3, 4, 6]
