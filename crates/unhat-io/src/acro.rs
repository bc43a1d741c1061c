//! A check of outputs as the package ACRO has its own: a folder of the record, the thresholds, the findings, and a hash of each.

use crate::folder::{hash_of, write_folder};
use crate::output::print_table;
use unhat::{ErrorKind, Result};
use unhat_models::checking::{FINDINGS_FILE, OutputsReport, acro_config, acro_findings, acro_results};

/// Writes the folder, whole or not at all.
///
/// # Errors
/// As [`write_folder`].
pub fn write_acro(folder: &str, report: &OutputsReport) -> Result<()> {
    let pretty = |value: &dyn std::fmt::Display| format!("{value:#}").into_bytes();
    let mut findings = acro_findings(report).into_iter();
    let header = findings.next().unwrap_or_default();
    let mut table = Vec::new();
    print_table(&mut table, header, findings).map_err(|e| ErrorKind::Numerical { reason: format!("CSV: {e}") })?;
    let files = [
        ("config.json", pretty(&acro_config(report))),
        (FINDINGS_FILE, table),
        ("results.json", pretty(&acro_results(report))),
    ];
    let hashes: Vec<(String, Vec<u8>)> =
        files.iter().map(|(name, content)| (format!("checksums/{name}.txt"), hash_of(content).into_bytes())).collect();
    let mut all = files.to_vec();
    all.extend(hashes.iter().map(|(name, hash)| (name.as_str(), hash.clone())));
    write_folder(folder, &all)
}
