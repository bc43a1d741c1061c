//! What the programs about the paper's claim share: the fits, and the plot of iterations and of seconds an iteration.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Instant;

/// One point of the left half of the plot.
pub struct Count {
    pub log_ratio: f64,
    pub iterations: f64,
}

/// One point of the right half of the plot.
pub struct Cost {
    pub nonzeros: f64,
    pub columns: f64,
    pub seconds: f64,
    pub work: f64,
}

/// Processor seconds of the process, all threads: what other processes disturb least. Where the system does not say
/// (/proc of Linux), seconds of the clock.
pub fn seconds(begin: Instant) -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    match nanoseconds.sum::<f64>() {
        0.0 => begin.elapsed().as_secs_f64(),
        sum => 1e-9 * sum,
    }
}

/// The least-squares solution of few unknowns by normal equations, and R².
fn fit<const K: usize>(rows: &[[f64; K]], values: &[f64]) -> ([f64; K], f64) {
    let mut normal = [[0.0; K]; K];
    let mut right = [0.0; K];
    for (row, v) in rows.iter().zip(values) {
        for a in 0..K {
            right[a] += row[a] * v;
            (0..K).for_each(|b| normal[a][b] += row[a] * row[b]);
        }
    }
    for pivot in 0..K {
        for other in 0..K {
            if other != pivot {
                let factor = normal[other][pivot] / normal[pivot][pivot];
                (0..K).for_each(|b| normal[other][b] -= factor * normal[pivot][b]);
                right[other] -= factor * right[pivot];
            }
        }
    }
    let solution: [f64; K] = std::array::from_fn(|a| right[a] / normal[a][a]);
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let predicted = rows.iter().map(|row| row.iter().zip(&solution).map(|(x, s)| x * s).sum::<f64>());
    let left: f64 = predicted.zip(values).map(|(p, v)| (v - p) * (v - p)).sum();
    (solution, 1.0 - left / values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>())
}

/// iterations = a + b·log ratio.
fn iteration_fit(counts: &[Count]) -> ([f64; 2], f64) {
    let rows: Vec<[f64; 2]> = counts.iter().map(|c| [1.0, c.log_ratio]).collect();
    fit(&rows, &counts.iter().map(|c| c.iterations).collect::<Vec<_>>())
}

/// seconds = α·nnz + β·d^ω.
fn cost_fit(costs: &[Cost], omega: i32) -> ([f64; 2], f64) {
    let rows: Vec<[f64; 2]> = costs.iter().map(|c| [c.nonzeros, c.columns.powi(omega)]).collect();
    fit(&rows, &costs.iter().map(|c| c.seconds).collect::<Vec<_>>())
}

/// The exponent among 3 and 4 that explains the seconds better.
fn best_fit(costs: &[Cost]) -> (i32, [f64; 2], f64) {
    let fits = [3, 4].map(|omega| (omega, cost_fit(costs, omega)));
    let (omega, (solution, r2)) = if fits[0].1.1 >= fits[1].1.1 { fits[0] } else { fits[1] };
    (omega, solution, r2)
}

const COLOURS: [(&str, &str); 5] = [
    ("exact", "#4477aa"),
    ("cg", "#4477aa"),
    ("coreset", "#cc6677"),
    ("surrogate", "#117733"),
    ("diagonal", "#117733"),
];

fn colour(solver: &str) -> &'static str {
    COLOURS.iter().find(|(name, _)| *name == solver).map_or("#000000", |(_, colour)| colour)
}

/// A square of the plot: data in [x0, x1]×[y0, y1], drawn at `left`.
struct Panel {
    left: f64,
    x: [f64; 2],
    y: [f64; 2],
}

const SIDE: f64 = 340.0;
const TOP: f64 = 40.0;

impl Panel {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let across = |v: f64, [low, high]: [f64; 2]| (v - low) / (high - low);
        (self.left + SIDE * across(x, self.x), TOP + SIDE * (1.0 - across(y, self.y)))
    }

    fn frame(&self, svg: &mut String, title: &str, across: &str, up: &str, marks: [Vec<(f64, String)>; 2]) {
        let (l, t) = (self.left, TOP);
        let middle = l + SIDE / 2.0;
        let _ = writeln!(
            svg,
            "<rect x='{l}' y='{t}' width='{SIDE}' height='{SIDE}' fill='none' stroke='#888'/>\
             <text x='{middle}' y='{}' text-anchor='middle' font-size='14'>{title}</text>\
             <text x='{middle}' y='{}' text-anchor='middle'>{across}</text>\
             <text transform='translate({},{}) rotate(-90)' text-anchor='middle'>{up}</text>",
            t - 14.0,
            t + SIDE + 38.0,
            l - 42.0,
            t + SIDE / 2.0,
        );
        for (x, label) in &marks[0] {
            let (px, _) = self.at(*x, self.y[0]);
            let _ = writeln!(svg, "<text x='{px:.1}' y='{}' text-anchor='middle'>{label}</text>", t + SIDE + 18.0);
        }
        for (y, label) in &marks[1] {
            let (_, py) = self.at(self.x[0], *y);
            let _ = writeln!(svg, "<text x='{}' y='{:.1}' text-anchor='end'>{label}</text>", l - 6.0, py + 4.0);
        }
    }

    fn dot(&self, svg: &mut String, x: f64, y: f64, colour: &str) {
        let (px, py) = self.at(x, y);
        let _ = writeln!(svg, "<circle cx='{px:.1}' cy='{py:.1}' r='2.2' fill='{colour}' fill-opacity='0.35'/>");
    }

    fn line(&self, svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
        let ((x1, y1), (x2, y2)) = (self.at(from.0, from.1), self.at(to.0, to.1));
        let _ = writeln!(
            svg,
            "<line x1='{x1:.1}' y1='{y1:.1}' x2='{x2:.1}' y2='{y2:.1}' stroke='{colour}' stroke-width='1.6'/>"
        );
    }

    fn legend(&self, svg: &mut String, solvers: &[&str]) {
        for (k, solver) in solvers.iter().enumerate() {
            let (x, y) = (self.left + 12.0, TOP + 20.0 + 17.0 * k as f64);
            let _ = writeln!(svg, "<text x='{x}' y='{y}' fill='{}'>{solver}</text>", colour(solver));
        }
    }
}

/// Both halves of the plot.
pub fn plot(counts: &BTreeMap<&str, Vec<Count>>, costs: &BTreeMap<&str, Vec<Cost>>) -> String {
    let mut svg = String::from(
        "<svg xmlns='http://www.w3.org/2000/svg' width='860' height='440' viewBox='0 0 860 440' \
         font-family='sans-serif' font-size='12'>\n<rect width='860' height='440' fill='white'/>\n",
    );
    let most = |v: &mut dyn Iterator<Item = f64>| v.fold(0.0, f64::max);
    let far = most(&mut counts.values().flatten().map(|c| c.log_ratio)) + 1.0;
    let many = most(&mut counts.values().flatten().map(|c| c.iterations)) + 1.0;
    let left = Panel { left: 70.0, x: [0.0, far], y: [0.0, many] };
    let every = |step: usize, end: f64| {
        (0..).map(|k| (k * step) as f64).take_while(|v| *v <= end).map(|v| (v, format!("{v}"))).collect::<Vec<_>>()
    };
    left.frame(
        &mut svg,
        "iterations until ‖x − x*‖ ≤ ε",
        "log(‖x₀ − x*‖/ε)",
        "iterations",
        [every(5, far), every(5, many)],
    );
    for (solver, counts) in counts {
        counts.iter().for_each(|c| left.dot(&mut svg, c.log_ratio, c.iterations, colour(solver)));
        let ([a, b], _) = iteration_fit(counts);
        left.line(&mut svg, (0.0, a.max(0.0)), (far, a + b * far), colour(solver));
    }
    left.legend(&mut svg, &counts.keys().copied().collect::<Vec<_>>());
    let all: Vec<f64> = costs.values().flatten().map(|c| c.seconds.log10()).collect();
    let low = all.iter().copied().fold(f64::INFINITY, f64::min).floor();
    let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil();
    let right = Panel { left: 490.0, x: [low, high], y: [low, high] };
    let powers: Vec<(f64, String)> = (low as i32..=high as i32).map(|k| (k as f64, format!("1e{k}"))).collect();
    right.frame(&mut svg, "seconds an iteration", "α·nnz + β·d^ω, fitted", "measured", [powers.clone(), powers]);
    right.line(&mut svg, (low, low), (high, high), "#888");
    for (solver, costs) in costs {
        let (omega, [alpha, beta], _) = best_fit(costs);
        for c in costs {
            let fitted = (alpha * c.nonzeros + beta * c.columns.powi(omega)).max(10f64.powf(low));
            right.dot(&mut svg, fitted.log10().clamp(low, high), c.seconds.log10(), colour(solver));
        }
    }
    right.legend(&mut svg, &costs.keys().copied().collect::<Vec<_>>());
    svg.push_str("</svg>\n");
    svg
}

/// One JSON line a fit.
pub fn print_fits(counts: &BTreeMap<&str, Vec<Count>>, costs: &BTreeMap<&str, Vec<Cost>>) {
    for (solver, counts) in counts {
        let ([a, b], r2) = iteration_fit(counts);
        println!(
            "{{\"fit\":\"iterations = a + b log(ratio)\",\"solver\":\"{solver}\",\"a\":{a:.2},\"b\":{b:.3},\"r2\":{r2:.3},\
             \"most\":{},\"runs\":{}}}",
            counts.iter().map(|c| c.iterations).fold(0.0, f64::max),
            counts.len()
        );
    }
    for (solver, costs) in costs {
        for omega in [3, 4] {
            let ([alpha, beta], r2) = cost_fit(costs, omega);
            println!(
                "{{\"fit\":\"seconds = alpha nnz + beta d^omega\",\"solver\":\"{solver}\",\"omega\":{omega},\
                 \"alpha\":{alpha:.3e},\"beta\":{beta:.3e},\"r2\":{r2:.4},\"most_work\":{:.2}}}",
                costs.iter().map(|c| c.work).fold(0.0, f64::max)
            );
        }
    }
}
