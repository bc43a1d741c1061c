"""What of a regression may leave the house: the command line's object, rows and persons, fitted results, what is refused."""

import json
import pickle
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
from sklearn.linear_model import LinearRegression, Ridge

import unhat

ISLAND = "income ~ age + region"


@pytest.fixture
def frame():
    """60 rows of two regions; the person of row 18 lives alone in a third."""
    i = np.arange(60)
    region = np.where(i == 17, "island", np.where(i % 2 == 0, "north", "south"))
    income = np.round(9.0 + 0.02 * (i % 31) + np.sin(i * 0.9), 4)
    return pandas.DataFrame({"income": income, "age": 20.0 + i % 31, "region": region, "person": i // 12})


def told(answer):
    """What an answer says, without the call that made it."""
    found = dict(answer)
    for key in ("tool", "created_utc", "table"):
        found.pop(key)
    return found


def test_the_answer_is_the_object_of_the_command_line(frame, command, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    release = ["coefficients", "se", "vcov", "r2", "n", "hat", "fitted"]
    options = ["--release", ",".join(release), "--digits", "4", "--secret", "age", "--id", "person", "--remedies", "--seed", "3"]
    (tmp_path / "a.json").write_text('{"minimum_count": 5}')
    printed = command("audit", "outputs", "t.csv", "--formula", ISLAND, *options, "--appetite", "a.json", codes=(4,))
    given = {"release": release, "digits": 4, "secret": "age", "id": "person", "remedies": True, "seed": 3}
    of_file = unhat.audit_outputs(tmp_path / "t.csv", ISLAND, appetite={"minimum_count": 5}, **given)
    assert of_file.to_dict().keys() == printed.keys()
    assert json.dumps(told(of_file.to_dict())) == json.dumps(told(printed))
    assert of_file.table == printed["table"]
    of_frame = unhat.audit_outputs(frame, ISLAND, appetite=tmp_path / "a.json", threads=1, **given)
    assert json.dumps(told(of_frame.to_dict())) == json.dumps(told(printed))
    assert of_frame.table.sha256 is None and of_frame.verdict == "fail"


def test_verdicts_items_and_what_an_answer_can_do(frame, tmp_path):
    honest = unhat.audit_outputs(frame, "income ~ age")
    assert honest.verdict == "pass" and honest.headline.startswith("Release.")
    found = unhat.audit_outputs(frame, ISLAND, report=tmp_path / "page.html", acro=tmp_path / "acro")
    own = next(f for f in found.findings if f.attack == "own share of a fitted value")
    assert own.rows[0] == "18" and own.value == pytest.approx(1.0)
    table = found.to_frame()
    assert list(table.index) == ["coefficients", "se", "r2", "n"] and table.loc["coefficients", "verdict"] == "fail"
    assert table["value"].tolist()[0] == found.items[0].value
    assert "Do not release" in (tmp_path / "page.html").read_text(encoding="utf-8")
    found.save_html(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "page.html").read_bytes()
    found.save_acro(tmp_path / "later")
    for name in ("config.json", "results.json", "findings.csv", "checksums/results.json.txt"):
        assert (tmp_path / "later" / name).read_bytes() == (tmp_path / "acro" / name).read_bytes()
    with pytest.raises(unhat.InputError, match="holds something"):
        found.save_acro(tmp_path / "acro")
    again = pickle.loads(pickle.dumps(found))
    assert again.to_dict() == found.to_dict() and "fail" in repr(again) and again._repr_html_().startswith("<p>")
    shared = unhat.audit_outputs(frame, ISLAND, report_detail="share")
    assert all(finding.rows == [] and finding.detail == "" for finding in shared.findings)


def test_a_second_fit_is_read_however_it_is_given(frame, tmp_path):
    rows = [k for k in range(60) if k != 29]
    (tmp_path / "rows.txt").write_text("\n".join(str(k + 1) for k in rows))
    earlier = unhat.audit_outputs(frame, "income ~ age", rows=rows)
    assert earlier.verdict == "pass" and earlier.table.used == 59
    (tmp_path / "earlier.json").write_text(json.dumps(earlier.to_dict()))
    expected = unhat.audit_outputs(frame, "income ~ age", second_rows=np.arange(60) != 29)
    assert expected.verdict == "fail" and any("row 30" in finding.detail for finding in expected.findings)
    for given in (
        {"second": earlier}, {"second": earlier.to_dict()}, {"second": tmp_path / "earlier.json"}, {"second_rows": rows},
        {"second_rows": tmp_path / "rows.txt"},
    ):
        assert told(unhat.audit_outputs(frame, "income ~ age", **given).to_dict()) == told(expected.to_dict()), given
    together = unhat.audit_outputs(frame, "income ~ age", id="person")
    assert together.verdict == "review"


def test_fitted_results_are_checked_as_the_fit_of_their_data(frame):
    X, y = frame[["age"]].assign(island=(frame["region"] == "island") * 1.0), frame["income"]
    formula = unhat.audit_outputs(X.assign(income=y), "income ~ age + island", id=None)
    of_sklearn = unhat.audit_outputs(LinearRegression().fit(X, y), X=X, y=y)
    exog = np.column_stack([np.ones(60), X])
    params = np.linalg.lstsq(exog, y, rcond=None)[0]

    class OLS:
        endog, exog_names = y.to_numpy(), ["const", "age", "island"]
        data = SimpleNamespace(row_labels=X.index)

    OLS.exog = exog
    of_statsmodels = unhat.audit_outputs(SimpleNamespace(model=OLS(), params=params))
    for found in (of_sklearn, of_statsmodels):
        assert [dict(item) for item in found.items] == [dict(item) for item in formula.items]
        assert found.verdict == "fail"
    # Twelve rows of a person: the shares of a result are those of persons too.
    people = unhat.audit_outputs(LinearRegression().fit(X[["age"]], y), X=X[["age"]], y=y, id=frame["person"])
    named = unhat.audit_outputs(frame, "income ~ age", id="person")
    assert [dict(f)["value"] for f in people.findings] == [dict(f)["value"] for f in named.findings]
    with pytest.raises(unhat.InputError, match="coefficient of"):
        unhat.audit_outputs(Ridge(10.0).fit(X, y), X=X, y=y)
    with pytest.raises(unhat.InputError, match="id: found a word"):
        unhat.audit_outputs(LinearRegression().fit(X, y), X=X, y=y, id="person")
    with pytest.raises(unhat.InputError, match="id: found 3 values"):
        unhat.audit_outputs(LinearRegression().fit(X, y), X=X, y=y, id=[1, 2, 3])


def test_what_cannot_be_checked_is_refused_by_name(frame, tmp_path):
    (tmp_path / "odd.json").write_text('{"minimal_count": 3}')
    for options, words in [
        ({"secret": "weight"}, "weight"), ({"secret": ["person"]}, "not among the columns"), ({"id": "who"}, "who"),
        ({"release": ["coefficients", "everything"]}, "everything"), ({"release": []}, "names nothing"),
        ({"appetite": tmp_path / "odd.json"}, "minimal_count"), ({"appetite": {"minimum_count": 0}}, "counts of 0"),
        ({"digits": 0}, "expected 1 to 17"), ({"missing": "exclude"}, "expected omit or raise"),
        ({"second": tmp_path / "odd.json"}, "second: is no check"), ({"second": {}, "second_rows": [1]}, "second_rows"),
        ({"rows": [-1]}, "rows: expected row numbers"), ({"rows": [70]}, "row 71 does not exist"),
        ({"rows": [True, False]}, "2 truth values"), ({"report_detail": "all"}, "report_detail"), ({"link": "log"}, "link"),
        ({"id": [1, 2]}, "id: found values"), ({"report": tmp_path / "no folder" / "p.html"}, "no folder"),
    ]:
        with pytest.raises(unhat.InputError, match=words):
            unhat.audit_outputs(frame, "income ~ age", **options)
    with pytest.raises(unhat.InputError, match="formula: missing"):
        unhat.audit_outputs(frame)
    shared = unhat.audit_outputs(frame, "income ~ age", report_detail="share")
    with pytest.raises(unhat.InputError, match="second: .* to share"):
        unhat.audit_outputs(frame, "income ~ age", second=shared)
