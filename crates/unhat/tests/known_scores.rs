//! Leverage scores against values computed elsewhere: R, SAS, 60-digit arithmetic, singular value decompositions.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat::Run;
use unhat::gram::FactorMethod;
use unhat::leverage::{ScoreOptions, Scores, leverage_scores};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat_testkit::Dd;
use unhat_testkit::close::{assert_all_close, assert_within};
use unhat_testkit::generate::{Stream, matrix_with_condition, random_csr};
use unhat_testkit::known::{hat_cases, matrix_cases};
use unhat_testkit::{Real, orthonormal};

fn scores(source: &dyn RowSource, options: &ScoreOptions) -> Scores {
    leverage_scores(source, None, options, &Run::default()).unwrap()
}

#[test]
fn hat_values_of_published_regressions() {
    for case in hat_cases() {
        let rows = case.weighted_rows();
        let found = scores(&DenseRows::new(&rows, case.d).unwrap(), &ScoreOptions::default());
        let error = found.values.iter().zip(&case.hat).map(|(f, e)| (f - e).abs() / e.abs()).fold(0.0, f64::max);
        let absolute = found.values.iter().zip(&case.hat).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
        println!(
            "{:24} {:12} condition {:.1e} digits {:.1} relative {error:.1e} absolute {absolute:.1e}",
            case.name,
            found.method.name(),
            found.condition,
            found.digits
        );
        let worst = if ["longley", "stackloss_poly5", "mtcars"].contains(&case.name) { error } else { absolute };
        assert!(worst <= case.tolerance, "{}: {worst:.2e} > {:.0e}", case.name, case.tolerance);
        assert_eq!(found.rank, case.d);
        assert!(found.sum_defect.unwrap() < 1e-9);
    }
}

#[test]
fn scores_of_published_matrices_and_their_ranks() {
    for case in matrix_cases() {
        let csr = CsrRows::new(&case.rows.indptr, &case.rows.indices, &case.rows.values, case.rows.d).unwrap();
        let found = scores(&csr, &ScoreOptions::default());
        assert_eq!(found.rank, case.rank, "{}", case.name);
        let error = found.values.iter().zip(&case.scores).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
        println!(
            "{:24} {:12} condition {:.1e} digits {:.1} absolute {error:.1e}",
            case.name,
            found.method.name(),
            found.condition,
            found.digits
        );
        assert!(error <= 1e-11, "{}: {error:.2e}", case.name);
        assert_eq!(found.warnings.len(), usize::from(case.rank < case.rows.d));
        assert_within(found.sum, case.rank as f64, 1e-9 * case.rank as f64);
        if case.rank < case.rows.d {
            let strict = ScoreOptions { strict: true, ..ScoreOptions::default() };
            let refused = leverage_scores(&csr, None, &strict, &Run::default()).unwrap_err();
            assert!(refused.to_string().contains(&format!("rank {}", case.rank)), "{refused}");
        }
    }
}

#[test]
fn rank_deficient_linear_programs_match_pivoted_qr() {
    // Against modified Gram–Schmidt with reorthogonalisation in double-double: the rank-revealing truth.
    for case in matrix_cases().into_iter().filter(|c| c.name.starts_with("scorpion") || c.name.starts_with("degen2")) {
        let dense = case.rows.to_dense();
        let found = scores(&DenseRows::new(&dense, case.rows.d).unwrap(), &ScoreOptions::default());
        assert_eq!(found.rank, case.rank);
        assert_all_close(&found.values, &case.scores, 1e-12);
    }
}

/// Correct digits of the worst score (relative), for each method and for the automatic choice.
#[test]
fn the_automatic_method_is_within_a_digit_of_the_best() {
    let digits = |found: &[f64], exact: &[Dd]| {
        let worst = found.iter().zip(exact).map(|(f, e)| ((Dd::from(*f) - *e).to_f64() / e.to_f64()).abs());
        -worst.fold(1e-17, f64::max).log10()
    };
    println!("condition   cholesky  qr2   tsqr   auto  expected");
    for exponent in 2..=14 {
        let (mut best_of, mut auto_of, mut promised) = (Vec::new(), Vec::new(), Vec::new());
        let mut each = [0.0; 3];
        for seed in 0..5 {
            let (n, d) = (200, 10);
            let a = matrix_with_condition(n, d, 10f64.powi(exponent), seed);
            let rows = DenseRows::new(&a, d).unwrap();
            let exact = orthonormal::leverage_scores::<Dd>(&a, d);
            let methods = [FactorMethod::Cholesky, FactorMethod::CholeskyQr2, FactorMethod::Tsqr];
            let by_method = methods.map(|method| {
                let options = ScoreOptions { factor: Some(method), ..ScoreOptions::default() };
                leverage_scores(&rows, None, &options, &Run::default()).map_or(0.0, |s| digits(&s.values, &exact))
            });
            let auto = scores(&rows, &ScoreOptions::default());
            assert_eq!(auto.rank, d, "condition 1e{exponent}");
            best_of.push(by_method.iter().fold(0.0, |a: f64, b| a.max(*b)));
            auto_of.push(digits(&auto.values, &exact));
            promised.push(auto.digits);
            each.iter_mut().zip(by_method).for_each(|(e, d)| *e += d / 5.0);
        }
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        println!(
            "1e{exponent:<2}        {:6.1} {:6.1} {:6.1} {:6.1} {:6.1}",
            each[0],
            each[1],
            each[2],
            mean(&auto_of),
            mean(&promised)
        );
        for ((best, auto), promise) in best_of.iter().zip(&auto_of).zip(&promised) {
            assert!(auto + 1.0 >= *best, "condition 1e{exponent}: {auto:.1} digits, the best method {best:.1}");
            assert!(auto + 1.0 >= *promise, "condition 1e{exponent}: {auto:.1} digits, promised {promise:.1}");
        }
    }
}

#[test]
fn ridge_scores_sum_to_the_effective_dimension() {
    let mut stream = Stream::new(1, "ridge");
    for (n, d) in [(40, 5), (30, 30), (20, 35)] {
        let a = stream.normals(n * d);
        for ridge in [1e-6, 0.1, 10.0, 1e4] {
            let rows = DenseRows::new(&a, d).unwrap();
            let exact = orthonormal::ridge_leverage_scores::<Dd>(&a, d, ridge);
            let exact: Vec<f64> = exact.iter().map(|e| e.to_f64()).collect();
            let options = ScoreOptions { ridge, ..ScoreOptions::default() };
            let found = scores(&rows, &options);
            assert_all_close(&found.values, &exact, 1e-9);
            assert_within(found.sum, exact.iter().sum(), 1e-9 * exact.iter().sum::<f64>());
        }
    }
}

#[test]
fn wide_and_dependent_columns_give_scores_of_the_row_space() {
    let mut stream = Stream::new(2, "wide");
    let wide = stream.normals(4 * 9);
    let found = scores(&DenseRows::new(&wide, 9).unwrap(), &ScoreOptions::default());
    assert_eq!(found.rank, 4);
    assert_all_close(&found.values, &[1.0; 4], 1e-12);
    // A column of zeros, a column twice, and a sum of columns.
    let base = stream.normals(50 * 3);
    let dependent: Vec<f64> = base.chunks(3).flat_map(|r| [r[0], 0.0, r[1], r[0], r[1] + r[2], r[2]]).collect();
    let found = scores(&DenseRows::new(&dependent, 6).unwrap(), &ScoreOptions::default());
    let expected = scores(&DenseRows::new(&base, 3).unwrap(), &ScoreOptions::default());
    assert_eq!(found.rank, 3);
    assert_all_close(&found.values, &expected.values, 1e-11);
}

#[test]
fn sparse_and_dense_rows_have_the_same_scores() {
    for (n, d, per_row) in [(500, 40, 3), (4000, 60, 4), (300, 20, 20), (2000, 8, 1)] {
        let csr = random_csr(n, d, per_row, 3);
        let dense = csr.to_dense();
        let sparse =
            scores(&CsrRows::new(&csr.indptr, &csr.indices, &csr.values, d).unwrap(), &ScoreOptions::default());
        let full = scores(&DenseRows::new(&dense, d).unwrap(), &ScoreOptions::default());
        assert_all_close(&sparse.values, &full.values, 1e-11);
    }
}
