//! The certificate against the exact solution for the same A, b and c, found with 30 digits: never below the distance.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod common;

use common::{SOLVERS, gradient_at, invert};
use unhat::invert::Start;
use unhat::rows::DenseRows;
use unhat_testkit::generate::{Polytope, cauchy_polytope, random_polytope, thin_box};
use unhat_testkit::{Dd, Real, precise, reference};

/// ‖x − x*‖ in the metric Q at the last evaluated point, and in the Euclidean norm.
fn distances(p: &Polytope, evaluated: &[f64], found: &[f64], exact: &[Dd]) -> (f64, f64) {
    let delta: Vec<f64> = found.iter().zip(exact).map(|(f, e)| (Dd::from(*f) - *e).to_f64()).collect();
    let q = reference::Point::<f64>::at(&p.a, &p.b, evaluated).vaidya_matrix();
    let d = delta.len();
    let form: f64 = (0..d * d).map(|k| q[k] * delta[k % d] * delta[k / d]).sum();
    (form.max(0.0).sqrt(), precise::distance(found, exact))
}

#[test]
fn certificates_hold_in_a_thousand_cases() {
    let (mut cases, mut given, mut ratios) = (0, 0, Vec::new());
    for seed in 0..360 {
        let (n, d) = ([20, 40, 60, 30][seed % 4], 2 + seed % 5);
        let depth = [0.3, 0.9, 0.99, 0.999, 0.9999][seed % 5];
        let p = match seed % 6 {
            0..=2 => random_polytope(n, d, depth, seed as u64, Some([1.0, 30.0, 1e3][seed % 3])),
            3 => cauchy_polytope(n, d, depth, seed as u64),
            4 => thin_box(d, 1e3, n, depth, seed as u64),
            _ => random_polytope(n, d, depth, seed as u64, None),
        };
        let target = gradient_at(&DenseRows::new(&p.a, d).unwrap(), &p.b, &p.hidden);
        for solver in SOLVERS {
            let start = Start { point: Some(&p.inside), ..Start::default() };
            let found = invert(&p.a, d, &p.b, &target, &start, solver).unwrap();
            cases += 1;
            let Some(certificate) = found.certificate else { continue };
            let exact = precise::invert_gradient(&p.a, &p.b, &target, &found.x).expect("converges from so near");
            let (in_q, euclidean) = distances(&p, &found.point.x, &found.x, &exact.x);
            given += 1;
            let context = format!("seed {seed} {solver:?} depth {depth} ({n},{d})");
            assert!(in_q <= certificate.q_norm, "{context}: {in_q:e} > {:e}", certificate.q_norm);
            assert!(euclidean <= certificate.euclidean, "{context}: {euclidean:e} > {:e}", certificate.euclidean);
            ratios.push(certificate.q_norm / in_q.max(1e-300));
        }
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "{given} of {cases} certified; bound / distance: least {:.2}, median {:.0}",
        ratios[0],
        ratios[ratios.len() / 2]
    );
    assert!(cases >= 1000 && given * 100 >= cases * 97, "{given} of {cases}");
}

#[test]
fn certificates_hold_far_from_the_solution_too() {
    use unhat::Run;
    use unhat::invert::{InvertOptions, Solver, invert_gradient};
    let (mut given, mut tight) = (0, Vec::new());
    for seed in 0..120 {
        let (n, d) = (40, 2 + (seed % 4) as usize);
        let p = random_polytope(n, d, 0.9, seed, None);
        let rows = DenseRows::new(&p.a, d).unwrap();
        let target = gradient_at(&rows, &p.b, &p.hidden);
        for steps in 2..9 {
            let options = InvertOptions { solver: Solver::Exact, max_iterations: steps, ..InvertOptions::default() };
            let start = Start { point: Some(&p.inside), ..Start::default() };
            let found = invert_gradient(&rows, &p.b, &target, &start, &options, None, &Run::default()).unwrap();
            let Some(certificate) = found.certificate else { continue };
            let exact = precise::invert_gradient(&p.a, &p.b, &target, &found.x).expect("converges");
            let (in_q, euclidean) = distances(&p, &found.point.x, &found.x, &exact.x);
            given += 1;
            assert!(in_q <= certificate.q_norm && euclidean <= certificate.euclidean, "seed {seed} steps {steps}");
            if certificate.q_norm > 1e3 * certificate.rounding {
                tight.push(certificate.q_norm / in_q);
            }
        }
    }
    tight.sort_by(f64::total_cmp);
    println!(
        "{given} certificates, {} above rounding: bound / distance median {:.2}",
        tight.len(),
        tight[tight.len() / 2]
    );
    assert!(given > 300 && tight[tight.len() / 2] < 3.0);
}
