//! A diagnosis in a few lines for people.

use super::report::DiagnoseReport;
use super::rule::Rule;

/// The lines of the summary: the fit, the flags, the rows that matter most, robust standard errors.
#[must_use]
pub fn summary(report: &DiagnoseReport) -> Vec<String> {
    let mut lines = vec![fit_line(report), flag_line(report)];
    if !report.fitted_by_itself.is_empty() {
        lines.push(format!("fitted by themselves, whatever their response: {}", listed(&report.fitted_by_itself)));
    }
    if !report.aliased.is_empty() {
        lines.push(format!("not estimated, as they depend on the columns before them: {}", listed(&report.aliased)));
    }
    if !report.most_influential.is_empty() {
        let width = report.most_influential.iter().map(|row| row.row.chars().count()).max().unwrap_or(0).clamp(3, 24);
        let head = "most influential";
        lines.push(format!(
            "{head}  {:<width$}  {:>6}  {:>8}  {:>8}  {:>7}  moves most",
            "row", "hat", "rstudent", "cooks", "dffits"
        ));
        for row in &report.most_influential {
            let number = |value: Option<f64>, digits: usize| value.map_or("-".to_string(), |v| format!("{v:.digits$}"));
            let cooks =
                row.cooks.map_or("-".into(), |v| if v < 0.001 { format!("{v:.1e}") } else { format!("{v:.3}") });
            let by = row.by.map_or(String::new(), |by| format!("{} {by:+.2} se", row.moves));
            let name: String = row.row.chars().take(24).collect();
            lines.push(format!(
                "{:head$}  {name:<width$}  {:>6}  {:>8}  {cooks:>8}  {:>7}  {by}",
                "",
                number(row.hat, 3),
                number(row.rstudent, 2),
                number(row.dffits, 2),
                head = head.len(),
            ));
        }
    }
    if let Some((name, ratio)) = &report.robust_ratio {
        lines.push(format!("robust standard errors (HC3) differ most for {name}: {ratio:.2} x"));
    }
    lines
}

fn fit_line(report: &DiagnoseReport) -> String {
    let missing: Vec<String> = report.missing.iter().map(|m| format!("{} {}", m.column, m.rows)).collect();
    let omitted = match report.omitted {
        0 => String::new(),
        count => format!(", {count} left out ({})", missing.join(", ")),
    };
    let zero = if report.zero_weights > 0 { format!(", {} of weight 0", report.zero_weights) } else { String::new() };
    let kind = match report.model.as_str() {
        "lm" => "lm".to_string(),
        _ => format!("{} with link {}", report.family, report.link),
    };
    let df = report.df_residual;
    let fit = match (report.sigma, report.dispersion) {
        (Some(s), _) => {
            let share = |name: &str, value: Option<f64>| value.map(|v| format!(", {name} {v:.3}")).unwrap_or_default();
            format!(
                "s {s:.4} on {df} df{}{}",
                share("R2", report.r_squared),
                share("predictive R2", report.predictive_r_squared)
            )
        }
        (None, phi) => {
            let deviance = report.deviance.unwrap_or_default();
            let phi = phi.map(|phi| format!(", dispersion {phi:.4}")).unwrap_or_default();
            format!("deviance {deviance:.5} on {df} df{phi}")
        }
    };
    format!("{} rows{omitted}{zero}; {kind}, {} rows, rank {}, {fit}", report.rows, report.n, report.rank)
}

fn flag_line(report: &DiagnoseReport) -> String {
    let by: Vec<String> = report.flagged_by.iter().map(|part| format!("{} {}", part.column, part.rows)).collect();
    let phrase = report.rule.parse::<Rule>().map_or("the rule", Rule::phrase);
    let own = report.fitted_by_itself.len();
    format!("{} rows flagged by {phrase}: {}; {own} rows fitted by themselves", report.flagged, by.join(", "))
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let more = if names.len() > SHOWN { format!(", … ({} in all)", names.len()) } else { String::new() };
    names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ") + &more
}
