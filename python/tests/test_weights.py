"""Lewis weights and D-optimal designs against NumPy."""

import pickle

import numpy as np
import pandas
import pytest
import scipy.sparse

import unhat

RNG = np.random.default_rng(3)
TABLE = RNG.standard_normal((80, 4))


def forms(a, w):
    return np.einsum("ij,ji->i", a, np.linalg.solve((a * w[:, None]).T @ a, a.T))


@pytest.mark.parametrize("p", [0.5, 1, 2, 3.0, np.float64(4), 8])
@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_matrix])
def test_lewis_weights_are_the_scores_that_numpy_has_of_the_rows_they_scale(p, kind):
    found = unhat.lewis_weights(kind(TABLE), p)
    w = found.weights
    np.testing.assert_allclose(w ** (1 - 2 / p) * forms(TABLE, w ** (1 - 2 / p)), w, rtol=1e-9)
    assert found.status == "solved" and found.residual < 1e-9 and (found.log_error is None) == (p >= 4)
    assert w.sum() == pytest.approx(4)
    if p == 2:
        np.testing.assert_allclose(w, unhat.leverage_scores(TABLE), rtol=1e-9)


@pytest.mark.parametrize("lift", [False, True])
@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_matrix])
def test_the_gap_of_a_design_is_the_one_that_numpy_computes(lift, kind):
    found = unhat.d_optimal_design(kind(TABLE), lift=lift)
    a = np.column_stack([TABLE, np.ones(80)]) if lift else TABLE
    w, d = found.weights, a.shape[1]
    assert w.min() >= 0 and w.sum() == pytest.approx(1, abs=1e-14)
    gap = d * np.log(forms(a, w).max() / d)
    assert gap == pytest.approx(found.gap, abs=1e-11) and gap <= 1e-8
    assert found.log_det == pytest.approx(np.linalg.slogdet((a * w[:, None]).T @ a)[1], abs=1e-10)
    assert found.support == np.count_nonzero(w)


def test_labels_are_those_of_the_table():
    frame = pandas.DataFrame(TABLE, index=[f"site {i}" for i in range(80)], columns=list("abcd"))
    for found in (unhat.lewis_weights(frame, 1), unhat.d_optimal_design(frame)):
        assert list(found.to_frame().index) == list(frame.index) and list(found.to_frame().columns) == ["weight"]
        again = pickle.loads(pickle.dumps(found))
        assert again.to_frame().equals(found.to_frame())
        assert "solved" in repr(found) and "<table>" in found._repr_html_()
    chosen = unhat.lewis_weights(frame, 1, columns=["d", "a"]).weights
    np.testing.assert_allclose(chosen, unhat.lewis_weights(TABLE[:, [3, 0]], 1).weights, rtol=1e-9)


def test_what_is_not_solved_warns_and_gives_the_best_so_far():
    with pytest.warns(unhat.ConvergenceWarning, match="iteration limit"):
        found = unhat.lewis_weights(TABLE, 7, max_iter=2)
    assert found.status == "iteration_limit" and found.residual > 1e-8
    with pytest.warns(unhat.ConvergenceWarning, match="iteration limit"):
        design = unhat.d_optimal_design(TABLE, max_iter=2)
    assert 4 * np.log(forms(TABLE, design.weights).max() / 4) == pytest.approx(design.gap)


@pytest.mark.parametrize("p", [0, -1, float("nan"), "1", None, True])
def test_a_p_that_is_no_number_above_0_is_refused(p):
    with pytest.raises(unhat.InputError, match="p: found"):
        unhat.lewis_weights(TABLE, p)


def test_options_and_data_that_cannot_be_used_are_refused():
    with pytest.raises(unhat.InputError, match="D-optimal"):
        unhat.lewis_weights(TABLE, float("inf"))
    with pytest.raises(unhat.InputError, match="max_iter: found 0"):
        unhat.lewis_weights(TABLE, 1, max_iter=0)
    with pytest.raises(unhat.InputError, match="gap: found 0"):
        unhat.d_optimal_design(TABLE, gap=0)
    with pytest.raises(unhat.InputError, match="lift: found 'yes'"):
        unhat.d_optimal_design(TABLE, lift="yes")
    for work in (lambda a: unhat.lewis_weights(a, 1), unhat.d_optimal_design):
        with pytest.raises(unhat.InputError, match="rank 0"):
            work(np.zeros((5, 2)))
        with pytest.raises(unhat.InputError, match="row 2"):
            work(np.array([[1.0], [np.nan]]))
