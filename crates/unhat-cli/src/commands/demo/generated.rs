//! A larger regression table, generated from the seed, to show what size costs.

use super::case::{Case, GENERATED, Problem, effort_sentence, proof_sentence, relative_distance, signs};
use unhat::invert::Start;
use unhat::random::uniform_rows_into;
use unhat::{Result, Run};

const ROWS: usize = 5_000;
const COLUMNS: usize = 20;
/// Half the width of the residuals; the predictors and parameters are of size 1.
const NOISE: f64 = 0.5;

/// Parameters behind 5000 noisy rows.
pub(super) fn large_table(seed: u64, run: &Run<'_>) -> Result<Case> {
    let matrix = centred_numbers(seed, 0, ROWS * COLUMNS);
    let hidden = centred_numbers(seed, 1, COLUMNS);
    let noise = centred_numbers(seed, 2, ROWS);
    let fitted = matrix.chunks_exact(COLUMNS).map(|row| row.iter().zip(&hidden).map(|(a, x)| a * x).sum::<f64>());
    let offset: Vec<f64> = fitted.zip(&noise).map(|(fit, e)| fit + NOISE * e).collect();
    let mut problem = Problem { matrix, columns: COLUMNS, offset, target: Vec::new() };
    let released = problem.evaluate(&hidden, run)?;
    problem.target = released.gradient;
    let known = signs(&released.slack);
    let (found, seconds) = problem.solve(&Start { signs: Some(&known), ..Start::default() }, run)?;
    let story = format!(
        "3. A larger table, generated ({ROWS} rows, {COLUMNS} columns)\n\
         \x20  hidden     the parameters behind its noisy response\n\
         \x20  error      {:.1e} relative\n\
         \x20  proven     {}\n\
         \x20  effort     {}, finding a first point included\n",
        relative_distance(&found.x, &hidden),
        proof_sentence(&found),
        effort_sentence(&found, seconds),
    );
    Ok(Case { name: GENERATED, problem, hidden: Some(hidden), found, seconds, story })
}

/// Uniform in [−1, 1).
fn centred_numbers(seed: u64, stream: u64, count: usize) -> Vec<f64> {
    let mut numbers = vec![0.0; count];
    uniform_rows_into(seed, stream, 0, &mut numbers);
    numbers.iter_mut().for_each(|u| *u = 2.0 * *u - 1.0);
    numbers
}
