//! Scores of rank k against a singular value decomposition that shares no code with them.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat::leverage::{RankKMethod, RankKOptions, RankKScores, leverage_scores, rank_k_scores};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat::{ErrorKind, Result, Run};
use unhat_testkit::generate::{Stream, random_csr};

/// Singular values and vectors by rotations of pairs of columns (one-sided Jacobi): (s, U by rows, V by rows), falling.
fn jacobi(a: &[f64], d: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let n = a.len() / d;
    let mut u = a.to_vec();
    let mut v: Vec<f64> = (0..d * d).map(|k| f64::from(u8::from(k / d == k % d))).collect();
    for _ in 0..60 {
        for (p, q) in (0..d).flat_map(|p| (p + 1..d).map(move |q| (p, q))) {
            let sum = |f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>();
            let (alpha, beta) = (sum(&|i| u[i * d + p].powi(2)), sum(&|i| u[i * d + q].powi(2)));
            let gamma = sum(&|i| u[i * d + p] * u[i * d + q]);
            if gamma.abs() <= 1e-17 * (alpha * beta).sqrt() {
                continue;
            }
            let zeta = (beta - alpha) / (2.0 * gamma);
            let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
            let (c, s) = (1.0 / (1.0 + t * t).sqrt(), t / (1.0 + t * t).sqrt());
            for m in [&mut u, &mut v] {
                for row in m.chunks_exact_mut(d) {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
            }
        }
    }
    let mut norms: Vec<(f64, usize)> =
        (0..d).map(|j| (u.iter().skip(j).step_by(d).map(|x| x * x).sum::<f64>().sqrt(), j)).collect();
    norms.sort_by(|a, b| b.0.total_cmp(&a.0));
    let taken = |m: &[f64], unit: bool| -> Vec<f64> {
        m.chunks_exact(d)
            .flat_map(|row| norms.iter().map(move |&(s, j)| if unit { row[j] / s } else { row[j] }))
            .collect()
    };
    let (u, v) = (taken(&u, true), taken(&v, false));
    (norms.into_iter().map(|(s, _)| s).collect(), u, v)
}

fn squares(m: &[f64], d: usize, k: usize) -> Vec<f64> {
    m.chunks_exact(d).map(|row| row[..k].iter().map(|x| x * x).sum()).collect()
}

fn scores(source: &dyn RowSource, rank: usize, centre: bool) -> Result<RankKScores> {
    rank_k_scores(source, None, &RankKOptions { rank, centre }, &Run::default())
}

fn close(found: &[f64], expected: &[f64], within: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= within, "{i}: {a} against {b}");
    }
}

/// n×d normals whose columns shrink, with a mean in each.
fn table(n: usize, d: usize, shrink: f64) -> Vec<f64> {
    let mut a = Stream::new(7, "rank").normals(n * d);
    for row in a.chunks_exact_mut(d) {
        row.iter_mut().enumerate().for_each(|(j, a)| *a = (*a + 1.5) * shrink.powi(j as i32));
    }
    a
}

fn centred(a: &[f64], d: usize) -> Vec<f64> {
    let n = (a.len() / d) as f64;
    let means: Vec<f64> = (0..d).map(|j| a.iter().skip(j).step_by(d).sum::<f64>() / n).collect();
    a.iter().enumerate().map(|(k, v)| v - means[k % d]).collect()
}

fn transposed(a: &[f64], d: usize) -> Vec<f64> {
    (0..d).flat_map(|j| a.iter().skip(j).step_by(d).copied()).collect()
}

#[test]
fn rows_and_columns_have_the_squares_of_singular_vectors() {
    let (n, d) = (150, 9);
    let a = table(n, d, 0.8);
    for (centre, b) in [(false, a.clone()), (true, centred(&a, d))] {
        let (s, u, v) = jacobi(&b, d);
        for k in [1, 2, 5, 9] {
            let found = scores(&DenseRows::new(&a, d).unwrap(), k, centre).unwrap();
            close(&found.values, &squares(&u, d, k), 1e-12);
            close(&found.columns, &squares(&v, d, k), 1e-12);
            close(&found.singular_values, &s, 1e-12 * s[0]);
            let total: f64 = s.iter().map(|s| s * s).sum();
            assert!((found.explained - s[..k].iter().map(|s| s * s).sum::<f64>() / total).abs() < 1e-13);
            assert!(found.digits > 12.0 && found.sum_defect < 1e-13);
            match s.get(k) {
                Some(next) => assert!((found.gap / (s[k - 1] / next) - 1.0).abs() < 1e-10),
                None => assert!(found.gap.is_infinite()),
            }
        }
    }
}

#[test]
fn a_transposed_matrix_gives_the_same_scores_the_other_way_round() {
    let (n, d) = (80, 6);
    let a = table(n, d, 0.7);
    let turned = transposed(&a, d);
    let wide = DenseRows::new(&turned, n).unwrap();
    let tall = scores(&DenseRows::new(&a, d).unwrap(), 3, false).unwrap();
    let other = scores(&wide, 3, false).unwrap();
    close(&other.values, &tall.columns, 1e-12);
    close(&other.columns, &tall.values, 1e-12);
    close(&other.singular_values, &tall.singular_values, 1e-12 * tall.singular_values[0]);
    // Columns of the wide one, centred: the rows of the tall one less their means.
    let rows = transposed(&centred(&turned, n), n);
    let (_, u, v) = jacobi(&rows, d);
    let found = scores(&wide, 3, true).unwrap();
    close(&found.values, &squares(&v, d, 3), 1e-12);
    close(&found.columns, &squares(&u, d, 3), 1e-12);
}

#[test]
fn a_wide_matrix_may_be_sparse_and_weighted() {
    let csr = random_csr(40, 300, 5, 3);
    let sparse = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, 300).unwrap();
    let dense = sparse.gather(&(0..40).collect::<Vec<_>>()).unwrap();
    let dense = DenseRows::new(&dense, 300).unwrap();
    let r: Vec<f64> = (0..40).map(|i| f64::from(i % 3)).collect();
    for (centre, r) in [(false, None), (true, None), (false, Some(&r)), (true, Some(&r))] {
        let options = RankKOptions { rank: 4, centre };
        let of =
            |source: &dyn RowSource| rank_k_scores(source, r.map(Vec::as_slice), &options, &Run::default()).unwrap();
        let (one, other) = (of(&sparse), of(&dense));
        close(&one.values, &other.values, 1e-12);
        close(&one.columns, &other.columns, 1e-12);
        // By hand: the rows less their weighted means, times their roots.
        let weight = |i: usize| r.map_or(1.0, |r| r[i]);
        let total: f64 = (0..40).map(|i| weight(i).powi(2)).sum();
        let mut a = dense.values().to_vec();
        for j in 0..300 {
            let mean = (0..40).map(|i| weight(i).powi(2) * a[i * 300 + j]).sum::<f64>() / total;
            (0..40).for_each(|i| a[i * 300 + j] = weight(i) * (a[i * 300 + j] - if centre { mean } else { 0.0 }));
        }
        let (_, u, v) = jacobi(&transposed(&a, 300), 40);
        close(&one.columns, &squares(&u, 40, 4), 1e-11);
        close(&one.values, &squares(&v, 40, 4), 1e-11);
    }
}

#[test]
fn sparse_rows_have_the_scores_of_the_same_rows_written_out_centred_too() {
    let csr = random_csr(4_000, 60, 4, 3);
    let sparse = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, 60).unwrap();
    let rows: Vec<usize> = (0..4_000).collect();
    let dense = sparse.gather(&rows).unwrap();
    for centre in [false, true] {
        let one = scores(&sparse, 7, centre).unwrap();
        let other = scores(&DenseRows::new(&dense, 60).unwrap(), 7, centre).unwrap();
        let within = 10f64.powf(1.0 - one.digits.min(other.digits));
        assert!(within < 1e-10);
        close(&one.values, &other.values, within);
        close(&one.columns, &other.columns, within);
    }
}

#[test]
fn weights_are_rows_times_their_roots_and_centre_by_the_weighted_mean() {
    let (n, d) = (90, 5);
    let a = table(n, d, 0.8);
    let rows = DenseRows::new(&a, d).unwrap();
    let r: Vec<f64> = (0..n).map(|i| [0.0, 1.0, 2.0][i % 3]).collect(); // weights 0, 1 and 4: rows none, once and four times
    let repeated: Vec<f64> = a.chunks_exact(d).zip(&r).flat_map(|(row, r)| row.repeat((r * r) as usize)).collect();
    for centre in [false, true] {
        let weighted = rank_k_scores(&rows, Some(&r), &RankKOptions { rank: 2, centre }, &Run::default()).unwrap();
        let other = scores(&DenseRows::new(&repeated, d).unwrap(), 2, centre).unwrap();
        close(&weighted.columns, &other.columns, 1e-12);
        let mut at = 0;
        for (score, r) in weighted.values.iter().zip(&r) {
            let count = (r * r) as usize;
            assert!((score - other.values[at..at + count].iter().sum::<f64>()).abs() < 1e-12);
            at += count;
        }
    }
}

#[test]
fn at_full_rank_they_are_the_leverage_scores() {
    let a = table(200, 7, 0.5);
    let rows = DenseRows::new(&a, 7).unwrap();
    let all = leverage_scores(&rows, None, &Default::default(), &Run::default()).unwrap().values;
    close(&scores(&rows, 7, false).unwrap().values, &all, 1e-12);
}

#[test]
fn where_the_gram_matrix_has_too_few_digits_the_rows_are_factored() {
    let (n, d) = (300, 8);
    let a = table(n, d, 0.03); // singular values over 11 orders of magnitude
    let (s, u, v) = jacobi(&a, d);
    assert!(s[0] / s[7] > 1e10);
    let rows = DenseRows::new(&a, d).unwrap();
    let easy = scores(&rows, 2, false).unwrap();
    assert_eq!(easy.method, RankKMethod::Gram);
    for k in 5..=7 {
        let found = scores(&rows, k, false).unwrap();
        assert_eq!(found.method, RankKMethod::Tsqr);
        let within = 10f64.powf(1.0 - found.digits);
        close(&found.values, &squares(&u, d, k), within);
        close(&found.columns, &squares(&v, d, k), within);
    }
}

#[test]
fn units_change_no_score() {
    let (n, d) = (60, 4);
    let a = table(n, d, 0.7);
    let plain = scores(&DenseRows::new(&a, d).unwrap(), 2, true).unwrap();
    for power in [-700, -300, 300, 1000] {
        let scaled: Vec<f64> = a.iter().map(|v| v * 2f64.powi(power)).collect();
        let found = scores(&DenseRows::new(&scaled, d).unwrap(), 2, true).unwrap();
        close(&found.values, &plain.values, 1e-13);
        assert!((found.singular_values[0] / 2f64.powi(power) / plain.singular_values[0] - 1.0).abs() < 1e-13);
    }
}

fn reason(result: Result<RankKScores>) -> String {
    let error = result.unwrap_err();
    match error.kind() {
        ErrorKind::Option { name, reason } if name == "rank" => reason.clone(),
        _ => panic!("{error}"),
    }
}

#[test]
fn ranks_that_do_not_exist_and_ties_are_refused_with_what_to_choose() {
    // Singular values 3, 2, 2, 2, 1, and a column that is another one.
    let mut a = vec![0.0; 8 * 6];
    for (i, s) in [3.0, 2.0, 2.0, 2.0, 1.0].into_iter().enumerate() {
        a[i * 6 + i] = s;
    }
    let rows = DenseRows::new(&a, 6).unwrap();
    assert!(reason(scores(&rows, 0, false)).starts_with("found 0, expected a rank from 1 to 6"));
    assert!(reason(scores(&rows, 7, false)).starts_with("found 7, expected a rank from 1 to 6"));
    assert_eq!(reason(scores(&rows, 6, false)), "found 6, but the rank is 5; expected a rank from 1 to 5");
    for k in [2, 3] {
        let tie = reason(scores(&rows, k, false));
        assert!(tie.contains("singular values 2 to 4 are equal") && tie.ends_with("choose 1 or 4"), "{tie}");
    }
    for k in [1, 4, 5] {
        let found = scores(&rows, k, false).unwrap();
        close(&found.values[..5], &(0..5).map(|i| f64::from(u8::from(i < k))).collect::<Vec<_>>(), 1e-14);
    }
    let ones = vec![1.0; 12];
    let same = DenseRows::new(&ones, 3).unwrap();
    assert_eq!(reason(scores(&same, 2, false)), "found 2, but the rank is 1; expected a rank from 1 to 1");
    let empty = vec![0.0; 12];
    let zeros = DenseRows::new(&empty, 3).unwrap();
    assert!(reason(scores(&zeros, 1, false)).contains("the rank is 0"));
}

#[test]
fn bits_do_not_depend_on_threads() {
    let a = table(20_000, 12, 0.9);
    let rows = DenseRows::new(&a, 12).unwrap();
    let bits = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { pool: Some(&pool), ..Run::default() };
        let options = RankKOptions { rank: 4, centre: true };
        let found = rank_k_scores(&rows, None, &options, &run).unwrap();
        found.values.iter().chain(&found.columns).map(|s| s.to_bits()).collect::<Vec<_>>()
    };
    let one = bits(1);
    assert!([2, 3, 7].iter().all(|&threads| bits(threads) == one));
}

#[test]
fn a_number_that_is_none_is_named() {
    let mut a = table(20, 3, 1.0);
    a[31] = f64::INFINITY;
    let error = scores(&DenseRows::new(&a, 3).unwrap(), 1, true).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotFinite { row: 10, column: Some(1), .. }), "{error}");
}
