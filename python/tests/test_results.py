"""Answers: attributes, words, pickles, pages, warnings."""

import base64
import pickle
import re
import xml.etree.ElementTree

import numpy as np
import pytest

import unhat


def test_not_converging_is_a_status_and_a_warning(problem):
    A, b, x = problem
    c = unhat.leverage_gradient(A, b, x)
    with pytest.warns(unhat.ConvergenceWarning, match="iteration limit"):
        found = unhat.invert_gradient(A, b, c, signs=np.sign(A @ x - b), max_iter=1)
    assert found.status == "iteration_limit" and found.x.shape == (3,)


def test_scores_that_do_not_determine_x_give_none(problem):
    A, b, x = problem
    sigma = unhat.leverage_scores(A, offset=b, point=x)[:2]
    with pytest.warns(unhat.ConvergenceWarning, match="not identified"):
        found = unhat.invert_scores(A, b, sigma, rows=[0, 1])
    assert found.x is None and found.null_direction.shape == (3,)
    assert "no x" in repr(found)


def test_answers_survive_pickling_and_show_themselves(problem):
    A, b, x = problem
    found = unhat.invert_gradient(A, b, unhat.leverage_gradient(A, b, x), signs=np.sign(A @ x - b))
    scores = unhat.invert_scores(A, b, unhat.leverage_scores(A, offset=b, point=x))
    audit = unhat.audit(A, b, x, trials=2)
    for answer in (found, scores, audit):
        again = pickle.loads(pickle.dumps(answer))
        assert type(again) is type(answer) and again.to_dict() == answer.to_dict()
        assert type(answer).__name__ in repr(answer)
        assert answer._repr_html_().startswith("<p>") and "<table>" in answer._repr_html_()
        assert set(answer.to_dict()) - {"values"} <= set(dir(answer))
        with pytest.raises(AttributeError):
            answer.nothing_of_that_name
    assert found.certificate.euclidean == found.to_dict()["certificate"]["euclidean"]
    assert found.to_dict()["values"] == found.x.tolist()


def test_an_audit_saves_its_page(problem, tmp_path):
    A, b, x = problem
    found = unhat.audit(A, b, x, trials=2)
    found.save_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>") and "unhat audit" in page
    with pytest.raises(unhat.InputError) as caught:
        found.save_html(tmp_path / "no such folder" / "report.html")
    assert caught.value.kind == "source"


def test_an_audit_for_others_names_no_coefficient(problem):
    A, b, x = problem
    shared = unhat.audit(A, b, x, trials=2, report_detail="share")
    owned = unhat.audit(A, b, x, trials=2)
    assert (owned.detail, shared.detail) == ("owner", "share")
    assert [coordinate.value for coordinate in owned.coordinates] == x.tolist()
    assert all(coordinate.value is None for coordinate in shared.coordinates)


def images(answer):
    found = re.findall(r"<img alt=\"([^\"]+)\" style='width:100%' src='data:image/svg\+xml;base64,([^']+)'>", answer._repr_html_())
    return [(question, base64.b64decode(source).decode()) for question, source in found]


def test_notebooks_show_charts_that_stand_alone(problem):
    A, b, x = problem
    found = unhat.invert_gradient(A, b, unhat.leverage_gradient(A, b, x), start=x + 0.01)
    scores = unhat.invert_scores(A, b, unhat.leverage_scores(A, offset=b, point=x), start=x + 0.01)
    audit = unhat.audit(A, b, x, trials=2)
    for answer, least in ((found, 1), (scores, 1), (audit, 3)):
        charts = images(answer)
        assert len(charts) >= least
        for question, source in charts:
            assert question.endswith("?")
            root = xml.etree.ElementTree.fromstring(source)
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert {child.tag.rpartition("}")[2] for child in root.iter()} >= {"style", "path", "text"}
            assert not re.search(r"<script|href=|url\((?!#)", source)


def test_the_history_is_that_of_the_command_line(problem, tmp_path, command):
    A, b, x = problem
    for name, values in {"A": A, "b": b, "x": x + 0.01, "c": unhat.leverage_gradient(A, b, x)}.items():
        np.save(tmp_path / f"{name}.npy", values)
    options = ["--target", "c.npy", "--start", "x.npy", "--history", "steps.csv"]
    command("invert", "gradient", "--matrix", "A.npy", "--offset", "b.npy", *options)
    found = unhat.invert_gradient(A, b, unhat.leverage_gradient(A, b, x), start=x + 0.01)
    written = np.genfromtxt(tmp_path / "steps.csv", delimiter=",", names=True)
    assert written.dtype.names == found.history.dtype.names and len(written) == len(found.history) > 1
    for name in written.dtype.names:
        np.testing.assert_array_equal(written[name], found.history[name])
    again = pickle.loads(pickle.dumps(found))
    assert again.history.tolist() == found.history.tolist() or np.isnan(found.history["certificate"]).any()
