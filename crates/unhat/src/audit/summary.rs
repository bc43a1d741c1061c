//! From the evidence of an audit to its findings: one function for each part of the schema.

use super::curve::{curve, valid_below};
use super::density::density;
use super::exposure::exposed_rows;
use super::needed::{QUANTILE, hardest, noise_needed};
use super::plan::{AuditOptions, gaussian};
use super::protection::{option_of, protect};
use super::recovered::{Known, coordinates, fitted, in_standard_errors, relative_error};
use super::release::{Exact, utility};
use super::report::{
    AttackCurve, AttackKind, AuditReport, Baseline, Bound, Check, Convergence, Declared, Detail, NoiseNeeded, Privacy,
    Protection, ProtectionResult, Release, ReleaseKind, ReleaseResult, SCHEMA, Spread, Table, Tool, Utility, Verdict,
};
use super::saturation::linear_up_to;
use super::sensitivity::{Sensitivity, epsilon};
use super::spread::spread;
use super::trial::{ATTACKS, CONTENDERS, Case};
use super::wording::{Aside, is_exact_under, label, sentences};
use crate::error::Result;
use crate::invert::scores::CramerRao;
use crate::leverage::Diagnostics;
use crate::linalg::norm;
use crate::rows::{Block, RowSource, each_block};
use crate::run::Run;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Everything that was computed.
pub(super) struct Evidence<'a> {
    pub source: &'a dyn RowSource,
    pub offset: &'a [f64],
    pub exact: &'a Exact,
    pub options: &'a AuditOptions,
    pub rms: BTreeMap<ReleaseKind, f64>,
    pub cases: &'a [Case],
    pub bounds: &'a BTreeMap<ReleaseKind, Option<CramerRao>>,
    pub null_direction: Option<Vec<f64>>,
    /// χ of noise 1.
    pub chi: Option<f64>,
    pub sensitivity: Sensitivity,
    /// Of the coefficients of the least-squares fit of the offset.
    pub standard_errors: Option<Vec<f64>>,
    /// The centre of the cell of x: what signs and table give without a release.
    pub centre: &'a [f64],
    pub diagnostics: &'a Diagnostics,
    pub least_squares: &'a [f64],
    pub cells_tried: usize,
    pub threads: usize,
}

/// An attack that knows more is the headline where its 5 % point is below this share of that of one that knows less.
const CLEARLY: f64 = 0.99;
/// Wishes that are priced beside the declared one.
const WISHES: &[f64] = &[0.001, 0.01, 0.1, 0.5];
/// Noisy copies over which a release's use is averaged.
const COPIES: u64 = 10;
/// |Σσ − d|/d beyond this is a wrong computation, not rounding.
const SUM_TOLERANCE: f64 = 1e-9;

impl Evidence<'_> {
    /// The findings, but for the time they took.
    pub fn findings(&self, run: &Run<'_>) -> Result<AuditReport> {
        let kind = self.options.release;
        let planned = self.options.planned(self.rms[&kind]);
        let verdict = self.verdict(&planned);
        let curve = curve(self.cases, kind, self.relative_bound(kind), self.chi, verdict.attack);
        let answers = self.answers(&planned, verdict.attack);
        let errors =
            self.bound_of(kind).zip(noise_of(&planned)).map(|(bound, noise)| scaled(&bound.coordinates, noise));
        let names = self.column_names();
        let mut findings = AuditReport {
            schema: SCHEMA.into(),
            detail: self.options.detail,
            created_utc: self.options.labels.created_utc.clone(),
            tool: self.tool(),
            table: self.table(&names)?,
            release: self.release(&planned),
            declared: self.declared(),
            bound: self.bound(&curve, verdict.attack),
            coordinates: coordinates(
                &Known {
                    x: &self.exact.point.x,
                    bounds: errors.as_deref(),
                    standard_errors: self.standard_errors.as_deref(),
                    centre: self.centre,
                },
                &answers,
                &names,
                self.options.detail,
            ),
            fitted: fitted(self.source, &self.exact.point.x, &self.exact.point.slack, &answers, run)?,
            noise_needed: self.noise_needed(),
            privacy: self.privacy(&planned),
            protections: self.protections(),
            rows: exposed_rows(self.diagnostics, self.options.detail)?,
            density: density(self.diagnostics),
            convergence: self.convergence(),
            checks: self.checks(),
            releases: self.releases(),
            warnings: self.warnings(),
            findings: Vec::new(),
            attack_curve: curve,
            baseline: Some(self.baseline()),
            verdict,
        };
        let aside = Aside { without_release: self.without_release(), cells_tried: self.cells_tried };
        findings.findings = sentences(&findings, &aside);
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

    fn table(&self, names: &[String]) -> Result<Table> {
        let shape = self.source.shape();
        let condition = self.exact.point.factor.condition();
        Ok(Table {
            name: self.options.labels.table.clone(),
            sha256: sha256(self.source, self.offset)?,
            rows: shape.rows as u64,
            columns: shape.columns as u64,
            rank: shape.columns as u64, // anything less is an error
            condition: condition.is_finite().then_some(condition),
            column_names: names.to_vec(),
            response: self.options.labels.response.clone(),
        })
    }

    fn column_names(&self) -> Vec<String> {
        match self.options.labels.columns.is_empty() {
            true => (1..=self.exact.point.x.len()).map(|j| format!("x{j}")).collect(),
            false => self.options.labels.columns.clone(),
        }
    }

    fn release(&self, planned: &Protection) -> Release {
        let kind = self.options.release;
        let release = self.exact.release(kind);
        Release {
            kind,
            rows_released: release.scores.len() as u64,
            rms: release.rms(),
            max: release.largest(),
            planned: planned.clone(),
        }
    }

    fn declared(&self) -> Declared {
        let released: &[&str] = match self.options.release {
            ReleaseKind::Scores => &["scores"],
            ReleaseKind::Gradient => &["gradient"],
            ReleaseKind::Both => &["scores", "gradient"],
        };
        let attacker =
            ["table"].iter().chain(released).chain(&["start", "signs", "ridge"]).map(|s| s.to_string()).collect();
        Declared { target_rel_error: self.options.target_error, attacker, delta: self.options.delta }
    }

    fn bound_of(&self, kind: ReleaseKind) -> Option<&CramerRao> {
        self.bounds[&kind].as_ref()
    }

    /// √tr((FᵀF)⁻¹)/‖x‖.
    fn relative_bound(&self, kind: ReleaseKind) -> Option<f64> {
        Some(self.bound_of(kind)?.rms / norm(&self.exact.point.x))
    }

    /// The bound on ‖x̂ − x‖/‖x‖ under a protection; None without Gaussian noise.
    fn bound_under(&self, kind: ReleaseKind, protection: &Protection) -> Option<f64> {
        Some(self.relative_bound(kind)? * noise_of(protection)?)
    }

    fn case(&self, kind: ReleaseKind, protection: &Protection) -> Option<&Case> {
        self.cases.iter().find(|case| case.kind == kind && case.level.protection == *protection)
    }

    fn spread(&self, case: &Case, attack: AttackKind) -> Option<Spread> {
        spread(&case.errors(attack), self.bound_under(case.kind, &case.level.protection))
    }

    /// Without an answer an attacker is left with x̂ = 0, and the relative error 1.
    fn no_answer() -> Spread {
        Spread { median: 1.0, q05: 1.0, q95: 1.0, rmse: 1.0, rmse_ci95: [1.0; 2], trials: 1, share_at_bound: None }
    }

    /// The strongest of the attacks without a start, by its best twentieth; one that knows more has to be clearly closer.
    fn verdict(&self, planned: &Protection) -> Verdict {
        let case = self.case(self.options.release, planned);
        let found = |attack| Some((attack, self.spread(case?, attack)?));
        let closer = |best: &Spread, other: &Spread| {
            let exact = is_exact_under(best.q05, option_of(planned).0);
            !exact && other.q05 < CLEARLY * best.q05
        };
        let (attack, rel_error) = CONTENDERS
            .into_iter()
            .filter_map(found)
            .reduce(|best, other| if closer(&best.1, &other.1) { other } else { best })
            .unwrap_or_else(|| (AttackKind::Blind, Evidence::no_answer()));
        let meets_target = rel_error.q05 >= self.options.target_error;
        Verdict { meets_target, attack, rel_error, error_se: case.and_then(|case| self.spread_se(case, attack)) }
    }

    /// √(mean over j of ((x̂ⱼ − xⱼ)/seⱼ)²), for the owner alone.
    fn error_se(&self, answer: &[f64]) -> Option<f64> {
        let owner = self.options.detail == Detail::Owner;
        let errors = self.standard_errors.as_deref().filter(|_| owner)?;
        Some(in_standard_errors(answer, &self.exact.point.x, errors))
    }

    fn spread_se(&self, case: &Case, attack: AttackKind) -> Option<Spread> {
        let errors: Vec<f64> =
            case.answers(attack).iter().map(|answer| self.error_se(answer)).collect::<Option<_>>()?;
        spread(&errors, None)
    }

    /// What signs and table give without a release.
    fn baseline(&self) -> Baseline {
        Baseline { rel_error: relative_error(self.centre, &self.exact.point.x), error_se: self.error_se(self.centre) }
    }

    /// The answers of the headline attack at the planned protection; x̂ = 0 where there is none.
    fn answers(&self, planned: &Protection, attack: AttackKind) -> Vec<Vec<f64>> {
        let found = self.case(self.options.release, planned).map_or_else(Vec::new, |case| case.answers(attack));
        if found.is_empty() { vec![vec![0.0; self.exact.point.x.len()]] } else { found }
    }

    fn bound(&self, curve: &AttackCurve, attack: AttackKind) -> Bound {
        let relative = self.relative_bound(self.options.release).map(|bound| bound * self.rms[&self.options.release]);
        let owner = self.options.detail == Detail::Owner;
        Bound {
            kind: "cramer-rao".into(),
            rel_error_per_unit_noise_rel: relative,
            valid_below_noise_rel: valid_below(curve, attack),
            chi_per_unit_noise_rel: self.chi.map(|chi| chi * self.rms[&self.options.release]),
            chi_limit: self.chi.and_then(|_| linear_up_to(self.options.release)),
            noise_rel_at_chi: self
                .chi
                .zip(linear_up_to(self.options.release))
                .map(|(chi, limit)| limit / (chi * self.rms[&self.options.release])),
            noise_rel_for_target: relative.map(|bound| self.options.target_error / bound),
            // Where b lies in the range of A it is the direction of x itself.
            null_direction: self.null_direction.clone().filter(|_| owner),
        }
    }

    fn noise_needed(&self) -> Vec<NoiseNeeded> {
        let kind = self.options.release;
        let mut wishes: Vec<f64> = WISHES.iter().copied().chain([self.options.target_error]).collect();
        wishes.sort_by(f64::total_cmp);
        wishes.dedup();
        let per_unit = self.relative_bound(kind).map(|bound| bound * self.rms[&kind]);
        let largest = self.cases.iter().filter(|case| case.kind == kind).filter_map(|c| noise_of(&c.level.protection));
        let largest = largest.fold(0.0, f64::max);
        let one = |&wish: &f64| {
            let (attack, noise) = hardest(self.cases, kind, wish);
            NoiseNeeded {
                target_rel_error: wish,
                attack,
                quantile: QUANTILE,
                noise_rel: noise.map(|noise| noise / self.rms[&kind]),
                noise_abs: noise,
                bound_noise_rel: per_unit.map(|bound| wish / bound),
                utility: self.utility(noise.unwrap_or(largest)),
                epsilon: noise.and_then(|noise| self.epsilon(self.sensitivity.largest, noise)),
                epsilon_refit: noise.and_then(|noise| self.epsilon(self.sensitivity.refitted, noise)),
            }
        };
        wishes.iter().map(one).collect()
    }

    fn utility(&self, noise: f64) -> Utility {
        let kind = self.options.release;
        let exact = self.exact.release(kind);
        let protection = gaussian(noise, self.rms[&kind]);
        let copies: Vec<_> = (0..COPIES).map(|trial| protect(&exact, &protection, self.options.seed, trial)).collect();
        utility(&exact, &copies)
    }

    fn epsilon(&self, sensitivity: Option<f64>, noise: f64) -> Option<f64> {
        epsilon(sensitivity?, noise, self.options.delta)
    }

    fn privacy(&self, planned: &Protection) -> Privacy {
        Privacy {
            delta: self.options.delta,
            epsilon: noise_of(planned).and_then(|noise| self.epsilon(self.sensitivity.largest, noise)),
            epsilon_refit: noise_of(planned).and_then(|noise| self.epsilon(self.sensitivity.refitted, noise)),
            sensitivity_l2: self.sensitivity.seen,
            sensitivity_refit_l2: self.sensitivity.refitted,
            rows_tried: self.sensitivity.rows_tried as u64,
            rows_total: self.offset.len() as u64,
            scope: "this_table".into(),
        }
    }

    /// Every listed protection of the release as a whole; the curve's levels are in the curve.
    fn protections(&self) -> Vec<ProtectionResult> {
        let listed = self.cases.iter().filter(|case| case.kind == self.options.release && case.level.listed);
        let one = |case: &Case| {
            let spread = |attack| Some((attack, self.spread(case, attack)?));
            ProtectionResult {
                label: label(&case.level.protection),
                protection: case.level.protection.clone(),
                attacks: ATTACKS.into_iter().filter_map(spread).collect(),
            }
        };
        listed.map(one).collect()
    }

    /// The way of each attack to the release as computed.
    fn convergence(&self) -> Vec<Convergence> {
        let mut all = Vec::new();
        for case in self.cases.iter().filter(|case| case.level.protection == Protection::None) {
            let size = self.exact.release(case.kind).rms();
            let count = self.exact.release(case.kind).numbers().count() as f64;
            for (attack, tries) in &case.tries {
                let Some(first) = tries.first().filter(|t| t.found.is_some() && !t.residuals.is_empty()) else {
                    continue;
                };
                all.push(Convergence {
                    method: format!("{}, {}", kind_word(case.kind), attack_word(*attack)),
                    status: first.status.name().into(),
                    iteration: (0..first.residuals.len() as u32).collect(),
                    residual: first.residuals.iter().map(|r| r / (size * count.sqrt())).collect(),
                    rel_error: Vec::new(),
                });
            }
        }
        all
    }

    fn checks(&self) -> Vec<Check> {
        let d = self.exact.point.x.len() as f64;
        let sum = |name: &str, values: &[f64]| {
            let got: f64 = values.iter().sum();
            let tolerance = SUM_TOLERANCE * d;
            Check { name: name.into(), expected: d, got, tolerance, ok: (got - d).abs() <= tolerance }
        };
        vec![sum("sum_of_scores", &self.exact.point.scores), sum("sum_of_hat_values", &self.diagnostics.hat)]
    }

    fn releases(&self) -> Vec<ReleaseResult> {
        let mut all = Vec::new();
        for case in self.cases {
            let (protection, level) = option_of(&case.level.protection);
            for attack in ATTACKS {
                let found = self.spread(case, attack);
                let owner = self.options.detail == Detail::Owner;
                let crlb = self.bound_of(case.kind).zip(noise_of(&case.level.protection)).filter(|_| owner);
                all.push(ReleaseResult {
                    release: case.kind,
                    attack,
                    protection,
                    level,
                    trials: case.tries.get(&attack).map_or(0, Vec::len) as u32,
                    failed: case.failed(attack) as u32,
                    error_median: found.as_ref().map(|s| s.median),
                    error_q05: found.as_ref().map(|s| s.q05),
                    error_q95: found.as_ref().map(|s| s.q95),
                    error_rmse: found.as_ref().map(|s| s.rmse),
                    error_se_median: self.spread_se(case, attack).map(|s| s.median),
                    crlb: crlb.map(|(bound, noise)| bound.rms * noise),
                    noise_for_error: noise_needed(self.cases, case.kind, attack, self.options.target_error),
                });
            }
        }
        all
    }

    /// ‖x_LS − x‖/‖x‖.
    fn without_release(&self) -> Option<f64> {
        Some(relative_error(self.least_squares, &self.exact.point.x))
    }

    fn warnings(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.sensitivity.largest.is_none() {
            all.push("without one of the rows the columns are dependent: no ε can be named".into());
        }
        if self.bounds[&self.options.release].is_none() {
            all.push("no Cramér–Rao bound: the release leaves a direction of x free".into());
        }
        if self.options.release != ReleaseKind::Scores {
            all.push(format!(
                "cells that a blind attack on the gradient tried: {}; where several answer, the closest is counted",
                self.cells_tried
            ));
        }
        let failed = self.cases.iter().filter(|case| case.failed(AttackKind::Signs) > 0).count();
        if failed > 0 {
            all.push(format!(
                "on {failed} of {} protected releases some tries with known signs found no answer: the noisy gradient has none \
                 in an unbounded cell",
                self.cases.len()
            ));
        }
        all
    }
}

/// ν of a protection by noise.
fn noise_of(protection: &Protection) -> Option<f64> {
    match protection {
        Protection::Gaussian { noise_abs, .. } => Some(*noise_abs),
        _ => None,
    }
}

fn kind_word(kind: ReleaseKind) -> &'static str {
    match kind {
        ReleaseKind::Scores => "scores",
        ReleaseKind::Gradient => "gradient",
        ReleaseKind::Both => "scores and gradient",
    }
}

fn attack_word(attack: AttackKind) -> &'static str {
    match attack {
        AttackKind::Blind => "blind",
        AttackKind::Start => "from a start",
        AttackKind::Signs => "signs known",
        AttackKind::Ridge => "ridge fit",
    }
}

fn scaled(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().map(|v| factor * v).collect()
}

/// SHA-256 of the rows, row-major little-endian, then of the offset.
pub(super) fn sha256(source: &dyn RowSource, offset: &[f64]) -> Result<String> {
    let mut hash = Sha256::new();
    let mut add = |values: &[f64]| values.iter().for_each(|v| hash.update(v.to_le_bytes()));
    let d = source.shape().columns;
    each_block(source, &Run::default(), &mut |rows| {
        match rows.block {
            Block::Dense(block) => add(block.values),
            Block::Csr(_) => {
                let mut row = vec![0.0; d];
                for i in 0..rows.block.rows() {
                    rows.block.densify_into(i..i + 1, &mut row);
                    add(&row);
                }
            }
        }
        Ok(())
    })?;
    add(offset);
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
