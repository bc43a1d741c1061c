//! Figures of rows: every row in its hexagon, nothing of a single row where it may leave, partial regressions, quantiles.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat::Run;
use unhat::random::uniform_rows_into;
use unhat::rows::DenseRows;
use unhat_models::diagnose::{FigureName, Options, Request, partial_regressions};
use unhat_models::figures::{Axis, Figure, Named, Shown};
use unhat_models::formula::{Formula, parse_expression};
use unhat_models::models::{Column, Frame};
use unhat_models::regression::{Law, Model, Problem, Specification, fit};

/// Numbers in [-1, 1).
fn draw(seed: u64, count: usize) -> Vec<f64> {
    let mut u = vec![0.0; count];
    uniform_rows_into(seed, 0, 0, &mut u);
    u.iter().map(|u| 2.0 * u - 1.0).collect()
}

fn linear(name: &str) -> Axis {
    Axis::linear(name, name)
}

fn figure(x: &[f64], y: &[f64], shown: Shown) -> Figure {
    Figure::of("f", (linear("x"), x), (linear("y"), y), &[], shown)
}

/// Sums of uniform numbers: denser in the middle, as residuals are.
fn cloud(seed: u64, n: usize) -> (Vec<f64>, Vec<f64>) {
    let u = draw(seed, 6 * n);
    let sum = |k: usize| (0..n).map(|i| u[6 * i + k] + u[6 * i + k + 1] + u[6 * i + k + 2]).collect();
    (sum(0), sum(3))
}

/// Where a hexagon is, the nearest of all middles is its own: counted again by trying all of them.
#[test]
fn every_row_is_counted_in_the_hexagon_whose_middle_is_nearest() {
    let (x, y) = cloud(1, 3000);
    let found = figure(&x, &y, Shown::Rows { points: 0 });
    let (width, height) = found.hexagon.unwrap();
    let mut counts = vec![0; found.cells.len()];
    for (x, y) in x.iter().zip(&y) {
        // With lines √3/2 of a width apart hexagons are regular.
        let distance =
            |(a, b, _): &(f64, f64, u64)| ((x - a) / width).powi(2) + ((y - b) / height * 0.75f64.sqrt()).powi(2);
        let nearest = found.cells.iter().enumerate().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)));
        counts[nearest.unwrap().0] += 1;
    }
    assert_eq!(counts, found.cells.iter().map(|cell| cell.2).collect::<Vec<_>>());
    assert_eq!(counts.iter().sum::<u64>(), found.rows);
    let lowest = found.corners((0.0, 0.0));
    assert_eq!(lowest.len(), 6);
}

#[test]
fn no_hexagon_that_may_leave_has_fewer_rows_than_asked_and_what_is_hidden_is_as_many_or_nothing() {
    for (seed, n, least) in
        (0..60).map(|seed| (seed, [30, 200, 500, 5000][seed as usize % 4], [3, 10, 17][seed as usize % 3]))
    {
        let (mut x, mut y) = cloud(seed, n);
        (x[0], y[1], x[2]) = (1e4, -1e6, f64::NAN);
        let found = figure(&x, &y, Shown::Safe { least });
        let shown: u64 = found.cells.iter().map(|cell| cell.2).sum();
        assert!(found.cells.iter().all(|cell| cell.2 >= least), "{seed}: {:?}", found.cells);
        let hidden = found.rows - shown;
        assert!(found.rows as usize == n - 1 && hidden >= least.max(2), "{seed}: {hidden} of {n} rows are hidden");
        assert!(found.points.is_empty() && found.named.is_empty());
    }
    let (x, y) = cloud(9, 5000);
    let found = figure(&x, &y, Shown::Safe { least: 10 });
    let shown: u64 = found.cells.iter().map(|cell| cell.2).sum();
    assert!(shown as f64 >= 0.9 * 5000.0, "{shown} rows of 5000 are shown");
}

/// Wherever a row at the edge of a cloud goes, what may leave stays as it is: ends, sizes and counts say nothing of it.
#[test]
fn a_figure_that_may_leave_does_not_say_where_a_row_far_out_is() {
    for seed in 0..20 {
        let (mut x, mut y) = cloud(seed, 400);
        let mut seen = Vec::new();
        for far in [12.0, 700.0, -3e5, 1e9] {
            (x[17], y[17]) = (far, 12.0);
            (x[18], y[18]) = (0.1, far.abs());
            let axis = linear("y").spread_out(&y, Shown::Safe { least: 10 });
            let found = Figure::of("f", (linear("x"), &x), (axis, &y), &[], Shown::Safe { least: 10 });
            seen.push(serde_json::to_string(&found).unwrap());
        }
        // On which side it is enters the order; one end of the axis is then that of another row.
        assert!(seen[0] == seen[1] && seen[1] == seen[3], "{seed}\n{}\n{}", seen[0], seen[1]);
    }
}

#[test]
fn few_rows_are_points_and_the_marked_ones_have_names() {
    let (x, y) = (vec![1.0, 2.0, f64::NAN, 4.0], vec![1.0, 5.0, 2.0, 3.0]);
    let marked = [(1, "b".to_owned()), (2, "c".to_owned())];
    let found = Figure::of("f", (linear("x"), &x), (linear("y"), &y), &marked, Shown::Rows { points: 10 });
    assert_eq!(found.rows, 3);
    assert_eq!(found.points, [(1.0, 1.0), (4.0, 3.0)]);
    assert_eq!(found.named, [Named { row: "b".into(), x: 2.0, y: 5.0 }]);
    assert_eq!(found.ends(), Some([(1.0, 4.0), (1.0, 5.0)]));
    assert!(figure(&[], &[], Shown::Safe { least: 10 }).ends().is_none());
}

#[test]
fn hexagons_of_a_logarithmic_axis_are_even_in_the_logarithm() {
    let (x, y) = cloud(4, 4000);
    let hats: Vec<f64> = x.iter().map(|x| 10f64.powf(*x)).collect();
    let shown = Shown::Rows { points: 0 };
    let axis = linear("hat").spread_out(&hats, shown);
    assert!(axis.log && !linear("x").spread_out(&x, shown).log);
    let found = Figure::of("f", (axis, &hats), (linear("y"), &y), &[], shown);
    let same = figure(&x, &y, shown);
    assert_eq!(found.hexagon, same.hexagon);
    for ((a, ..), (b, ..)) in found.cells.iter().zip(&same.cells) {
        assert!((a.log10() - b).abs() < 1e-12);
    }
}

/// Residuals of least squares on some columns, by a fit of their own.
fn left(columns: &[&[f64]], response: &[f64]) -> Vec<f64> {
    let rows: Vec<f64> = (0..response.len()).flat_map(|i| columns.iter().map(move |column| column[i])).collect();
    let source = DenseRows::new(&rows, columns.len()).unwrap();
    let (weights, own_weights, offset) = (None, None, None);
    let problem =
        Problem { source: &source, intercept: false, response, weights, own_weights, offset, model: Model::Linear };
    let found = fit(&problem, &Run::default()).unwrap();
    (0..response.len()).map(|i| response[i] - found.predictor[i]).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-10), "{found:?}\n{expected:?}");
}

/// Column and response without the other columns, each by a fit of its own, rows weighted by √w.
#[test]
fn points_are_the_residuals_of_column_and_response_on_the_other_columns() {
    let n = 40;
    let u = draw(5, 4 * n);
    let part = |k: usize| u[k * n..(k + 1) * n].to_vec();
    let (x, z, noise) = (part(0), part(1), part(2));
    let weights: Vec<f64> = part(3).iter().map(|w| 1.5 + w).collect();
    let y: Vec<f64> = (0..n).map(|i| 1.0 + x[i] - 2.0 * z[i] + noise[i]).collect();
    let table = Frame::new(vec![
        ("y".into(), Column::Numbers(y.clone())),
        ("x".into(), Column::Numbers(x.clone())),
        ("z".into(), Column::Numbers(z.clone())),
        ("w".into(), Column::Numbers(weights.clone())),
    ])
    .unwrap();
    let mut specification = Specification::new(Formula::parse("y ~ x + z").unwrap());
    specification.weights = Some(parse_expression("weights", "w").unwrap());
    let request = Request { specification, model: Model::Linear, options: Options::default() };
    let answer = request.answer(&table, &Run::default()).unwrap();
    let found = partial_regressions(&answer, 12, &Run::default()).unwrap();
    assert_eq!(found.iter().map(|part| part.column.as_str()).collect::<Vec<_>>(), ["x", "z"]);
    let scaled = |values: &[f64]| -> Vec<f64> { values.iter().zip(&weights).map(|(v, w)| v * w.sqrt()).collect() };
    let (one, x, z, y) = (scaled(&vec![1.0; n]), scaled(&x), scaled(&z), scaled(&y));
    close(&found[0].x, &left(&[&one, &z], &x));
    close(&found[0].y, &left(&[&one, &z], &y));
    close(&found[1].x, &left(&[&one, &x], &z));
    close(&found[1].y, &left(&[&one, &x], &y));
    assert_eq!(partial_regressions(&answer, 1, &Run::default()).unwrap().len(), 1);
}

/// Least squares through the points gives the coefficient, whatever the family.
#[test]
fn the_slope_through_the_points_is_the_coefficient() {
    let n = 60;
    let u = draw(6, 2 * n);
    let (x, z): (Vec<f64>, Vec<f64>) = (u[..n].to_vec(), u[n..].to_vec());
    let y = (0..n).map(|i| (1.5 + x[i] - z[i]).exp().round()).collect();
    let table = Frame::new(vec![
        ("y".into(), Column::Numbers(y)),
        ("x".into(), Column::Numbers(x)),
        ("z".into(), Column::Numbers(z)),
    ])
    .unwrap();
    let request = Request {
        specification: Specification::new(Formula::parse("y ~ x + z").unwrap()),
        model: Model::Generalised(Law::new("poisson".parse().unwrap(), None).unwrap()),
        options: Options::default(),
    };
    let answer = request.answer(&table, &Run::default()).unwrap();
    for part in partial_regressions(&answer, 12, &Run::default()).unwrap() {
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!((product(&part.x, &part.y) / product(&part.x, &part.x) - part.slope).abs() < 1e-9, "{}", part.column);
    }
}

/// R 4.2.2: `qqnorm(x)$x` of 3 and of 12 numbers, which are Φ⁻¹ of `ppoints`.
#[test]
fn quantiles_are_those_of_qqnorm() {
    let of = |values: &[f64]| -> Vec<f64> {
        let n = values.len();
        let rows = unhat_models::diagnose::FigureRows {
            is_linear: true,
            is_weighted: false,
            rank: 1,
            across: values,
            residual: values,
            rstandard: values,
            rstandard_pearson: values,
            rstudent: values,
            hat: values,
            cooks: values,
            positions: (0..n).collect(),
            marked: Vec::new(),
        };
        let figure = rows.figure(FigureName::NormalQuantiles, Shown::Rows { points: n }).unwrap();
        figure.points.iter().map(|point| point.0).collect()
    };
    let close = |found: &[f64], expected: &[f64]| {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} {expected:?}");
    };
    let three = of(&[3.0, f64::NAN, 1.0, 2.0]);
    assert!(three.len() == 3 && three[2] == 0.0 && three[0] == -three[1]);
    close(&three[1..2], &[-0.869_423_773_288_886]); // qnorm(0.625/3.25)
    let twelve = of(&(1..=12).map(f64::from).collect::<Vec<_>>());
    // qnorm((1:6 - 0.5)/12)
    close(
        &twelve[..6],
        &[
            -1.731_664_396_122_245_4,
            -1.150_349_380_376_008,
            -0.812_217_801_499_912_9,
            -0.548_522_282_698_098_3,
            -0.318_639_363_964_375_1,
            -0.104_633_455_614_075_39,
        ],
    );
    assert!((0..6).all(|k| twelve[k] == -twelve[11 - k]));
}
