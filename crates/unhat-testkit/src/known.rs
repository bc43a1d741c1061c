//! Known answers that others can check: hat values, leverage scores of published matrices, volumetric centres.
//!
//! The files lie in `data/`; `data/SOURCES.md` says where each comes from.

use crate::sparse::Csr;
use serde_json::Value;
use std::path::PathBuf;

/// Where a data file lies, for tests that read it with a reader of their own: `path("polytopes/cube10.ine")`.
pub fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data").join(relative)
}

fn text(relative: &str) -> String {
    let path = path(relative);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn number(field: &str) -> f64 {
    field.trim().parse().unwrap_or_else(|_| panic!("{field:?} is not a number"))
}

fn numbers(text: &str) -> Vec<f64> {
    text.split_whitespace().map(number).collect()
}

fn json(relative: &str) -> Value {
    serde_json::from_str(&text(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
}

/// A list of numbers, or of numbers in quotes that have more digits than an f64.
fn json_numbers(list: &Value) -> Vec<f64> {
    let items = list.as_array().expect("a list");
    items.iter().map(|item| item.as_f64().unwrap_or_else(|| number(item.as_str().expect("a number")))).collect()
}

// ---------------------------------------------------------------------------------------------- regressions

/// A regression and its hat values.
#[derive(Clone, Debug)]
pub struct HatCase {
    /// Name of the data set.
    pub name: &'static str,
    /// n, the number of observations.
    pub n: usize,
    /// d, the number of columns of the model matrix, the constant included.
    pub d: usize,
    /// The model matrix, n×d row-major.
    pub a: Vec<f64>,
    /// Weights w of the rows: the hat values are those of √wᵢ·aᵢ. None: all 1.
    pub weights: Option<Vec<f64>>,
    /// The hat values, n of them.
    pub hat: Vec<f64>,
    /// How closely a good method meets them: an absolute error, from the digits printed and the condition.
    pub tolerance: f64,
}

impl HatCase {
    /// The rows √wᵢ·aᵢ whose leverage scores are the hat values.
    pub fn weighted_rows(&self) -> Vec<f64> {
        match &self.weights {
            None => self.a.clone(),
            Some(weights) => (0..self.a.len()).map(|k| weights[k / self.d].sqrt() * self.a[k]).collect(),
        }
    }
}

/// A CSV file of numbers with a header line.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(relative: &str) -> Table {
        let text = text(relative);
        let mut lines = text.lines().map(split_csv_line);
        Table { header: lines.next().expect("a header"), rows: lines.collect() }
    }

    fn column(&self, name: &str) -> Option<Vec<f64>> {
        let j = self.header.iter().position(|h| h == name)?;
        Some(self.rows.iter().map(|row| number(&row[j])).collect())
    }

    fn columns(&self, names: &[&str]) -> Vec<f64> {
        let columns: Vec<Vec<f64>> = names.iter().map(|name| self.column(name).expect("a column")).collect();
        (0..self.rows.len()).flat_map(|i| columns.iter().map(move |column| column[i])).collect()
    }
}

/// Fields of one line; quotes may enclose commas.
fn split_csv_line(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("never empty").push(c),
        }
    }
    fields
}

/// A file of R's model matrix, then columns whose names begin with a dot: `.w` weights, `.cooks` distances, `.hat`.
fn r_case(name: &'static str, tolerance: f64) -> HatCase {
    let table = Table::read(&format!("regression/r_hat_{name}.csv"));
    let model: Vec<&str> = table.header.iter().map(String::as_str).take_while(|h| !h.starts_with('.')).collect();
    HatCase {
        name,
        n: table.rows.len(),
        d: model.len(),
        a: table.columns(&model),
        weights: table.column(".w"),
        hat: table.column(".hat").expect("hat values"),
        tolerance,
    }
}

/// The same with hat values from 60-digit arithmetic in place of R's.
fn sixty_digit_case(name: &'static str, tolerance: f64) -> HatCase {
    let digits = json("regression/mpmath_60digit_hat_reference.json");
    HatCase { hat: json_numbers(&digits[name]), ..r_case(name, tolerance) }
}

/// Growth of the gross domestic product and lagged interest rate of the United States, 202 quarters; hat values by R.
fn macrodata_case() -> HatCase {
    let table = Table::read("regression/macrodata.csv");
    let product = table.column("realgdp").expect("a column");
    let interest = table.column("realint").expect("a column");
    let n = product.len() - 1;
    let growth = |i: usize| 400.0 * (product[i + 1].ln() - product[i].ln());
    HatCase {
        name: "macrodata",
        n,
        d: 3,
        a: (0..n).flat_map(|i| [1.0, growth(i), interest[i]]).collect(),
        weights: None,
        hat: json_numbers(&json("regression/influence_lsdiag_R.json")["hat"]),
        tolerance: 1e-12, // 15 digits printed, and the growth rates lose two by cancellation
    }
}

/// The maximum-likelihood coefficients of the vasoconstriction data, found by Newton's method to rounding.
const VASOCONSTRICTION_FIT: [f64; 3] = [-2.875421710216812, 4.561675278807111, 5.179324019271894];

/// Finney's vasoconstriction data, logistic regression: weights p(1 − p) at the fit, hat values by SAS to four digits.
fn vasoconstriction_case() -> HatCase {
    let table = Table::read("regression/binary_constrict.csv");
    let a = table.columns(&["const", "log_rate", "log_volumne"]);
    let weights = a.chunks(3).map(|row| {
        let p = fitted_probability(row);
        p * (1.0 - p)
    });
    HatCase {
        name: "vasoconstriction",
        n: table.rows.len(),
        d: 3,
        weights: Some(weights.collect()),
        a,
        hat: Table::read("regression/results_influence_logit.csv").column("hat_matrix_diagonal").expect("a column"),
        tolerance: 6e-5, // half a unit of the fourth decimal and a little more
    }
}

fn fitted_probability(row: &[f64]) -> f64 {
    let eta: f64 = row.iter().zip(VASOCONSTRICTION_FIT).map(|(a, beta)| a * beta).sum();
    1.0 / (1.0 + (-eta).exp())
}

/// All regressions, the hard ones among them: longley (condition 2·10⁷), stackloss with powers up to 5 (9·10¹³),
/// Anscombe's fourth (a score of exactly 1).
pub fn hat_cases() -> Vec<HatCase> {
    let printed = 1e-12; // R prints 17 digits; its QR loses a few at these conditions
    vec![
        sixty_digit_case("longley", 1e-12),
        sixty_digit_case("stackloss_poly5", 1e-9),
        sixty_digit_case("mtcars", 1e-13),
        r_case("stackloss", printed),
        r_case("cars", printed),
        r_case("anscombe4", printed),
        r_case("mtcars_weighted", printed),
        macrodata_case(),
        vasoconstriction_case(),
    ]
}

// ---------------------------------------------------------------------------------------------- sparse matrices

/// A published sparse matrix and its leverage scores.
#[derive(Clone, Debug)]
pub struct MatrixCase {
    /// Name of the matrix; `_T` at the end: transposed, so that the variables of a linear program are the rows.
    pub name: String,
    /// The matrix.
    pub rows: Csr,
    /// Its rank; scorpion, degen2 and mbeacxc are rank deficient.
    pub rank: usize,
    /// The largest singular value.
    pub largest_singular_value: f64,
    /// The smallest one that is not zero.
    pub smallest_singular_value: f64,
    /// The leverage scores, n of them, from a dense singular value decomposition: correct to about 10⁻¹² here.
    pub scores: Vec<f64>,
}

/// A MatrixMarket coordinate file, real or pattern, general.
fn matrix_market(relative: &str) -> Csr {
    let text = text(relative);
    let mut lines = text.lines().filter(|line| !line.starts_with('%') && !line.trim().is_empty()).map(numbers);
    let size = lines.next().expect("a size line");
    let entry = |fields: Vec<f64>| (fields[0] as usize - 1, fields[1] as usize - 1, *fields.get(2).unwrap_or(&1.0));
    Csr::from_triplets(size[0] as usize, size[1] as usize, &lines.map(entry).collect::<Vec<_>>())
}

/// Lines "row column value", counted from 0.
fn triplet_file(relative: &str, n: usize, d: usize) -> Csr {
    let text = text(relative);
    let entry = |fields: Vec<f64>| (fields[0] as usize, fields[1] as usize, fields[2]);
    Csr::from_triplets(n, d, &text.lines().map(numbers).map(entry).collect::<Vec<_>>())
}

fn matrix_case(name: &str, rows: Csr, info: &Value) -> MatrixCase {
    let field = |key: &str| info[name][key].as_f64().expect("a number");
    assert_eq!((rows.n, rows.d), (field("n") as usize, field("d") as usize), "size of {name}");
    MatrixCase {
        name: name.to_string(),
        rank: field("rank") as usize,
        largest_singular_value: field("smax"),
        smallest_singular_value: field("smin_kept"),
        scores: numbers(&text(&format!("leverage_refs/{name}.sigma.txt"))),
        rows,
    }
}

/// All sparse matrices, from 51×27 (afiro_T) to 8806×1000 (truss_T).
pub fn matrix_cases() -> Vec<MatrixCase> {
    let info = json("leverage_refs/info.json");
    let mut cases = vec![
        matrix_case("ash219", matrix_market("matrices/ash219.mtx"), &info),
        matrix_case("lp_e226_transposed", matrix_market("matrices/lp_e226_transposed.mtx"), &info),
        matrix_case("lp_share1b_T", matrix_market("matrices/lp_share1b.mtx").transposed(), &info),
        matrix_case("mbeacxc", triplet_file("matrices/mbeacxc.triplet", 492, 490), &info),
    ];
    for program in ["afiro", "blend", "beaconfd", "scorpion", "degen2", "truss"] {
        let equations = matrix_market(&format!("netlib_eq/{program}.mtx"));
        cases.push(matrix_case(&format!("{program}_T"), equations.transposed(), &info));
    }
    cases
}

// ---------------------------------------------------------------------------------------------- polytopes

/// A polytope {x : Ax > b} and its volumetric centre.
#[derive(Clone, Debug)]
pub struct CentreCase {
    /// Name of the file.
    pub name: String,
    /// n, the number of inequalities.
    pub n: usize,
    /// d, the dimension.
    pub d: usize,
    /// A, n×d row-major.
    pub a: Vec<f64>,
    /// b, n values.
    pub b: Vec<f64>,
    /// The minimiser of V, correct to rounding.
    pub centre: Vec<f64>,
    /// V there.
    pub value: f64,
}

/// A file "n d, rows of A, entries of b" that means Ax ≤ b: both are negated.
fn upper_bounded(text: &str) -> (usize, Vec<f64>, Vec<f64>) {
    let values = numbers(text);
    let (n, d) = (values[0] as usize, values[1] as usize);
    let negated = |part: &[f64]| part.iter().map(|v| -v).collect();
    (d, negated(&values[2..2 + n * d]), negated(&values[2 + n * d..2 + n * (d + 1)]))
}

/// A file of rows "β α" between `begin` and `end` that mean β + αᵀx ≥ 0: the row is α, its offset −β.
fn ine(text: &str) -> (usize, Vec<f64>, Vec<f64>) {
    let body = text.lines().skip_while(|line| line.trim() != "begin").skip(2).take_while(|line| line.trim() != "end");
    let rows: Vec<Vec<f64>> = body.map(numbers).collect();
    let a = rows.iter().flat_map(|row| row[1..].to_vec()).collect();
    (rows[0].len() - 1, a, rows.iter().map(|row| -row[0]).collect())
}

/// Polytopes with volumetric centres known to 20 digits.
pub fn volumetric_centres() -> Vec<CentreCase> {
    let centres = json("polytopes/reference_volumetric_centres.json");
    let entries = centres.as_object().expect("a map");
    entries
        .iter()
        .map(|(name, known)| {
            let text = text(&format!("polytopes/{name}"));
            let (d, a, b) = if name.ends_with(".ine") { ine(&text) } else { upper_bounded(&text) };
            CentreCase {
                name: name.clone(),
                n: b.len(),
                d,
                a,
                b,
                centre: json_numbers(&known["center"]),
                value: known["V"].as_f64().expect("a number"),
            }
        })
        .collect()
}

// ---------------------------------------------------------------------------------------------- minima

/// A regularised inversion min ½‖g(x) − c‖² + ½‖diag(w)Ax‖² over {Ax > b}, and its stationary points.
#[derive(Clone, Debug)]
pub struct MinimaCase {
    /// What it is.
    pub name: String,
    /// d.
    pub d: usize,
    /// A, n×d row-major.
    pub a: Vec<f64>,
    /// b, n values.
    pub b: Vec<f64>,
    /// c, d values.
    pub c: Vec<f64>,
    /// w, n values.
    pub w: Vec<f64>,
    /// Whether the list is known to be complete.
    pub complete: bool,
    /// The stationary points.
    pub stationary: Vec<StationaryPoint>,
}

/// A point where the gradient of the objective vanishes.
#[derive(Clone, Debug)]
pub struct StationaryPoint {
    /// x, d values.
    pub x: Vec<f64>,
    /// ½‖g(x) − c‖² + ½‖diag(w)Ax‖².
    pub objective: f64,
    /// Whether it is a local minimum.
    pub minimum: bool,
}

impl MinimaCase {
    /// The local minima, best first.
    pub fn minima(&self) -> Vec<&StationaryPoint> {
        let mut minima: Vec<_> = self.stationary.iter().filter(|point| point.minimum).collect();
        minima.sort_by(|p, q| p.objective.total_cmp(&q.objective));
        minima
    }
}

/// Regularised inversions with several minima: segments (exact), polygons (40 digits), a cube, random polytopes.
pub fn minima_cases() -> Vec<MinimaCase> {
    let file = json("known_minima.json");
    let matrix = |rows: &Value| -> Vec<f64> { rows.as_array().expect("rows").iter().flat_map(json_numbers).collect() };
    let cases = file["cases"].as_array().expect("a list");
    cases
        .iter()
        .map(|case| {
            let polytope = case["polytope"].as_str().map_or(case, |name| &file["polytopes"][name]);
            let (b, c) = (json_numbers(&polytope["b"]), json_numbers(&case["c"]));
            let how = case["how"].as_str().expect("a text");
            let stationary = case["stationary"].as_array().expect("a list").iter().map(|point| StationaryPoint {
                x: json_numbers(&point["x"]),
                objective: number(point["L"].as_str().expect("a number")),
                minimum: point["kind"] == "min",
            });
            MinimaCase {
                name: case["name"].as_str().expect("a name").to_string(),
                d: c.len(),
                a: matrix(&polytope["a"]),
                w: case["w"].as_f64().map_or_else(|| json_numbers(&case["w"]), |w| vec![w; b.len()]),
                complete: !how.contains("incomplete"),
                stationary: stationary.collect(),
                b,
                c,
            }
        })
        .collect()
}

/// A (50,6) inversion whose columns differ in size by 2500: every method that squares H loses the curve on which its best
/// known minimum lies. Two of its minima, the best known first; not proven to be the least of all.
pub fn badly_scaled_case() -> MinimaCase {
    let file = json("regularised/badly_scaled_50x6.json");
    let stationary = ["best", "earlier"].map(|name| StationaryPoint {
        x: json_numbers(&file[name]["x"]),
        objective: file[name]["objective"].as_f64().expect("a number"),
        minimum: true,
    });
    MinimaCase {
        name: file["name"].as_str().expect("a name").to_string(),
        d: 6,
        a: json_numbers(&file["a"]),
        b: json_numbers(&file["b"]),
        c: json_numbers(&file["c"]),
        w: json_numbers(&file["w"]),
        complete: false,
        stationary: stationary.to_vec(),
    }
}

// ---------------------------------------------------------------------------------------------- influence

/// Answers to one small logistic regression, in 40-digit arithmetic: the fields of `known_influence.json` by name.
pub struct InfluenceCase {
    fields: Value,
}

impl InfluenceCase {
    /// A field; of a nested one by "outer.inner". Matrices are flattened by rows; a single number is one value.
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        fn flat(value: &Value, out: &mut Vec<f64>) {
            match value {
                Value::Array(items) => items.iter().for_each(|item| flat(item, out)),
                Value::String(text) => out.push(number(text)),
                other => out.push(other.as_f64().expect("a number")),
            }
        }
        let field = name.split('.').fold(&self.fields, |value, key| &value[key]);
        let mut out = Vec::new();
        flat(field, &mut out);
        out
    }

    /// Two columns of features as rows (x₁, x₂, 1).
    pub fn features(&self, name: &str) -> Vec<f64> {
        self.numbers(name).chunks_exact(2).flat_map(|x| [x[0], x[1], 1.0]).collect()
    }
}

/// The case of `known_influence.json`.
pub fn influence_case() -> InfluenceCase {
    InfluenceCase { fields: json("known_influence.json") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::{assert_all_close, assert_close, assert_within};
    use crate::orthonormal::{basis, leverage_scores};
    use crate::reference::Point;
    use crate::{Dd, Real};

    #[test]
    fn hat_values_are_the_scores_of_the_weighted_rows() {
        for case in hat_cases() {
            assert_eq!((case.a.len(), case.hat.len()), (case.n * case.d, case.n), "{}", case.name);
            let scores = leverage_scores::<f64>(&case.weighted_rows(), case.d);
            for i in 0..case.n {
                let error = (scores[i] - case.hat[i]).abs();
                assert!(error <= case.tolerance, "{} row {i}: {error:e} > {:e}", case.name, case.tolerance);
            }
        }
    }

    /// Double-double arithmetic meets the 60-digit values in all of their 25 digits that the condition leaves.
    #[test]
    fn sixty_digits() {
        let digits = json("regression/mpmath_60digit_hat_reference.json");
        for (name, tolerance) in [("longley", 1e-24), ("stackloss_poly5", 1e-20), ("mtcars", 1e-24)] {
            let case = hat_cases().into_iter().find(|case| case.name == name).unwrap();
            for (score, known) in leverage_scores::<Dd>(&case.a, case.d).iter().zip(digits[name].as_array().unwrap()) {
                let known = Dd::parse(known.as_str().unwrap()).unwrap();
                let error = (*score - known).abs().to_f64();
                assert!(error < tolerance, "{name}: {error:e}");
            }
        }
    }

    #[test]
    fn the_logistic_fit_solves_the_likelihood_equations() {
        let table = Table::read("regression/binary_constrict.csv");
        let (a, y) = (table.columns(&["const", "log_rate", "log_volumne"]), table.column("constrict").unwrap());
        for j in 0..3 {
            let score: f64 =
                (0..y.len()).map(|i| a[3 * i + j] * (y[i] - fitted_probability(&a[3 * i..3 * i + 3]))).sum();
            assert_within(score, 0.0, 1e-12);
        }
    }

    /// All but truss, which is large and has a test of its own.
    #[test]
    fn scores_of_the_published_matrices() {
        for case in matrix_cases().iter().filter(|case| case.name != "truss_T") {
            let dense = case.rows.to_dense();
            assert_eq!(basis(&dense, case.rows.d).vectors.len(), case.rank, "rank of {}", case.name);
            let scores = leverage_scores::<f64>(&dense, case.rows.d);
            for i in 0..case.rows.n {
                let error = (scores[i] - case.scores[i]).abs();
                assert!(error < 1e-11, "{} row {i}: {} and {}", case.name, scores[i], case.scores[i]);
            }
        }
    }

    /// σᵢ = aᵢᵀM⁻¹aᵢ for a few rows, each by conjugate gradients on M = AᵀA: condition 2·10⁵, no fill.
    #[test]
    fn some_scores_of_truss() {
        let case = matrix_cases().pop().unwrap();
        assert_eq!((case.name.as_str(), case.rank), ("truss_T", 1000));
        let a = &case.rows;
        let gram = |x: &[f64]| {
            let mut out = vec![0.0; a.d];
            for i in 0..a.n {
                let product: f64 = a.row(i).map(|(j, value)| value * x[j]).sum();
                a.row(i).for_each(|(j, value)| out[j] += value * product);
            }
            out
        };
        for i in [0, 1, 4000, 8805] {
            let mut row = vec![0.0; a.d];
            a.row(i).for_each(|(j, value)| row[j] = value);
            let solution = conjugate_gradients(gram, &row);
            let score: f64 = a.row(i).map(|(j, value)| value * solution[j]).sum();
            assert_within(score, case.scores[i], 1e-9);
        }
        assert_within(case.scores.iter().sum(), 1000.0, 1e-9);
    }

    fn conjugate_gradients(apply: impl Fn(&[f64]) -> Vec<f64>, rhs: &[f64]) -> Vec<f64> {
        let square = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>();
        let mut x = vec![0.0; rhs.len()];
        let (mut residual, mut direction) = (rhs.to_vec(), rhs.to_vec());
        let mut size = square(&residual);
        while size > 1e-24 * square(rhs) {
            let image = apply(&direction);
            let length = size / direction.iter().zip(&image).map(|(p, q)| p * q).sum::<f64>();
            for k in 0..x.len() {
                x[k] += length * direction[k];
                residual[k] -= length * image[k];
            }
            let next = square(&residual);
            for k in 0..x.len() {
                direction[k] = residual[k] + next / size * direction[k];
            }
            size = next;
        }
        x
    }

    /// The gradient vanishes at the centre, to the rounding of the centre's coordinates, and V is the value printed.
    #[test]
    fn the_gradient_vanishes_at_the_known_centres() {
        let cases = volumetric_centres();
        assert_eq!(cases.len(), 4);
        for case in cases {
            let point = Point::at(&case.a, &case.b, &case.centre);
            assert!(point.slack.iter().all(|&s| s > 0.0), "{} lies outside", case.name);
            let size = point.scaled.iter().fold(0.0, |largest: f64, a| largest.max(a.abs()));
            for g in point.gradient() {
                assert_within(g / size, 0.0, 1e-12);
            }
            assert_close(point.value, case.value, 1e-13);
            let solution = crate::precise::invert_gradient(&case.a, &case.b, &vec![0.0; case.d], &case.centre).unwrap();
            let exact: Vec<f64> = solution.x.iter().map(|x| x.to_f64()).collect();
            assert_all_close(&exact, &case.centre, 1e-15);
        }
    }

    /// ∇L = H(g − c) + Kx vanishes at each of them, to the rounding of their digits, and L is the value printed.
    #[test]
    fn the_known_minima_are_stationary() {
        let cases = minima_cases();
        assert_eq!(cases.len(), 33);
        for case in &cases {
            for known in &case.stationary {
                let objective = crate::regularised::Objective::at(&case.a, &case.b, &case.c, &case.w, &known.x);
                assert_close(objective.value, known.objective, 1e-9);
                let change = objective.newton_change();
                assert!(change < 1e-9, "{}: a Newton step changes a slack by {change:e}", case.name);
                assert_eq!(objective.is_minimum(), known.minimum, "{}", case.name);
            }
        }
    }
}
