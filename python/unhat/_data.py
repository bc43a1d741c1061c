"""What callers give, as the core takes it: arrays of float64 in C order, the parts of CSR, or a file that was read."""

import os

import numpy as np

from unhat import _unhat
from unhat._errors import InputError

# The kinds of NumPy's real numbers: truth values, whole numbers with and without sign, floats.
_REAL = "biuf"
# The integers in which the core takes indices of sparse rows.
_INDICES = ("int32", "int64")


class System:
    """A, b where a column of a table is b, and the names that the data come with.

    ``matrix`` is what the core takes; ``offset`` is None where no column was named as the response.
    """

    def __init__(self, matrix, offset=None, columns=(), table="", response=None):
        self.matrix = matrix
        self.offset = offset
        self.columns = list(columns)
        self.table = table
        self.response = response


def system(data, columns=None, response=None, intercept=False):
    """Read or convert A, and b where it is a column."""
    if isinstance(data, (str, os.PathLike)):
        return _from_file(os.fspath(data), columns, response, intercept)
    frame = _columns_of_frame(data)
    if frame is not None:
        return _from_frame(frame, columns, response, intercept)
    if columns is not None or response is not None:
        name = "columns" if columns is not None else "response"
        raise InputError(f"{name}: applies to tables with named columns, and this is {type(data).__name__}")
    if _is_sparse(data):
        if intercept:
            raise InputError("intercept: applies to tables and arrays; put a column of ones into the sparse matrix")
        return System(_csr(data))
    array = _real(data, "matrix")
    if intercept and array.ndim == 2:
        array = np.column_stack([np.ones(len(array)), array])
    return System(array)


def right_side(found, offset):
    """b: the one given, or the column that was named as the response."""
    if offset is not None and found.offset is not None:
        raise InputError("offset: a column of the table is b already; leave out b or response")
    if offset is None and found.offset is None:
        raise InputError("offset: missing; give b, or with a table the name of its column as response")
    return found.offset if offset is None else vector(offset, "offset")


def vector(values, what):
    """A vector as the core takes it; a path is read. None stays None."""
    if values is None:
        return None
    if isinstance(values, (str, os.PathLike)):
        return _unhat.read_vector(os.fspath(values), what)
    array = _real(values, what)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != 1:
        raise InputError(f"{what}: found {array.ndim} dimensions, expected 1", "shape")
    return array


def _real(values, what):
    """Float64 in C order: the same memory where it is so already."""
    array = np.asarray(values)
    if array.dtype.kind not in _REAL:
        raise InputError(f"{what}: found values of type {array.dtype}, expected real numbers", "dtype")
    return np.ascontiguousarray(array, dtype=np.float64) if array.ndim else array.astype(np.float64)


def _is_sparse(data):
    return hasattr(data, "tocsr") and hasattr(data, "nnz")


def _csr(data):
    """(pointers, indices, values, number of columns); CSR in canonical form lends its values as they lie."""
    rows = data.tocsr()
    if rows.dtype.kind not in _REAL:
        raise InputError(f"matrix: found values of type {rows.dtype}, expected real numbers", "dtype")
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    pointers, indices = (
        part if part.dtype.name in _INDICES else part.astype(np.int64) for part in (rows.indptr, rows.indices)
    )
    return (
        np.ascontiguousarray(pointers),
        np.ascontiguousarray(indices),
        np.ascontiguousarray(rows.data, dtype=np.float64),
        rows.shape[1],
    )


def _from_file(path, columns, response, intercept):
    columns = None if columns is None else [str(name) for name in columns]
    table = _unhat.Table(path, columns, response, bool(intercept))
    return System(table, table.response, table.column_names or (), os.path.basename(path), response)


def _columns_of_frame(data):
    """{name: column} of a table of pandas, polars or pyarrow; None of anything else."""
    if hasattr(data, "column_names") and hasattr(data, "column"):  # pyarrow
        return {str(name): data.column(name) for name in data.column_names}
    if hasattr(data, "columns") and hasattr(data, "dtypes") and hasattr(data, "__getitem__"):  # pandas, polars
        names = list(data.columns)
        if len(set(map(str, names))) < len(names):
            raise InputError("matrix: two columns of the table have one name; rename one of them")
        return {str(name): data[name] for name in names}
    return None


def _from_frame(frame, columns, response, intercept):
    for name in [*(columns or ()), *([] if response is None else [response])]:
        if str(name) not in frame:
            option = "response" if name == response else "columns"
            raise InputError(f"{option}: there is no column {name!r}; there are {', '.join(map(repr, frame))}")
    chosen = list(frame) if columns is None else [str(name) for name in columns]
    chosen = [name for name in chosen if name != response]
    arrays = {name: _numbers(frame[name]) for name in [*chosen, *([] if response is None else [response])]}
    text = [name for name, array in arrays.items() if array is None]
    if text:
        raise InputError(
            f"matrix: columns without numbers: {', '.join(map(repr, text))}; name the others as columns", "dtype"
        )
    if not chosen:
        raise InputError("matrix: no column is left for A", "shape")
    parts, names = [arrays[name] for name in chosen], chosen
    if intercept:
        parts, names = [np.ones(len(parts[0])), *parts], ["(Intercept)", *chosen]
    offset = None if response is None else arrays[response]
    return System(np.column_stack(parts), offset, names, "table", response)


def _numbers(column):
    """A column as float64, missing cells as NaN; None where it holds no numbers."""
    kind = str(getattr(column, "type", getattr(column, "dtype", ""))).lower()
    if any(word in kind for word in ("str", "cat", "dict", "enum", "date", "time", "decimal")):
        return None
    array = np.asarray(column)
    if array.dtype == object and kind != "object":  # numbers with missing cells; a column of objects is no such thing
        try:
            array = np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError, AttributeError):
            return None
    return np.ascontiguousarray(array, dtype=np.float64) if array.dtype.kind in _REAL else None
