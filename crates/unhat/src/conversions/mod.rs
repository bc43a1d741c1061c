//! Matrices of other libraries as ours, each behind the feature of its library's name.

#[cfg(feature = "faer")]
mod faer;
#[cfg(feature = "ndarray")]
mod ndarray;
#[cfg(feature = "sprs")]
mod sprs;

#[cfg(test)]
#[cfg(all(feature = "faer", feature = "ndarray", feature = "sprs"))]
mod tests {
    use crate::scores;

    const VALUES: [f64; 12] = [1.0, 0.5, 0.0, 1.0, -2.0, 3.0, 1.0, 0.0, 0.25, 1.0, 4.0, 0.0];

    /// The hat values of four rows of three columns, in plain loops over the inverse of a 3×3 Gram matrix by cofactors.
    fn expected() -> Vec<f64> {
        let a = |i: usize, j: usize| VALUES[3 * i + j];
        let gram = |j: usize, k: usize| (0..4).map(|i| a(i, j) * a(i, k)).sum::<f64>();
        let cofactor = |j: usize, k: usize| {
            let ((p, q), (r, s)) = (((j + 1) % 3, (j + 2) % 3), ((k + 1) % 3, (k + 2) % 3));
            gram(p, r) * gram(q, s) - gram(p, s) * gram(q, r)
        };
        let determinant: f64 = (0..3).map(|k| gram(0, k) * cofactor(0, k)).sum();
        let hat =
            |i: usize| (0..9).map(|e| a(i, e / 3) * a(i, e % 3) * cofactor(e / 3, e % 3)).sum::<f64>() / determinant;
        (0..4).map(hat).collect()
    }

    fn require(found: Vec<f64>) {
        let far = found.iter().zip(expected()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(found.len() == 4 && far < 1e-13, "{found:?}");
    }

    #[test]
    fn every_library_and_layout_has_the_hat_values_of_the_same_numbers() {
        let by_rows = ndarray::Array2::from_shape_vec((4, 3), VALUES.to_vec()).unwrap();
        require(scores(&by_rows).unwrap());
        let mut by_columns = ndarray::Array2::zeros(ndarray::ShapeBuilder::f((4, 3)));
        by_columns.assign(&by_rows);
        assert!(by_columns.as_slice().is_none());
        require(scores(&by_columns).unwrap());
        let mut backwards = scores(by_rows.slice(ndarray::s![..;-1, ..])).unwrap();
        backwards.reverse();
        require(backwards);
        require(scores(&faer::Mat::from_fn(4, 3, |i, j| VALUES[3 * i + j])).unwrap());
        let triplets = sprs::TriMat::from_triplets(
            (4, 3),
            (0..12).map(|k| k / 3).collect(),
            (0..12).map(|k| k % 3).collect(),
            VALUES.to_vec(),
        );
        require(scores(&triplets.to_csr::<usize>()).unwrap());
        require(scores(&triplets.to_csc::<usize>()).unwrap());
    }

    #[test]
    fn empty_matrices_are_refused() {
        assert!(scores(&ndarray::Array2::<f64>::zeros((0, 3))).is_err());
        assert!(scores(&faer::Mat::<f64>::zeros(3, 0)).is_err());
    }
}
