//! Which options of an inversion of the gradient can be had together: what one of them asks for must be done, or refused.

use super::{CurvatureMethod, MinimaSought, ScoreSource, Solver};
use crate::error::{Error, ErrorKind, Result};

/// A solver by its word: one of [`Solver`], or the sampled diagonal form, which there is beside weights only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SolverChoice {
    /// A solver of the problem without weights; [`Solver::Auto`] serves both.
    Named(Solver),
    /// [`super::invert_diagonal`].
    Diagonal,
}

impl SolverChoice {
    /// Where curvature comes from beside weights; None: the cheapest by predicted work.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for the solvers that need their own kind of problem.
    pub fn beside_weights(self) -> Result<Option<CurvatureMethod>> {
        match self {
            SolverChoice::Named(solver) => CurvatureMethod::beside_weights(solver),
            SolverChoice::Diagonal => Err(refused("solver", "diagonal is an inversion of its own".into())),
        }
    }

    /// The solver without weights.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for the one that needs them.
    pub fn without_weights(self) -> Result<Solver> {
        match self {
            SolverChoice::Named(solver) => Ok(solver),
            SolverChoice::Diagonal => Err(refused("solver", "diagonal needs weights; give both, or another".into())),
        }
    }
}

/// What is asked of an inversion beside its data; the command line and Python ask alike.
#[derive(Clone, Copy, Debug)]
pub struct GradientRequest {
    /// The solver.
    pub solver: SolverChoice,
    /// Which scores the first evaluations take.
    pub scores: ScoreSource,
    /// Whether there are weights w of a regulariser.
    pub weights: bool,
    /// Whether the best minimum is to be proven the global one.
    pub prove: bool,
    /// Which minima beside a regulariser are looked for.
    pub minima: MinimaSought,
    /// Whether the run is kept in a file.
    pub checkpoint: bool,
    /// Standard deviation of the errors of the target, in the units in which it was released.
    pub noise: Option<f64>,
    /// The target is so many times the gradient.
    pub target_scale: f64,
}

impl GradientRequest {
    /// Refuses what cannot be had.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] naming the option that cannot be had, and why.
    pub fn check(&self) -> Result<()> {
        let scale = self.target_scale;
        if !(scale.is_finite() && scale != 0.0) {
            return Err(refused("target-scale", format!("found {scale}, expected a finite number other than 0")));
        }
        if let Some(noise) = self.noise.filter(|noise| !(*noise >= 0.0 && noise.is_finite())) {
            return Err(refused("noise", format!("found {noise}, expected a finite number that is not negative")));
        }
        if self.weights { self.beside_weights() } else { self.alone() }
    }

    fn alone(&self) -> Result<()> {
        if self.prove {
            return Err(refused("prove", "needs weights; give both, or leave it out".into()));
        }
        if self.minima != MinimaSought::default() {
            return Err(refused("minima", "needs weights; give both, or leave it out".into()));
        }
        self.solver.without_weights().map(drop)
    }

    fn beside_weights(&self) -> Result<()> {
        let refusal = |option: &str, reason: &str| Err(refused(option, reason.into()));
        match self.solver {
            SolverChoice::Named(solver) => drop(CurvatureMethod::beside_weights(solver)?),
            SolverChoice::Diagonal if self.prove => {
                return refusal("prove", "does not apply to the solver diagonal; leave it out");
            }
            SolverChoice::Diagonal if self.minima != MinimaSought::default() => {
                return refusal("minima", "does not apply to the solver diagonal; leave it out");
            }
            SolverChoice::Diagonal => {}
        }
        if self.noise.is_some() {
            return refusal("noise", "does not apply beside weights; leave it out");
        }
        if self.scores != ScoreSource::Auto {
            return refusal("scores", "does not apply beside weights; leave it out, or give auto");
        }
        if self.checkpoint && self.solver == SolverChoice::Diagonal {
            return refusal("checkpoint", "does not apply to the solver diagonal; leave it out");
        }
        Ok(())
    }
}

fn refused(option: &str, reason: String) -> Error {
    ErrorKind::Option { name: option.into(), reason }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: GradientRequest = GradientRequest {
        solver: SolverChoice::Named(Solver::Auto),
        scores: ScoreSource::Auto,
        weights: false,
        prove: false,
        minima: MinimaSought::Best,
        checkpoint: false,
        noise: None,
        target_scale: 1.0,
    };

    #[test]
    fn what_would_not_be_done_is_refused_under_its_own_name() {
        let beside = GradientRequest { weights: true, ..PLAIN };
        let diagonal = SolverChoice::Diagonal;
        for (request, name) in [
            (GradientRequest { target_scale: 0.0, ..PLAIN }, "target-scale"),
            (GradientRequest { target_scale: f64::NAN, ..PLAIN }, "target-scale"),
            (GradientRequest { noise: Some(-1.0), ..PLAIN }, "noise"),
            (GradientRequest { prove: true, ..PLAIN }, "prove"),
            (GradientRequest { solver: diagonal, ..PLAIN }, "solver"),
            (GradientRequest { minima: MinimaSought::First, ..PLAIN }, "minima"),
            (GradientRequest { solver: SolverChoice::Named(Solver::Surrogate), ..beside }, "solver"),
            (GradientRequest { solver: diagonal, minima: MinimaSought::All, ..beside }, "minima"),
            (GradientRequest { solver: diagonal, prove: true, ..beside }, "prove"),
            (GradientRequest { noise: Some(0.1), ..beside }, "noise"),
            (GradientRequest { scores: ScoreSource::Sketched, ..beside }, "scores"),
            (GradientRequest { checkpoint: true, solver: diagonal, ..beside }, "checkpoint"),
        ] {
            let error = request.check().unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Option { name: n, .. } if n == name), "{name}: {error}");
        }
    }

    #[test]
    fn what_can_be_had_is_had() {
        let cg = SolverChoice::Named(Solver::Cg);
        let kept = GradientRequest { checkpoint: true, noise: Some(0.0), solver: cg, ..PLAIN };
        kept.check().unwrap();
        assert_eq!(kept.solver.without_weights().unwrap(), Solver::Cg);
        GradientRequest { weights: true, prove: true, ..PLAIN }.check().unwrap();
        GradientRequest { weights: true, solver: SolverChoice::Diagonal, ..PLAIN }.check().unwrap();
        for solver in [Solver::Auto, Solver::Exact, Solver::Cg, Solver::Coreset] {
            let solver = SolverChoice::Named(solver);
            GradientRequest { weights: true, minima: MinimaSought::First, solver, ..PLAIN }.check().unwrap();
            assert_eq!(solver.beside_weights().unwrap().is_none(), solver == SolverChoice::Named(Solver::Auto));
        }
    }
}
