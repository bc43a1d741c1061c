"""Scores beside absorbed factors against dense dummies, from tables and from files."""

import pickle

import numpy as np
import pandas
import polars
import pyarrow
import pytest

import unhat

RNG = np.random.default_rng(4)
ROWS = 80


@pytest.fixture
def panel():
    worker, firm = np.arange(ROWS) // 4, RNG.integers(0, 7, ROWS)
    hours = RNG.normal(40, 3, ROWS)
    frame = pandas.DataFrame(
        {"worker": worker + 100, "firm": [f"f{k}" for k in firm], "hours": hours, "wage": RNG.normal(size=ROWS), "w": RNG.integers(0, 4, ROWS)},
        index=[f"row {k}" for k in range(ROWS)],
    )
    return frame


def dense(frame, factors, covariates, weights=None):
    """The hat values of the columns written out, by NumPy."""
    columns = [pandas.get_dummies(frame[name]).to_numpy(float) for name in factors] + [frame[name].to_numpy(float)[:, None] for name in covariates]
    root = np.ones(len(frame)) if weights is None else np.sqrt(frame[weights].to_numpy(float))
    z = np.hstack(columns) * root[:, None]
    u, s, _ = np.linalg.svd(z, full_matrices=False)
    return (u[:, s > 1e-10 * s[0]] ** 2).sum(axis=1)


def test_tables_of_any_library_and_files_have_the_scores_of_the_columns_written_out(panel, tmp_path):
    expected = dense(panel, ["worker", "firm"], ["hours", "wage", "w"])
    panel.to_csv(tmp_path / "panel.csv", index=False)
    arrow = pyarrow.Table.from_pandas(panel, preserve_index=False)
    for table in (panel, arrow, polars.from_arrow(arrow), tmp_path / "panel.csv", unhat.TableFile(tmp_path / "panel.csv", delimiter=",")):
        found = unhat.absorbed_scores(table, ["worker", "firm"])
        np.testing.assert_allclose(found.scores, expected, atol=1e-10)
        assert found.rank == round(expected.sum())
    frame = unhat.absorbed_scores(panel, ["worker", "firm"]).to_frame()
    assert list(frame.index) == list(panel.index)


def test_weights_response_and_columns(panel):
    found = unhat.absorbed_scores(panel, "worker", response="wage", weights="w", columns=["hours"])
    np.testing.assert_allclose(found.scores, dense(panel, ["worker"], ["hours"], "w"), atol=1e-10)
    assert all(found.scores[panel["w"] == 0] == 0)
    again = pickle.loads(pickle.dumps(found))
    assert again.to_frame().equals(found.to_frame()) and again.rank == found.rank


def test_a_number_may_be_a_factor_and_a_category_too(panel):
    panel["firm"] = panel["firm"].astype("category")
    panel["year"] = np.tile([2001.5, 2002.0, -0.0, 0.0], ROWS // 4)
    found = unhat.absorbed_scores(panel, ["firm", "year"], columns=[])
    np.testing.assert_allclose(found.scores, dense(panel, ["firm", "year"], []), atol=1e-10)
    assert [factor.levels for factor in found.factors] == [7, 3]


def test_probes_have_standard_errors(panel):
    found = unhat.absorbed_scores(panel, ["worker", "firm"], columns=["hours"], method="probes", probes=400, seed=3)
    expected = dense(panel, ["worker", "firm"], ["hours"])
    frame = found.to_frame()
    assert (np.abs(frame["leverage"] - expected) <= 4 * frame["standard_error"] + 1e-9).mean() > 0.95
    assert found.scores.tobytes() == unhat.absorbed_scores(panel, ["worker", "firm"], columns=["hours"], method="probes", probes=400, seed=3, threads=1).scores.tobytes()


def test_columns_of_text_are_left_out_and_said(panel):
    with pytest.warns(unhat.UnhatWarning, match="left out columns of text: 'firm'"):
        unhat.absorbed_scores(panel, "worker")
    with pytest.warns(unhat.UnhatWarning, match="the factors explain same"):
        unhat.absorbed_scores(panel.assign(same=panel["worker"] * 2.0), "worker", columns=["same"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"absorb": ["worker", "nobody"]}, "nobody"),
        ({"absorb": ["worker", "worker"]}, "twice"),
        ({"absorb": []}, "absorb: found no column"),
        ({"absorb": "worker", "columns": ["worker"]}, "columns: takes 'worker'"),
        ({"absorb": "worker", "columns": ["firm"]}, "columns: column 'firm' holds text"),
        ({"absorb": "worker", "weights": "worker"}, "weights: absorb makes a factor"),
        ({"absorb": "worker", "weights": "firm"}, "weights: column 'firm' holds text"),
        ({"absorb": "worker", "method": "guess"}, "method: found \"guess\""),
        ({"absorb": "worker", "probes": -1}, "probes: found -1"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(panel, options, said):
    with pytest.raises(unhat.InputError, match=said):
        unhat.absorbed_scores(panel, **options)


def test_missing_cells_and_ids_that_are_not_told_apart_are_refused_with_their_row(panel):
    for column, said in (("firm", "a level"), ("hours", "a number")):
        gap = panel.copy()
        gap.loc["row 7", column] = None
        with pytest.raises(unhat.InputError, match=f"row 8, column '{column}': found a missing cell, expected {said}"):
            unhat.absorbed_scores(gap, ["worker", "firm"])
    panel["worker"] = (1 << 60) + np.arange(ROWS) // 4
    with pytest.raises(unhat.InputError, match="hand the column over as text"):
        unhat.absorbed_scores(panel, ["worker", "firm"])
