//! Leverage scores of a small table: `cargo run --example scores`.

fn main() -> unhat::Result<()> {
    let table = [[1.0, 42.0, 80.0], [1.0, 37.0, 80.0], [1.0, 37.0, 75.0], [1.0, 28.0, 62.0], [1.0, 18.0, 50.0]];
    for (row, score) in unhat::scores(&table)?.iter().enumerate() {
        println!("row {}: {score:.6}", row + 1);
    }
    let found = unhat::LeverageScores::new(&table).compute()?;
    println!("rank {}, about {:.0} digits, {}", found.rank, found.digits, found.reason);
    Ok(())
}
