//! The sentences of an audit of a fit: made from the numbers, every printed number kept beside its sentence by name.

use super::report::{FitAttack, FitAuditReport, FitRelease, FitResult, Secret};
use crate::audit::protection::option_of;
use crate::audit::report::{Finding, Level, Protection, ProtectionKind, Spread};
use crate::audit::wording::{Said, is_exact_under};

/// Everything worth saying, worst first.
pub(super) fn sentences(findings: &FitAuditReport) -> Vec<Finding> {
    let planned = option_of(&findings.release.planned);
    let mut all = Vec::new();
    // The strongest first, then what else the planned release gives away.
    let mut attacks: Vec<&FitResult> = findings.results.iter().filter(|r| (r.protection, r.level) == planned).collect();
    attacks.sort_by_key(|result| result.attack != findings.verdict.attack);
    for (place, result) in attacks.into_iter().enumerate() {
        all.push(reached(findings, result, place == 0));
    }
    all.push(protections(findings));
    all.push(noise(findings));
    all.push(instead());
    all.push(limits(findings));
    all.sort_by_key(|finding| finding.level); // stable: the order above within a level
    all
}

/// What the attacker holds, in words.
pub(super) fn released(kind: FitRelease) -> &'static str {
    match kind {
        FitRelease::Hat => "hat values",
        FitRelease::Cook => "hat values and Cook's distances",
        FitRelease::Deviance => "hat values and deviance residuals",
        FitRelease::Dffits => "hat values and DFFITS",
    }
}

/// How it is done, in words.
fn way(attack: FitAttack) -> &'static str {
    match attack {
        FitAttack::HatToWeights => "The weights are those of a convex problem, without any model.",
        FitAttack::HatToCoefficients => "In this family the weights are a known function of the coefficients.",
        FitAttack::SizesToOutcomes => {
            "With the coefficients, the size of a residual is one of two numbers, and which one says the response."
        }
        FitAttack::SignsToOutcomes => "A residual above 0 is a response of 1: nothing has to be computed.",
        FitAttack::HatToColumn => {
            "What a hat value has beyond that of the known columns is the square of what the hidden one adds."
        }
        FitAttack::CookToResiduals => "Cook's distance is the square of a residual times what the hat value says.",
        FitAttack::DffitsToResiduals => "DFFITS is a residual times what the hat value says.",
    }
}

/// The closest that counts: better than the wish and than the guess.
fn limit(findings: &FitAuditReport, guess: f64) -> f64 {
    findings.target_error.min(guess)
}

fn reached(findings: &FitAuditReport, result: &FitResult, first: bool) -> Finding {
    let mut said = Said::default();
    let release = format!("{} {}", released(findings.release.kind), said.protection(&findings.release.planned));
    let id = format!("reached_{}", id_of(result.attack));
    let guess = guess_words(findings, result, &mut said);
    let section = if result.secret == Secret::Coefficients { "coefficients" } else { "protections" };
    let Some(error) = &result.error else {
        let title = format!("From {release}, no try gave {}.", what(result));
        return said.finding(&id, Level::Note, title, guess, section);
    };
    let exposed = error.q05 < limit(findings, result.guess_error);
    let title = match (result.told, result.wrong) {
        (Some(told), Some(wrong)) => format!(
            "From {release}, {} of {} can be told, and {}.",
            said.share("told", told),
            what(result),
            match wrong {
                0.0 => "none of them wrong".to_string(),
                wrong => format!("{} of all are told wrong", said.share("wrong", wrong)),
            }
        ),
        _ => format!("From {release}, {} {}.", what(result), to(&mut said, error, result.protection)),
    };
    let wish = said.share("target", findings.target_error);
    let strongest = if first { "This is the strongest attack that was run. " } else { "" };
    let verdict = match exposed {
        true => format!("The wish was that no more than one try in twenty comes closer than {wish}."),
        false => format!("That keeps the wish of {wish}, or is no better than the guess."),
    };
    let level = if exposed { Level::Exposed } else { Level::Note };
    said.finding(&id, level, title, format!("{strongest}{} {guess} {verdict}", way(result.attack)), section)
}

/// "follow to 1 % in half of 40 tries, and to …".
fn to(said: &mut Said, error: &Spread, protection: ProtectionKind) -> String {
    if is_exact_under(error.median, protection) {
        return "follow exactly".into();
    }
    let median = said.error("median", error.median);
    match error.trials {
        1 => format!("follow to {median}"),
        trials => format!(
            "follow to {median} in half of {} tries, and to {} in the best twentieth",
            said.count("trials", trials.into()),
            said.error("q05", error.q05)
        ),
    }
}

fn what(result: &FitResult) -> &'static str {
    match (result.secret, result.told) {
        (Secret::Weights, _) => "the logarithms of the weights",
        (Secret::Coefficients, _) => "the coefficients",
        (Secret::Outcomes, _) => "the responses",
        (Secret::Column, Some(_)) => "the hidden column",
        (Secret::Column, None) => "the sizes of what the hidden column adds to the others",
        (Secret::Residuals, _) if result.attack == FitAttack::CookToResiduals => "the sizes of all residuals",
        (Secret::Residuals, _) => "all residuals, signs included,",
    }
}

fn id_of(attack: FitAttack) -> &'static str {
    match attack {
        FitAttack::HatToWeights => "weights",
        FitAttack::HatToCoefficients => "coefficients",
        FitAttack::SizesToOutcomes => "outcomes_by_sizes",
        FitAttack::SignsToOutcomes => "outcomes_by_signs",
        FitAttack::HatToColumn => "column",
        FitAttack::CookToResiduals | FitAttack::DffitsToResiduals => "residuals",
    }
}

fn guess_words(findings: &FitAuditReport, result: &FitResult, said: &mut Said) -> String {
    let guess = findings.secrets.iter().find(|guess| guess.secret == result.secret);
    let words = guess.map_or("", |guess| guess.guess.as_str());
    let by = said.share("guess", result.guess_error);
    match result.secret {
        Secret::Outcomes => format!("Without any release, the guess that {words} is wrong in {by} of the rows."),
        Secret::Column if result.told.is_some() => {
            format!("Without any release, {words} is wrong in {by} of them.")
        }
        _ => format!("Without any release, the guess that {words} is off by {by}."),
    }
}

/// One protection, all attacks on it.
fn keeps(findings: &FitAuditReport, results: &[&FitResult]) -> bool {
    results.iter().all(|r| r.error.as_ref().is_none_or(|error| error.q05 >= limit(findings, r.guess_error)))
}

/// Rounding, clipping and top lists.
fn protections(findings: &FitAuditReport) -> Finding {
    let mut said = Said::default();
    let tried: Vec<Vec<&FitResult>> = findings
        .results
        .chunk_by(|a, b| (a.protection, a.level) == (b.protection, b.level))
        .map(|group| group.iter().collect::<Vec<_>>())
        .filter(|group| !matches!(group[0].protection, ProtectionKind::None | ProtectionKind::Gaussian))
        .collect();
    let keeping: Vec<String> = tried
        .iter()
        .filter(|group| keeps(findings, group))
        .filter_map(|group| protection_of(group[0]))
        .enumerate()
        .map(|(k, protection)| numbered(&mut said, k, &protection))
        .collect();
    let wish = said.share("target", findings.target_error);
    let kind = released(findings.release.kind);
    if tried.is_empty() {
        let title = format!("No rounding, clipping or top list of {kind} was tried.");
        return said.finding("protections", Level::Note, title, String::new(), "protections");
    }
    if keeping.is_empty() {
        let title = format!("No rounding, clipping or top list of {kind} that was tried keeps the wish of {wish}.");
        let text = "A number for each row says too much of it, however few its digits are.".into();
        return said.finding("protections", Level::Exposed, title, text, "protections");
    }
    let title = format!("Against these attacks the wish of {wish} is kept by {kind} {}.", keeping.join("; or "));
    let text = "That is said of this fit and of these attacks; a better attack may exist.".into();
    said.finding("protections", Level::Action, title, text, "protections")
}

fn protection_of(result: &FitResult) -> Option<Protection> {
    let level = result.level?;
    match result.protection {
        ProtectionKind::Rounding => Some(Protection::Rounding { digits: level as u32 }),
        ProtectionKind::Clip => Some(Protection::Clip { quantile: level }),
        ProtectionKind::TopK => Some(Protection::TopK { k: level as u32 }),
        ProtectionKind::None | ProtectionKind::Gaussian => None,
    }
}

/// A protection in words, its number kept under a name of its own.
fn numbered(said: &mut Said, place: usize, protection: &Protection) -> String {
    let mut own = Said::default();
    let words = own.protection(protection);
    if let Some(level) = option_of(protection).1 {
        said.keep(&format!("level_{place}"), level);
    }
    words
}

/// The least noise from which on the wish is kept.
fn noise(findings: &FitAuditReport) -> Finding {
    let mut said = Said::default();
    let mut levels: Vec<(f64, Vec<&FitResult>)> = Vec::new();
    for result in &findings.results {
        let Some(noise) = result.noise_rel else { continue };
        match levels.iter_mut().find(|(other, _)| *other == noise) {
            Some((_, group)) => group.push(result),
            None => levels.push((noise, vec![result])),
        }
    }
    levels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let enough = levels.iter().rposition(|(_, group)| !keeps(findings, group)).map_or(0, |last| last + 1);
    let wish = said.share("target", findings.target_error);
    match levels.get(enough) {
        Some((noise, _)) => {
            let title = format!(
                "Gaussian noise of {} of their size is the least tried that keeps the wish of {wish}.",
                said.share("noise_rel", *noise)
            );
            let text =
                "Repeated releases average it out. It is of the same share for what stands beside the hat values.";
            said.finding("noise", Level::Action, title, text.into(), "protections")
        }
        None => {
            let title = format!("No noise that was tried keeps the wish of {wish}.");
            said.finding("noise", Level::Exposed, title, String::new(), "protections")
        }
    }
}

fn instead() -> Finding {
    let title = "Publish nothing by row.".into();
    let text = "Counts of hat values in a few bins, or the largest one in words, keep the message of a diagnostic. What \
                intervals leave open is measured by unhat invert hat --widths.";
    Said::default().finding("instead", Level::Action, title, text.into(), "limits")
}

fn limits(findings: &FitAuditReport) -> Finding {
    let title = "This is a statement about these attacks on this fit, and no proof of privacy.".into();
    let open = match findings.open.is_empty() {
        true => String::new(),
        false => format!(" Not told by the release as computed: {}.", findings.open.join("; ")),
    };
    let text = format!(
        "All attackers hold the table (but for a hidden column), know the family and how the numbers were protected. An \
         attack that fails is no protection.{open}"
    );
    Said::default().finding("limits", Level::Note, title, text, "limits")
}
