"""What the rows of an answer are called, and the table that an answer with a value for each row makes of itself."""

import numpy as np

from unhat._pandas import is_pandas


class Labels:
    """The index of a table of pandas; else names that a file gives; else numbers from 1.

    ``index`` is that of the whole table, ``positions`` are where the rows stand in it, from 0 (None: they are all of it), and
    ``names`` are those of these rows alone; names that are the rows' numbers are none.
    """

    def __init__(self, index=None, names=None, positions=None):
        self.index, self.names, self.positions = index, names, positions
        if names is not None:
            numbers = range(1, len(names) + 1) if positions is None else (position + 1 for position in positions)
            if all(str(name) == str(number) for name, number in zip(names, numbers, strict=True)):
                self.names = None

    def at(self, positions, names=None):
        """The labels of some rows of the same table, in this order."""
        return Labels(self.index, names, positions)

    def of(self, count):
        """An index of pandas for so many rows."""
        import pandas

        if self.index is not None:
            index = pandas.Index(self.index)
            return index if self.positions is None else index[self.positions]
        if self.names is not None:
            return pandas.Index(self.names, name="row")
        numbers = np.arange(count) if self.positions is None else np.asarray(self.positions)
        return pandas.Index(numbers + 1, name="row")


def labels_of(data):
    """The labels of what a caller gave: a table of pandas has an index."""
    return Labels(data.index if is_pandas(data) and hasattr(data, "iloc") else None)


class ByRow:
    """An answer with a value for each row."""

    _labels = Labels()

    def _under(self, labels):
        self._labels = labels
        return self

    def _columns(self):
        """The columns of the table, by name."""
        raise NotImplementedError

    def to_frame(self):
        """Return a pandas DataFrame, one row for each row, under the labels of the table that was given.

        These are the index of a table of pandas, else the names that a file gives its rows, else their numbers from 1.
        """
        import pandas

        columns = self._columns()
        count = max((len(values) for values in columns.values()), default=0)
        return pandas.DataFrame(columns, index=self._labels.of(count))


def series(values, labels):
    """Values of rows under the index of a table of pandas; without one they stay an array."""
    if labels.index is None:
        return values
    import pandas

    return pandas.Series(values, index=labels.of(len(values)), name="leverage")
