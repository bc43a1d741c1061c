use unhat::Run;
use unhat::leverage::*;
use unhat::rows::*;
use unhat_testkit::*;
#[test]
fn tmp() {
    for case in known::matrix_cases().into_iter().filter(|c| {
        c.name.starts_with("mbea")
            || c.name.starts_with("scorp")
            || c.name.starts_with("degen")
            || c.name.starts_with("beac")
    }) {
        let a = case.rows.to_dense();
        let d = case.rows.d;
        let exact: Vec<f64> = orthonormal::leverage_scores::<Dd>(&a, d).iter().map(|e| e.to_f64()).collect();
        let f =
            leverage_scores(&DenseRows::new(&a, d).unwrap(), None, &ScoreOptions::default(), &Run::default()).unwrap();
        let e1 = f.values.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let e2 = case.scores.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!(
            "{} ours {e1:e} svd {e2:e} smax/smin {:e}",
            case.name,
            case.largest_singular_value / case.smallest_singular_value
        );
    }
}
