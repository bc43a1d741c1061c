//! What would help: changes of a fit that are made, fitted and checked once more.

use super::coefficients::differing_from_commonest;
use super::material::{Changed, Material};
use super::{Appetite, Finding, Release, Verdict, check, verdict};
use serde::{Deserialize, Serialize};
use unhat::{ErrorKind, Result, Run};

/// Rounds of leaving rows out.
const ROUNDS: usize = 5;
/// Weights are cut to this quantile.
const WEIGHT_QUANTILE: f64 = 0.99;

/// A change that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    /// What was done, in words.
    pub change: String,
    /// The verdict on what is left, items by row apart.
    pub verdict: Verdict,
    /// Rows that it leaves out, by label.
    pub rows: Vec<String>,
    /// What it does to each coefficient that stays, in its standard errors.
    pub moves: Vec<Move>,
    /// What else must then be kept in mind.
    pub note: String,
}

/// How far a coefficient moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// The column.
    pub column: String,
    /// (b after − b before)/se before; null where there is no standard error.
    pub standard_errors: Option<f64>,
}

/// A change that could help, and what to say of it.
struct Proposal {
    change: Changed,
    words: String,
    note: &'static str,
}

/// Tries changes, from the mildest, until one lets the release pass; all that were tried are returned.
///
/// # Cost
/// A fit and a check for each.
/// # Errors
/// Those of checks and fits, but for fits that a change makes impossible: such a change is no remedy.
pub fn remedies(material: &Material, findings: &[Finding], release: &Release, run: &Run<'_>) -> Result<Vec<Remedy>> {
    let items = release.items.iter().copied().filter(|item| !item.is_by_row()).collect();
    let release = &Release { items, ..release.clone() };
    let helps = |tried: &[Remedy]| tried.last().is_some_and(|remedy| remedy.verdict == Verdict::Pass);
    let mut tried = Vec::new();
    for proposal in [merged(material, &release.appetite), top_coded(material, &release.appetite), capped(material)] {
        if helps(&tried) {
            return Ok(tried);
        }
        if let Some(proposal) = proposal {
            tried.extend(tried_out(material, &proposal, release, run)?.map(|(remedy, _)| remedy));
        }
    }
    if !helps(&tried) {
        tried.extend(leaving_rows_out(material, findings, release, run)?);
    }
    if !helps(&tried)
        && let Some(proposal) = without_columns(material, findings)
    {
        tried.extend(tried_out(material, &proposal, release, run)?.map(|(remedy, _)| remedy));
    }
    Ok(tried)
}

/// Makes the change, fits and checks; None where nothing is left that can be fitted.
fn tried_out(
    material: &Material,
    proposal: &Proposal,
    release: &Release,
    run: &Run<'_>,
) -> Result<Option<(Remedy, Vec<Finding>)>> {
    let change = &proposal.change;
    let Some(after) = refitted(material, change, run)? else { return Ok(None) };
    let found = check(&after.evidence(), &after.rows, None, None, &release_of(release, material, &after), run)?;
    let mut stays = vec![false; material.labels.len()];
    change.rows.iter().for_each(|&i| stays[i] = true);
    let left_out: Vec<usize> = (0..stays.len()).filter(|&i| !stays[i]).collect();
    let remedy = Remedy {
        change: proposal.words.clone(),
        verdict: verdict(&found),
        rows: material.evidence().labelled(&left_out),
        moves: moves(material, &after),
        note: proposal.note.into(),
    };
    Ok(Some((remedy, found)))
}

/// None where the change leaves nothing that can be fitted.
fn refitted(material: &Material, change: &Changed, run: &Run<'_>) -> Result<Option<Material>> {
    if change.rows.is_empty() || change.columns.is_empty() {
        return Ok(None);
    }
    match material.changed(change, run) {
        Ok(after) => Ok(Some(after)),
        Err(error) if matches!(error.kind(), ErrorKind::Interrupted) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Secrets are columns of the fit: their places after the change.
fn release_of(release: &Release, before: &Material, after: &Material) -> Release {
    let secrets =
        release.secrets.iter().filter_map(|&k| after.names.iter().position(|name| *name == before.names[k])).collect();
    Release { secrets, ..release.clone() }
}

fn moves(before: &Material, after: &Material) -> Vec<Move> {
    after
        .names
        .iter()
        .enumerate()
        .filter_map(|(k, name)| {
            let old = before.names.iter().position(|other| other == name)?;
            let moved = (after.coefficients()[k] - before.coefficients()[old]) / before.standard_error(old);
            Some(Move { column: name.clone(), standard_errors: Some(moved).filter(|v| v.is_finite()) })
        })
        .collect()
}

/// Columns that set few rows apart are left out: their rows join the base level.
fn merged(material: &Material, appetite: &Appetite) -> Option<Proposal> {
    let fit = material.evidence();
    let small: Vec<usize> = (0..fit.rank())
        .filter(|&k| {
            let (differing, _) = differing_from_commonest(fit.column(k));
            differing > 0 && (differing as u64) < appetite.minimum_count
        })
        .collect();
    if small.is_empty() {
        return None;
    }
    let names: Vec<&str> = small.iter().map(|&k| fit.names[k].as_str()).collect();
    let mut change = material.unchanged();
    change.columns.retain(|k| !small.contains(k));
    Some(Proposal { change, words: format!("merge with the base level: {}", names.join(", ")), note: "" })
}

/// Columns of numbers are cut at their tenth smallest and tenth largest entry.
fn top_coded(material: &Material, appetite: &Appetite) -> Option<Proposal> {
    let fit = material.evidence();
    let tenth = appetite.minimum_count as usize;
    let mut change = material.unchanged();
    let mut names = Vec::new();
    for k in 0..fit.rank() {
        let mut values: Vec<f64> = fit.column(k).collect();
        values.sort_by(f64::total_cmp);
        let distinct = values.chunk_by(|a, b| a == b).count();
        if distinct > 2 && values.len() > 2 * tenth {
            change.limits[k] = (values[tenth - 1], values[values.len() - tenth]);
            names.push(fit.names[k].as_str());
        }
    }
    if names.is_empty() {
        return None;
    }
    let words = format!("cut at the {tenth}th smallest and largest entry: {}", names.join(", "));
    Some(Proposal { change, words, note: "" })
}

/// Weights are cut at their 99 % quantile.
fn capped(material: &Material) -> Option<Proposal> {
    let fit = material.evidence();
    let prior = material.prior.as_ref().filter(|_| fit.is_linear())?;
    let mut values = prior.clone();
    values.sort_by(f64::total_cmp);
    let cap = values[((values.len() - 1) as f64 * WEIGHT_QUANTILE).floor() as usize];
    if values.last() == Some(&cap) {
        return None;
    }
    let change = Changed { largest_weight: cap, ..material.unchanged() };
    Some(Proposal { change, words: "cut weights at their 99 % quantile".into(), note: "" })
}

/// The columns that findings name are left out.
fn without_columns(material: &Material, findings: &[Finding]) -> Option<Proposal> {
    let named = |name: &String| findings.iter().any(|f| f.verdict >= Verdict::Review && f.columns.contains(name));
    let gone: Vec<usize> = (0..material.names.len()).filter(|&k| k > 0 && named(&material.names[k])).collect();
    if gone.is_empty() {
        return None;
    }
    let names: Vec<&str> = gone.iter().map(|&k| material.names[k].as_str()).collect();
    let mut change = material.unchanged();
    change.columns.retain(|k| !gone.contains(k));
    Some(Proposal { change, words: format!("leave columns out: {}", names.join(", ")), note: "" })
}

/// The rows that findings name are left out, and those that are then named, a few times.
fn leaving_rows_out(
    material: &Material,
    findings: &[Finding],
    release: &Release,
    run: &Run<'_>,
) -> Result<Option<Remedy>> {
    let mut proposal = Proposal {
        change: material.unchanged(),
        words: String::new(),
        note: "the fit with these rows must then never leave: the difference of the two tells them",
    };
    let mut named = rows_named(findings);
    let mut last = None;
    for _ in 0..ROUNDS {
        let before = proposal.change.rows.len();
        proposal.change.rows.retain(|&i| !named.contains(&material.labels[i]));
        let left = proposal.change.rows.len();
        if left == before {
            break;
        }
        proposal.words = format!("leave {} rows out", material.labels.len() - left);
        let Some((remedy, found)) = tried_out(material, &proposal, release, run)? else { break };
        let passes = remedy.verdict == Verdict::Pass;
        last = Some(remedy);
        if passes {
            break;
        }
        named = rows_named(&found);
    }
    Ok(last)
}

fn rows_named(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .filter(|f| f.verdict >= Verdict::Review && !f.item.is_by_row())
        .flat_map(|f| f.rows.iter().cloned())
        .collect()
}
