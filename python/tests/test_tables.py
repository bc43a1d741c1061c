"""Tables by the Arrow C interface: of any library, in parts, with missing cells; numbers as a matrix, all of it for models."""

import subprocess
import sys

import numpy as np
import pandas
import polars
import pyarrow
import pytest

import unhat
from unhat import _unhat

FRAMES = [pandas.DataFrame, polars.DataFrame, pyarrow.table]


class Handed:
    """A table that is nothing but the interface."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


class HandedAtOnce:
    """A batch that is nothing but the interface."""

    def __init__(self, batch):
        self._batch = batch

    def __arrow_c_array__(self, requested_schema=None):
        return self._batch.__arrow_c_array__(requested_schema)


@pytest.fixture
def values():
    return np.random.default_rng(1).normal(size=(50, 3))


def test_what_only_hands_over_arrow(values):
    table = pyarrow.table({name: values[:, k] for k, name in enumerate("abc")})
    expected = unhat.leverage_scores(values)
    np.testing.assert_array_equal(unhat.leverage_scores(Handed(table)), expected)
    np.testing.assert_array_equal(unhat.leverage_scores(HandedAtOnce(table.to_batches()[0])), expected)
    parts = pyarrow.concat_tables([table.slice(0, 7), table.slice(7, 1), table.slice(8)])
    assert parts.column("a").num_chunks == 3
    np.testing.assert_array_equal(unhat.leverage_scores(Handed(parts)), expected)
    np.testing.assert_array_equal(unhat.leverage_scores(pyarrow.RecordBatchReader.from_batches(parts.schema, parts.to_batches())), expected)


@pytest.mark.parametrize("kind", ["int8", "uint64", "float32", "float16", "bool_", "decimal128"])
def test_every_kind_of_number(kind):
    whole = np.random.default_rng(2).integers(0, 2, size=(30, 2))
    kinds = {"decimal128": pyarrow.decimal128(30, 2)}
    column = lambda k: pyarrow.array(whole[:, k].tolist()).cast(kinds.get(kind) or getattr(pyarrow, kind)())  # noqa: E731
    table = pyarrow.table({"a": column(0), "b": column(1)})
    np.testing.assert_array_equal(unhat.leverage_scores(table), unhat.leverage_scores(whole))


def test_columns_are_chosen_and_ordered(values):
    table = pyarrow.table({"a": values[:, 0], "word": ["x"] * 50, "b": values[:, 1], "c": values[:, 2]})
    for frame in (table, polars.from_arrow(table), table.to_pandas()):
        found = unhat.leverage_gradient(frame, None, [0.3, 0.2, 0.1], columns=["c", "a", "b"], response="b", intercept=True)
        A = np.column_stack([np.ones(50), values[:, 2], values[:, 0]])
        np.testing.assert_array_equal(found, unhat.leverage_gradient(A, values[:, 1], [0.3, 0.2, 0.1]))
        with pytest.raises(unhat.InputError, match="columns: there is no column 'w'; there are 'a', 'word', 'b', 'c'"):
            unhat.leverage_scores(frame, columns=["a", "w"])
        with pytest.raises(unhat.InputError, match="response: there is no column 'w'"):
            unhat.leverage_scores(frame, response="w", point=[1.0])
        with pytest.raises(unhat.InputError) as caught:
            unhat.leverage_scores(frame, columns=["a"], response="a", point=[])
        assert caught.value.kind == "shape"


@pytest.mark.parametrize("frame", FRAMES)
def test_missing_cells_are_named(frame):
    with pytest.raises(unhat.InputError, match="row 3, column 2") as caught:
        unhat.leverage_scores(frame({"a": [1, 2, 3], "b": [1.0, 2.0, None]}))
    assert caught.value.kind == "not_finite"


def test_columns_without_numbers_are_named():
    table = pyarrow.table(
        {
            "number": [1.0, 2.0],
            "word": ["a", "b"],
            "category": pyarrow.array(["u", "v"]).dictionary_encode(),
            "day": pyarrow.array([1, 2], pyarrow.date32()),
        }
    )
    for given in (table, polars.from_arrow(table), table.to_pandas()):
        with pytest.raises(unhat.InputError, match="columns without numbers: 'word', 'category', 'day'") as caught:
            unhat.leverage_scores(given)
        assert caught.value.kind == "dtype"
    counted = pandas.DataFrame({"k": pandas.Categorical([3, 1, 3]), "a": [1.0, 2.0, 3.0]})  # of numbers, but no numbers
    with pytest.raises(unhat.InputError, match="'k'"):
        unhat.leverage_scores(counted)
    with pytest.raises(unhat.InputError, match="column mixed") as caught:
        unhat.leverage_scores(pandas.DataFrame({"a": [1.0, 2.0], "mixed": ["x", 1]}))
    assert caught.value.kind == "dtype"
    unhandable = pandas.DataFrame({"a": [1.0, 2.0], "mixed": ["x", 1]})
    np.testing.assert_allclose(unhat.leverage_scores(unhandable, columns=["a"]), [0.2, 0.8], rtol=1e-15)


def test_the_index_of_pandas_is_no_column(values):
    frame = pandas.DataFrame(values, columns=["a", "b", "c"])
    kept = frame[frame["a"] > 0]  # the index is no range any more
    np.testing.assert_array_equal(unhat.leverage_scores(kept), unhat.leverage_scores(kept.to_numpy()))
    named = frame.set_index("a")
    np.testing.assert_array_equal(unhat.leverage_scores(named), unhat.leverage_scores(values[:, 1:]))


def test_names_that_are_numbers_and_names_twice(values):
    frame = pandas.DataFrame(values)
    np.testing.assert_array_equal(unhat.leverage_scores(frame, columns=[2, "0"]), unhat.leverage_scores(values[:, [2, 0]]))
    table = pyarrow.table([values[:, 0], values[:, 1]], names=["a", "a"])
    for given in (table, pandas.DataFrame(values, columns=["a", "b", "a"])):
        with pytest.raises(unhat.InputError, match="(?i)duplicate|several columns"):
            unhat.leverage_scores(given)


def test_pandas_without_pyarrow(values, monkeypatch):
    def missing(self, requested_schema=None):
        raise ImportError("Missing optional dependency 'pyarrow'.")

    frame = pandas.DataFrame(values, columns=["a", "b", "c"])
    frame["n"] = pandas.array([1, 2] * 25, dtype="Int64")
    frame["word"] = "x"
    expected = unhat.leverage_scores(frame, columns=["n", "c"], intercept=True)
    monkeypatch.setattr(pandas.DataFrame, "__arrow_c_stream__", missing)
    np.testing.assert_array_equal(unhat.leverage_scores(frame, columns=["n", "c"], intercept=True), expected)
    with pytest.raises(unhat.InputError, match="'word'"):
        unhat.leverage_scores(frame)
    with pytest.raises(unhat.InputError, match="no column 'w'"):
        unhat.leverage_scores(frame, columns=["w"])


def test_a_column_is_no_table():
    for column in (pyarrow.chunked_array([[1.0, 2.0]]), pyarrow.array([1.0, 2.0]), polars.Series([1.0, 2.0])):
        with pytest.raises(unhat.InputError):
            unhat.leverage_scores(column)


def test_no_table_library_is_imported():
    program = "import sys, unhat; unhat.leverage_scores([[1.0], [2.0]]); print([m for m in ('pandas', 'polars', 'pyarrow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("frame", FRAMES)
def test_a_table_for_models_has_words_and_missing_cells(frame):
    table = frame({"n": [1.5, None, 3.0], "i": [1, 2, 3], "word": ["b", None, "a"], "yes": [True, False, True]})
    found = _unhat.FrameTable(table)
    assert (found.names, found.rows) == (["n", "i", "word", "yes"], 3)
    assert [found.column(name) for name in found.names] == [
        [1.5, None, 3.0],
        [1.0, 2.0, 3.0],
        ["b", None, "a"],
        ["true", "false", "true"],
    ]


def test_a_table_for_models_of_categories_and_times(tmp_path):
    table = pandas.DataFrame({"c": pandas.Categorical(["u", "v", None]), "k": pandas.Categorical([3, 1, 3])}, index=[5, 6, 7])
    found = _unhat.FrameTable(table)
    assert (found.column("c"), found.column("k")) == (["u", "v", None], ["3", "1", "3"])
    days = pyarrow.table({"day": pyarrow.array([0, 1], pyarrow.date32())})
    assert _unhat.FrameTable(days).column("day") == ["1970-01-01", "1970-01-02"]
    with pytest.raises(unhat.InputError, match="'l' .*List") as caught:
        _unhat.FrameTable(pyarrow.table({"l": [[1], [2]]}))
    assert caught.value.kind == "dtype"
    path = tmp_path / "t.csv"
    path.write_text("n,word\n1,a\n2,b\n")
    found = _unhat.FrameTable(str(path))
    assert (found.column("n"), found.column("word")) == ([1.0, 2.0], ["a", "b"])
    path.write_text("n,word\n1,a\n,b\n")
    with pytest.raises(unhat.InputError, match="row 2, column \"n\": found an empty cell"):
        _unhat.FrameTable(str(path))
