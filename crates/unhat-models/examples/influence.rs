//! Which row of a table is a mistake: `cargo run -p unhat-models --example influence`.

use unhat_models::Influence;
use unhat_models::influence::Method;
use unhat_models::models::{Column, Frame, ModelKind};

fn main() -> unhat::Result<()> {
    let x: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 11)).collect();
    let mut y: Vec<f64> = x.iter().map(|x| 2.0 * x + 1.0 + (3.0 * x).sin()).collect();
    y[3] += 40.0; // the mistake
    let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    let report = Influence::new(&table, "y", ModelKind::Linear).method(Method::SelfInfluence).score()?;
    for row in report.top.iter().take(3) {
        println!("row {}: score {:.4}", row.row, row.score);
    }
    Ok(())
}
