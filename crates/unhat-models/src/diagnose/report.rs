//! What a diagnosis found, as data: the object that the command line prints and the Python package returns.
//!
//! A number that does not apply is `None` (JSON null), never NaN.

use super::request::Diagnosed;
use super::rule::Rule;
use crate::regression::Model;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many rows are listed where nothing is said.
pub const LISTED: usize = 10;

/// A coefficient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coefficient {
    /// Its column of the model matrix.
    pub name: String,
    /// The estimate; None where the column depends on those before it.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub std_error: Option<f64>,
    /// Robust standard errors HC0, HC1, HC2, HC3.
    pub robust: [Option<f64>; 4],
}

/// A column with missing cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MissingColumn {
    /// Its name.
    pub column: String,
    /// In how many rows.
    pub rows: u64,
}

/// How many rows met a part of the rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleCount {
    /// The column it looks at.
    pub column: String,
    /// Rows.
    pub rows: u64,
}

/// A row that is listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagnosedRow {
    /// Its label.
    pub row: String,
    /// Hat value.
    pub hat: Option<f64>,
    /// Studentised residual.
    pub rstudent: Option<f64>,
    /// Cook's distance.
    pub cooks: Option<f64>,
    /// DFFITS.
    pub dffits: Option<f64>,
    /// The coefficient that it moves most.
    pub moves: String,
    /// By how many standard errors.
    pub by: Option<f64>,
    /// What it is flagged for.
    pub flag: String,
}

/// What a diagnosis found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagnoseReport {
    /// The formula as R writes it.
    pub formula: String,
    /// lm or glm.
    pub model: String,
    /// The family.
    pub family: String,
    /// The link.
    pub link: String,
    /// Rows of the table.
    pub rows: u64,
    /// Rows with a weight above 0 that enter the fit.
    pub n: u64,
    /// Rows that were left out for missing cells.
    pub omitted: u64,
    /// Where they are missing; a row may count in several columns.
    pub missing: Vec<MissingColumn>,
    /// Rows of weight 0.
    pub zero_weights: u64,
    /// Columns that are estimated.
    pub rank: u64,
    /// Columns that depend on those before them.
    pub aliased: Vec<String>,
    /// n − rank.
    pub df_residual: u64,
    /// The coefficients.
    pub coefficients: Vec<Coefficient>,
    /// √φ of `lm`.
    pub sigma: Option<f64>,
    /// φ.
    pub dispersion: Option<f64>,
    /// R².
    pub r_squared: Option<f64>,
    /// Adjusted R².
    pub adjusted_r_squared: Option<f64>,
    /// F of all columns but the intercept.
    pub f_statistic: Option<f64>,
    /// Its degrees of freedom.
    pub f_df: Option<[u64; 2]>,
    /// Deviance; the residual sum of squares of `lm`.
    pub deviance: Option<f64>,
    /// The same with an intercept alone.
    pub null_deviance: Option<f64>,
    /// Logarithm of the likelihood.
    pub log_likelihood: Option<f64>,
    /// Akaike's criterion.
    pub aic: Option<f64>,
    /// Σ(e/(1−h))².
    pub press: Option<f64>,
    /// 1 − PRESS/TSS.
    pub predictive_r_squared: Option<f64>,
    /// Steps of iteration.
    pub iterations: u64,
    /// Estimate of the condition of the columns.
    pub condition: f64,
    /// Decimal digits to expect, by column.
    pub digits: BTreeMap<String, f64>,
    /// The rule of the flags.
    pub rule: String,
    /// Rows that are flagged.
    pub flagged: u64,
    /// By column.
    pub flagged_by: Vec<RuleCount>,
    /// Rows that are fitted whatever their response is.
    pub fitted_by_itself: Vec<String>,
    /// The rows with the largest Cook's distances.
    pub most_influential: Vec<DiagnosedRow>,
    /// The largest ratio of a robust standard error (HC3) to the standard error, or of it to that, and its coefficient.
    pub robust_ratio: Option<(String, f64)>,
}

fn some(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

impl DiagnoseReport {
    /// Of a diagnosis; `listed` rows are named.
    #[must_use]
    pub fn of(answer: &Diagnosed<'_>, listed: usize) -> DiagnoseReport {
        let Diagnosed { fit, found, frame, .. } = answer;
        let names = frame.matrix.names();
        let law = answer.model.law();
        let errors = fit.std_error();
        let coefficient = |j: usize| {
            let k = fit.kept.iter().position(|&kept| kept == j);
            let at = |values: &[f64]| k.and_then(|k| some(values[k]));
            Coefficient {
                name: names[j].clone(),
                estimate: some(fit.coefficients[j]),
                std_error: at(&errors),
                robust: [0, 1, 2, 3].map(|h| at(&found.robust[h])),
            }
        };
        let ratios = (0..fit.rank())
            .map(|k| (fit.kept[k], found.robust[3][k] / errors[k]))
            .filter(|(_, r)| *r > 0.0 && r.is_finite());
        let size = |ratio: f64| ratio.ln().abs();
        let robust = ratios.max_by(|(_, a), (_, b)| size(*a).total_cmp(&size(*b)));
        let linear = fit.linear.as_ref();
        let (columns, accuracy) = (answer.columns(), answer.accuracy());
        DiagnoseReport {
            formula: answer.formula.clone(),
            model: if answer.model == Model::Linear { "lm" } else { "glm" }.into(),
            family: law.name().into(),
            link: law.link().name().into(),
            rows: frame.table_rows as u64,
            n: fit.n as u64,
            omitted: frame.omitted() as u64,
            missing: frame
                .missing
                .iter()
                .map(|(c, rows)| MissingColumn { column: c.clone(), rows: *rows as u64 })
                .collect(),
            zero_weights: (frame.count() - fit.n) as u64,
            rank: fit.rank() as u64,
            aliased: (0..names.len()).filter(|j| !fit.kept.contains(j)).map(|j| names[j].clone()).collect(),
            df_residual: fit.df_residual as u64,
            coefficients: (0..names.len()).map(coefficient).collect(),
            sigma: linear.and(some(fit.dispersion.sqrt())),
            dispersion: some(fit.dispersion),
            r_squared: linear.and_then(|l| some(l.r_squared)),
            adjusted_r_squared: linear.and_then(|l| some(l.adjusted_r_squared)),
            f_statistic: linear.and_then(|l| l.f).and_then(|(f, ..)| some(f)),
            f_df: linear.and_then(|l| l.f).map(|(_, a, b)| [a as u64, b as u64]),
            deviance: some(fit.deviance),
            null_deviance: some(fit.null_deviance),
            log_likelihood: fit.log_likelihood.and_then(some),
            aic: fit.aic.and_then(some),
            press: found.press.and_then(some),
            predictive_r_squared: found.predictive_r_squared.and_then(some),
            iterations: fit.iterations as u64,
            condition: fit.condition,
            digits: columns.iter().map(|(name, _)| (name.to_string(), accuracy.digits(name))).collect(),
            rule: found.rule.name().into(),
            flagged: found.flags.iter().filter(|flags| flags.any()).count() as u64,
            flagged_by: counts(answer),
            fitted_by_itself: found.fitted_by_itself.iter().map(|&i| frame.label(i)).collect(),
            most_influential: most(answer, listed),
            robust_ratio: robust.map(|(j, ratio)| (names[j].clone(), ratio)),
        }
    }
}

/// How often each part of the rule was met.
fn counts(answer: &Diagnosed<'_>) -> Vec<RuleCount> {
    let looked_at: &[&str] = match answer.found.rule {
        Rule::R => &["hat", "dffits", "covratio", "dfbetas", "cooks"],
        Rule::Bkw => &["hat", "dffits", "dfbetas"],
        Rule::Cook4n => &["cooks"],
        Rule::Outlier => &["rstudent"],
    };
    let count = |column: &&str| {
        let met = answer.found.flags.iter().filter(|f| f.named().iter().any(|(name, met)| name == column && *met));
        RuleCount { column: column.to_string(), rows: met.count() as u64 }
    };
    looked_at.iter().map(count).collect()
}

/// The rows with the largest Cook's distances.
fn most(answer: &Diagnosed<'_>, listed: usize) -> Vec<DiagnosedRow> {
    let found = &answer.found;
    let mut order: Vec<usize> = (0..found.cooks.len()).filter(|&i| found.cooks[i].is_finite()).collect();
    let falling = |i: &usize, k: &usize| found.cooks[*k].total_cmp(&found.cooks[*i]).then(i.cmp(k));
    if listed < order.len() {
        order.select_nth_unstable_by(listed, falling);
        order.truncate(listed);
    }
    order.sort_by(falling);
    let row = |&i: &usize| DiagnosedRow {
        row: answer.frame.label(i),
        hat: some(found.hat[i]),
        rstudent: some(found.rstudent[i]),
        cooks: some(found.cooks[i]),
        dffits: some(found.dffits[i]),
        moves: answer.frame.matrix.names()[found.most_column[i]].clone(),
        by: some(found.most_dfbetas[i]),
        flag: answer.flag(i),
    };
    order.iter().map(row).collect()
}
