//! Writes an example of every report into a folder: `cargo run -p unhat-report --example pages -- DIR`.
//!
//! The table, its findings and all names are invented; one column is called like a script.

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::error::Error;
use std::path::PathBuf;
use unhat_report::{audit_page, inversion_page, score_page};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map(PathBuf::from).ok_or("usage: pages DIR")?;
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("audit.html"), audit_page(&sample::findings()?)?)?;
    std::fs::write(folder.join("share.html"), audit_page(&sample::shared_findings()?)?)?;
    std::fs::write(folder.join("inversion.html"), inversion_page(&sample::inversion())?)?;
    std::fs::write(folder.join("scores.html"), score_page(&sample::scores())?)?;
    Ok(())
}
