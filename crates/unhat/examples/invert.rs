//! From a released gradient back to the hidden point: `cargo run --example invert`.

use unhat::barrier::Barrier;
use unhat::{InvertGradient, Run, rows::DenseRows};

fn main() -> unhat::Result<()> {
    let a: Vec<f64> = (0..120).map(|k| ((3 * k * k + k) as f64).sin()).collect(); // 60 rows of 2 columns
    let b: Vec<f64> = (0..60).map(|k| ((7 * k + 1) as f64).cos()).collect();
    let (a, hidden) = (DenseRows::new(&a, 2)?, [0.3, -0.8]);
    // The owner releases the gradient at the hidden point; which rows lie above the fit is known.
    let owner =
        Barrier::around(&a, &b, &hidden, &Run::default())?.at(&hidden, false, &Run::default())?.expect("inside");
    let signs: Vec<f64> = owner.slack.iter().map(|slack| slack.signum()).collect();
    let found = InvertGradient::new(&a, &b, &owner.gradient).signs(&signs).solve()?;
    println!("hidden {hidden:?}, recovered {:?}", found.x);
    println!("proven within {:.1e}", found.certificate.map_or(f64::INFINITY, |proof| proof.euclidean));
    Ok(())
}
