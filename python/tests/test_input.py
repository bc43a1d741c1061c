"""What may be given: types, strides, sparse rows, tables, files; and what may not, with its error."""

import pickle

import numpy as np
import pandas
import polars
import pyarrow
import pytest
import scipy.sparse

import unhat


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.int8, np.uint16, np.longdouble, ">f8"])
@pytest.mark.parametrize("layout", ["c", "fortran", "reversed", "strided", "read-only"])
def test_types_and_strides(dtype, layout):
    values = np.random.default_rng(3).integers(0, 9, size=(20, 3)).astype(dtype)
    expected = unhat.leverage_scores(np.array(values, dtype=np.float64, order="C"))
    given = {
        "c": lambda: values,
        "fortran": lambda: np.asfortranarray(values),
        "reversed": lambda: values[::-1],
        "strided": lambda: np.repeat(values, 2, axis=1)[:, ::2],
        "read-only": lambda: np.array(values),
    }[layout]()
    if layout == "read-only":
        given.flags.writeable = False
    found = unhat.leverage_scores(given)
    if layout == "reversed":  # added up in another order
        np.testing.assert_allclose(found, expected[::-1], rtol=1e-12)
    else:
        np.testing.assert_array_equal(found, expected)


def test_a_memory_mapped_array(tmp_path, problem):
    A, *_ = problem
    np.save(tmp_path / "A.npy", A)
    mapped = np.load(tmp_path / "A.npy", mmap_mode="r")
    np.testing.assert_array_equal(unhat.leverage_scores(mapped), unhat.leverage_scores(A))
    np.testing.assert_array_equal(unhat.leverage_scores(tmp_path / "A.npy"), unhat.leverage_scores(A))


def test_float64_in_c_order_is_lent():
    from unhat._data import system

    A = np.ones((5, 2))
    assert np.shares_memory(system(A).matrix, A)
    rows = scipy.sparse.csr_array(np.eye(4))
    assert np.shares_memory(system(rows).matrix[2], rows.data)


@pytest.mark.parametrize("indices", [np.int32, np.int64])
@pytest.mark.parametrize("form", ["csr", "csc", "coo", "unsorted"])
def test_sparse_rows(form, indices):
    rows = scipy.sparse.random_array((80, 6), density=0.5, rng=np.random.default_rng(5), format="csr")
    rows.indices, rows.indptr = rows.indices.astype(indices), rows.indptr.astype(indices)
    expected = unhat.leverage_scores(rows.toarray())
    if form == "unsorted":
        order = np.concatenate([np.arange(a, b)[::-1] for a, b in zip(rows.indptr[:-1], rows.indptr[1:])])
        given = scipy.sparse.csr_array((rows.data[order], rows.indices[order], rows.indptr), shape=rows.shape)
    else:
        given = rows.asformat(form)
    np.testing.assert_allclose(unhat.leverage_scores(given), expected, atol=1e-13)


@pytest.mark.parametrize("frame", [pandas.DataFrame, polars.DataFrame, pyarrow.table])
def test_tables(frame, problem):
    A, b, x = problem
    data = {"u": A[:, 0], "v": A[:, 1], "n": np.arange(60), "y": b}
    expected = np.column_stack([np.ones(60), A[:, 0], A[:, 1], np.arange(60.0)])
    table = frame(data)
    np.testing.assert_array_equal(
        unhat.leverage_scores(table, columns=["u", "v", "n"], intercept=True), unhat.leverage_scores(expected)
    )
    point = [0.1, *x]
    np.testing.assert_array_equal(
        unhat.leverage_gradient(table, None, point, response="y", intercept=True),
        unhat.leverage_gradient(expected, b, point),
    )
    with pytest.raises(unhat.InputError, match="'town', 'street'") as caught:
        unhat.leverage_scores(frame({"town": ["a"] * 60, "street": ["b"] * 60, **data}))
    assert caught.value.kind == "dtype"
    with pytest.raises(unhat.InputError, match="no column 'w'"):
        unhat.leverage_scores(table, columns=["w"])


def test_missing_cells_and_categories_of_pandas():
    numbers = pandas.array([1, 2, None, 4], dtype="Int64")
    with pytest.raises(unhat.InputError, match="row 3, column 1") as caught:
        unhat.leverage_scores(pandas.DataFrame({"a": numbers}))
    assert caught.value.kind == "not_finite"
    with pytest.raises(unhat.InputError, match="'c'"):
        unhat.leverage_scores(pandas.DataFrame({"a": [1.0, 2.0], "c": pandas.Categorical([1, 2])}))


def test_errors_have_kinds_and_are_value_errors(problem):
    A, b, x = problem
    for kind, call in {
        "not_finite": lambda: unhat.leverage_scores([[1.0], [np.nan]]),
        "shape": lambda: unhat.leverage_gradient(A, b[:-1], x),
        "zero_slack": lambda: unhat.leverage_gradient(A, A @ x, x),
        "option": lambda: unhat.leverage_scores(A, ridge=-1.0),
        "source": lambda: unhat.leverage_scores("there is no such file.csv"),
        "dtype": lambda: unhat.leverage_scores(np.ones((3, 2), dtype=complex)),
        "empty_cell": lambda: unhat.volumetric_center([[1.0], [-1.0]], [1.0, 1.0]),
    }.items():
        with pytest.raises(ValueError) as caught:
            call()
        assert isinstance(caught.value, unhat.InputError) and caught.value.kind == kind
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), again.kind) == (str(caught.value), kind)
    for one_dimension in (np.ones(3), np.float64(1.0), np.ones((2, 2, 2))):
        with pytest.raises(unhat.InputError) as caught:
            unhat.leverage_scores(one_dimension)
        assert caught.value.kind == "shape"
    for options in ({"solver": "newton"}, {"weights": 1.0, "solver": "surrogate"}, {"minima": "first"}, {"weights": 1.0, "minima": "most"}, {"solver": "diagonal"}, {"threads": 0}):
        with pytest.raises(unhat.InputError) as caught:
            unhat.invert_gradient(A, b, x, **options)
        assert caught.value.kind == "option"


def test_dependent_columns(problem):
    A, b, x = problem
    A = np.column_stack([A, A[:, 0]])
    with pytest.raises(np.linalg.LinAlgError) as caught:
        unhat.leverage_gradient(A, b, [*x, 1.0])
    assert isinstance(caught.value, unhat.RankDeficientError) and caught.value.kind == "rank_deficient"
    with pytest.warns(unhat.UnhatWarning, match="rank"):
        assert unhat.leverage_scores(A).sum() == pytest.approx(3)
    with pytest.raises(unhat.RankDeficientError):
        unhat.leverage_scores(A, strict=True)
