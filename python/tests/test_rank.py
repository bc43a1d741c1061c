"""Scores of rank k against NumPy's singular value decomposition; AnnData objects and 10x folders."""

import gzip
import pickle

import numpy as np
import pandas
import pytest
import scipy.io
import scipy.sparse

import unhat

RNG = np.random.default_rng(3)
TABLE = RNG.standard_normal((60, 8)) * 0.7 ** np.arange(8) + 1


def squares(a, k, centre=False):
    u, s, vt = np.linalg.svd(a - a.mean(axis=0) if centre else a, full_matrices=False)
    return (u[:, :k] ** 2).sum(axis=1), (vt[:k] ** 2).sum(axis=0), s


@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("a", [TABLE, np.ascontiguousarray(TABLE.T)], ids=["tall", "wide"])
@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_rows_and_columns_are_those_of_numpy(a, centre, kind):
    rows, columns, s = squares(a, 3, centre)
    found = unhat.rank_k_scores(kind(a), 3, centre=centre)
    np.testing.assert_allclose(found.scores, rows, atol=1e-12)
    np.testing.assert_allclose(found.column_scores, columns, atol=1e-12)
    np.testing.assert_allclose(found.singular_values, s[:4], rtol=1e-12)
    assert found.gap == pytest.approx(s[2] / s[3])
    assert found.explained == pytest.approx((s[:3] ** 2).sum() / (s**2).sum())


def test_labels_and_names_are_those_of_the_table():
    frame = pandas.DataFrame(TABLE, index=[f"cell {i}" for i in range(60)], columns=list("abcdefgh"))
    found = unhat.rank_k_scores(frame, 2)
    assert list(found.to_frame().index) == list(frame.index)
    assert list(found.columns_to_frame().index) == list("abcdefgh")
    chosen = unhat.rank_k_scores(frame, 2, columns=["h", "a", "b"])
    np.testing.assert_allclose(chosen.columns_to_frame()["leverage"], squares(TABLE[:, [7, 0, 1]], 2)[1], atol=1e-12)
    again = pickle.loads(pickle.dumps(found))
    assert again.columns_to_frame().equals(found.columns_to_frame()) and again.to_frame().equals(found.to_frame())
    assert "times the next" in repr(found)


@pytest.mark.parametrize("rank", [0, 9, -1, 2.5, True, "2", None])
def test_ranks_that_do_not_exist_are_refused(rank):
    with pytest.raises(unhat.InputError, match="rank: found"):
        unhat.rank_k_scores(TABLE, rank)


def test_a_tie_is_refused_with_what_to_choose():
    with pytest.raises(unhat.InputError, match="singular values 2 to 3 are equal.*choose 1 or 3"):
        unhat.rank_k_scores(np.diag([3.0, 2.0, 2.0, 1.0]), 2)


class AnnData:
    """What unhat asks of an AnnData object."""

    def __init__(self, x, obs_names, var_names):
        self.X, self.obs_names, self.var_names = x, pandas.Index(obs_names), pandas.Index(var_names)


@pytest.fixture
def counts():
    a = RNG.poisson(0.6, (40, 12)).astype(float)
    return a, [f"ACGT-{i}" for i in range(40)], [f"ENSG{i}" for i in range(12)]


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_matrix, scipy.sparse.csc_matrix])
def test_anndata_gives_its_cells_and_genes(counts, kind):
    a, cells, genes = counts
    found = unhat.rank_k_scores(AnnData(kind(a), cells, genes), 3)
    np.testing.assert_allclose(found.to_frame().loc["ACGT-7", "leverage"], squares(a, 3)[0][7], atol=1e-12)
    np.testing.assert_allclose(found.columns_to_frame().loc["ENSG5", "leverage"], squares(a, 3)[1][5], atol=1e-12)
    # Other functions take it as well.
    scores = unhat.leverage_scores(AnnData(kind(a), cells, genes))
    assert list(scores.index) == cells
    with pytest.raises(unhat.InputError, match="columns: applies to tables"):
        unhat.leverage_scores(AnnData(a, cells, genes), columns=["ENSG1"])


def write_10x(folder, a, cells, genes, packed):
    opened = (lambda name: gzip.open(folder / f"{name}.gz", "wt")) if packed else (lambda name: open(folder / name, "w"))
    scipy.io.mmwrite(folder / "matrix.mtx", scipy.sparse.coo_matrix(a.T), field="integer")
    if packed:
        with gzip.open(folder / "matrix.mtx.gz", "wb") as file:
            file.write((folder / "matrix.mtx").read_bytes())
        (folder / "matrix.mtx").unlink()
    with opened("barcodes.tsv") as file:
        file.write("".join(f"{cell}\n" for cell in cells))
    with opened("features.tsv" if packed else "genes.tsv") as file:
        file.write("".join(f"{gene}\tname\tGene Expression\n" for gene in genes))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("centre", [True, False])
def test_a_10x_folder_is_cells_by_genes(tmp_path, counts, packed, centre):
    a, cells, genes = counts
    write_10x(tmp_path, a, cells, genes, packed)
    found = unhat.rank_k_scores(tmp_path, 3, centre=centre)
    rows, columns, _ = squares(a, 3, centre)
    frame = found.to_frame()
    assert list(frame.index) == cells
    np.testing.assert_allclose(frame["leverage"], rows, atol=1e-12)
    assert list(found.columns_to_frame().index) == genes
    np.testing.assert_allclose(found.column_scores, columns, atol=1e-12)


def test_a_10x_folder_that_does_not_fit_together_is_refused(tmp_path, counts):
    a, cells, genes = counts
    write_10x(tmp_path, a, cells[:-1], genes, True)
    with pytest.raises(unhat.InputError, match="found 39 barcodes, expected 40"):
        unhat.rank_k_scores(tmp_path, 3)
    (tmp_path / "features.tsv.gz").unlink()
    with pytest.raises(unhat.InputError, match="features.tsv.gz is missing"):
        unhat.rank_k_scores(str(tmp_path), 3)
