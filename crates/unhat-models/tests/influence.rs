//! Influence scores against 40-digit answers, identities between their forms, and true retraining.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat::Run;
use unhat_models::influence::*;
use unhat_models::models::{Activation, Family, FitRows, ModelKind, Network, Workspace, fit_model};
use unhat_testkit::known::{InfluenceCase, influence_case};

const TIGHT: f64 = 1e-12; // the file holds 15 digits

fn assert_all_close(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0.0f64, |m, e| m.max(e.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() <= tolerance * scale, "{what}, entry {i}: got {g}, expected {e}");
    }
}

struct Known {
    case: InfluenceCase,
    network: Network,
    features: Vec<f64>,
    y: Vec<f64>,
    validation: Vec<f64>,
    y_validation: Vec<f64>,
    penalty: f64,
}

fn known() -> Known {
    let case = influence_case();
    let mut network = Network::zeros(3, &[], Activation::Relu, Family::Bernoulli);
    network.set(&case.numbers("w"));
    Known {
        features: case.features("X"),
        y: case.numbers("y"),
        validation: case.features("X_val"),
        y_validation: case.numbers("y_val"),
        penalty: case.numbers("M")[0],
        network,
        case,
    }
}

impl Known {
    fn training(&self) -> SampleGradients<'_> {
        SampleGradients::new(&self.network, &self.features, &self.y).unwrap()
    }

    fn validation(&self) -> SampleGradients<'_> {
        SampleGradients::new(&self.network, &self.validation, &self.y_validation).unwrap()
    }

    fn options(&self) -> InfluenceOptions {
        InfluenceOptions {
            penalty: self.penalty,
            temperature: None,
            damping: None,
            preconditioner: Preconditioner::Jacobi,
        }
    }
}

/// Every score of the 8-row model, against 40-digit arithmetic.
#[test]
fn scores_meet_the_known_answers() {
    let k = known();
    let run = Run::default();
    let (training, impact) = (k.training(), Impact::utility(k.validation()));
    let target = Target::Impact { impact: &impact, absolute: false };
    let of = |name: &str| k.case.numbers(name);

    let p: Vec<f64> = training
        .predictors(&run)
        .unwrap()
        .iter()
        .map(|z| {
            let mut mean = [0.0];
            Family::Bernoulli.mean_into(&[*z], &mut mean);
            mean[0]
        })
        .collect();
    assert_all_close("p", &p, &of("p"), TIGHT);
    assert_all_close("H", &curvature_matrix(&training, k.penalty, &run).unwrap(), &of("H"), TIGHT);
    assert_all_close("f", &[impact.value(&run).unwrap()], &of("val_loss"), TIGHT);
    let v = impact.gradient(1.0, &run).unwrap();
    assert_all_close("v", &v, &of("v"), TIGHT);
    // the file's v at T is the gradient of ℓ(z/T), 1/T times ours
    let tempered: Vec<f64> = impact.gradient(4.0, &run).unwrap().iter().map(|v| v / 4.0).collect();
    assert_all_close("v at T = 4", &tempered, &of("v_T4"), TIGHT);

    let score = |method: &str, options: InfluenceOptions| {
        score_rows(method.parse().unwrap(), &training, target, &options, &run).unwrap()
    };
    let plain = k.options();
    assert_all_close("ip", &score("ip", plain).scores, &of("ip"), TIGHT);
    let negative_squares: Vec<f64> = of("self_ip").iter().map(|s| -s).collect();
    assert_all_close("self", &score("self", plain).scores, &negative_squares, TIGHT);
    assert_all_close("exact", &score("exact", plain).scores, &of("exact_if"), TIGHT);
    assert_all_close("one-step", &score("one-step", plain).scores, &of("one_step_loo"), TIGHT);

    let alpha_one = InfluenceOptions { damping: Some(1.0), temperature: Some(1.0), ..plain };
    let fisher = score("fisher", alpha_one);
    assert_all_close("M", &[fisher.damping.unwrap()], &of("ef_M"), TIGHT);
    assert_all_close("fisher", &fisher.scores, &of("ef_damped"), TIGHT);
    assert_all_close("cg2", &score("cg2", alpha_one).scores, &of("cg2_ef"), TIGHT);
    let leverage: Vec<f64> = score("leverage", alpha_one).scores.iter().map(|s| -s).collect();
    assert_all_close("leverage", &leverage, &of("ridge_leverage"), TIGHT);
    assert_all_close("effective dimension", &[leverage.iter().sum()], &of("effective_dimension"), TIGHT);
    assert_all_close("wt-ip at T = 1", &score("wt-ip", alpha_one).scores, &of("aside_beta1"), TIGHT);
    let tempered = score("ip", InfluenceOptions { temperature: Some(4.0), ..plain }).scores;
    let fourth: Vec<f64> = tempered.iter().map(|s| s / 4.0).collect();
    assert_all_close("ip at T = 4", &fourth, &of("ip_T4"), TIGHT);

    // with one output the leverage estimate is the hat value itself
    let corrected: Vec<f64> = of("jacobi_pcg2_hessian").iter().zip(of("hat_h")).map(|(s, h)| s / (1.0 - h)).collect();
    let few = score("pcg:2", plain);
    assert_all_close("pcg:2", &few.scores, &corrected, TIGHT);
    let largest = of("hat_h").into_iter().fold(0.0, f64::max);
    assert_all_close("largest h", &[few.largest_leverage.unwrap()], &[largest], TIGHT);
    assert_all_close("largest h", &[score("one-step", plain).largest_leverage.unwrap()], &[largest], TIGHT);

    let margin = |i: usize, _: &[f64], top: &mut [f64]| margin_gradient(Family::Bernoulli, k.y_validation[i], top);
    let v_margin = k.validation().combination_of(&margin, &run).unwrap();
    assert_all_close("margin", &v_margin, &of("v_margin"), TIGHT);
    assert_all_close("ip of the margin", &training.times(&v_margin, &run).unwrap(), &of("ip_margin"), TIGHT);
}

#[test]
fn fairness_and_robustness_meet_the_known_answers() {
    let k = known();
    let run = Run::default();
    let training = k.training();
    let of = |name: &str| k.case.numbers(name);
    let plain = k.options();
    let scores = |impact: &Impact<'_>, method: &str, absolute: bool| {
        score_rows(method.parse().unwrap(), &training, Target::Impact { impact, absolute }, &plain, &run)
            .unwrap()
            .scores
    };

    let group: Vec<bool> = of("dp.s").iter().map(|s| *s > 0.5).collect();
    let parity = Impact::parity(k.validation(), &group).unwrap();
    assert_all_close("dp", &[parity.value(&run).unwrap()], &of("dp.value"), TIGHT);
    assert_all_close("dp v", &parity.gradient(1.0, &run).unwrap(), &of("dp.v"), TIGHT);
    assert_all_close("dp ip", &scores(&parity, "ip", false), &of("dp.ip"), TIGHT);
    assert_all_close("dp exact", &scores(&parity, "exact", false), &of("dp.exact_if"), TIGHT);

    // s = 1: validation row 1; s = 0: row 3 (1-based), both positive
    let opportunity = Impact::opportunity(k.validation(), &[true, false, false, true]).unwrap();
    assert_all_close("eo", &[opportunity.value(&run).unwrap()], &of("eo.value"), TIGHT);
    assert_all_close("eo v", &opportunity.gradient(1.0, &run).unwrap(), &of("eo.v"), TIGHT);
    assert_all_close("eo ip", &scores(&opportunity, "ip", false), &of("eo.ip"), TIGHT);

    // |f|: the groups exchanged turn f's sign, and neither |f| nor its scores
    let exchanged: Vec<bool> = group.iter().map(|s| !s).collect();
    let turned = Impact::parity(k.validation(), &exchanged).unwrap();
    assert_all_close("|dp|", &scores(&turned, "ip", true), &scores(&parity, "ip", true), TIGHT);

    let gamma = of("robustness.gamma")[0];
    let attacked = attacked_features(&k.network, &k.validation, gamma).unwrap();
    let moved: Vec<f64> = attacked.chunks_exact(3).flat_map(|x| [x[0], x[1]]).collect();
    assert_all_close("attacked rows", &moved, &of("robustness.x_adv"), TIGHT);
    let rows = SampleGradients::new(&k.network, &attacked, &k.y_validation).unwrap();
    let robustness = Impact::utility(rows);
    assert_all_close("robustness v", &robustness.gradient(1.0, &run).unwrap(), &of("robustness.v"), TIGHT);
    assert_all_close("robustness ip", &scores(&robustness, "ip", false), &of("robustness.ip"), TIGHT);
    let (before, after) = (k.validation().predictors(&run).unwrap(), robustness.rows().predictors(&run).unwrap());
    assert!(before.iter().zip(&after).all(|(a, b)| a * b < 0.0), "γ > 1 flips every decision of this model");
}

/// The model itself, and what dropping each row really does: eight fits against 40-digit refits.
#[test]
fn true_retraining_meets_the_known_answers_and_one_step_comes_near() {
    let k = known();
    let run = Run::default();
    let fitted = |features: &[f64], responses: &[f64]| {
        let rows = FitRows { features, inputs: 3, responses, weights: None };
        fit_model(&ModelKind::Logistic, Family::Bernoulli, &rows, Some(k.penalty), 0, &run).unwrap().network
    };
    let whole = fitted(&k.features, &k.y);
    assert_all_close("w", &whole.flatten(), &k.case.numbers("w"), TIGHT);
    let value = |network: &Network| {
        Impact::utility(SampleGradients::new(network, &k.validation, &k.y_validation).unwrap()).value(&run).unwrap()
    };
    let before = value(&whole);
    let (mut changes, mut weights) = (Vec::new(), Vec::new());
    for j in 0..8 {
        let kept = || (0..8).filter(move |i| *i != j);
        let features: Vec<f64> = kept().flat_map(|i| k.features[3 * i..3 * i + 3].to_vec()).collect();
        let y: Vec<f64> = kept().map(|i| k.y[i]).collect();
        let network = fitted(&features, &y);
        changes.push(value(&network) - before);
        weights.extend(network.flatten());
    }
    let truth = k.case.numbers("true_loo");
    assert_all_close("true leave-one-out", &changes, &truth, 1e-9);
    assert_all_close("its weights", &weights, &k.case.numbers("w_loo"), 1e-9);
    // f evaluated anew takes the linearisation of f away; what is left is the step itself
    let impact = Impact::utility(k.validation());
    let evaluated = one_step_evaluated(&k.training(), k.penalty, &impact, &run).unwrap().scores;
    assert!(spearman(&evaluated, &truth).unwrap() > 0.95, "{evaluated:?}");
    for (e, t) in evaluated.iter().zip(&truth) {
        assert!((e - t).abs() < 0.1 * t.abs() + 0.02, "{e} and {t}");
    }
}

/// Without a penalty, a constant beside both levels of a factor leaves the weights open but no prediction: the scores are
/// those of the same model with one of the levels as reference.
#[test]
fn dependent_columns_without_a_penalty_change_no_score() {
    let n = 60;
    let mut u = vec![0.0; 3 * n];
    unhat::random::uniform_rows_into(11, 7, 0, &mut u);
    let level = |i: usize| f64::from(u[3 * i + 1] < 0.4);
    let both: Vec<f64> = (0..n).flat_map(|i| [u[3 * i], level(i), 1.0 - level(i), 1.0]).collect();
    let reference: Vec<f64> = (0..n).flat_map(|i| [u[3 * i], level(i), 1.0]).collect();
    for (kind, family) in [
        (ModelKind::Linear, Family::Gaussian),
        (ModelKind::Logistic, Family::Bernoulli),
        (ModelKind::Softmax, Family::Categorical { classes: 3 }),
        (ModelKind::Poisson, Family::Poisson),
    ] {
        let noisy = |i: usize| 0.6 * u[3 * i] + 0.5 * level(i) + u[3 * i + 2];
        let response = |i: usize| match family {
            Family::Gaussian => noisy(i),
            Family::Bernoulli => f64::from(noisy(i) > 1.0),
            Family::Poisson => (2.0 * noisy(i)).floor(),
            _ => (3.0 * noisy(i)).floor() % 3.0, // no class that a line separates from the others
        };
        let y: Vec<f64> = (0..n).map(response).collect();
        let run = Run::default();
        let rows = FitRows { features: &reference, inputs: 3, responses: &y, weights: None };
        let fitted = fit_model(&kind, family, &rows, Some(0.0), 0, &run).unwrap().network;
        let mut same = Network::zeros(4, &[], Activation::Relu, family);
        same.set(&fitted.flatten().chunks_exact(3).flat_map(|w| [w[0], w[1], 0.0, w[2]]).collect::<Vec<_>>());
        let scores = |network: &Network, features: &[f64]| -> Vec<Vec<f64>> {
            let training = SampleGradients::new(network, features, &y).unwrap();
            let held = SampleGradients::new(network, &features[..20 * network.inputs()], &y[..20]).unwrap();
            let impact = Impact::utility(held);
            let target = Target::Impact { impact: &impact, absolute: false };
            let options =
                |preconditioner| InfluenceOptions { penalty: 0.0, temperature: None, damping: None, preconditioner };
            [("exact", false), ("one-step", false), ("one-step-f", false), ("pcg:40", false), ("pcg:40", true)]
                .into_iter()
                .map(|(method, blocks)| {
                    let chosen = if blocks { Preconditioner::ClassBlocks } else { Preconditioner::Jacobi };
                    score_rows(method.parse().unwrap(), &training, target, &options(chosen), &run).unwrap().scores
                })
                .collect()
        };
        for (k, (found, expected)) in scores(&same, &both).iter().zip(scores(&fitted, &reference)).enumerate() {
            assert_all_close(&format!("{kind}, method {k}"), found, &expected, 1e-9);
        }
    }
}

/// A softmax perceptron with random weights on random rows: any weights will do for identities.
struct Random {
    network: Network,
    features: Vec<f64>,
    y: Vec<f64>,
}

fn random(rows: usize, hidden: &[usize], classes: usize, seed: u64) -> Random {
    let draw = |stream, count| {
        let mut u = vec![0.0; count];
        unhat::random::uniform_rows_into(seed, stream, 0, &mut u);
        u
    };
    let inputs = 5;
    let mut network = Network::zeros(inputs, hidden, Activation::Tanh, Family::Categorical { classes });
    let weights: Vec<f64> = draw(0, network.parameters()).iter().map(|u| 2.0 * u - 1.0).collect();
    network.set(&weights);
    let mut features: Vec<f64> = draw(1, rows * inputs).iter().map(|u| 2.0 * u - 1.0).collect();
    features.chunks_exact_mut(inputs).for_each(|x| x[inputs - 1] = 1.0);
    let y = draw(2, rows).iter().map(|u| (u * classes as f64).floor()).collect();
    Random { network, features, y }
}

impl Random {
    fn gradients(&self) -> SampleGradients<'_> {
        SampleGradients::new(&self.network, &self.features, &self.y).unwrap()
    }

    /// G itself, row by row.
    fn explicit(&self) -> Vec<Vec<f64>> {
        let mut work = Workspace::default();
        self.features
            .chunks_exact(self.network.inputs())
            .zip(&self.y)
            .map(|(x, &y)| {
                self.network.forward(x, &mut work);
                let top = |_: usize, z: &[f64], t: &mut [f64]| self.network.family.gradient_into(z, y, 1.0, t);
                let mut g = vec![0.0; self.network.parameters()];
                self.network.backward(x, &mut work, top).add_combination(None, &mut g);
                g
            })
            .collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn primal_and_dual_forms_are_equal() {
    let run = Run::default();
    for (rows, hidden) in [(40, &[][..]), (40, &[6]), (300, &[3])] {
        let r = random(rows, hidden, 3, 11);
        let training = r.gradients();
        let explicit = r.explicit();
        let gram = dual_gram(&training, &run).unwrap();
        for i in 0..rows {
            for j in 0..rows {
                assert!((gram[i * rows + j] - dot(&explicit[i], &explicit[j])).abs() < 1e-12);
            }
        }
        let v: Vec<f64> = explicit[0].iter().zip(&explicit[1]).map(|(a, b)| a - 2.0 * b).collect();
        let damping = damping(&training, 0.1, &run).unwrap();
        let forms = [Form::Primal, Form::Dual].map(|form| Ridge::in_form(&training, damping, form, &run).unwrap());
        let [primal, dual] = &forms;
        let leverages = primal.leverages(&run).unwrap();
        assert_all_close("leverage", &dual.leverages(&run).unwrap(), &leverages, 1e-10);
        assert_all_close("damped", &dual.damped(&v, &run).unwrap(), &primal.damped(&v, &run).unwrap(), 1e-10);
        assert!(leverages.iter().all(|l| (0.0..1.0).contains(l)));
    }
}

#[test]
fn curvature_products_are_the_differences_of_the_gradient_without_hidden_layers() {
    let run = Run::default();
    let mut r = random(30, &[], 3, 5);
    let (theta, penalty, h) = (r.network.flatten(), 0.3, 1e-5);
    let u: Vec<f64> = theta.iter().map(|t| 0.5 - t).collect();
    let product = curvature_times(&r.gradients(), penalty, &u, &run).unwrap();
    let matrix = curvature_matrix(&r.gradients(), penalty, &run).unwrap();
    let by_matrix: Vec<f64> = matrix.chunks_exact(u.len()).map(|row| dot(row, &u)).collect();
    assert_all_close("H·u", &by_matrix, &product, 1e-13);
    let mut at = |t: f64| {
        let moved: Vec<f64> = theta.iter().zip(&u).map(|(a, b)| a + t * b).collect();
        r.network.set(&moved);
        let mut g = r.gradients().sum(1.0, &run).unwrap();
        g.iter_mut().zip(&moved).for_each(|(g, m)| *g += penalty * m);
        g
    };
    let (above, below) = (at(h), at(-h));
    let slopes: Vec<f64> = above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * h)).collect();
    assert_all_close("differences", &product, &slopes, 1e-8);
}

#[test]
fn gauss_newton_of_a_network_agrees_in_matrix_and_product() {
    let run = Run::default();
    let r = random(25, &[4], 3, 6);
    let training = r.gradients();
    let u: Vec<f64> = r.network.flatten().iter().map(|t| 0.3 + t).collect();
    let matrix = curvature_matrix(&training, 0.2, &run).unwrap();
    let by_matrix: Vec<f64> = matrix.chunks_exact(u.len()).map(|row| dot(row, &u)).collect();
    assert_all_close("GGN·u", &curvature_times(&training, 0.2, &u, &run).unwrap(), &by_matrix, 1e-12);
}

#[test]
fn many_steps_on_the_hessian_are_the_exact_influence() {
    let run = Run::default();
    let r = random(60, &[3], 2, 8);
    let training = r.gradients();
    let v = r.explicit()[3].clone();
    let exact = exact(&training, 0.5, &v, &run).unwrap().scores;
    for preconditioner in [Preconditioner::Jacobi, Preconditioner::ClassBlocks] {
        let few = few_hessian_steps(&training, 0.5, &v, 200, preconditioner, &run).unwrap();
        assert_all_close("pcg", &few.scores, &exact, 1e-9);
    }
}

/// WT-IP tends to the plain inner products as the whitening fades, up to the trace that it is divided by.
#[test]
fn without_whitening_the_products_are_plain() {
    let run = Run::default();
    let r = random(60, &[], 3, 9);
    let training = r.gradients();
    let v = r.explicit()[0].clone();
    let plain = training.times(&v, &run).unwrap();
    let faded = whitened_products(&training, &v, 1e9, &run).unwrap();
    assert!((cosine(&plain, &faded).unwrap() - 1.0).abs() < 1e-9);
}

/// The training margin leaves each row's own margin out: brute force over explicit gradients.
#[test]
fn the_training_margin_leaves_the_row_itself_out() {
    let run = Run::default();
    let r = random(30, &[4], 3, 12);
    let training = r.gradients();
    let explicit = r.explicit();
    let margins: Vec<Vec<f64>> = (0..30)
        .map(|row| {
            let only = |i: usize, _: &[f64], top: &mut [f64]| {
                if i == row { margin_gradient(r.network.family, r.y[i], top) } else { top.fill(0.0) }
            };
            training.combination_of(&only, &run).unwrap()
        })
        .collect();
    let metric = InputMetric::new(&training, WHITENING, &run).unwrap();
    let got = training_margin_products(&training, WHITENING, &run).unwrap();
    for j in 0..30 {
        let mut others = vec![0.0; r.network.parameters()];
        margins.iter().enumerate().filter(|(i, _)| *i != j).for_each(|(_, m)| {
            others.iter_mut().zip(m).for_each(|(o, m)| *o += m);
        });
        let expected = dot(&explicit[j], &metric.solve(&r.network, &others));
        assert!((got[j] - expected).abs() < 1e-11 * (1.0 + expected.abs()), "row {j}: {} and {expected}", got[j]);
    }
}

/// For every r the interval contains the damped score; with all eigenpairs it is the score.
#[test]
fn the_sign_certificate_contains_the_damped_score() {
    let run = Run::default();
    for (rows, hidden) in [(30, &[4][..]), (200, &[2])] {
        let r = random(rows, hidden, 3, 4);
        let training = r.gradients();
        let v = r.explicit()[7].clone();
        let m = damping(&training, 1.0, &run).unwrap();
        let scores = Ridge::new(&training, m, &run).unwrap().damped(&v, &run).unwrap();
        let size = rows.min(r.network.parameters());
        let mut last = 0.0;
        for eigenpairs in [0, 1, 3, 10, size] {
            let c = certified_signs(&training, &v, m, eigenpairs, &run).unwrap();
            for (j, s) in scores.iter().enumerate() {
                let slack = 1e-10 * (1.0 + s.abs());
                assert!(c.low[j] - slack <= *s && *s <= c.high[j] + slack, "r = {eigenpairs}, row {j}");
                if eigenpairs == size {
                    assert!(c.high[j] - c.low[j] < 1e-6, "all eigenpairs leave nothing open");
                }
            }
            assert!(c.share() >= last, "more eigenpairs certify more");
            last = c.share();
        }
    }
}

#[test]
fn scores_do_not_depend_on_the_threads() {
    let r = random(3000, &[7], 3, 21);
    let scores = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { pool: Some(&pool), ..Run::default() };
        let training = r.gradients();
        let impact = Impact::utility(r.gradients());
        let target = Target::Impact { impact: &impact, absolute: false };
        let options =
            InfluenceOptions { penalty: 1.0, temperature: None, damping: None, preconditioner: Preconditioner::Jacobi };
        ["rank-sum", "cg2", "leverage", "fisher", "pcg"]
            .map(|m| score_rows(m.parse().unwrap(), &training, target, &options, &run).unwrap().scores)
    };
    let one = scores(1);
    assert_eq!(one, scores(2));
    assert_eq!(one, scores(7));
}

#[test]
fn what_a_model_does_not_admit_is_an_error_that_says_so() {
    let run = Run::default();
    let r = random(30, &[4], 3, 2);
    let training = r.gradients();
    let options =
        InfluenceOptions { penalty: 1.0, temperature: None, damping: None, preconditioner: Preconditioner::Jacobi };
    let say = |method: &str, target| match score_rows(method.parse().unwrap(), &training, target, &options, &run) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{method} was accepted"),
    };
    let v = vec![1.0; r.network.parameters()];
    assert!(say("one-step", Target::Given(&v)).contains("hidden layers"));
    assert!(say("ip", Target::Nothing).contains("needs validation rows"));
    assert!(say("ip", Target::TrainingMargin).contains("wt-ip"));
    assert!(say("ip", Target::Given(&v[1..])).contains("values"));
    let zero = InfluenceOptions { damping: Some(0.0), ..options };
    assert!(score_rows("fisher".parse().unwrap(), &training, Target::Given(&v), &zero, &run).is_err());
    assert!("pcg:0".parse::<Method>().is_err() && "ekfac".parse::<Method>().is_err());
    let class = vec![3.0; 30];
    assert!(SampleGradients::new(&r.network, &r.features, &class).is_err());
    assert!(Impact::parity(training, &[true; 30]).is_err());
}

/// hᵢ = pᵢ(1 − pᵢ)xᵢᵀH⁻¹xᵢ from the H and p of the known answers.
#[test]
fn hat_values_are_those_of_the_weighted_design_at_the_fit() {
    let k = known();
    let hat = hat_values(&k.training(), k.penalty, &Run::default()).unwrap().unwrap();
    let (h, p) = (k.case.numbers("H"), k.case.numbers("p"));
    let expected: Vec<f64> = k
        .features
        .chunks_exact(3)
        .zip(&p)
        .map(|(x, p)| p * (1.0 - p) * unhat::kernels::dot(x, &unhat::kernels::solve_square(&h, x).unwrap()))
        .collect();
    assert_all_close("hat", &hat, &expected, TIGHT);
    let r = random(20, &[4], 3, 2);
    assert!(hat_values(&r.gradients(), 1.0, &Run::default()).unwrap().is_none(), "a network has none");
}

/// A binary table whose classes overlap, with its fit without a penalty, the rows in the given order.
fn fitted_table(order: &[usize]) -> (Network, Vec<f64>, Vec<f64>) {
    let row = |i: usize| [((i * i + 3 * i) as f64).sin(), ((7 * i + 1) as f64).cos(), 1.0];
    let features: Vec<f64> = order.iter().flat_map(|&i| row(i)).collect();
    let y: Vec<f64> = order.iter().map(|&i| f64::from(u8::from(row(i)[0] + (i as f64 * 1.7).sin() > 0.1))).collect();
    let rows = FitRows { features: &features, inputs: 3, responses: &y, weights: None };
    let fitted = fit_model(&ModelKind::Logistic, Family::Bernoulli, &rows, Some(0.0), 0, &Run::default()).unwrap();
    (fitted.network, features, y)
}

#[test]
fn where_the_fit_minimises_f_first_order_scores_are_refused_in_any_order_and_one_step_f_still_tells() {
    let run = Run::default();
    let options =
        InfluenceOptions { penalty: 0.0, temperature: None, damping: None, preconditioner: Preconditioner::Jacobi };
    let order: Vec<usize> = (0..60).collect();
    let orders = [order.clone(), order.iter().rev().copied().collect(), order.iter().map(|i| i * 7 % 60).collect()];
    for order in &orders {
        let (network, features, y) = fitted_table(order);
        let training = SampleGradients::new(&network, &features, &y).unwrap();
        let impact = Impact::utility(training);
        let target = Target::Impact { impact: &impact, absolute: false };
        for method in ["ip", "fisher", "pcg", "exact", "one-step"] {
            let refused = score_rows(method.parse().unwrap(), &training, target, &options, &run).err().unwrap();
            let text = refused.to_string();
            assert!(text.contains("the gradient of f vanishes") && text.contains("one-step-f"), "{method}: {text}");
        }
        // Any step away from the minimum of f raises it.
        let told = score_rows(Method::OneStepEvaluated, &training, target, &options, &run).unwrap().scores;
        assert!(told.iter().all(|score| *score > 0.0), "{told:?}");
        // Half of the rows are not what was minimised.
        let half = SampleGradients::new(&network, &features[..90], &y[..30]).unwrap();
        let impact = Impact::utility(half);
        let target = Target::Impact { impact: &impact, absolute: false };
        assert!(score_rows(Method::OneStep, &training, target, &options, &run).is_ok());
    }
}

#[test]
fn a_fit_that_meets_every_row_is_refused_by_every_method() {
    let run = Run::default();
    let features: Vec<f64> = (0..30).flat_map(|i| [(i as f64).sin(), (i as f64 * 0.3).cos(), 1.0]).collect();
    let y: Vec<f64> = features.chunks(3).map(|x| 2.5 * x[0] - 0.7 * x[1] + 1.1).collect();
    let rows = FitRows { features: &features, inputs: 3, responses: &y, weights: None };
    let network = fit_model(&ModelKind::Linear, Family::Gaussian, &rows, None, 0, &run).unwrap().network;
    let training = SampleGradients::new(&network, &features, &y).unwrap();
    let v = vec![1.0; 3];
    let options =
        InfluenceOptions { penalty: 0.0, temperature: None, damping: None, preconditioner: Preconditioner::Jacobi };
    for method in ["loss", "grad-norm", "self", "ip", "cg2", "leverage", "fisher", "pcg", "exact", "one-step"] {
        let refused = score_rows(method.parse().unwrap(), &training, Target::Given(&v), &options, &run).err().unwrap();
        assert!(refused.to_string().contains("the gradient of every training row vanishes"), "{method}: {refused}");
    }
    // A millionth of noise is enough for an order.
    let noisy: Vec<f64> = y.iter().enumerate().map(|(i, y)| y + 1e-6 * (i as f64 * 2.3).sin()).collect();
    let training = SampleGradients::new(&network, &features, &noisy).unwrap();
    assert!(score_rows(Method::OneStep, &training, Target::Given(&v), &options, &run).is_ok());
}
