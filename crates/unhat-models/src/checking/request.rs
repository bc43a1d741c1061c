//! What is asked of a check: a table, a fit of it, what is to be released and to whom it would matter; and the answer.

use super::report::{CheckedModel, CheckedTable, Detail, OutputsReport, headline, items_of, not_checked};
use super::{Material, Release, Second, check, plots, remedies, verdict};
use crate::formula::{Formula, parse_expression};
use crate::models::{Column, Frame};
use crate::regression::{FamilyName, Law, MissingRows, Model, ModelFrame, Specification};
use std::collections::HashMap;
use unhat::report::Tool;
use unhat::{ErrorKind, Result, Run};

/// A fit of a table: its model, and which rows of the table enter.
#[derive(Clone, Debug)]
pub struct FitRequest {
    /// Formula, weights, trials, offset, levels.
    pub specification: Specification,
    /// `lm` or `glm`.
    pub model: Model,
    /// Rows of the table, from 0; None: all that are complete.
    pub rows: Option<Vec<usize>>,
}

/// A check of one fit.
#[derive(Clone, Debug)]
pub struct OutputsRequest {
    /// The fit.
    pub fit: FitRequest,
    /// A fit that was released before, or is to be released with it.
    pub second: Option<FitRequest>,
    /// Items, digits, thresholds, seed; its secrets are found from `secrets`.
    pub release: Release,
    /// Columns of the table whose values are secret.
    pub secrets: Vec<String>,
    /// The column that says whose each row is.
    pub people: Option<String>,
    /// Whether changes are tried where the release does not pass.
    pub remedies: bool,
    /// Who reads the report.
    pub detail: Detail,
}

/// What only the caller knows of the call.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The program and the call.
    pub tool: Tool,
    /// When, in UTC.
    pub created_utc: Option<String>,
    /// The table's name.
    pub table: String,
    /// SHA-256 of the table's file.
    pub sha256: Option<String>,
}

fn refused(name: &str, reason: String) -> unhat::Error {
    ErrorKind::Option { name: name.into(), reason }.into()
}

impl FitRequest {
    /// The fit of an earlier check of the same table; orders of levels and what becomes of missing cells are those of this one.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a report to share, which does not say which rows were used.
    pub fn of_earlier(
        report: &OutputsReport,
        missing: MissingRows,
        levels: Vec<(String, Vec<String>)>,
    ) -> Result<FitRequest> {
        if report.detail == Detail::Share {
            let reason = "is a report to share, which does not say which rows were used; expected one of detail full";
            return Err(refused("second", reason.into()));
        }
        let model = &report.model;
        let expression =
            |name: &str, text: &Option<String>| text.as_deref().map(|text| parse_expression(name, text)).transpose();
        let fitted = match model.family.as_str() {
            "linear" => Model::Linear,
            family => Model::Generalised(Law::new(family.parse::<FamilyName>()?, Some(model.link.parse()?))?),
        };
        let rows = model.rows.as_ref().map(|rows| rows.iter().map(|row| (*row as usize).saturating_sub(1)).collect());
        Ok(FitRequest {
            specification: Specification {
                formula: Formula::parse(&model.formula)?,
                weights: expression("weights", &model.weights)?,
                trials: expression("trials", &model.trials)?,
                offset: expression("offset", &model.offset)?,
                missing,
                levels,
            },
            model: fitted,
            rows,
        })
    }

    fn frame<'a>(&self, table: &'a Frame) -> Result<ModelFrame<'a>> {
        ModelFrame::of(table, &self.specification, self.model.law().family())
    }

    fn material(&self, frame: &ModelFrame<'_>, run: &Run<'_>) -> Result<Material> {
        Material::of(frame, self.model, self.rows.as_deref(), run)
    }

    /// The columns of X that the column `name` of the table enters.
    fn columns_with(
        &self,
        name: &str,
        table: &Frame,
        frame: &ModelFrame<'_>,
        material: &Material,
    ) -> Result<Vec<usize>> {
        table.position("secret", name)?;
        let terms = self.specification.formula.terms(table.names(), &[])?;
        let holds = |term: usize| {
            term > 0
                && terms.terms.get(term - 1).is_some_and(|variables| {
                    variables.iter().any(|&v| {
                        let mut columns = Vec::new();
                        terms.variables[v].columns(&mut columns);
                        columns.contains(&name)
                    })
                })
        };
        let with: Vec<&String> = frame
            .matrix
            .names()
            .iter()
            .zip(frame.matrix.assign())
            .filter(|(_, term)| holds(**term))
            .map(|(column, _)| column)
            .collect();
        let found: Vec<usize> = (0..material.names.len()).filter(|&k| with.contains(&&material.names[k])).collect();
        if found.is_empty() {
            let response = terms.response.map(|response| response.to_string());
            let reason = match response.as_deref() == Some(name) {
                true => format!("\"{name}\" is the response, which every check takes for secret; name another column"),
                false => format!(
                    "\"{name}\" is not among the columns of the fit, so that nothing that is released depends on it"
                ),
            };
            return Err(refused("secret", reason));
        }
        Ok(found)
    }
}

impl OutputsRequest {
    /// Fits, runs every attack, and decides.
    ///
    /// # Cost
    /// That of [`check`], and with remedies of a fit and a check for each change.
    /// # Errors
    /// Those of fits; [`ErrorKind::Option`] for columns that do not exist or do not enter the fit, and items that do not go with
    /// it.
    pub fn answer(&self, table: &Frame, origin: Origin, run: &Run<'_>) -> Result<OutputsReport> {
        self.release.appetite.require_sound()?;
        if self.release.items.is_empty() {
            return Err(refused("release", "names nothing; leave it out for what a summary prints".into()));
        }
        if self.release.digits.is_some_and(|digits| !(1..=17).contains(&digits)) {
            return Err(refused("digits", format!("found {:?}, expected 1 to 17", self.release.digits.unwrap_or(0))));
        }
        let frame = self.fit.frame(table)?;
        let material = self.fit.material(&frame, run)?;
        let mut warnings = frame.notes.clone();
        if material.separates {
            warnings.push(
                "the likelihood has no maximum: some combination of columns tells the responses; what a program prints where it \
                 stops was checked"
                    .into(),
            );
        }
        let mut secrets = Vec::new();
        for name in &self.secrets {
            secrets.extend(self.fit.columns_with(name, table, &frame, &material)?);
        }
        secrets.sort_unstable();
        secrets.dedup();
        let release = Release { secrets, ..self.release.clone() };
        let people = self.people.as_deref().map(|name| people_of(name, table, &material)).transpose()?;
        let other = self.second.as_ref().map(|second| second.material(&second.frame(table)?, run));
        let other = other.transpose().map_err(of_second)?;
        let second = other.as_ref().map(|other| Second { evidence: other.evidence(), rows: &other.rows });
        let evidence = material.evidence();
        let findings = check(&evidence, &material.rows, people.as_deref(), second.as_ref(), &release, run)?;
        let decision = verdict(&findings);
        let tried = match self.remedies {
            true => Some(remedies(&material, &findings, &release, run)?),
            false => None,
        };
        let law = self.fit.model.law();
        let report = OutputsReport {
            schema: super::report::SCHEMA.into(),
            tool: origin.tool,
            created_utc: origin.created_utc,
            detail: Detail::Full,
            verdict: decision,
            headline: headline(decision, &findings, tried.as_deref()),
            table: CheckedTable {
                name: origin.table,
                sha256: origin.sha256,
                rows: table.rows() as u64,
                used: material.labels.len() as u64,
            },
            model: CheckedModel {
                formula: self.fit.specification.formula.to_string(),
                family: if self.fit.model == Model::Linear { "linear".into() } else { law.name().into() },
                link: law.link().name().into(),
                weights: self.fit.specification.weights.as_ref().map(ToString::to_string),
                trials: self.fit.specification.trials.as_ref().map(ToString::to_string),
                offset: self.fit.specification.offset.as_ref().map(ToString::to_string),
                rows: (material.labels.len() < table.rows())
                    .then(|| material.rows.iter().map(|r| *r as u64 + 1).collect()),
                rank: material.names.len() as u64,
                columns: material.names.clone(),
                aliased: material.aliased.clone(),
            },
            digits: self.release.digits,
            secrets: self.secrets.clone(),
            items: items_of(&self.release.items, &findings),
            findings,
            remedies: tried,
            appetite: self.release.appetite.thresholds(),
            not_checked: not_checked(&self.release, (people.is_some(), second.is_some(), evidence.is_linear())),
            warnings,
            figures: plots::released(&evidence, &release.items, release.appetite.minimum_count),
        };
        Ok(if self.detail == Detail::Share { report.to_share() } else { report })
    }
}

/// For each row of the fit a number that stands for its person.
fn people_of(name: &str, table: &Frame, material: &Material) -> Result<Vec<usize>> {
    let place = table.position("id", name)?;
    let missing = |row: usize| {
        refused("id", format!("row {}, \"{name}\": the cell is empty; every row needs its person", row + 1))
    };
    let mut numbers: HashMap<u64, usize> = HashMap::new();
    material
        .rows
        .iter()
        .map(|&row| {
            let key = match &table.columns()[place] {
                Column::Numbers(values) if values[row].is_nan() => return Err(missing(row)),
                Column::Numbers(values) => (values[row] + 0.0).to_bits(),
                Column::Text(text) => text.word(row).map(|_| u64::from(text.codes[row])).ok_or_else(|| missing(row))?,
            };
            let next = numbers.len();
            Ok(*numbers.entry(key).or_insert(next))
        })
        .collect()
}

/// Rows of the second fit that there are not: an error that names that fit.
fn of_second(error: unhat::Error) -> unhat::Error {
    match error.kind() {
        ErrorKind::Option { name, reason } if name == "rows" => {
            ErrorKind::Option { name: "second".into(), reason: format!("rows of the second fit: {reason}") }.into()
        }
        _ => error,
    }
}
