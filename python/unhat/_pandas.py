"""Tables of pandas where it cannot hand over Arrow, for want of pyarrow: column by column."""

import numpy as np

from unhat._errors import InputError

# Of the names of the types of times.
_TIMES = ("date", "time", "period", "interval")


def is_pandas(data):
    """Whether this is a table as pandas makes them; those of polars look alike, and hand over Arrow."""
    return hasattr(data, "columns") and hasattr(data, "dtypes") and hasattr(data, "to_numpy")


def hands_over_arrow(frame):
    """Whether Arrow can be had of a table: pandas needs pyarrow for it, and 2.2 or newer."""
    try:
        frame[:0].__arrow_c_stream__()
    except (ImportError, AttributeError):
        return False
    except (TypeError, ValueError):  # a column that pyarrow does not take, which it will name
        return True
    return True


def matrix_of_pandas(frame, columns, response, intercept):
    """What ``arrow_matrix`` makes of a table, from a table of pandas column by column."""
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise InputError("matrix: several columns of the table have one name; rename all but one")
    for option, wanted in (("columns", columns or []), ("response", [] if response is None else [response])):
        for name in wanted:
            if name not in names:
                raise InputError(f"{option}: there is no column {name!r}; there are {', '.join(map(repr, names))}")
    chosen = [name for name in columns or names if name != response]
    taken = [*chosen, *([] if response is None else [response])]
    arrays = {name: _numbers(frame.iloc[:, names.index(name)]) for name in taken}
    text = [repr(name) for name in taken if arrays[name] is None]
    if text:
        raise InputError(f"matrix: columns without numbers: {', '.join(text)}; name the others as columns", "dtype")
    if not chosen:
        raise InputError("matrix: no column is left for A", "shape")
    parts = [arrays[name] for name in chosen]
    if intercept:
        parts, chosen = [np.ones(len(frame)), *parts], ["(Intercept)", *chosen]
    return np.column_stack(parts), arrays.get(response), chosen


def _numbers(column):
    """A column as float64, missing cells as NaN; None where it holds no numbers."""
    kind = str(column.dtype).lower()
    if kind == "object" or any(word in kind for word in ("str", "cat", *_TIMES)):
        return None
    try:
        return np.ascontiguousarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError):
        return None


def columns_of_pandas(frame, what):
    """The columns of a table for models: (name, floats) or (name, words), NaN and None where a cell is missing."""
    columns = [(str(name), _cells(frame.iloc[:, k])) for k, name in enumerate(frame.columns)]
    neither = [f"{name!r} ({kind})" for (name, cells), kind in zip(columns, frame.dtypes, strict=True) if cells is None]
    if neither:
        raise InputError(
            f"{what}: columns with neither numbers nor words: {', '.join(neither)}; leave them out, or install pyarrow, "
            "by which times are handed over", "dtype",
        )
    return columns


def _cells(column):
    """Floats, or words and None; None for a column of neither. Truth values are words, as they are in a file."""
    kind = str(column.dtype).lower()
    numbers = None if kind.startswith("bool") else _numbers(column)
    if numbers is not None:
        return numbers
    if any(word in kind for word in _TIMES):
        return None
    words = [None if missing else cell for cell, missing in zip(column.tolist(), column.isna(), strict=True)]
    if kind.startswith("bool"):
        return [None if word is None else str(word).lower() for word in words]
    if kind == "category":
        return [None if word is None else str(word) for word in words]
    return words if all(word is None or isinstance(word, str) for word in words) else None
