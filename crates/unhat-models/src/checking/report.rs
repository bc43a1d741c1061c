//! What a check found, as data: the decision, the items, the evidence, what would help, what was not checked.

use super::{Finding, Item, Release, Remedy, Threshold, Verdict};
use crate::figures::Figure;
use serde::{Deserialize, Serialize};
use unhat::report::Tool;

/// The name and version of the schema.
pub const SCHEMA: &str = "unhat.outputs/1";

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
    /// Prior weights, as they are written.
    pub weights: Option<String>,
    /// Numbers of trials.
    pub trials: Option<String>,
    /// What is added to the predictor.
    pub offset: Option<String>,
    /// The rows of the table that enter, from 1; null where all do, and in a report to share.
    pub rows: Option<Vec<u64>>,
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
    /// [`SCHEMA`].
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
    /// The plots among the items as they would leave, by their names: drawn, and in no JSON.
    #[serde(skip)]
    pub figures: Vec<Figure>,
}

/// The items of a release with the gravest finding of each.
#[must_use]
pub fn items_of(items: &[Item], findings: &[Finding]) -> Vec<CheckedItem> {
    items
        .iter()
        .map(|&item| {
            let gravest = findings.iter().filter(|f| f.item == item && f.verdict > Verdict::Note).fold(
                None,
                |best: Option<&Finding>, f| if best.is_none_or(|b| f.verdict > b.verdict) { Some(f) } else { best },
            );
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
pub(super) fn not_checked(release: &Release, (has_people, has_second, is_linear): (bool, bool, bool)) -> Vec<String> {
    let mut list = vec![
        match has_second {
            true => "outputs of the project other than the two fits".to_string(),
            false => "other outputs of the project: what two releases tell together is seen only where the other fit is named \
                      with --second or --second-rows"
                .into(),
        },
        "survival, mixed and penalised models; free text; metadata of images".into(),
        "an intruder who knows every other row: no release with many digits withstands one".into(),
    ];
    if !has_people {
        list.push("several rows of one person: name the person's column with --id".into());
    }
    if release.secrets.is_empty()
        && release.items.iter().any(|item| matches!(item, Item::Hat | Item::Fitted | Item::Predictions))
    {
        list.push("secret columns: none was declared with --secret, so that only the response counts as secret".into());
    }
    list.extend(without_attack(&release.items, is_linear));
    list
}

impl OutputsReport {
    /// As whoever asked for the release may see it: no row, no value of the table, no word of the call.
    #[must_use]
    pub fn to_share(mut self) -> OutputsReport {
        self.detail = Detail::Share;
        self.tool.command = "unhat audit outputs".into();
        self.model.rows = None;
        self.figures.retain(|figure| figure.least.is_some());
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

/// Items that a check of this kind of fit has attacks for, said where one has none.
fn without_attack(items: &[Item], is_linear: bool) -> Vec<String> {
    let none = |item: &Item| match item {
        Item::Rstudent | Item::Dffits => !is_linear,
        Item::Covariance => !is_linear,
        _ => false,
    };
    items
        .iter()
        .filter(|item| none(item))
        .map(|item| format!("{} of a generalised fit: no attack on it was run", item.name()))
        .collect()
}
