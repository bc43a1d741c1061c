"""What callers give, as the core takes it: arrays of float64 in C order, the parts of CSR, or a file that was read."""

import os

import numpy as np

from unhat import _unhat
from unhat._errors import InputError
from unhat._files import as_table, file_of
from unhat._pandas import columns_of_pandas, hands_over_arrow, is_pandas, matrix_of_pandas
from unhat._rows import Labels, labels_of
from unhat._single_cell import is_10x, is_anndata, names_of_10x, require_lengths

# The kinds of NumPy's real numbers: truth values, whole numbers with and without sign, floats.
_REAL = "biuf"
# The integers in which the core takes indices of sparse rows.
_INDICES = ("int32", "int64")


class System:
    """A, b where a column of a table is b, and the names that columns and rows come with.

    ``matrix`` is what the core takes; ``offset`` is None where no column was named as the response.
    """

    def __init__(self, matrix, offset=None, columns=(), table="", response=None, polytope=False, labels=None):
        self.matrix = matrix
        self.offset = offset
        self.columns = list(columns)
        self.table = table
        self.response = response
        self.polytope = polytope
        self.labels = labels or Labels()


def system(data, columns=None, response=None, intercept=False):
    """Read or convert A, and b where it is a column."""
    file = file_of(data)
    if file is not None:
        return _from_10x(file[0], columns, response, intercept) if is_10x(file[0]) else _from_file(*file, columns, response, intercept)
    if is_anndata(data):
        return _from_anndata(data, columns, response, intercept)
    if is_table(data):
        return _from_table(data, columns, response, intercept)
    if callable(data):
        return _from_stream(data, columns, response, intercept)
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
        raise InputError(
            "offset: the polytope has its b; leave b out"
            if found.polytope
            else "offset: a column of the table is b already; leave out b or response"
        )
    if offset is None and found.offset is None:
        raise InputError("offset: missing; give b, or with a table the name of its column as response")
    return found.offset if offset is None else of_rows(found, offset, "offset")


def of_rows(found, values, what):
    """A vector with a value for each row: of the file, or of the rows that were not left out of it."""
    values, omitted = vector(values, what), getattr(found.matrix, "omitted", ())
    if values is not None and omitted and len(values) == found.matrix.shape[0] + len(omitted):
        return np.delete(values, omitted)
    return values


def require_all_rows(found, rows, what):
    """Row numbers count the rows of the file: they cannot be told where some were left out."""
    if rows is not None and getattr(found.matrix, "omitted", ()):
        raise InputError(f"{what}: counts the rows of the file, and some were left out for missing cells; remove them from it")
    return rows


def vector(values, what):
    """A vector as the core takes it; a path is read. None stays None."""
    if values is None:
        return None
    file = file_of(values)
    if file is not None:
        return _unhat.read_vector(file[0], what, file[1])
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


def _from_file(path, text, columns, response, intercept):
    columns = None if columns is None else [str(name) for name in columns]
    table = _unhat.Table(path, columns, response, bool(intercept), text)
    names = table.column_names or ()
    omitted = table.omitted
    positions = np.delete(np.arange(table.shape[0] + len(omitted)), omitted) if omitted else None
    labels = Labels(None, table.row_names, positions)
    return System(table, table.response, names, os.path.basename(path), response, table.polytope, labels)


def _from_stream(make, columns, response, intercept):
    columns = None if columns is None else [str(name) for name in columns]
    made = make()
    try:
        table = _unhat.table_of_stream(made, columns, response, bool(intercept))
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        found = f"the function returned {type(made).__name__}, expected a stream of Arrow (__arrow_c_stream__) or an iterator of tables"
        raise InputError(f"matrix: {found}", "dtype") from error
    labels = Labels(None, table.row_names)
    return System(table, table.response, table.column_names or (), "table", response, labels=labels)


def _from_10x(path, columns, response, intercept):
    for name, given in {"columns": columns, "response": response, "intercept": intercept or None}.items():
        if given is not None:
            raise InputError(f"{name}: applies to tables, and {path} is a 10x folder; leave it out")
    matrix, cells, genes = names_of_10x(path)
    read = _unhat.Table(matrix, None, None, False, None, transpose=True)
    require_lengths(path, read.shape, cells, genes)
    return System(read, None, genes, os.path.basename(os.path.normpath(path)), labels=Labels(None, cells))


def _from_anndata(data, columns, response, intercept):
    for name, given in {"columns": columns, "response": response}.items():
        if given is not None:
            raise InputError(f"{name}: applies to tables; of an AnnData object take a part, such as data[:, names]")
    found = system(data.X, intercept=intercept)
    names = [*(["(Intercept)"] if intercept else []), *map(str, data.var_names)]
    return System(found.matrix, None, names, "AnnData", labels=Labels(data.obs_names))


def table(data, what="table"):
    """A table for a model as the core takes it, a path or what hands over Arrow, and what it is called."""
    file = file_of(data)
    if file is not None:
        return as_table(*file), os.path.basename(file[0])
    if not is_table(data):
        found = f"found {type(data).__name__}, expected a path, a TableFile, or a table of pandas, polars, pyarrow"
        raise InputError(f"{what}: {found} or what else hands over Arrow", "dtype")
    return (columns_of_pandas(data, what) if is_pandas(data) and not hands_over_arrow(data) else data), what


def levels_of(data, levels):
    """The levels of factors that are asked for, and those of categories of pandas in their order."""
    asked = [(str(name), [str(level) for level in levels[name]]) for name in levels or {}]
    if not (is_pandas(data) and hasattr(data.dtypes, "items")):
        return asked
    kinds = [(str(name), kind) for name, kind in data.dtypes.items() if hasattr(kind, "categories")]
    return asked + [(name, [str(v) for v in kind.categories]) for name, kind in kinds if name not in dict(asked)]


def require_text(formula):
    """A formula, or an error that shows one."""
    if not isinstance(formula, str):
        raise InputError(f"formula: found {type(formula).__name__}, expected text such as \"y ~ x + C(g)\"")
    return formula


def held_out(given, what):
    """Held-out rows: None, a share, a path or a table."""
    if given is None or isinstance(given, (int, float, np.number)):
        return given
    return table(given, what)[0]


def word_or_vector(given, what):
    """A word or a path as it is, anything else as a vector."""
    return os.fspath(given) if isinstance(given, (str, os.PathLike)) else vector(given, what)  # a TableFile is read


def is_table(data):
    """Whether this is a table with named columns: it hands over Arrow, or is one of pandas, which may not be able to."""
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__") or is_pandas(data)


def _from_table(data, columns, response, intercept):
    columns = None if columns is None else [str(name) for name in columns]
    response = None if response is None else str(response)
    if columns is not None and is_pandas(data):  # so that what is not asked for need not be handed over
        wanted = {*columns, response}
        names = [name for name in data.columns if str(name) in wanted]
        data = data if len(names) < len(wanted - {None}) else data[names]
    labels = labels_of(data)
    if is_pandas(data) and not hands_over_arrow(data):
        return System(*matrix_of_pandas(data, columns, response, intercept), "table", response, labels=labels)
    try:
        matrix, offset, names = _unhat.arrow_matrix(data, columns, response, bool(intercept))
    except InputError:
        raise
    except (TypeError, ValueError) as error:  # what pyarrow says of a column of mixed objects names it
        raise InputError(f"matrix: the table cannot be handed over: {'; '.join(map(str, error.args))}", "dtype") from error
    return System(matrix, offset, names, "table", response, labels=labels)
