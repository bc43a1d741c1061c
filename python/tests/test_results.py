"""Answers: attributes, words, pickles, pages, warnings."""

import pickle

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
