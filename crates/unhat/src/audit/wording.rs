//! The sentences of the findings: made from the numbers, every printed number kept beside its sentence by name.

use super::protection::option_of;
use super::report::{
    AttackKind, AuditReport, Finding, Level, Protection, ProtectionKind, ProtectionResult, ReleaseKind, Spread,
};
use super::trial::{CONTENDERS, START_DISTANCE};
use std::collections::BTreeMap;

/// Numbers that the sentences need and the schema has no place for.
pub(super) struct Aside {
    /// ‖x_LS − x‖/‖x‖ of the least-squares fit x_LS of the offset; None where it has none.
    pub without_release: Option<f64>,
    /// Cells that a blind attack on a gradient tried.
    pub cells_tried: usize,
}

/// Everything worth saying, worst first.
pub(super) fn sentences(findings: &AuditReport, aside: &Aside) -> Vec<Finding> {
    let mut all: Vec<Finding> = [
        without_release(findings, aside),
        Some(reached(findings)),
        other_protections(findings),
        most_exposed_row(findings),
        weakest_coefficient(findings),
        needed(findings),
        Some(privacy(findings)),
        bound(findings),
        cells(findings, aside),
        Some(limits()),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.sort_by_key(|finding| finding.level); // stable: the order above within a level
    all
}

/// A least-squares fit that was computed elsewhere differs by no more than this.
const SAME_FIT: f64 = 1e-9;

fn without_release(findings: &AuditReport, aside: &Aside) -> Option<Finding> {
    let distance = aside.without_release.filter(|distance| *distance <= findings.declared.target_rel_error)?;
    let mut said = Said::default();
    let held = if findings.table.response.is_some() { "table and response" } else { "matrix and offset" };
    let title = match distance < SAME_FIT {
        true => format!("Whoever holds {held} needs no release at all: these coefficients are the least-squares fit."),
        false => format!(
            "Whoever holds {held} needs no release at all: the least-squares fit is within {} of these coefficients.",
            said.error("without_release_rel", distance)
        ),
    };
    let text = format!(
        "The wish is {}. What follows concerns attackers for whom computing that fit is not the shorter way.",
        said.share("target_rel", findings.declared.target_rel_error)
    );
    Some(said.finding("no_release_needed", Level::Exposed, title, text, "limits"))
}

fn reached(findings: &AuditReport) -> Finding {
    let (verdict, target) = (&findings.verdict, findings.declared.target_rel_error);
    let mut said = Said::default();
    let release = said.release(findings.release.kind, &findings.release.planned);
    let who = who(verdict.attack);
    let Spread { median, q05, trials, .. } = verdict.rel_error;
    let title = if trials == 1 {
        format!("From {release}, {who} recovers the coefficients {}.", said.to("median_rel", median, findings))
    } else {
        format!(
            "From {release}, {who} recovers the coefficients {} in half of {} tries, and {} in the best twentieth.",
            said.to("median_rel", median, findings),
            said.count("trials", trials.into()),
            said.to("q05_rel", q05, findings),
        )
    };
    let wish = said.share("target_rel", target);
    let mut text = match (verdict.meets_target, trials) {
        (true, 1) => format!("That keeps the wish: no attack was to come closer than {wish}."),
        (false, 1) => format!("The wish was that no attack comes closer than {wish}."),
        (true, _) => format!("That keeps the wish: at most one try in twenty is to come closer than {wish}."),
        (false, _) => format!("The wish was that at most one try in twenty comes closer than {wish}."),
    };
    if let Some(errors) = verdict.error_se.as_ref().filter(|_| !is_exact(median, findings)) {
        text += &format!(
            " The median error is {} standard errors of the coefficients (root mean square over the coefficients, of the \
             least-squares fit).",
            said.amount("median_se", errors.median)
        );
    }
    text += &said.baseline(findings);
    let level = if verdict.meets_target { Level::Note } else { Level::Exposed };
    said.finding("reached", level, title, text, "attack")
}

fn other_protections(findings: &AuditReport) -> Option<Finding> {
    let without_noise =
        |result: &&ProtectionResult| !matches!(result.protection, Protection::None | Protection::Gaussian { .. });
    let closest = |result: &ProtectionResult| {
        CONTENDERS.iter().filter_map(|attack| result.attacks.get(attack)).map(|spread| spread.q05).reduce(f64::min)
    };
    let leaks = findings.protections.iter().filter(without_noise).filter_map(|p| Some((p, closest(p)?)));
    let (best, error) = leaks.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let target = findings.declared.target_rel_error;
    let mut said = Said::default();
    let label = said.protection(&best.protection);
    let wish = said.share("target_rel", target);
    let kept = error >= target;
    let closest = if kept { said.share("closest_rel", error) } else { said.to("closest_rel", error, findings) };
    let title = match kept {
        true => format!("A release {label} keeps the wish: the attacks tried come no closer than {closest}."),
        false => format!(
            "No rounding, clipping or top list that was tried keeps the wish: a release {label} leaks least, and still \
             gives the coefficients {closest}."
        ),
    };
    let text = format!(
        "The wish is {wish}, against {}, {} and {}. What is left of a clipped or shortened release is exact, and few exact \
         numbers are enough.{}",
        who(AttackKind::Blind),
        who(AttackKind::Signs),
        who(AttackKind::Ridge),
        said.baseline(findings)
    );
    let level = if kept { Level::Action } else { Level::Exposed };
    Some(said.finding("other_protections", level, title, text, "protections"))
}

/// An AUC above this is called exposed; it is the threshold of [`super::report::Rows::auc_over_055`].
const EXPOSED_AUC: f64 = 0.55;

fn most_exposed_row(findings: &AuditReport) -> Option<Finding> {
    let rows = &findings.rows;
    let top = rows.top.first()?;
    let mut said = Said::default();
    let (auc, hat) = (said.amount("auc", top.auc), said.amount("hat", top.hat));
    let title = match top.factor {
        Some(factor) => format!(
            "Membership shows most for a row of hat value {hat}: an attacker tells with an AUC of {auc} whether it was \
             fitted, {} times as often as chance at few false alarms.",
            said.amount("factor", factor)
        ),
        None => format!(
            "A row of hat value {hat} is fitted whatever its response is: its membership is certain (AUC {auc})."
        ),
    };
    let text = format!(
        "{} of {} rows have an AUC above {}; the median is {}. This holds for whoever sees predictions of the fit, with \
         or without a release.",
        said.count("auc_over", rows.auc_over_055),
        said.count("rows", rows.count),
        said.amount("auc_threshold", EXPOSED_AUC),
        said.amount("auc_median", rows.auc_median),
    );
    let level = if top.auc > EXPOSED_AUC { Level::Exposed } else { Level::Note };
    Some(said.finding("most_exposed_row", level, title, text, "rows"))
}

fn weakest_coefficient(findings: &AuditReport) -> Option<Finding> {
    let relative = findings.coordinates.iter().filter_map(|c| Some((c, c.spread_rel.as_ref()?.median)));
    let (weakest, error) = relative.min_by(|a, b| a.1.total_cmp(&b.1))?;
    if is_exact(error, findings) {
        return None; // the headline says that the coefficients are given away exactly
    }
    let mut said = Said::default();
    let one_try = weakest.spread_rel.as_ref().is_some_and(|spread| spread.trials == 1);
    let title = match one_try {
        true => format!(
            "The coefficient of “{}” leaks most: the attack comes within {} of it.",
            weakest.name,
            said.error("median_rel", error)
        ),
        false => format!(
            "The coefficient of “{}” leaks most: half of the tries are within {} of it.",
            weakest.name,
            said.error("median_rel", error)
        ),
    };
    let mut text = match findings.fitted.rel_error_q.get("0.5") {
        Some(&median) if is_exact(median, findings) => "Half of the fitted values are recovered exactly.".to_string(),
        Some(&median) => {
            format!("Half of the fitted values are recovered to {} or better.", said.error("fitted_rel", median))
        }
        None => String::new(),
    };
    if let Some(errors) = &weakest.spread_se {
        text += &format!(
            " Its median error is {} standard errors of this coefficient.",
            said.amount("median_se", errors.median)
        );
    }
    if let Some(without) = weakest.baseline_rel {
        text += &format!(
            " The centre of the cell, which needs the signs and the table and no release, is within {} of it.",
            said.error("baseline_rel", without)
        );
    }
    let level = if error < findings.declared.target_rel_error { Level::Exposed } else { Level::Note };
    Some(said.finding("weakest_coefficient", level, title, text, "coordinates"))
}

fn needed(findings: &AuditReport) -> Option<Finding> {
    let target = findings.declared.target_rel_error;
    let needed = findings.noise_needed.iter().find(|needed| needed.target_rel_error == target)?;
    let mut said = Said::default();
    let wish = said.share("target_rel", target);
    let curve = &findings.attack_curve;
    let title = match (needed.noise_rel, needed.noise_abs) {
        (Some(share), Some(noise)) if noise > 0.0 => format!(
            "Gaussian noise of {} ({} of the release's size) is needed before no more than one try in twenty of {} comes \
             closer than {wish}.",
            said.amount("noise_abs", noise),
            said.share("noise_rel", share),
            who(needed.attack)
        ),
        (Some(_), _) => {
            format!("Against the attacks tried, {wish} needs no noise: they do worse on the release as computed.")
        }
        (None, _) => {
            let largest = *curve.noise_rel.last()?;
            let series = curve.series.iter().find(|series| series.id == needed.attack)?;
            let least = *series.q05.last()?;
            format!(
                "No noise that was tried is enough for {wish}: at {} of the release's size, the largest, one try in \
                 twenty of {} still comes within {}.",
                said.share("noise_rel_largest", largest),
                who(needed.attack),
                said.error("q05_rel", least)
            )
        }
    };
    let utility = &needed.utility;
    let mut text = format!(
        "The attack that needs the most is that of {}. With this noise {} of the {} largest numbers are still among the \
         largest, and the rank correlation is {}.",
        who(needed.attack),
        said.share("kept", utility.kept),
        said.count("top_k", utility.top_k.into()),
        said.amount("rank_correlation", utility.rank_correlation),
    );
    if let Some(bound) = needed.bound_noise_rel {
        text += &format!(
            " The Cramér–Rao bound alone would ask for {}; it is local, and noise is never to be chosen by it alone.",
            said.share("bound_noise_rel", bound)
        );
    }
    text += &said.baseline(findings);
    Some(said.finding("noise_needed", Level::Action, title, text, "attack"))
}

fn privacy(findings: &AuditReport) -> Finding {
    let privacy = &findings.privacy;
    let mut said = Said::default();
    let title = match (privacy.epsilon, &findings.release.planned) {
        (Some(epsilon), Protection::Gaussian { noise_abs, .. }) => format!(
            "For this table only, and with the fit held fixed, noise of {} means ε = {} at δ = {}: not a \
             differential-privacy guarantee.",
            said.amount("noise_abs", *noise_abs),
            said.amount("epsilon", epsilon),
            said.amount("delta", privacy.delta),
        ),
        (_, Protection::Gaussian { .. }) => {
            "No ε can be named: without one of the rows the release is not defined.".to_string()
        }
        _ => {
            "Without noise there is no ε: the release is not private in any sense of differential privacy.".to_string()
        }
    };
    let mut text = format!(
        "Leaving one row out, the coefficients held fixed, changed the release by at most {} (Euclidean norm); {} of {} rows \
         were left out one at a time, those with the largest scores.",
        said.amount("sensitivity_l2", privacy.sensitivity_l2),
        said.count("rows_tried", privacy.rows_tried),
        said.count("rows_total", privacy.rows_total),
    );
    text += &match (privacy.sensitivity_refit_l2, privacy.epsilon_refit) {
        (Some(sensitivity), Some(epsilon)) => format!(
            " With the coefficients fitted anew without the row it changed by up to {}, and the noise means ε = {}: whoever \
             fits the coefficients to these rows has to reckon with this one.",
            said.amount("sensitivity_refit_l2", sensitivity),
            said.amount("epsilon_refit", epsilon)
        ),
        (Some(sensitivity), None) => format!(
            " With the coefficients fitted anew without the row it changed by up to {}.",
            said.amount("sensitivity_refit_l2", sensitivity)
        ),
        (None, _) => {
            " With the coefficients fitted anew there is no bound: without one of the rows there is no such fit."
                .to_string()
        }
    };
    said.finding("privacy", Level::Note, title, text, "limits")
}

fn bound(findings: &AuditReport) -> Option<Finding> {
    let bound = &findings.bound;
    let mut said = Said::default();
    let (title, text) = match (bound.rel_error_per_unit_noise_rel, bound.valid_below_noise_rel) {
        (None, _) if bound.null_direction.is_some() => (
            "The release leaves a direction of the coefficients free: along it nothing is given away.".to_string(),
            "No Cramér–Rao bound exists for the whole of the coefficients.".to_string(),
        ),
        (None, _) => return None,
        (Some(_), Some(valid)) => (
            format!(
                "The median try of {} sits on the Cramér–Rao bound for noise up to {} of the release's size.",
                who(findings.verdict.attack),
                said.share("valid_below_noise_rel", valid)
            ),
            linear_up_to(findings, &mut said),
        ),
        (Some(_), None) => (
            "The attacks do not sit on the Cramér–Rao bound at any noise that was tried.".to_string(),
            linear_up_to(findings, &mut said),
        ),
    };
    Some(said.finding("bound", Level::Note, title, text, "attack"))
}

/// The noise up to which the bound says something, and what is beyond.
fn linear_up_to(findings: &AuditReport, said: &mut Said) -> String {
    let bound = &findings.bound;
    let (Some(noise), Some(limit)) = (bound.noise_rel_at_chi, bound.chi_limit) else {
        return match findings.release.kind {
            ReleaseKind::Both => format!(
                "For scores and gradient together no noise is known up to which attacks follow the bound.{}",
                said.baseline(findings)
            ),
            _ => String::new(),
        };
    };
    let (chi, beyond) = match findings.release.kind {
        ReleaseKind::Gradient => ("χ = ρ·ν·√tr(H⁻¹), ρ the largest row in H⁻¹, bounds", ""),
        _ => (
            "χ, the largest standard error of a slack relative to it by the bound, is",
            ", or of an attack that has left it",
        ),
    };
    format!(
        "{chi} how far the noise moves a slack. It is {} at a noise of {} of the release's size; beyond this the error is that \
         of the cell{beyond}.{}",
        said.amount("chi", limit),
        said.share("noise_rel_at_chi", noise),
        said.baseline(findings)
    )
}

fn cells(findings: &AuditReport, aside: &Aside) -> Option<Finding> {
    (findings.release.kind == ReleaseKind::Gradient).then(|| {
        let mut said = Said::default();
        let title = format!(
            "A gradient does not say in which cell it was taken: cells that an attack tried which knows nothing else: {}.",
            said.count("cells_tried", aside.cells_tried as u64)
        );
        let text =
            "Every bounded cell holds one solution of any gradient. Tried are all rows above, all rows below, and \
                    the cell of the least-squares fit, where they exist; counted is the closest answer."
                .to_string();
        said.finding("cells", Level::Note, title, text, "attack")
    })
}

fn limits() -> Finding {
    let mut said = Said::default();
    let title = "All this is measured on one table and one release of it.".to_string();
    let text = format!(
        "Independent releases of the same numbers average their noise away: k of them divide it by the root of k. An attack \
         with a start begins {} of the coefficients' size away from them, and is no part of the verdict.",
        said.share("start_distance_rel", START_DISTANCE)
    );
    said.finding("limits", Level::Note, title, text, "limits")
}

/// Who attacks, as the subject of a sentence.
fn who(attack: AttackKind) -> &'static str {
    match attack {
        AttackKind::Blind => "an attacker with nothing but the table",
        AttackKind::Start => "an attacker with the table and a point near the coefficients",
        AttackKind::Signs => "an attacker who also knows on which side of the fit every row lies",
        AttackKind::Ridge => "an attacker who takes the coefficients for a ridge fit",
    }
}

/// A protection in words, as a label: "Gaussian noise, 1 % of the rms", "rounded to 2 significant digits".
pub(super) fn label(protection: &Protection) -> String {
    match protection {
        Protection::None => "as computed".into(),
        Protection::Gaussian { noise_rel, .. } => format!("Gaussian noise, {} of the rms", share(*noise_rel)),
        _ => Said::default().protection(protection),
    }
}

/// The numbers that were printed so far.
#[derive(Default)]
pub(super) struct Said {
    numbers: BTreeMap<String, Option<f64>>,
}

impl Said {
    pub(super) fn keep(&mut self, name: &str, value: f64) {
        self.numbers.insert(name.into(), Some(value));
    }

    /// A share, as a percentage or, below a thousandth, as a number.
    pub(super) fn share(&mut self, name: &str, value: f64) -> String {
        self.keep(name, value);
        share(value)
    }

    /// A relative error: a share that is never called nothing.
    pub(super) fn error(&mut self, name: &str, value: f64) -> String {
        self.keep(name, value);
        if value == 0.0 { BELOW_ROUNDING.into() } else { share(value) }
    }

    /// "to 1 %", or "exactly" where only rounding is left.
    fn to(&mut self, name: &str, value: f64, findings: &AuditReport) -> String {
        if is_exact(value, findings) { "exactly".into() } else { format!("to {}", self.error(name, value)) }
    }

    /// What is known without a release, to stand beside what a release gives away.
    fn baseline(&mut self, findings: &AuditReport) -> String {
        let Some(baseline) = &findings.baseline else { return String::new() };
        format!(
            " Without any release, the centre of the cell, which needs the signs and the table alone, is within {}.",
            self.error("baseline_rel", baseline.rel_error)
        )
    }

    fn amount(&mut self, name: &str, value: f64) -> String {
        self.keep(name, value);
        amount(value)
    }

    pub(super) fn count(&mut self, name: &str, value: u64) -> String {
        self.keep(name, value as f64);
        value.to_string()
    }

    /// "the scores with Gaussian noise of 1 % of their size".
    fn release(&mut self, kind: ReleaseKind, planned: &Protection) -> String {
        let what = match kind {
            ReleaseKind::Scores => "the scores",
            ReleaseKind::Gradient => "the gradient",
            ReleaseKind::Both => "scores and gradient",
        };
        format!("{what} {}", self.protection(planned))
    }

    pub(super) fn protection(&mut self, protection: &Protection) -> String {
        match *protection {
            Protection::None => "as computed".into(),
            Protection::Gaussian { noise_rel, .. } => {
                format!("with Gaussian noise of {} of their size", self.share("planned_noise_rel", noise_rel))
            }
            Protection::Rounding { digits } => format!(
                "rounded to {} significant digit{}",
                self.count("digits", digits.into()),
                if digits == 1 { "" } else { "s" }
            ),
            Protection::Clip { quantile } => format!("clipped at the {} quantile", self.share("quantile", quantile)),
            Protection::TopK { k } => format!("of the {} largest scores only", self.count("k", k.into())),
        }
    }

    pub(super) fn finding(self, id: &str, level: Level, title: String, text: String, section: &str) -> Finding {
        Finding { id: id.into(), level, title, text, numbers: self.numbers, section: section.into() }
    }
}

/// Nine digits are what an attack on exact numbers has to reach before its last ones are rounding.
const EXACT: f64 = 1e-9;
/// Where noise or rounding was added, only what doubles cannot tell apart is exact.
const EXACT_IN_SPITE_OF_NOISE: f64 = 1e-15;

/// Whether an error at the planned protection is at the level of rounding.
pub fn is_exact(error: f64, findings: &AuditReport) -> bool {
    is_exact_under(error, option_of(&findings.release.planned).0)
}

/// The same under a protection.
pub fn is_exact_under(error: f64, protection: ProtectionKind) -> bool {
    error
        <= match protection {
            ProtectionKind::None | ProtectionKind::Clip | ProtectionKind::TopK => EXACT,
            ProtectionKind::Gaussian | ProtectionKind::Rounding => EXACT_IN_SPITE_OF_NOISE,
        }
}

/// What a relative error of exactly zero is: doubles cannot tell less apart.
const BELOW_ROUNDING: &str = "less than 10⁻¹⁶";
/// Shares below this are printed as they are, not as a percentage.
const LEAST_PERCENTAGE: f64 = 1e-3;

fn share(value: f64) -> String {
    match value {
        0.0 => "0 %".into(),
        v if v.abs() < LEAST_PERCENTAGE => scientific(v),
        v => format!("{} %", significant(100.0 * v, 2)),
    }
}

/// Three significant digits; beyond 10⁻³ … 10⁵ two, with a power of ten.
fn amount(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        v if (1e-3..1e5).contains(&v) => significant(value, 3),
        _ => scientific(value),
    }
}

/// m × 10ᵉ with two digits, as the report writes it: as much as one remembers of such a number.
fn scientific(value: f64) -> String {
    let text = format!("{value:.1e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let raised: String = exponent
        .chars()
        .map(|digit| match digit {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            digit => char::from_u32('⁰' as u32 + digit as u32 - '0' as u32).unwrap_or(digit),
        })
        .collect();
    match mantissa.strip_suffix(".0").unwrap_or(mantissa) {
        "1" => format!("10{raised}"),
        "-1" => format!("-10{raised}"),
        mantissa => format!("{mantissa} × 10{raised}"),
    }
}

/// At least so many significant digits, without a power of ten.
fn significant(value: f64, digits: i32) -> String {
    let decimals = (digits - 1 - value.abs().log10().floor() as i32).max(0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_with_the_digits_that_count() {
        let shares = [4.6e-6, 0.0046, 0.1, 0.123, 1.874, 0.0, 52.0].map(share);
        assert_eq!(shares, ["4.6 × 10⁻⁶", "0.46 %", "10 %", "12 %", "187 %", "0 %", "5200 %"]);
        let amounts = [0.64021, 1.0, 12.345, 8799.4, 1.5e6, 2.5e-7, -0.5].map(amount);
        assert_eq!([1e-12, -1e-12, 9.96e-7, 4e-4].map(scientific), ["10⁻¹²", "-10⁻¹²", "10⁻⁶", "4 × 10⁻⁴"]);
        assert_eq!(Said::default().error("none", 0.0), "less than 10⁻¹⁶");
        assert_eq!(amounts, ["0.640", "1.00", "12.3", "8799", "1.5 × 10⁶", "2.5 × 10⁻⁷", "-0.500"]);
    }
}
