//! Problems made to break rounded numbers, some hundreds of them; `cargo run --example adversarial` goes through thousands.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

#[path = "common/adversarial.rs"]
mod adversarial;

use adversarial::{Tally, check_inversion, check_scores};

#[test]
fn no_score_claims_more_digits_than_it_has() {
    let mut tally = Tally::default();
    (0..1400).for_each(|number| check_scores(1, number, &mut tally));
    println!("{:#?}", tally.endings);
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
    assert_eq!(tally.cases, 1400);
}

#[test]
fn no_certificate_is_below_the_distance_and_no_proof_is_false() {
    let mut tally = Tally::default();
    (0..520).for_each(|number| check_inversion(1, number, false, &mut tally));
    println!("{:#?}", tally.endings);
    let median = tally.median();
    println!(
        "{} certified of {}: bound over distance: median {median:.2}, least {:.3}",
        tally.certified,
        tally.cases,
        tally.least()
    );
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
    assert!(
        tally.certified >= 400 && median <= 10.0,
        "{} certified of {}, median {median}",
        tally.certified,
        tally.cases
    );
}
