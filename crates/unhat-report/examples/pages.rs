//! Writes an example of every report into a folder: `cargo run -p unhat-report --example pages -- DIR [FINDINGS]`.
//!
//! FINDINGS is what `unhat audit --json` printed; it becomes DIR/given.html.
//!
//! The table, its findings and all names are invented; one column is called like a script.

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::error::Error;
use std::path::PathBuf;
use unhat_models::checking::Detail;
use unhat_report::{
    audit_page, diagnose_page, fit_audit_page, hat_page, influence_page, inversion_page, outputs_page, score_page,
    training_page,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map(PathBuf::from).ok_or("usage: pages DIR")?;
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("audit.html"), audit_page(&sample::findings()?)?)?;
    std::fs::write(folder.join("share.html"), audit_page(&sample::shared_findings()?)?)?;
    std::fs::write(folder.join("inversion.html"), inversion_page(&sample::inversion())?)?;
    std::fs::write(folder.join("scores.html"), score_page(&sample::scores())?)?;
    std::fs::write(folder.join("training.html"), training_page(&sample::training())?)?;
    std::fs::write(folder.join("diagnosis.html"), diagnose_page(&sample::diagnosis()?)?)?;
    std::fs::write(folder.join("many-rows.html"), diagnose_page(&sample::many_rows()?)?)?;
    std::fs::write(folder.join("outputs.html"), outputs_page(&sample::outputs(Detail::Full)?)?)?;
    std::fs::write(folder.join("weights.html"), hat_page(&sample::hat("weights", true)?)?)?;
    std::fs::write(folder.join("fit-audit.html"), fit_audit_page(&sample::fit_findings("owner")?)?)?;
    for which in ["study", "check", "trim"] {
        std::fs::write(folder.join(format!("{which}.html")), influence_page(&sample::influence(which)?)?)?;
    }
    if let Some(given) = std::env::args().nth(2) {
        let findings = serde_json::from_str(&std::fs::read_to_string(given)?)?;
        std::fs::write(folder.join("given.html"), audit_page(&findings)?)?;
    }
    Ok(())
}
