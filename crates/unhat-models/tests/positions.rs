//! Sequence layers and convolutions against explicit per-sample gradients; the input metric in both forms; single precision.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat_models::models::{LayerFactors, LayerShape};
use unhat_models::natural::*;
use unhat_testkit::elimination::solve;

fn draw(seed: u64, count: usize) -> Vec<f64> {
    let mut u = vec![0.0; count];
    unhat::random::uniform_rows_into(seed, 22, 0, &mut u);
    u.iter().map(|u| 2.0 * u - 1.0).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Σ_t d_t a_tᵀ of one sample, written out.
fn gradient(a: &[f64], d: &[f64], shape: LayerShape) -> Vec<f64> {
    let mut g = vec![0.0; shape.parameters()];
    for (a, d) in a.chunks_exact(shape.inputs).zip(d.chunks_exact(shape.outputs)) {
        for k in 0..shape.outputs {
            (0..shape.inputs).for_each(|j| g[k * shape.inputs + j] += d[k] * a[j]);
        }
    }
    g
}

/// Both ways to the kernel, on either side of the rule that chooses, are the inner products of explicit gradients; the
/// weighted sum by their coefficients is the natural step of the layer.
#[test]
fn kernels_and_steps_of_sequences_are_those_of_explicit_gradients() {
    for (n, t, inputs, outputs) in [(7, 2, 9, 8), (5, 6, 4, 3), (4, 1, 5, 2), (1, 3, 2, 2)] {
        let shape = LayerShape { inputs, outputs };
        let (a, d) = (draw(1, n * t * inputs), draw(2, n * t * outputs));
        let factors = LayerFactors::new(shape, t, &a, &d).unwrap();
        let own = |i: usize| {
            gradient(&a[i * t * inputs..(i + 1) * t * inputs], &d[i * t * outputs..(i + 1) * t * outputs], shape)
        };
        let explicit: Vec<Vec<f64>> = (0..n).map(own).collect();
        for (g, e) in factors.gradients().iter().zip(explicit.iter().flatten()) {
            assert!((g - e).abs() < 1e-14);
        }
        for kernel in [factors.kernel(), factors.kernel_of_pairs(), factors.kernel_of_gradients()] {
            for (e, k) in kernel.iter().enumerate() {
                assert!((k - dot(&explicit[e / n], &explicit[e % n])).abs() < 1e-12);
            }
        }
        let p = shape.parameters();
        let c = natural_coefficients(&factors.kernel(), Damping::Absolute(1e-3), None).unwrap();
        let mut step = vec![0.0; p];
        factors.add_combination(Some(&c), &mut step);
        let fisher = |r: usize, s: usize| explicit.iter().map(|g| g[r] * g[s]).sum::<f64>() / n as f64;
        let matrix = (0..p).map(|r| (0..p).map(|s| fisher(r, s) + if r == s { 1e-3 } else { 0.0 }).collect()).collect();
        let mean = (0..p).map(|j| explicit.iter().map(|g| g[j]).sum::<f64>() / n as f64).collect();
        let expected = solve(matrix, mean);
        let off: Vec<f64> = step.iter().zip(&expected).map(|(s, e)| s - e).collect();
        assert!(dot(&off, &off) <= 1e-16 * dot(&expected, &expected), "T = {t}");
    }
    let shape = LayerShape { inputs: 2, outputs: 1 };
    for (positions, a, d) in [(0, 4, 2), (2, 6, 3), (1, 4, 3), (1, 3, 1)] {
        let found = LayerFactors::new(shape, positions, &vec![0.0; a], &vec![0.0; d]).err().unwrap();
        assert_eq!(found.kind().name(), "shape");
    }
}

/// A convolution is a product with its windows: values and weight gradients are those of the sums over pixels.
#[test]
fn windows_turn_a_convolution_into_a_layer() {
    let (n, outputs) = (3, 2);
    for (stride, padding, dilation) in [(1, 0, 1), (2, 1, 1), (1, 2, 2), (3, 0, 1)] {
        let windows = Windows { image: [2, 6, 5], kernel: [3, 2], stride, padding, dilation };
        let images = draw(3, n * 60);
        let pixel = |i: usize, channel: usize, y: isize, x: isize| {
            let inside = (0..6).contains(&y) && (0..5).contains(&x);
            if inside { images[((i * 2 + channel) * 6 + y as usize) * 5 + x as usize] } else { 0.0 }
        };
        let [down, across] = windows.counts().unwrap();
        let (t, inputs) = (down * across, windows.width());
        assert_eq!(inputs, 13);
        let rows = windows.rows(&images).unwrap();
        assert_eq!(rows.len(), n * t * inputs);
        let d = draw(4, n * t * outputs);
        let shape = LayerShape { inputs, outputs };
        let gradients = LayerFactors::new(shape, t, &rows, &d).unwrap().gradients();
        for (i, found) in gradients.chunks_exact(shape.parameters()).enumerate() {
            for (e, found) in found.iter().enumerate() {
                let (output, entry) = (e / inputs, e % inputs);
                let (channel, ky, kx) = (entry / 6, entry % 6 / 2, entry % 2);
                let of_window = |w: usize| {
                    let at = |top: usize, k: usize| (top * stride + k * dilation) as isize - padding as isize;
                    let value =
                        if entry == 12 { 1.0 } else { pixel(i, channel, at(w / across, ky), at(w % across, kx)) };
                    d[(i * t + w) * outputs + output] * value
                };
                assert!((found - (0..t).map(of_window).sum::<f64>()).abs() < 1e-13, "{windows:?} entry {entry}");
            }
        }
    }
    let windows = Windows { image: [1, 2, 2], kernel: [3, 3], stride: 1, padding: 0, dilation: 1 };
    assert_eq!(windows.rows(&[0.0; 4]).unwrap_err().kind().name(), "shape");
    let windows = Windows { padding: 1, ..windows };
    assert_eq!(windows.counts(), Some([2, 2]));
    assert_eq!(windows.rows(&[0.0; 5]).unwrap_err().kind().name(), "shape");
    assert!(Windows { stride: 0, ..windows }.counts().is_none());
}

/// ḡ(S + λI)⁻¹ by elimination, by d×d and by n×n, with more rows than inputs and with fewer.
#[test]
fn the_input_metric_is_the_same_in_both_forms() {
    for n in [4, 20] {
        let shape = LayerShape { inputs: 7, outputs: 3 };
        let (a, d) = (draw(5, n * 7), draw(6, n * 3));
        let layer = LayerFactors { shape, positions: 1, inputs: &a, gradients: &d };
        let s = |i: usize, j: usize| a.chunks_exact(7).map(|r| r[i] * r[j]).sum::<f64>() / n as f64;
        let mean: Vec<f64> = gradient(&a, &d, shape).iter().map(|g| g / n as f64).collect();
        let trace: f64 = (0..7).map(|j| s(j, j)).sum();
        for (damping, lambda) in [(Damping::Absolute(1e-4), 1e-4), (Damping::Relative(0.5), 0.5 * trace / 7.0)] {
            let matrix: Vec<Vec<f64>> =
                (0..7).map(|i| (0..7).map(|j| s(i, j) + if i == j { lambda } else { 0.0 }).collect()).collect();
            let expected: Vec<f64> = mean.chunks_exact(7).flat_map(|g| solve(matrix.clone(), g.to_vec())).collect();
            for rule in [primal_direction, dual_direction, fresh_direction] {
                for (f, e) in rule(&layer, damping).unwrap().iter().zip(&expected) {
                    assert!((f - e).abs() <= 1e-9 * e.abs().max(1.0), "n = {n}, {damping:?}: {f} {e}");
                }
            }
        }
        for rule in [primal_direction, dual_direction] {
            assert_eq!(rule(&layer, Damping::Absolute(0.0)).unwrap_err().kind().name(), "option");
            let bad = vec![f64::NAN; n * 7];
            let bad = LayerFactors { inputs: &bad, ..layer };
            assert_eq!(rule(&bad, Damping::Relative(1.0)).unwrap_err().kind().name(), "numerical");
            assert_eq!(rule(&bad, Damping::Absolute(1.0)).unwrap_err().kind().name(), "numerical");
        }
    }
}

/// c with (K + M·I)c = v in single precision throughout: a Cholesky factor and two substitutions.
fn single_precision_solve(kernel: &[f32], m: f32, v: &[f32]) -> Vec<f32> {
    let n = v.len();
    let mut l = kernel.to_vec();
    (0..n).for_each(|i| l[i * n + i] += m);
    for j in 0..n {
        for i in j..n {
            let sum: f32 = l[i * n + j] - (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum::<f32>();
            l[i * n + j] = if i == j { sum.sqrt() } else { sum / l[j * n + j] };
        }
    }
    let mut x = v.to_vec();
    for i in 0..n {
        x[i] = (x[i] - (0..i).map(|k| l[i * n + k] * x[k]).sum::<f32>()) / l[i * n + i];
    }
    for i in (0..n).rev() {
        x[i] = (x[i] - (i + 1..n).map(|k| l[k * n + i] * x[k]).sum::<f32>()) / l[i * n + i];
    }
    x
}

/// Why the coefficients have the short form: in single precision at λ = 10⁻⁶ it keeps the digits of the numbers, and
/// (1 − (K + M·I)⁻¹K1)/M loses all but one or two. The library widens single precision before it solves, which costs an n×n
/// matrix and is as good as exact.
#[test]
fn in_single_precision_the_short_form_keeps_its_digits() {
    let (n, p, lambda) = (24, 300, 1e-6f64);
    let single: Vec<f32> = draw(7, n * p).iter().map(|g| *g as f32 / 10.0).collect();
    let rows: Vec<Vec<f64>> = single.chunks_exact(p).map(|row| row.iter().map(|g| f64::from(*g)).collect()).collect();
    let kernel: Vec<f64> = (0..n * n).map(|e| dot(&rows[e / n], &rows[e % n])).collect();
    let damped: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..n).map(|j| kernel[i * n + j] + if i == j { n as f64 * lambda } else { 0.0 }).collect())
        .collect();
    let exact = solve(damped, vec![1.0; n]);
    let step = |c: &[f64]| -> Vec<f64> { (0..p).map(|j| c.iter().zip(&rows).map(|(c, g)| c * g[j]).sum()).collect() };
    let expected = step(&exact);
    let error = |c: &[f64]| {
        let off: Vec<f64> = step(c).iter().zip(&expected).map(|(s, e)| s - e).collect();
        (dot(&off, &off) / dot(&expected, &expected)).sqrt()
    };
    let widen = |c: &[f32]| -> Vec<f64> { c.iter().map(|c| f64::from(*c)).collect() };

    let (k, m) = (kernel.iter().map(|k| *k as f32).collect::<Vec<f32>>(), (n as f64 * lambda) as f32);
    let short = error(&widen(&single_precision_solve(&k, m, &vec![1.0; n])));
    let row_sums: Vec<f32> = k.chunks_exact(n).map(|row| row.iter().sum()).collect();
    let cancelled: Vec<f32> =
        single_precision_solve(&k, m, &row_sums).iter().map(|solved| (1.0 - solved) / m).collect();
    let cancelling = error(&widen(&cancelled));
    let ours = error(&natural_coefficients(&kernel, Damping::Absolute(lambda), None).unwrap());
    println!("short {short:e}, cancelling {cancelling:e}, widened {ours:e}");
    assert!(short <= 1e-6, "{short:e}");
    assert!(cancelling >= 1e-3, "{cancelling:e}");
    assert!(ours <= 1e-12, "{ours:e}");
    // the answer goes back into single precision
    let rounded = widen(
        &natural_coefficients(&kernel, Damping::Absolute(lambda), None)
            .unwrap()
            .iter()
            .map(|c| *c as f32)
            .collect::<Vec<_>>(),
    );
    assert!(error(&rounded) <= 1e-6);
}
