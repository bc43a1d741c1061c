"""Counts of genes in cells, as single-cell analysis keeps them: AnnData objects, and the folders that 10x Genomics writes."""

import gzip
import os

from unhat._errors import InputError

# What a folder holds, by the first name that is there: Cell Ranger 3 and newer, then 2.
_MATRIX = ("matrix.mtx.gz", "matrix.mtx")
_CELLS = ("barcodes.tsv.gz", "barcodes.tsv")
_GENES = ("features.tsv.gz", "genes.tsv.gz", "features.tsv", "genes.tsv")


def is_anndata(data):
    """Whether this is an AnnData object or looks like one."""
    return all(hasattr(data, name) for name in ("X", "obs_names", "var_names"))


def is_10x(path):
    """Whether this is a folder that 10x Genomics' Cell Ranger wrote."""
    return os.path.isdir(path) and _first(path, _MATRIX) is not None


def names_of_10x(path):
    """The file of the matrix (genes × cells), the barcodes of the cells, and the identifiers of the genes."""
    matrix, cells, genes = (_first(path, names) for names in (_MATRIX, _CELLS, _GENES))
    if matrix is None or cells is None or genes is None:
        missing = next(names[0] for names, found in ((_MATRIX, matrix), (_CELLS, cells), (_GENES, genes)) if found is None)
        raise InputError(f"{path}: {missing} is missing, expected the files of a 10x folder: matrix, barcodes and features")
    return matrix, _first_words(cells), _first_words(genes)


def require_lengths(path, shape, cells, genes):
    """An error where the names are not those of the matrix."""
    for count, names, what in ((shape[0], cells, "barcodes"), (shape[1], genes, "features")):
        if count != len(names):
            raise InputError(f"{path}: found {len(names)} {what}, expected {count}, as the matrix has", "shape")


def _first(path, names):
    return next((file for file in (os.path.join(path, name) for name in names) if os.path.exists(file)), None)


def _first_words(file):
    """The first column of a file whose columns are separated by tabs."""
    opened = gzip.open(file, "rt", encoding="utf-8") if file.endswith(".gz") else open(file, encoding="utf-8")
    try:
        with opened as lines:
            return [line.rstrip("\r\n").split("\t")[0] for line in lines]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
