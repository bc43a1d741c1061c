//! What adversarial cases came to, held against the truth with a hundred digits.

use std::collections::BTreeMap;
use unhat::invert::{InvertOptions, Solver, Start, invert_gradient};
use unhat::leverage::{ScoreOptions, leverage_scores};
use unhat::rows::DenseRows;
use unhat::solve::Status;
use unhat::{ErrorKind, Run};
use unhat_testkit::adversarial::{inversion_case, score_case, slack_signs};
use unhat_testkit::{Big, Real, orthonormal, precise};

/// Counts, what was wrong, and how tight the certificates were.
#[derive(Default)]
pub struct Tally {
    /// Cases by kind and ending.
    pub endings: BTreeMap<String, usize>,
    /// What is false, with its case.
    pub wrong: Vec<String>,
    /// Bound over distance, sorted by [`Tally::median`].
    pub ratios: Vec<f64>,
    pub certified: usize,
    pub cases: usize,
}

impl Tally {
    fn ended(&mut self, kind: &str, ending: &str) {
        *self.endings.entry(format!("{kind}: {ending}")).or_default() += 1;
    }

    /// Of bound over distance.
    pub fn median(&mut self) -> f64 {
        self.ratios.sort_by(f64::total_cmp);
        self.ratios.get(self.ratios.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The least of them, after [`Tally::median`].
    pub fn least(&self) -> f64 {
        self.ratios.first().copied().unwrap_or(f64::NAN)
    }

    #[allow(dead_code)] // of the example alone
    pub fn add(&mut self, other: Tally) {
        for (ending, count) in other.endings {
            *self.endings.entry(ending).or_default() += count;
        }
        self.wrong.extend(other.wrong);
        self.ratios.extend(other.ratios);
        self.certified += other.certified;
        self.cases += other.cases;
    }
}

/// Scores of one case: the digits that are claimed are there, to one; everything else is a refusal by name.
pub fn check_scores(seed: u64, number: u64, tally: &mut Tally) {
    let case = score_case(seed, number);
    if case.a.iter().any(|v| !v.is_finite()) {
        return;
    }
    tally.cases += 1;
    let rows = DenseRows::new(&case.a, case.d).unwrap();
    let found = match leverage_scores(&rows, None, &ScoreOptions::default(), &Run::default()) {
        Ok(found) => found,
        Err(error) => return tally.ended(case.kind, error.kind().name()),
    };
    let exact: Vec<Big> = orthonormal::leverage_scores(&case.a, case.d);
    let worst = found.values.iter().zip(&exact).map(|(f, e)| relative_error(*f, *e)).fold(0.0, f64::max);
    let digits = -worst.max(1e-16).log10();
    tally.ended(case.kind, if found.digits >= 1.0 { "scores" } else { "scores without digits" });
    if !found.digits.is_finite() || found.digits > digits + 1.0 {
        tally.wrong.push(format!(
            "scores {number} of seed {seed} ({}): {:.1} digits claimed, {digits:.1} true, rank {} by {}",
            case.kind,
            found.digits,
            found.rank,
            found.method.name()
        ));
    }
}

/// |f − e|/e, and what floats cannot hold for nothing.
fn relative_error(found: f64, exact: Big) -> f64 {
    let error = (Big::from(found) - exact).abs();
    match error.to_f64() {
        e if e < 1e-300 => 0.0,
        _ if exact.to_f64() == 0.0 => f64::INFINITY,
        _ => (error / exact).to_f64(),
    }
}

/// One inversion: no certificate below the distance, no proof that the cell or the solution does not exist.
pub fn check_inversion(seed: u64, number: u64, certify: bool, tally: &mut Tally) {
    let Some(case) = inversion_case(seed, number) else { return };
    tally.cases += 1;
    let solver =
        [Solver::Auto, Solver::Exact, Solver::Cg, Solver::Coreset, Solver::Surrogate][(number / 13 % 5) as usize];
    let signs = slack_signs(&case.a, &case.b, &case.hidden).unwrap();
    let way = number / 65 % 3;
    let start = match way {
        0 => Start { point: Some(&case.inside), ..Start::default() },
        1 => Start { signs: Some(&signs), ..Start::default() },
        _ => Start { point: Some(&case.hidden), ..Start::default() },
    };
    let d = case.hidden.len();
    let rows = DenseRows::new(&case.a, d).unwrap();
    let options = InvertOptions { solver, seed, certify, ..InvertOptions::default() };
    let name = || format!("inversion {number} of seed {seed} ({}, {}, start {way})", case.kind, solver.name());
    match invert_gradient(&rows, &case.b, &case.target, &start, &options, None, &Run::default()) {
        Ok(found) => {
            let Some(certificate) = found.certificate else {
                if found.status == Status::Solved && found.warnings.is_empty() {
                    tally.wrong.push(format!("{}: solved without proof and without a word", name()));
                }
                return tally.ended(case.kind, "no certificate");
            };
            let Some(exact) = precise::solve::<Big>(&case.a, &case.b, &case.target, &found.x) else {
                return tally.ended(case.kind, "certificate, but no exact solution to compare it with");
            };
            let distance = precise::distance(&found.x, &exact.x);
            tally.certified += 1;
            tally.ended(case.kind, found.status.name());
            if !(certificate.euclidean >= distance && certificate.euclidean.is_finite()) {
                let bound = certificate.euclidean;
                tally.wrong.push(format!("{}: certificate {bound:e} below the distance {distance:e}", name()));
            }
            if distance > 0.0 {
                tally.ratios.push(certificate.euclidean / distance);
            }
        }
        Err(error) => {
            let kind = error.kind();
            let false_proof = match kind {
                ErrorKind::Empty { .. } | ErrorKind::NoInterior { .. } => true,
                // A rounded target may have left the ones that can be reached.
                ErrorKind::Unattainable { .. } => {
                    precise::solve::<Big>(&case.a, &case.b, &case.target, &case.hidden).is_some()
                }
                _ => false,
            };
            if false_proof {
                tally.wrong.push(format!("{}: a false proof: {error}", name()));
            }
            tally.ended(case.kind, kind.name());
        }
    }
}
