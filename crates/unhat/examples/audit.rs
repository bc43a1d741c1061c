//! What released scores give away, in sentences: `cargo run --example audit`.

fn main() -> unhat::Result<()> {
    let a: Vec<[f64; 2]> = (0..60).map(|k| [((3 * k) as f64).sin(), ((k * k) as f64).cos()]).collect();
    let b: Vec<f64> = (0..60).map(|k| ((7 * k + 1) as f64).cos()).collect();
    let report = unhat::Audit::new(&a, &b, &[0.3, -0.8]).trials(5).measure()?;
    println!("{}", report.verdict.sentence);
    for finding in &report.findings {
        println!("- {}", finding.sentence);
    }
    Ok(())
}
