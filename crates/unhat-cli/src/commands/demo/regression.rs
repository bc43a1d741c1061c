//! A ridge fit to a real table, recovered from the gradient of its leverage scores.

use super::case::{Case, Problem, STACKLOSS_RIDGE, effort_sentence, proof_sentence, relative_distance, signs};
use unhat::gram::Factor;
use unhat::invert::Start;
use unhat::{ErrorKind, Result, Run};

const TABLE: &str = include_str!("../../../data/stackloss.csv");
/// The secret of the fit's owner: the penalty on the coefficients of the standardised predictors. Any positive number
/// hides the fit from those who only hold the table; this one also turns the sign of two residuals of the least-squares fit.
const PENALTY: f64 = 4.0;

/// The stack loss table: the response comes first.
pub(super) fn ridge_fit(run: &Run<'_>) -> Result<Case> {
    let table = Table::parse(TABLE)?;
    let hidden = table.ridge_coefficients(PENALTY)?;
    let guess = table.ridge_coefficients(0.0)?;
    let mut problem = Problem {
        matrix: table.predictors_with_intercept(),
        columns: hidden.len(),
        offset: table.response.clone(),
        target: Vec::new(),
    };
    let released = problem.evaluate(&hidden, run)?;
    problem.target = released.gradient;
    let known = signs(&released.slack);
    let (found, seconds) = problem.solve(&Start { signs: Some(&known), ..Start::default() }, run)?;

    let guessed = signs(&problem.evaluate(&guess, run)?.slack);
    let wrong = guessed.iter().zip(&known).filter(|(a, b)| a != b).count();
    let from_guess = match problem.solve(&Start { point: Some(&guess), ..Start::default() }, run) {
        Ok((other, _)) => format!("the answer is {:.1} % away", 100.0 * relative_distance(&other.x, &hidden)),
        Err(error) if matches!(error.kind(), ErrorKind::Unattainable { .. }) => {
            "there is no solution, and a direction that proves it".into()
        }
        Err(error) => return Err(error),
    };

    let n = table.response.len();
    let above = known.iter().filter(|s| **s > 0.0).count();
    let mut story = format!(
        "1. A ridge fit to the stack loss table ({n} rows, {} coefficients)\n\
         \x20  hidden     the coefficients; their penalty is known to the owner alone\n\
         \x20  released   the gradient of the fit's leverage scores, {} numbers\n\
         \x20  known      the table, and which residuals are positive ({above} of {n})\n\n",
        hidden.len(),
        hidden.len(),
    );
    story += &format!("   {:<10} {:>18} {:>18} {:>18}\n", "", "hidden", "recovered", "least squares");
    for (j, name) in std::iter::once("intercept").chain(table.names[1..].iter().map(String::as_str)).enumerate() {
        story += &format!("   {name:<10} {:>18.12} {:>18.12} {:>18.12}\n", hidden[j], found.x[j], guess[j]);
    }
    story += &format!(
        "\n   error      {:.1e} relative; the least-squares fit, the best guess without the release, is {:.1} % off\n",
        relative_distance(&found.x, &hidden),
        100.0 * relative_distance(&guess, &hidden),
    );
    story += &format!("   proven     {}\n   effort     {}\n", proof_sentence(&found), effort_sentence(&found, seconds));
    story +=
        &format!("   guessing   with the signs of the least-squares residuals ({wrong} of {n} wrong), {from_guess}\n");
    Ok(Case { name: STACKLOSS_RIDGE, problem, hidden: Some(hidden), found, seconds, story })
}

/// A table of numbers, row by row, its first column the response.
struct Table {
    names: Vec<String>,
    response: Vec<f64>,
    /// One vector a column.
    predictors: Vec<Vec<f64>>,
}

impl Table {
    fn parse(text: &str) -> Result<Table> {
        let broken = || ErrorKind::Numerical { reason: "the bundled table is damaged".into() };
        let mut lines = text.lines();
        let names: Vec<String> =
            lines.next().ok_or_else(broken)?.split(',').map(|name| name.trim_matches('"').to_string()).collect();
        let mut columns = vec![Vec::new(); names.len()];
        for line in lines {
            for (column, cell) in columns.iter_mut().zip(line.split(',')) {
                column.push(cell.parse::<f64>().map_err(|_| broken())?);
            }
        }
        let response = columns.remove(0);
        Ok(Table { names, response, predictors: columns })
    }

    fn predictors_with_intercept(&self) -> Vec<f64> {
        let row = |i: usize| std::iter::once(1.0).chain(self.predictors.iter().map(move |column| column[i]));
        (0..self.response.len()).flat_map(row).collect()
    }

    /// Intercept and coefficients that minimise ‖y − Xβ‖² + penalty·‖coefficients of the standardised predictors‖².
    fn ridge_coefficients(&self, penalty: f64) -> Result<Vec<f64>> {
        let n = self.response.len() as f64;
        let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
        let dot = |v: &[f64], w: &[f64]| v.iter().zip(w).map(|(a, b)| a * b).sum::<f64>();
        let centred = |v: &[f64]| v.iter().map(|a| a - mean(v)).collect::<Vec<_>>();
        let spread = |v: &[f64]| (dot(&centred(v), &centred(v)) / (n - 1.0)).sqrt();
        let standard: Vec<Vec<f64>> =
            self.predictors.iter().map(|v| centred(v).iter().map(|a| a / spread(v)).collect()).collect();
        let d = standard.len();
        let mut gram: Vec<f64> = standard.iter().flat_map(|v| standard.iter().map(|w| dot(v, w))).collect();
        (0..d).for_each(|j| gram[j * d + j] += penalty);
        let factor = Factor::of_gram(gram, d)
            .ok_or_else(|| ErrorKind::Numerical { reason: "the bundled table has dependent columns".into() })?;
        let moments: Vec<f64> = standard.iter().map(|v| dot(v, &self.response)).collect();
        let slopes: Vec<f64> =
            factor.solve(&moments).iter().zip(&self.predictors).map(|(b, v)| b / spread(v)).collect();
        let level = slopes.iter().zip(&self.predictors).map(|(b, v)| b * mean(v)).sum::<f64>();
        Ok(std::iter::once(mean(&self.response) - level).chain(slopes).collect())
    }
}
