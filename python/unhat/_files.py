"""A table in a file, and how it is written."""

import os


class TableFile:
    """The path of a table, and how the table is written.

    Stands wherever a function takes the path of a table. By default everything is recognised, and what is in doubt is
    refused with the word that decides it. Rows with a missing cell are an error unless `missing` says what becomes of them.

    Parameters
    ----------
    path : path
        A file .csv or .tsv, also .gz; vectors may be .txt.
    delimiter : {",", ";", "|", "tab", "blanks"}, optional
        What separates cells.
    decimal : {".", ","}, optional
        The decimal mark.
    thousands : {",", ".", "'", "blank"}, optional
        What separates groups of three digits.
    header : bool, optional
        Whether the first line is a header.
    row_names : str or False, optional
        The column that holds the names of the rows; False: none does.
    na : str or sequence of str
        What stands for a missing cell beside an empty one, in place of NA, N/A, #N/A, NaN, null, ? and a point.
    missing : {"error", "omit", "indicator"}
        What becomes of rows with a missing cell in a column that is used: an error; left out, with a warning that says
        how many (answers are then those of the rows that are left); or, for models only, kept, with a feature for the gap.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import unhat
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "europe.csv"
    >>> _ = path.write_text("a;b\\n1,5;2\\n2,5;\\n0,5;4\\n1;1")
    >>> unhat.leverage_scores(unhat.TableFile(path, missing="omit")).shape
    (3,)
    """

    def __init__(
        self,
        path,
        *,
        delimiter=None,
        decimal=None,
        thousands=None,
        header=None,
        row_names=None,
        na=(),
        missing="error",
    ):
        self.path = os.fspath(path)
        self._text = {
            "delimiter": delimiter,
            "decimal": decimal,
            "thousands": thousands,
            "header": header,
            "row_names": row_names or None,
            "no_row_names": row_names is False,
            "na": [na] if isinstance(na, str) else [str(mark) for mark in na],
            "missing": missing,
        }

    def __repr__(self):
        given = [f"{name}={value!r}" for name, value in self._text.items() if value and name != "no_row_names"]
        return f"TableFile({', '.join([repr(self.path), *given])})"


def file_of(given):
    """The path of a file and how it is written, None where nothing says so; None where this is no file."""
    if isinstance(given, TableFile):
        return given.path, given._text
    if isinstance(given, (str, os.PathLike)):
        return os.fspath(given), None
    return None


def as_table(path, text):
    """A table's file as the core takes it: its path, or that and how it is written."""
    return path if text is None else (path, text)
