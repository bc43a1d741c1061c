"""Tables that come batch after batch: the bits of the same table at once, and what is wrong with them by name."""

import numpy as np
import pandas
import polars
import pyarrow
import pyarrow.dataset
import pyarrow.parquet
import pytest

import unhat

RNG = np.random.default_rng(5)
A = RNG.standard_normal((5000, 4))


def batches(table=None, size=700):
    table = pyarrow.table({f"x{j}": A[:, j] for j in range(4)}) if table is None else table
    return pyarrow.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=size))


def test_a_function_is_asked_for_the_table_and_the_bits_are_those_of_memory(tmp_path):
    expected = unhat.leverage_scores(A).tobytes()
    frame = polars.DataFrame({f"x{j}": A[:, j] for j in range(4)})
    pyarrow.parquet.write_table(frame.to_arrow(), tmp_path / "t.parquet")
    dataset = pyarrow.dataset.dataset(tmp_path / "t.parquet")
    for make in (
        batches,
        lambda: frame,
        lambda: dataset.scanner(batch_size=999).to_reader(),
        lambda: (frame[k : k + 333] for k in range(0, 5000, 333)),
        lambda: polars.scan_parquet(tmp_path / "t.parquet").collect_batches(chunk_size=401),
    ):
        assert unhat.leverage_scores(make).tobytes() == expected
    assert unhat.leverage_scores(batches, columns=["x2", "x0"]).tobytes() == unhat.leverage_scores(A[:, [2, 0]].copy()).tobytes()
    assert unhat.rank_k_scores(batches, 2).scores.tobytes() == unhat.rank_k_scores(A, 2).scores.tobytes()


def test_words_name_the_rows_and_a_column_may_be_b():
    table = pyarrow.table({"id": [f"r{i}" for i in range(5000)], **{f"x{j}": A[:, j] for j in range(4)}, "b": np.arange(5000.0) - 9e4})
    with pytest.warns(unhat.UnhatWarning, match="row names"):
        found = unhat.rank_k_scores(lambda: batches(table.drop_columns("b")), 2)
    assert list(found.to_frame().index[:2]) == ["r0", "r1"]
    x = np.full(4, 0.1)
    with pytest.warns(unhat.UnhatWarning, match="row names"):
        gradient = unhat.leverage_gradient(lambda: batches(table), None, x, response="b")
    assert gradient.tobytes() == unhat.leverage_gradient(A, np.arange(5000.0) - 9e4, x).tobytes()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: 3, "the function returned int"),
        (lambda: iter([]), "an iterator of none"),
        (lambda: iter([pandas.DataFrame({"a": [1.0]}), pandas.DataFrame({"b": [1.0]})]), "other columns than the first"),
        (lambda: iter([pandas.DataFrame({"a": [1.0, None]})]), "row 2.*null"),
        (lambda: batches(pyarrow.table({"a": pyarrow.array([], pyarrow.float64())})), "no row"),
    ],
)
def test_what_is_no_table_is_refused_by_name(make, said):
    with pytest.raises(unhat.InputError, match=said):
        unhat.leverage_scores(make)


def test_an_error_of_the_library_that_makes_the_batches_is_told():
    def parts():
        yield pandas.DataFrame({"a": [1.0, 2.0]})
        raise RuntimeError("the connection is gone")

    with pytest.raises(unhat.InputError, match="the connection is gone"):
        unhat.leverage_scores(parts)
