//! What a check found, as data: the decision, the items, the evidence, what would help, what was not checked.

use super::{Appetite, Finding, Item, Remedy, Threshold, Verdict};
use serde::{Deserialize, Serialize};
use unhat::report::Tool;

/// Who will read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    /// The checker: rows and values are named. The report is itself a secret output.
    Full,
    /// Whoever asked for the release: no row and no value of the table.
    Share,
}

/// The table that the fit is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedTable {
    /// Its file, without the folder.
    pub name: String,
    /// SHA-256 of the file, in hex; null where it was read from a pipe.
    pub sha256: Option<String>,
    /// Its rows.
    pub rows: u64,
    /// Rows that the fit uses.
    pub used: u64,
}

/// The fit that is checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedModel {
    /// The formula.
    pub formula: String,
    /// The family.
    pub family: String,
    /// The link.
    pub link: String,
    /// The estimated columns.
    pub columns: Vec<String>,
    /// How many they are.
    pub rank: u64,
    /// Columns that depend on others.
    pub aliased: Vec<String>,
}

/// An item and the gravest of its findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedItem {
    /// The item.
    pub item: Item,
    /// Its verdict.
    pub verdict: Verdict,
    /// The attack that decides, and the number it reached; null where none applies.
    pub attack: Option<String>,
    /// That number.
    pub value: Option<f64>,
    /// The threshold.
    pub threshold: Option<f64>,
    /// What was found.
    pub summary: String,
}

/// The decision and all that stands behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputsReport {
    /// "unhat-outputs-1".
    pub schema: String,
    /// The program and the run.
    pub tool: Tool,
    /// When, in UTC.
    pub created_utc: Option<String>,
    /// Who reads it.
    pub detail: Detail,
    /// The decision: pass, review, fail.
    pub verdict: Verdict,
    /// The decision in one sentence.
    pub headline: String,
    /// The table.
    pub table: CheckedTable,
    /// The fit.
    pub model: CheckedModel,
    /// Significant digits that are printed; null: all.
    pub digits: Option<u32>,
    /// Columns declared secret.
    pub secrets: Vec<String>,
    /// Item by item.
    pub items: Vec<CheckedItem>,
    /// Attack by attack.
    pub findings: Vec<Finding>,
    /// Changes that were tried; null where none were asked for.
    pub remedies: Option<Vec<Remedy>>,
    /// The thresholds in force.
    pub appetite: Vec<Threshold>,
    /// What this check does not look at.
    pub not_checked: Vec<String>,
    /// What the reader should know.
    pub warnings: Vec<String>,
}

/// The items of a release with the gravest finding of each.
#[must_use]
pub fn items_of(items: &[Item], findings: &[Finding]) -> Vec<CheckedItem> {
    items
        .iter()
        .map(|&item| {
            let gravest = findings
                .iter()
                .filter(|f| f.item == item && f.verdict > Verdict::Note)
                .fold(None, |best: Option<&Finding>, f| if best.is_none_or(|b| f.verdict > b.verdict) { Some(f) } else { best });
            match gravest {
                Some(found) => CheckedItem {
                    item,
                    verdict: found.verdict,
                    attack: Some(found.attack.clone()),
                    value: found.value,
                    threshold: found.threshold,
                    summary: found.summary.clone(),
                },
                None => CheckedItem {
                    item,
                    verdict: Verdict::Pass,
                    attack: None,
                    value: None,
                    threshold: None,
                    summary: "no attack reads it by itself".into(),
                },
            }
        })
        .collect()
}

/// The decision in one sentence.
#[must_use]
pub fn headline(verdict: Verdict, findings: &[Finding], remedies: Option<&[Remedy]>) -> String {
    let gravest = findings.iter().filter(|f| f.verdict == verdict).map(|f| (f.item, &f.summary)).next();
    let because = gravest.map_or(String::new(), |(item, summary)| format!(" {}: {summary}.", item.name()));
    let by_row = findings.iter().any(|f| f.verdict >= Verdict::Review && f.item.is_by_row());
    let helps = remedies.into_iter().flatten().find(|remedy| remedy.verdict == Verdict::Pass);
    match (verdict, helps) {
        (Verdict::Note | Verdict::Pass, _) => "Release. No attack that was run passes a threshold.".into(),
        (_, Some(remedy)) => {
            let items = if by_row { "; withhold what is by row" } else { "" };
            format!("Release after a change: {}{items}.{because}", remedy.change)
        }
        (Verdict::Review, None) => format!("A person has to decide.{because}"),
        (Verdict::Fail, None) => format!("Do not release.{because}"),
    }
}

/// What no check of one fit can see.
#[must_use]
pub fn not_checked(appetite: &Appetite, has_people: bool, has_second: bool, is_linear: bool) -> Vec<String> {
    let mut list = vec![
        "other outputs of the project: differences of releases are seen only where the other fit is named with --second-rows"
            .to_string(),
        "survival, mixed and penalised models; free text; metadata of images".into(),
        "an intruder who knows every other row: no release with many digits withstands one".into(),
        format!("groups of {} rows or more that are alike in something the fit does not use", appetite.minimum_count),
    ];
    if has_second {
        list[0] = "outputs of the project other than the two fits".into();
    }
    if !has_people {
        list.push("several rows of one person: name the person's column with --id".into());
    }
    if !is_linear {
        list.push("the covariance matrix of a generalised fit: with columns of 0 and 1 it gives counts too".into());
    }
    list
}

impl OutputsReport {
    /// As whoever asked for the release may see it: no row, no value of the table, no word of the call.
    #[must_use]
    pub fn to_share(mut self) -> OutputsReport {
        self.detail = Detail::Share;
        self.tool.command = "unhat audit outputs".into();
        for finding in &mut self.findings {
            finding.detail = String::new();
            finding.rows = Vec::new();
        }
        for remedy in self.remedies.iter_mut().flatten() {
            remedy.rows = Vec::new();
        }
        self
    }
}
