//! A check of outputs as the package ACRO has its own: a folder of the record, the thresholds, the findings, the plots, and a hash of each.

use crate::figure_table::figure_table;
use crate::folder::{hash_of, write_folder};
use crate::output::print_table;
use unhat::{ErrorKind, Result};
use unhat_models::checking::{FINDINGS_FILE, OutputsReport, acro_config, acro_findings, acro_results};
use unhat_models::figures::Figure;

/// Writes the folder, whole or not at all; `picture` draws a plot as PNG.
///
/// # Errors
/// As [`write_folder`]; those of `picture`.
pub fn write_acro(folder: &str, report: &OutputsReport, picture: impl Fn(&Figure) -> Result<Vec<u8>>) -> Result<()> {
    let pretty = |value: &dyn std::fmt::Display| format!("{value:#}").into_bytes();
    let mut findings = acro_findings(report).into_iter();
    let header = findings.next().unwrap_or_default();
    let mut table = Vec::new();
    print_table(&mut table, header, findings).map_err(|e| ErrorKind::Numerical { reason: format!("CSV: {e}") })?;
    let mut files = vec![
        ("config.json".to_owned(), pretty(&acro_config(report))),
        (FINDINGS_FILE.to_owned(), table),
        ("results.json".to_owned(), pretty(&acro_results(report))),
    ];
    for figure in &report.figures {
        files.push((format!("{}.png", figure.name), picture(figure)?));
        // The places of single rows are no output of their own: the picture alone is to leave.
        if figure.least.is_some() {
            files.push((format!("{}.csv", figure.name), figure_table(figure)?));
        }
    }
    let hash = |(name, content): &(String, Vec<u8>)| (format!("checksums/{name}.txt"), hash_of(content).into_bytes());
    let hashes: Vec<_> = files.iter().map(hash).collect();
    let all: Vec<_> = files.iter().chain(&hashes).map(|(name, content)| (name.as_str(), content.clone())).collect();
    write_folder(folder, &all)
}
