//! The inversion with a regulariser: all known minima are found and none is invented, and what is proven of them holds.

use unhat::invert::{Proof, RegularisedInversion, RegularisedOptions, Start, invert_regularised};
use unhat::rows::DenseRows;
use unhat::{Result, Run};
use unhat_testkit::close::assert_close;
use unhat_testkit::known::{MinimaCase, minima_cases};
use unhat_testkit::regularised::Objective;

fn solve(case: &MinimaCase, options: &RegularisedOptions) -> Result<RegularisedInversion> {
    // The cell of a known minimum: where the origin lies outside, {Ax > b} is found by the first phase.
    let rows = DenseRows::new(&case.a, case.d)?;
    invert_regularised(&rows, &case.b, &case.c, &case.w, &Start::default(), options, &Run::default())
}

/// ∇L and ∇²L with 30 digits: within a relative slack change of 10⁻⁸ of a stationary point, and positive definite.
fn assert_not_invented(case: &MinimaCase, found: &RegularisedInversion) {
    for minimum in &found.minima {
        let exact = Objective::at(&case.a, &case.b, &case.c, &case.w, &minimum.x);
        let change = exact.newton_change();
        assert!(change < 1e-8, "{}: {:?} is {change:e} away from being stationary", case.name, minimum.x);
        assert!(minimum.strict && exact.is_minimum(), "{}: {:?} is no strict minimum", case.name, minimum.x);
        assert_close(minimum.objective, exact.value, 1e-9);
    }
}

/// Sturm counts, 40-digit polish and products of exact cases: every minimum on the list is found, with its value.
#[test]
fn every_known_minimum_up_to_three_dimensions_is_found() {
    for case in minima_cases().iter().filter(|case| case.d <= 3) {
        let clock = std::time::Instant::now();
        let found = solve(case, &RegularisedOptions::default()).unwrap();
        assert_not_invented(case, &found);
        let known = case.minima();
        for (k, minimum) in known.iter().enumerate() {
            let nearest = found.minima.iter().map(|m| (m.objective - minimum.objective).abs()).fold(f64::INFINITY, f64::min);
            assert!(
                nearest <= 1e-9 * minimum.objective,
                "{}: minimum {k} with L = {} is missing from {:?}",
                case.name,
                minimum.objective,
                found.minima.iter().map(|m| m.objective).collect::<Vec<_>>()
            );
        }
        if case.complete {
            assert_eq!(found.minima.len(), known.len(), "{}", case.name);
        }
        let certificate = found.certificate.unwrap();
        println!("{}: {} minima {:?} {:?} {:.3} s", case.name, found.minima.len(), certificate, found.folds, clock.elapsed().as_secs_f64());
        assert_ne!(certificate.kind, Proof::Local, "{}: {certificate:?}", case.name);
    }
}

#[test]
fn the_best_known_minimum_is_found_in_ten_dimensions() {
    for case in minima_cases().iter().filter(|case| case.d > 3) {
        let clock = std::time::Instant::now();
        let found = solve(case, &RegularisedOptions::default()).unwrap();
        assert_not_invented(case, &found);
        println!("{}: {:?} of {} {:?} {:.3} s", case.name, found.minima.iter().map(|m| (m.objective, &m.found_by)).collect::<Vec<_>>(), case.minima().len(), found.certificate, clock.elapsed().as_secs_f64());
        assert!(found.objective <= case.minima()[0].objective * (1.0 + 1e-9), "{}", case.name);
    }
}
