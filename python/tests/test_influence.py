"""Which rows hurt: the command line's bits, frames as paths, what is refused."""

import csv
import pickle

import numpy as np
import pandas
import polars
import pyarrow
import pytest

import unhat
from test_command import same

MODEL = {"response": "y", "model": "logistic", "penalty": 1.0}
OPTIONS = ["--response", "y", "--model", "logistic", "--penalty", "1"]


@pytest.fixture
def cancer(known):
    return known / "tables" / "breast_cancer_noisy.csv"


@pytest.fixture(scope="session")
def study(known):
    return unhat.influence(known / "tables" / "breast_cancer_noisy.csv", **MODEL)


def columns(path):
    with open(path, newline="", encoding="utf-8") as file:
        records = list(csv.reader(file))
    return dict(zip(records[0], zip(*records[1:])))


def test_a_study_is_that_of_the_command_line(study, cancer, command, tmp_path):
    same(study, command("influence", cancer, *OPTIONS, "-o", "scores.csv"))
    written = columns(tmp_path / "scores.csv")
    for name, ours in {"score": "scores", "loss": "losses", "grad_norm": "gradient_norms", "gradient_leverage": "leverages"}.items():
        assert getattr(study, ours).tolist() == [float(cell) for cell in written[name]]
    assert [str(row) for row in study.rows] == list(written["row"])
    assert study.positions.tolist() == (study.rows - 1).tolist()


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"method": "wt-ip", "temperature": 2.0, "seed": 3}, ["--method", "wt-ip", "--temperature", "2", "--seed", "3"]),
        ({"task": "loo", "validation": 0.3, "test": 0.2, "top": 5}, ["--task", "loo", "--validation", "0.3", "--test", "0.2", "--top", "5"]),
        ({"v": "training-margin", "standardize": False}, ["--v", "training-margin", "--no-standardize"]),
        ({"method": "fisher", "damping": 2.0, "impact": "utility"}, ["--method", "fisher", "--damping", "2", "--impact", "utility"]),
        ({"task": "fairness", "group": "bad", "threads": 1}, ["--task", "fairness", "--group", "bad", "--threads", "1"]),
    ],
)
def test_options_are_those_of_the_command_line(options, arguments, cancer, command):
    same(unhat.influence(cancer, **MODEL, **options), command("influence", cancer, *OPTIONS, *arguments))


def test_a_check_is_that_of_the_command_line(cancer, command):
    found = unhat.influence_check(cancer, **MODEL)
    same(found, command("influence", "check", cancer, *OPTIONS))
    order = [method.auc for method in found.methods]
    assert order == sorted(order, reverse=True) and found.methods[0].method in repr(found)
    assert found.flipped == round(0.05 * found.model.training_rows)
    assert "data:image/svg+xml" in found._repr_html_() and "Planted flips" in found.to_html()


def test_a_trimming_is_that_of_the_command_line(cancer, command, tmp_path):
    found = unhat.influence_trim(cancer, truth="bad", fraction=0.1, **MODEL)
    same(found, command("influence", "trim", cancer, *OPTIONS, "--truth", "bad", "--fraction", "0.1", "-o", "left.csv"))
    left, frame = pandas.read_csv(tmp_path / "left.csv"), pandas.read_csv(cancer)
    pandas.testing.assert_frame_equal(frame.iloc[found.kept].reset_index(drop=True), left)
    assert set(frame.index) - set(found.kept) == {row - 1 for row in found.removed}
    assert found.auc_of_truth > 0.7 and [way.trim for way in found.rows][0] == "none"
    assert "<table>" in found._repr_html_() and "oracle" in found._repr_html_()
    copy = pickle.loads(pickle.dumps(found))
    assert copy.to_dict() == found.to_dict() and copy.kept.tolist() == found.kept.tolist()


@pytest.mark.parametrize("reader", [pandas.read_csv, polars.read_csv, lambda path: pyarrow.Table.from_pandas(pandas.read_csv(path))])
def test_a_frame_is_the_table_of_its_file(reader, study, cancer):
    frame = reader(cancer)
    found = unhat.influence(frame, **MODEL)
    assert found.scores.tolist() == study.scores.tolist() and found.leverages.tolist() == study.leverages.tolist()
    assert found.model == study.model and found.top == study.top


def test_words_and_missing_cells_are_taken_as_from_a_file(command, tmp_path):
    random = np.random.default_rng(3)
    frame = pandas.DataFrame({"n": random.normal(size=80), "city": random.choice(["oslo", "rome", "kyiv"], size=80)})
    frame["bought"] = np.where(frame["n"] + (frame["city"] == "rome") + random.normal(size=80) > 0, "yes", "no")
    frame.loc[7, "n"], frame.loc[9, "city"] = np.nan, None
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame["city"] = frame["city"].astype("category")
    options = {"response": "bought", "model": "logistic", "validation": 0.25}
    found = unhat.influence(frame, **options)
    words = ["--response", "bought", "--model", "logistic", "--validation", "0.25", "--missing", "indicator"]
    same(found, command("influence", "t.csv", *words))
    assert any("city" in coefficient.name for coefficient in found.model.coefficients)
    held = unhat.influence(frame[:60], **options | {"validation": frame[60:], "test": frame[60:]})
    assert len(held.scores) == 60 and held.diagnostics.validation_rows == 20


@pytest.fixture
def without_pyarrow(monkeypatch):
    def missing(self, requested_schema=None):
        raise ImportError("Missing optional dependency 'pyarrow'.")

    return lambda: monkeypatch.setattr(pandas.DataFrame, "__arrow_c_stream__", missing)


@pytest.mark.parametrize("words", ["object", "str", "category"])
def test_a_table_of_pandas_needs_no_pyarrow(words, without_pyarrow):
    random = np.random.default_rng(5)
    frame = pandas.DataFrame({"n": random.normal(size=80), "whole": pandas.array([1, None] * 40, dtype="Int64")})
    frame["member"] = frame["n"] > 0.3
    frame["grade"] = pandas.Categorical(random.integers(3, size=80))
    frame["city"] = pandas.Series(random.choice(["oslo", "rome"], size=80), dtype=words)
    frame["bought"] = np.where(frame["n"] + (frame["city"] == "rome") + random.normal(size=80) > 0, "yes", "no")
    frame.loc[9, "city"] = None
    options = {"response": "bought", "model": "logistic"}
    study, model = unhat.influence(frame, validation=frame[:30], **options), unhat.train(frame, **options, epochs=2)
    without_pyarrow()
    alone = unhat.influence(frame, validation=frame[:30], **options)
    assert alone.scores.tolist() == study.scores.tolist() and alone.model == study.model
    again = unhat.train(frame, **options, epochs=2)
    assert again.predict(frame).probabilities.tolist() == model.predict(frame).probabilities.tolist()


def test_pandas_without_pyarrow_names_what_it_cannot_hand_over(without_pyarrow):
    frame = pandas.DataFrame({"n": [1.0, 2.0], "day": pandas.to_datetime(["2020-01-01", "2020-01-02"]), "mixed": [1, "x"]})
    without_pyarrow()
    with pytest.raises(unhat.InputError, match=r"neither numbers nor words: 'day' \(datetime.*\), 'mixed' \(object\).*pyarrow") as caught:
        unhat.influence(frame, response="n", model="linear")
    assert caught.value.kind == "dtype"


def test_names_of_rows_are_those_of_the_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([",x,y", *(f"r{i},{i % 7},{(i * i) % 5}" for i in range(20))]))
    found = unhat.influence(path, response="y", model="linear", method="loss")
    assert found.rows[0] == "r0" and found.top[0].row in found.rows and found.positions.tolist() == list(range(20))


def test_v_may_be_given(study, cancer, tmp_path):
    v = np.arange(study.model.parameters, dtype=np.int32)
    found = unhat.influence(cancer, method="ip", v=v, **MODEL)
    np.save(tmp_path / "v.npy", v.astype(float))
    for options in ({"v": tmp_path / "v.npy"}, {"impact": v}, {"impact": str(tmp_path / "v.npy")}):
        assert unhat.influence(cancer, method="ip", **options, **MODEL).scores.tolist() == found.scores.tolist()
    with pytest.raises(unhat.InputError, match="^v: ") as caught:
        unhat.influence(cancer, method="ip", v=v[:3], **MODEL)
    assert caught.value.kind == "shape"


def test_an_answer_shows_itself_and_can_be_kept(study, tmp_path):
    assert f"row {study.top[0].row} hurts most" in repr(study)
    page = study._repr_html_()
    assert "data:image/svg+xml;base64," in page and study.claim in page and "<script" not in page
    study.save_html(tmp_path / "page.html")
    assert "breast_cancer_noisy.csv" in (tmp_path / "page.html").read_text(encoding="utf-8")
    copy = pickle.loads(pickle.dumps(study))
    assert copy.to_dict() == study.to_dict() and copy.scores.tolist() == study.scores.tolist()
    assert copy.to_html() == study.to_html()
    with pytest.raises(AttributeError, match="no_such"):
        study.no_such


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"response": "z"}, "response: .*z"),
        ({"model": "tree"}, "model: found \"tree\""),
        ({"model": None}, "model: is missing"),
        ({"response": None}, "response: is missing"),
        ({"task": "guess"}, "task: found \"guess\""),
        ({"method": "magic"}, "method: found \"magic\""),
        ({"validation": 2.0}, "validation: found 2"),
        ({"validation": "no-such-file.csv"}, "no-such-file.csv"),
        ({"validation": [1, 2]}, "validation: found list"),
        ({"temperature": 0.5}, "temperature: found 0.5"),
        ({"ensemble": 0}, "ensemble: found 0"),
        ({"group": "nobody"}, "group: .*nobody"),
        ({"threads": 0}, "threads: found 0"),
        ({"model_file": "no-such.safetensors"}, "no-such.safetensors"),
        ({"penalty": "much"}, "penalty: .*str"),
        ({"seed": -1}, "seed: .*negative"),
        ({"v": None}, "v: found another kind"),
    ],
)
def test_what_cannot_be_used_is_named(options, message, cancer):
    with pytest.raises(unhat.InputError, match=message):
        unhat.influence(cancer, **MODEL | options)


def test_what_is_no_table_is_refused():
    for given in (np.eye(3), {"x": [1.0]}, [[1.0]]):
        with pytest.raises(unhat.InputError, match="^table: found"):
            unhat.influence(given, **MODEL)
    mixed = pandas.DataFrame({"x": [1.0, "a", None], "y": [0, 1, 0]})
    with pytest.raises(unhat.InputError, match="^table: .*x") as caught:
        unhat.influence(mixed, **MODEL)
    assert caught.value.kind == "dtype"
