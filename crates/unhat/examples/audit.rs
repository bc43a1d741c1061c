//! What released scores give away, in sentences: `cargo run --example audit`.

fn main() -> unhat::Result<()> {
    let a: Vec<[f64; 2]> = (0..60).map(|k| [f64::from(3 * k).sin(), f64::from(k * k).cos()]).collect();
    let b: Vec<f64> = (0..60).map(|k| f64::from(7 * k + 1).cos()).collect();
    let report = unhat::Audit::new(&a, &b, &[0.3, -0.8]).trials(5).measure()?;
    for finding in &report.findings {
        println!("{}\n    {}", finding.title, finding.text);
    }
    Ok(())
}
