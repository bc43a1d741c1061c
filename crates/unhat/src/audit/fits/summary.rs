//! From the tries of an audit of a fit to its findings.

use super::attack::Target;
use super::publish::rms;
use super::report::{
    FIT_SCHEMA, FitAttack, FitAuditReport, FitCoefficient, FitFacts, FitReleaseFacts, FitResult, FitTable, FitVerdict,
    Guess, Secret,
};
use super::tries::Case;
use super::wording::sentences;
use crate::audit::AuditOptions;
use crate::audit::protection::option_of;
use crate::audit::report::{Detail, Protection, Spread, Tool};
use crate::audit::spread::{quantile, spread};
use crate::audit::summary::sha256;
use crate::audit::wording::label;
use crate::error::Result;
use crate::linalg::norm;

/// Everything that was computed.
pub(super) struct Evidence<'a> {
    pub target: &'a Target<'a>,
    pub options: &'a AuditOptions,
    pub cases: &'a [Case],
    /// Root mean square of the hat values.
    pub unit: f64,
    pub threads: usize,
}

impl Evidence<'_> {
    /// The findings, but for the time they took.
    pub fn findings(&self) -> Result<FitAuditReport> {
        let planned = self.options.planned(self.unit);
        let mut findings = FitAuditReport {
            schema: FIT_SCHEMA.into(),
            detail: self.options.detail,
            created_utc: self.options.labels.created_utc.clone(),
            tool: self.tool(),
            table: self.table()?,
            fit: self.fit(),
            release: FitReleaseFacts {
                kind: self.target.fit.release,
                hat_rms: self.unit,
                hat_max: self.target.exact.hat.iter().copied().fold(0.0, f64::max),
                beside_rms: self.target.exact.beside.as_deref().map(rms),
                planned: planned.clone(),
            },
            target_error: self.options.target_error,
            verdict: self.verdict(&planned),
            secrets: self.secrets(),
            findings: Vec::new(),
            coefficients: self.coefficients(&planned),
            results: self.results(),
            open: self.open(),
            warnings: self.warnings(),
        };
        findings.findings = sentences(&findings);
        Ok(findings)
    }

    fn tool(&self) -> Tool {
        Tool {
            name: "unhat".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            command: self.options.labels.command.clone(),
            seed: self.options.seed,
            threads: self.threads as u32,
            wall_s: 0.0,
        }
    }

    fn names(&self) -> Vec<String> {
        match self.options.labels.columns.is_empty() {
            true => (1..=self.target.source.shape().columns).map(|j| format!("x{j}")).collect(),
            false => self.options.labels.columns.clone(),
        }
    }

    fn table(&self) -> Result<FitTable> {
        let shape = self.target.source.shape();
        Ok(FitTable {
            name: self.options.labels.table.clone(),
            sha256: sha256(self.target.source, &[])?,
            rows: shape.rows as u64,
            columns: shape.columns as u64,
            column_names: self.names(),
            response: self.options.labels.response.clone(),
        })
    }

    fn fit(&self) -> FitFacts {
        let (fit, owner) = (self.target.fit, self.options.detail == Detail::Owner);
        FitFacts {
            family: fit.model.as_ref().map(|model| model.law.family().name().into()),
            link: fit.model.as_ref().map(|model| model.law.link().name().into()),
            hidden_column: fit.hidden.filter(|_| owner).map(|j| self.names()[j].clone()),
        }
    }

    /// The case of a protection; the first, as computed, where it was not tried.
    fn case(&self, protection: &Protection) -> &Case {
        self.cases.iter().find(|case| case.level.protection == *protection).unwrap_or(&self.cases[0])
    }

    fn verdict(&self, planned: &Protection) -> FitVerdict {
        let case = self.case(planned);
        let tried: Vec<(FitAttack, Option<Spread>, f64)> = self
            .target
            .attacks
            .iter()
            .map(|&attack| (attack, spread(&case.errors(attack), None), self.guess(attack).error))
            .collect();
        let share = |(_, found, guess): &(FitAttack, Option<Spread>, f64)| match found {
            Some(found) if *guess > 0.0 => found.median / guess,
            _ => f64::INFINITY,
        };
        let close = |found: &Option<Spread>, guess: f64| {
            found.as_ref().is_some_and(|found| found.q05 < self.options.target_error.min(guess))
        };
        let mut strongest = &tried[0];
        for other in &tried[1..] {
            // Of two that are as strong the one that is after more than weights.
            if share(other) <= share(strongest) {
                strongest = other;
            }
        }
        FitVerdict {
            meets_target: !tried.iter().any(|(_, found, guess)| close(found, *guess)),
            attack: strongest.0,
            secret: strongest.0.secret(),
            error: strongest.1.clone(),
            guess_error: strongest.2,
        }
    }

    fn secrets(&self) -> Vec<Guess> {
        let mut secrets: Vec<Guess> = Vec::new();
        for &attack in self.target.attacks {
            if !secrets.iter().any(|guess| guess.secret == attack.secret()) {
                secrets.push(self.guess(attack));
            }
        }
        secrets
    }

    /// The best guess without the release of what an attack is after.
    fn guess(&self, attack: FitAttack) -> Guess {
        let rarer = |ones: usize, rows: usize| ones.min(rows - ones) as f64 / rows as f64;
        let exact = self.target.exact;
        let (error, words) = match attack.secret() {
            Secret::Weights => {
                let logs = &exact.log_weights;
                let mean = logs.iter().sum::<f64>() / logs.len() as f64;
                (rms(&logs.iter().map(|t| t - mean).collect::<Vec<_>>()), "all weights are the same")
            }
            Secret::Coefficients => (1.0, "all coefficients are 0"),
            Secret::Outcomes => {
                let y = self.target.fit.responses.unwrap_or_default();
                (rarer(y.iter().filter(|y| **y == 1.0).count(), y.len()), "every response is the more frequent one")
            }
            Secret::Column => match &self.target.known {
                Some(known) if known.is_two_valued() => (
                    rarer(known.hidden.iter().filter(|u| **u == 1.0).count(), known.hidden.len()),
                    "the more frequent value in every row",
                ),
                known => {
                    let sizes = known.as_ref().map_or(&[][..], |known| &known.magnitudes);
                    let same = 1.0 / (sizes.len() as f64).sqrt();
                    let off: Vec<f64> = sizes.iter().map(|q| q - same).collect();
                    (norm(&off) / norm(sizes), "what the column adds to the others has the same size in every row")
                }
            },
            Secret::Residuals => {
                let r = exact.residuals.as_deref().unwrap_or_default();
                match attack {
                    FitAttack::CookToResiduals => {
                        let mean = r.iter().map(|r| r.abs()).sum::<f64>() / r.len() as f64;
                        let off: Vec<f64> = r.iter().map(|r| r.abs() - mean).collect();
                        (norm(&off) / norm(r), "all residuals are of the same size")
                    }
                    _ => (1.0, "all residuals are 0"),
                }
            }
        };
        Guess { secret: attack.secret(), error, guess: words.into() }
    }

    fn coefficients(&self, planned: &Protection) -> Vec<FitCoefficient> {
        let attack = FitAttack::HatToCoefficients;
        let Some(beta) = self.target.fit.coefficients.filter(|_| self.target.attacks.contains(&attack)) else {
            return Vec::new();
        };
        let tries = self.case(planned).answers(attack);
        let of = |j: usize| {
            let mut errors: Vec<f64> = tries
                .iter()
                .filter_map(|reached| reached.coefficients.as_ref()?[j])
                .map(|e| e / beta[j].abs())
                .collect();
            errors.sort_by(f64::total_cmp);
            quantile(&errors, 0.5).filter(|error| error.is_finite())
        };
        let open =
            |j: usize| tries.iter().any(|reached| reached.coefficients.as_ref().is_some_and(|each| each[j].is_none()));
        let owner = self.options.detail == Detail::Owner;
        let one = |(j, name): (usize, String)| FitCoefficient {
            name,
            value: owner.then_some(beta[j]),
            error_rel: of(j),
            open: open(j),
        };
        self.names().into_iter().enumerate().map(one).collect()
    }

    fn results(&self) -> Vec<FitResult> {
        let mean = |values: Vec<f64>| match values.is_empty() {
            true => None,
            false => Some(values.iter().sum::<f64>() / values.len() as f64),
        };
        let one = |case: &Case, attack: FitAttack| {
            let answers = case.answers(attack);
            let (protection, level) = option_of(&case.level.protection);
            let mut margins: Vec<f64> = answers.iter().filter_map(|a| a.margin).collect();
            margins.sort_by(f64::total_cmp);
            FitResult {
                attack,
                secret: attack.secret(),
                protection,
                label: label(&case.level.protection),
                level,
                noise_rel: match case.level.protection {
                    Protection::Gaussian { noise_rel, .. } => Some(noise_rel),
                    _ => None,
                },
                trials: case.tries.len() as u32,
                failed: (case.tries.len() - answers.len()) as u32,
                error: spread(&case.errors(attack), None),
                guess_error: self.guess(attack).error,
                told: mean(answers.iter().filter_map(|a| a.told).collect()),
                wrong: mean(answers.iter().filter_map(|a| a.wrong).collect()),
                margin: quantile(&margins, 0.5),
            }
        };
        self.cases.iter().flat_map(|case| self.target.attacks.iter().map(move |&attack| one(case, attack))).collect()
    }

    /// What the attacks on the release as computed left open.
    fn open(&self) -> Vec<String> {
        let word = |secret: Secret| match secret {
            Secret::Weights => "weights",
            Secret::Coefficients => "coefficients",
            Secret::Outcomes => "responses",
            Secret::Column => "the column",
            Secret::Residuals => "residuals",
        };
        let mut open = Vec::new();
        for &attack in self.target.attacks {
            for reached in self.cases[0].answers(attack) {
                open.extend(reached.open.iter().map(|words| format!("{}: {words}", word(attack.secret()))));
            }
        }
        open.dedup();
        open
    }

    fn warnings(&self) -> Vec<String> {
        let mut all: Vec<String> = self.target.fit.not_tried(self.target.attacks).into_iter().collect();
        let none = |attack: &FitAttack| self.cases.iter().all(|case| case.answers(*attack).is_empty());
        if self.target.attacks.iter().all(none) {
            all.push("no attack gave an answer, not even on the release as computed: nothing was measured".into());
        }
        all
    }
}
