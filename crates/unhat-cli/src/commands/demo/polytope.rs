//! The volumetric centre of a polytope: the point at which the gradient vanishes.

use super::case::{Case, POLYTOPE_CENTRE, Problem, distance, effort_sentence, norm, proof_sentence};
use unhat::barrier::Side;
use unhat::feasible::interior_point;
use unhat::invert::Start;
use unhat::{ErrorKind, Result, Run};

const POLYTOPE: &str = include_str!("../../../data/polytope_10_50.txt");

/// A random polytope {Ax ≤ b} and its centre.
pub(super) fn volumetric_centre(run: &Run<'_>) -> Result<Case> {
    let problem = parse(POLYTOPE)?;
    let (found, seconds) = problem.solve(&Start { side: Some(Side::Below), ..Start::default() }, run)?;
    let pull = norm(&problem.evaluate(&found.x, run)?.gradient);
    let (guess, _) = interior_point(&problem.rows()?, &problem.offset, &vec![false; problem.offset.len()], run)?;
    let pull_at_guess = norm(&problem.evaluate(&guess, run)?.gradient);
    let story = format!(
        "2. The volumetric centre of a polytope ({} facets, {} dimensions)\n\
         \x20  wanted     the one interior point with g(x) = 0, which depends on the facets alone\n\
         \x20  found      |g| = {pull:.1e} there\n\
         \x20  proven     {}\n\
         \x20  effort     {}\n\
         \x20  guessing   some interior point has |g| = {pull_at_guess:.1e} and is {:.1} away\n",
        problem.offset.len(),
        problem.columns,
        proof_sentence(&found),
        effort_sentence(&found, seconds),
        distance(&guess, &found.x),
    );
    Ok(Case { name: POLYTOPE_CENTRE, problem, hidden: None, found, seconds, story })
}

/// `m d`, then m rows of A, then b.
fn parse(text: &str) -> Result<Problem> {
    let broken = || ErrorKind::Numerical { reason: "the bundled polytope is damaged".into() };
    let numbers: Vec<f64> =
        text.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>().map_err(|_| broken())?;
    let [m, columns, values @ ..] = &numbers[..] else { return Err(broken().into()) };
    let (m, columns) = (*m as usize, *columns as usize);
    if values.len() != m * columns + m {
        return Err(broken().into());
    }
    let (matrix, offset) = values.split_at(m * columns);
    Ok(Problem { matrix: matrix.to_vec(), columns, offset: offset.to_vec(), target: vec![0.0; columns] })
}
