//! Leverage with absorbed factors against the same scores from written-out 0/1 columns in thirty digits, and against what is
//! known of graphs.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat::leverage::{AbsorbMethod, AbsorbOptions, AbsorbedScores, Factor, absorbed_scores};
use unhat::rows::{DenseRows, RowSource};
use unhat::{ErrorKind, Run};
use unhat_testkit::generate::Stream;
use unhat_testkit::orthonormal::{basis, weighted_leverage_scores};
use unhat_testkit::{Dd, Real};

/// A table of factors, covariates and weights.
#[derive(Clone)]
struct Table {
    codes: Vec<Vec<u32>>,
    levels: Vec<usize>,
    covariates: Vec<f64>,
    width: usize,
    weights: Option<Vec<f64>>,
}

impl Table {
    /// Rows that move from level to level of the second factor now and then.
    fn panel(n: usize, levels: &[usize], width: usize, moves: f64, seed: u64) -> Table {
        let mut stream = Stream::new(seed, "panel");
        let mut codes = vec![Vec::new(); levels.len()];
        for row in 0..n {
            let first = (row * levels[0] / n) as u32;
            codes[0].push(first);
            for k in 1..levels.len() {
                let before = codes[k].last().copied().filter(|_| codes[0].len() > 1 && codes[0][row - 1] == first);
                let drawn = (stream.uniform() * levels[k] as f64) as u32;
                codes[k].push(before.filter(|_| stream.uniform() > moves).unwrap_or(drawn));
            }
        }
        Table { codes, levels: levels.to_vec(), covariates: stream.normals(n * width), width, weights: None }
    }

    fn n(&self) -> usize {
        self.codes[0].len()
    }

    fn scores_as(&self, options: &AbsorbOptions) -> unhat::Result<AbsorbedScores> {
        let named = self.codes.iter().zip(&self.levels).zip(["worker", "firm", "year", "region"]);
        let factors: Vec<Factor<'_>> =
            named.map(|((codes, levels), name)| Factor::new(name, codes, *levels).unwrap()).collect();
        let rows = (self.width > 0).then(|| DenseRows::new(&self.covariates, self.width).unwrap());
        let rows = rows.as_ref().map(|rows| rows as &dyn RowSource);
        absorbed_scores(&factors, rows, self.weights.as_deref(), options, &Run::default())
    }

    fn scores(&self) -> AbsorbedScores {
        self.scores_as(&AbsorbOptions::default()).unwrap()
    }

    /// All columns, 0/1 and covariates.
    fn written_out(&self) -> (Vec<f64>, usize) {
        let d = self.levels.iter().sum::<usize>() + self.width;
        let mut a = vec![0.0; self.n() * d];
        for row in 0..self.n() {
            let mut first = 0;
            for (codes, levels) in self.codes.iter().zip(&self.levels) {
                a[row * d + first + codes[row] as usize] = 1.0;
                first += levels;
            }
            a[row * d + first..(row + 1) * d]
                .copy_from_slice(&self.covariates[row * self.width..(row + 1) * self.width]);
        }
        (a, d)
    }

    /// The scores in thirty digits, and the rank.
    fn truth(&self) -> (Vec<f64>, usize) {
        let (mut a, d) = self.written_out();
        let ones = vec![1.0; self.n()];
        let weights = self.weights.as_ref().unwrap_or(&ones);
        let scores = weighted_leverage_scores::<Dd>(&a, d, weights).iter().map(|h| h.to_f64()).collect();
        a.chunks_mut(d).zip(weights).for_each(|(row, w)| row.iter_mut().for_each(|a| *a *= w.sqrt()));
        let wide: Vec<Dd> = a.iter().map(|&a| Dd::from(a)).collect();
        (scores, basis(&wide, d).vectors.len())
    }
}

fn worst(found: &[f64], truth: &[f64]) -> f64 {
    found.iter().zip(truth).map(|(f, t)| (f - t).abs()).fold(0.0, f64::max)
}

#[test]
fn they_are_the_scores_of_the_written_out_columns() {
    for (seed, (n, levels, width, moves)) in [
        (60, vec![12], 0, 0.0),
        (60, vec![12], 3, 0.0),
        (90, vec![20, 7], 0, 0.3),
        (90, vec![20, 7], 4, 0.3),
        (90, vec![20, 30], 0, 0.1), // the second factor has more levels, and is eliminated
        (80, vec![40, 9], 2, 0.5),
        (90, vec![15, 6, 4], 0, 0.4),
        (120, vec![15, 6, 4, 3], 3, 0.4),
    ]
    .into_iter()
    .enumerate()
    {
        for weighted in [false, true] {
            let mut table = Table::panel(n, &levels, width, moves, seed as u64);
            if weighted {
                let mut stream = Stream::new(seed as u64, "weights");
                table.weights =
                    Some((0..n).map(|i| if i % 11 == 3 { 0.0 } else { (2.0 * stream.normal()).exp() }).collect());
            }
            let (truth, rank) = table.truth();
            let found = table.scores();
            assert_eq!(found.rank, rank, "{levels:?} {width} {weighted}");
            let error = worst(&found.values, &truth);
            assert!(error < 1e-12, "{levels:?} {width} {weighted}: {error:e}");
            assert!(found.sum_defect < 1e-12 && found.digits >= 11.0, "{} {}", found.sum_defect, found.digits);
            let ones: Vec<usize> = (0..n).filter(|&i| truth[i] > 1.0 - 1e-12).collect();
            assert_eq!(found.determined, ones);
        }
    }
}

#[test]
fn the_order_of_rows_of_levels_and_of_factors_changes_nothing() {
    let table = Table::panel(90, &[20, 7], 2, 0.3, 5);
    let found = table.scores();
    let mut turned = table.clone();
    turned.codes.reverse();
    turned.levels.reverse();
    assert!(worst(&turned.scores().values, &found.values) < 1e-13);
    let mut renamed = table.clone();
    renamed.codes[0].iter_mut().for_each(|code| *code = 1000 - 7 * *code);
    renamed.levels[0] = 1001;
    assert!(worst(&renamed.scores().values, &found.values) < 1e-13);
    assert_eq!(renamed.scores().levels, found.levels);
    let order: Vec<usize> = (0..90).map(|i| i * 37 % 90).collect();
    let mut shuffled = table.clone();
    shuffled.codes.iter_mut().zip(&table.codes).for_each(|(to, from)| *to = order.iter().map(|&i| from[i]).collect());
    shuffled.covariates = order.iter().flat_map(|&i| table.covariates[2 * i..2 * i + 2].to_vec()).collect();
    let expected: Vec<f64> = order.iter().map(|&i| found.values[i]).collect();
    assert!(worst(&shuffled.scores().values, &expected) < 1e-13);
}

#[test]
fn a_long_chain_of_bridges_and_a_ring_are_known_exactly() {
    // Worker k was at firms k and k + 1: a path, every row of which is needed.
    let links = 5_000u32;
    let worker: Vec<u32> = (0..links).flat_map(|k| [k, k]).collect();
    let firm: Vec<u32> = (0..links).flat_map(|k| [k, k + 1]).collect();
    let path =
        Table { codes: vec![worker, firm], levels: vec![5_000, 5_001], covariates: vec![], width: 0, weights: None };
    let found = path.scores();
    assert!(found.values.iter().all(|h| *h == 1.0));
    assert_eq!((found.rank, found.components, found.determined.len()), (10_000, 1, 10_000));
    // Closed to a ring of 2m edges, each has effective resistance 1 − 1/(2m).
    let mut ring = path;
    ring.codes[1].iter_mut().for_each(|firm| *firm %= links);
    let expected = vec![1.0 - 1.0 / 10_000.0; 10_000];
    let found = ring.scores();
    assert!(worst(&found.values, &expected) < 1e-11, "{:e}", worst(&found.values, &expected));
    assert_eq!((found.rank, found.determined.len()), (9_999, 0));
}

#[test]
fn components_singletons_and_levels_without_rows_are_counted() {
    // Two firms that share worker 0; worker 2 alone at firm 3; firm 2 and worker 1 have no row.
    let table = Table {
        codes: vec![vec![0, 0, 0, 2], vec![0, 1, 1, 3]],
        levels: vec![3, 4],
        covariates: vec![],
        width: 0,
        weights: None,
    };
    let found = table.scores();
    assert_eq!((found.levels, found.singletons), (vec![2, 3], vec![1, 2]));
    assert_eq!((found.components, found.largest_component, found.rank), (2, 3, 3));
    assert_eq!(found.values, [1.0, 0.5, 0.5, 1.0]);
}

#[test]
fn a_covariate_that_the_factors_explain_is_named_and_adds_nothing() {
    let mut table = Table::panel(90, &[20, 7], 3, 0.3, 8);
    for row in 0..90 {
        // The middle one is a sum of level effects of large size, the last nearly one.
        let effect =
            1e6 + 3.25 * f64::from(table.codes[0][row]) - 7.5 * f64::from(table.codes[1][row] * table.codes[1][row]);
        table.covariates[3 * row + 1] = effect;
        table.covariates[3 * row + 2] += 1e3 * effect;
    }
    let (truth, rank) = table.truth();
    let found = table.scores();
    assert_eq!((found.dependent.clone(), found.rank), (vec![1], rank));
    let error = worst(&found.values, &truth);
    assert!(error < 10f64.powf(-found.digits + 1.0) && found.digits < 8.0, "{error:e} at {} digits", found.digits);
    let strict = AbsorbOptions { strict: true, ..AbsorbOptions::default() };
    assert!(matches!(table.scores_as(&strict).unwrap_err().kind(), ErrorKind::RankDeficient { .. }));
}

#[test]
fn probes_are_within_their_standard_errors_and_exact_at_rows_of_score_1() {
    let mut table = Table::panel(4_000, &[500, 60], 3, 0.3, 9);
    (table.codes[1][3], table.levels[1]) = (60, 61); // a firm of one row
    let exact = table.scores();
    let options = AbsorbOptions { method: AbsorbMethod::Probes, probes: 200, seed: 4, ..AbsorbOptions::default() };
    let found = table.scores_as(&options).unwrap();
    assert_eq!((found.rank, found.method), (exact.rank, AbsorbMethod::Probes));
    let errors = found.standard_errors.as_ref().unwrap();
    let inside = |i: &usize| (found.values[*i] - exact.values[*i]).abs() <= 2.0 * errors[*i] + 1e-9;
    let share = (0..4_000).filter(inside).count() as f64 / 4_000.0;
    assert!(share > 0.92, "within two standard errors: {share}");
    assert!(found.sum_defect < 0.01, "{}", found.sum_defect);
    assert_eq!(found.determined, exact.determined);
    assert_eq!(exact.determined, [3]);
    // The bits follow from the seed alone.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let again = pool.install(|| table.scores_as(&options).unwrap());
    assert_eq!(again.values, found.values);
    let other = table.scores_as(&AbsorbOptions { seed: 5, ..options }).unwrap();
    assert_ne!(other.values, found.values);
}

#[test]
fn what_cannot_be_is_refused() {
    let table = Table::panel(20, &[5, 4], 0, 0.3, 1);
    let name = |table: &Table, options: &AbsorbOptions| match table.scores_as(options).unwrap_err().kind() {
        ErrorKind::Option { name, .. } => name.clone(),
        other => format!("{other:?}"),
    };
    let defaults = AbsorbOptions::default();
    assert_eq!(name(&table, &AbsorbOptions { probes: 1, ..defaults.clone() }), "probes");
    assert_eq!(name(&Table { weights: Some(vec![0.0; 20]), ..table.clone() }, &defaults), "case-weights");
    let mut negative = vec![1.0; 20];
    negative[3] = -1.0;
    assert_eq!(name(&Table { weights: Some(negative), ..table.clone() }, &defaults), "case-weights");
    let three = Table::panel(40, &[8, 4, 3], 0, 0.3, 1);
    assert_eq!(name(&three, &AbsorbOptions { method: AbsorbMethod::Probes, ..defaults.clone() }), "absorb");
    let none = absorbed_scores(&[], None, None, &defaults, &Run::default()).unwrap_err();
    assert!(matches!(none.kind(), ErrorKind::Option { name, .. } if name == "absorb"));
    let mut short = table.clone();
    short.codes[1].pop();
    assert!(matches!(short.scores_as(&defaults).unwrap_err().kind(), ErrorKind::Shape { .. }));
    let mut not_finite = Table { covariates: vec![1.0; 20], width: 1, ..table };
    not_finite.covariates[7] = f64::NAN;
    assert!(matches!(not_finite.scores_as(&defaults).unwrap_err().kind(), ErrorKind::NotFinite { row: 7, .. }));
}
