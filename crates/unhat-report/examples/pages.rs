//! Writes an example of every report into a folder: `cargo run -p unhat-report --example pages -- DIR [FINDINGS]`.
//!
//! FINDINGS is what `unhat audit --json` printed; it becomes DIR/given.html.
//!
//! The table, its findings and all names are invented; one column is called like a script.

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::error::Error;
use std::path::PathBuf;
use unhat_report::{audit_page, influence_page, inversion_page, score_page, training_page};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map(PathBuf::from).ok_or("usage: pages DIR")?;
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("audit.html"), audit_page(&sample::findings()?)?)?;
    std::fs::write(folder.join("share.html"), audit_page(&sample::shared_findings()?)?)?;
    std::fs::write(folder.join("inversion.html"), inversion_page(&sample::inversion())?)?;
    std::fs::write(folder.join("scores.html"), score_page(&sample::scores())?)?;
    std::fs::write(folder.join("training.html"), training_page(&sample::training())?)?;
    for which in ["study", "check", "trim"] {
        std::fs::write(folder.join(format!("{which}.html")), influence_page(&sample::influence(which)?)?)?;
    }
    if let Some(given) = std::env::args().nth(2) {
        let findings = serde_json::from_str(&std::fs::read_to_string(given)?)?;
        std::fs::write(folder.join("given.html"), audit_page(&findings)?)?;
    }
    Ok(())
}
