"""Writes the .npy, .npz and .mtx files here that SOURCES.md does not list, with NumPy and SciPy, into the working directory."""

import numpy as np
import scipy.io
import scipy.sparse as sparse

real = np.array([[1.5, -2.0, 0.25], [0.0, 1e-300, 3.0]])
narrow = np.array([[1.5, -2, 0.25], [0, 0.1, 3]])
signed = np.array([[-3, 2], [1, 0], [5, -128]])
unsigned = np.array([[3, 2], [1, 0], [5, 250]])

np.save("f8_c.npy", real)
np.save("f8_fortran.npy", np.asfortranarray(real))
np.save("f8_big.npy", real.astype(">f8"))
np.save("f4_c.npy", narrow.astype("f4"))
np.save("f2_c.npy", narrow.astype("f2"))
np.save("f4_fortran_big.npy", np.asfortranarray(narrow.astype(">f4")))
for kind in ["i1", "i2", "i4", "i8"]:
    np.save(f"{kind}.npy", signed.astype(kind))
for kind in ["i2", "i8"]:
    np.save(f"big_{kind}.npy", signed.astype(">" + kind))
for kind in ["u1", "u2", "u4", "u8"]:
    np.save(f"{kind}.npy", unsigned.astype(kind))
np.save("bool.npy", np.array([[True, False], [False, True]]))
np.save("wide_fortran.npy", np.asfortranarray(np.arange(33).reshape(3, 11) + 0.5))
for version in [2, 3]:
    with open(f"version{version}.npy", "wb") as file:
        np.lib.format.write_array(file, real, version=(version, 0))

vector = np.array([0.1, 1 / 3, -2e300, 5e-324])
np.save("vector.npy", vector)
np.save("vector_column.npy", vector[:, None])
np.save("vector_line.npy", vector[None, :])
np.save("vector_i4.npy", np.array([3, -1, 7], dtype="i4"))

np.save("scalar.npy", np.array(2.5))
np.save("three.npy", np.zeros((1, 2, 1)))
np.save("complex.npy", real[:1].astype(complex))
np.save("object.npy", np.array([[1, "a"]], dtype=object), allow_pickle=True)
np.save("text.npy", np.array([["ab", "c"]]))
np.save("bytes.npy", np.array([[b"ab"]]))
np.save("record.npy", np.zeros(2, dtype=[("a", "f8"), ("b", "i4")]))
np.save("longdouble.npy", np.ones((1, 1), dtype=np.longdouble))
np.save("date.npy", np.array([["2020-01-01"]], dtype="M8[D]"))
np.save("no_rows.npy", np.zeros((0, 3)))
np.save("no_columns.npy", np.zeros((3, 0)))

few = sparse.csr_matrix(np.array([[0, 1.5, 0, -2], [0, 0, 0, 0], [3, 0, 0, 0.25]]))
sparse.save_npz("csr.npz", few)
sparse.save_npz("csr_stored.npz", few, compressed=False)
sparse.save_npz("csc.npz", few.tocsc())
sparse.save_npz("coo.npz", few.tocoo())
sparse.save_npz("csr_array.npz", sparse.csr_array(few))
sparse.save_npz("coo_array.npz", sparse.coo_array(few))
sparse.save_npz("csr_bool.npz", few.astype(bool))
wide_indices = few.copy()
wide_indices.indices = wide_indices.indices.astype("i8")
wide_indices.indptr = wide_indices.indptr.astype("i8")
sparse.save_npz("csr_int64.npz", wide_indices)
powers = np.array([1.0, 2.0, 4.0, 8.0])
sparse.save_npz("coo_duplicates.npz", sparse.coo_matrix((powers, ([2, 0, 2, 0], [3, 1, 3, 0])), shape=(3, 4)))
sparse.save_npz("csr_unsorted.npz", sparse.csr_matrix((powers, [3, 0, 3, 1], [0, 3, 3, 4]), shape=(3, 4)))
sparse.save_npz("csc_unsorted.npz", sparse.csc_matrix((powers, [2, 0, 2, 1], [0, 3, 3, 4]), shape=(3, 3)))
sparse.save_npz("bsr.npz", few.tobsr((1, 2)))
sparse.save_npz("dia.npz", sparse.dia_matrix(np.eye(3)))
np.savez("dense.npz", real)
np.savez_compressed("dense_named.npz", matrix=np.asfortranarray(real))
np.savez("two.npz", real, real)
np.savez("one_dimension.npz", vector)

symmetric = np.array([[2.0, 1, 0], [1, 3, -4], [0, -4, 5]])
skew = np.array([[0.0, 1, 0], [-1, 0, 4], [0, -4, 0]])
scipy.io.mmwrite("coordinate.mtx", few, precision=17)
scipy.io.mmwrite("coordinate_integer.mtx", sparse.coo_matrix(np.array([[0, 2], [-3, 0], [0, 7]])))
scipy.io.mmwrite("array.mtx", real, comment="dense\nwith a comment")
scipy.io.mmwrite("array_integer.mtx", signed)
scipy.io.mmwrite("symmetric.mtx", sparse.coo_matrix(symmetric))
scipy.io.mmwrite("array_symmetric.mtx", symmetric)
scipy.io.mmwrite("skew.mtx", sparse.coo_matrix(skew))
scipy.io.mmwrite("array_skew.mtx", skew)
scipy.io.mmwrite("pattern.mtx", sparse.coo_matrix(few), field="pattern")
scipy.io.mmwrite("complex.mtx", sparse.coo_matrix(few).astype(complex))
scipy.io.mmwrite("hermitian.mtx", np.array([[1, 2 + 1j], [2 - 1j, 3]]))
