//! The report of an inversion: how it went, what else fits, and what is proven of the answer.

use crate::Error;
use crate::charts::dots::{self, Dot, DotRow};
use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::lines::{self, Line};
use crate::charts::scale::Domain;
use crate::image::Image;
use crate::number::{Format, Quantity};
use crate::page::{Page, Section};
use crate::pieces::figure::{Figure, Legend, how_to_explore};
use crate::pieces::table::{Column, Row, Table};
use crate::sections::{checks, method};
use crate::words;
use maud::{Markup, html};

use unhat::invert::page::{InversionPage, Inverted, ProvenDistance, StandardError, Trace, TraceStep};

/// The facts as one HTML file.
///
/// # Cost
/// Milliseconds.
/// # Errors
/// When the facts cannot be written as JSON.
pub fn inversion_page(facts: &InversionPage) -> Result<String, Error> {
    let (brand, subject, heading) = match facts.kind {
        Inverted::Gradient => {
            ("unhat invert", format!("The way back from {}", facts.target), "The way back from the gradient")
        }
        Inverted::Scores => {
            ("unhat invert", format!("The way back from {}", facts.target), "The way back from leverage scores")
        }
        Inverted::Centre => ("unhat centre", format!("Centre of {}", facts.matrix), "The volumetric centre"),
    };
    let page = Page {
        brand,
        subject,
        heading: heading.to_owned(),
        facts: head(facts),
        lead: lead(facts),
        sections: sections(facts),
        data: serde_json::to_value(facts)?,
    };
    Ok(page.write())
}

fn head(facts: &InversionPage) -> Vec<(&'static str, Markup)> {
    vec![
        ("Table", words::table_fact(&facts.matrix, "", facts.rows, facts.columns)),
        (
            "Target",
            html! {
                @if matches!(facts.kind, Inverted::Centre) { "none: the gradient is to vanish" } @else {
                    span.name { (facts.target) } ", " (Quantity::count("/values_released", facts.values_released))
                    " numbers of norm " (Quantity::new("/target_norm", facts.target_norm, Format::Number))
                }
            },
        ),
        (
            "Noise of the target",
            html! { (Quantity::new("/noise", facts.noise, Format::Number).or("none: taken as exact")) },
        ),
        ("Solver", html! { (facts.solver) ", " (facts.reason) }),
        (
            "Work",
            html! {
                (Quantity::count("/iterations", facts.iterations)) " iterations"
                @if facts.passes.is_some() { ", " (Quantity::new("/passes", facts.passes, Format::Number)) " passes" }
                ", " (Quantity::new("/tool/wall_s", facts.tool.wall_s, Format::Seconds))
            },
        ),
        ("Start", html! { (facts.start) }),
    ]
}

fn lead(facts: &InversionPage) -> Markup {
    let residual = residual(facts);
    html! {
        @if !facts.null_direction.is_empty() {
            strong { "Not determined." } " What was given leaves a direction of x open; the answer is one of many, "
                (residual) " from the target."
        } @else if facts.solved {
            strong { "Solved." }
            @if facts.objective.is_some() {
                " The best answer has the objective " (Quantity::new("/objective", facts.objective, Format::Number))
                    " and is " (residual) " from the target."
            } @else if matches!(facts.kind, Inverted::Centre) {
                " The gradient at the answer has the norm " (residual) "."
            } @else {
                " The answer is " (residual) " from the target."
            }
            @match &facts.proof {
                Some(ProvenDistance { statement: Some(statement), .. }) => { " Proven: " (lower(statement)) }
                Some(proof) if proof.euclidean.is_some() => {
                    " Proven: " (proof.scope) " lies within " (Quantity::new("/proof/euclidean", proof.euclidean,
                    Format::Number)) " of it."
                }
                _ if !facts.standard_errors.is_empty() => {
                    " What the noise leaves open is said by the standard errors."
                }
                _ => " Nothing is proven of its distance to a solution.",
            }
        } @else {
            strong { "Not solved: " (facts.status) "." } " The best point found is " (residual) " from the target."
        }
    }
}

fn residual(facts: &InversionPage) -> Quantity {
    Quantity::new("/residual", facts.residual, Format::Number).or("an unknown distance")
}

/// A sentence as it stands after a colon.
fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

fn sections(facts: &InversionPage) -> Vec<Section> {
    let section = |id, name, title, body: Option<Markup>| body.map(|body| Section { id, name, title, body });
    [
        section("s-convergence", "Convergence", "Convergence", convergence(facts)),
        section("s-candidates", "Answers", "Answers that were found", candidates(facts)),
        section("s-proof", "ProvenDistance", "What is proven", Some(proof(facts))),
        section("s-direction", "Direction", "The direction left open", direction(facts)),
        section("s-errors", "Errors", "Errors of the coefficients", standard_errors(facts)),
        section("s-checks", "Checks", "Self-checks", checks::block(&facts.checks)),
        section("s-limits", "Method", "Method and limits", Some(limits(facts))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a step holds of a curve, under its name.
type Curve = (&'static str, fn(&TraceStep) -> Option<f64>);

/// The curves of a trace.
const CURVES: [Curve; 3] = [
    ("residual", |step| step.residual),
    ("Newton decrement", |step| step.decrement),
    ("proven distance", |step| step.certificate),
];

const CONVERGENCE: &str = "Did the solver finish, and how fast?";

/// The chart of the steps alone; None where no step was taken.
pub fn convergence_image(history: &[Trace]) -> Option<Image> {
    let lines = curves(history);
    let chart = curve_frame(&lines)?.draw(|canvas| lines::draw(&lines, canvas));
    let legend: Vec<_> = lines.iter().map(|line| (line.series.sign(), line.name.as_str())).collect();
    Image::of_chart(CONVERGENCE, &legend, &chart)
}

fn curves(history: &[Trace]) -> Vec<Line> {
    let several = history.len() > 1;
    let mut lines = Vec::new();
    for (place, trace) in history.iter().enumerate() {
        for (curve, (name, value)) in CURVES.iter().enumerate() {
            let steps = trace.steps.iter().enumerate();
            let points: Vec<_> = steps
                .filter_map(|(step, at)| {
                    Some((format!("{place}/{step}"), f64::from(at.iteration), value(at).filter(|v| *v > 0.0)?))
                })
                .collect();
            if !points.is_empty() {
                let name = if several { format!("{}: {name}", trace.method) } else { (*name).to_owned() };
                let series = Series::nth(if several { place } else { curve });
                lines.push(Line { series, name, points, columns: "1 2 3 4 5".to_owned() });
            }
        }
    }
    lines
}

fn curve_frame(lines: &[Line]) -> Option<Frame> {
    let points = lines.iter().flat_map(|line| &line.points);
    points.clone().next()?;
    let last = points.clone().map(|(_, iteration, _)| *iteration).fold(0.0, f64::max);
    if last == 0.0 {
        return None; // a start that is the answer makes no curve
    }
    Some(Frame {
        figure: "convergence",
        x: Axis {
            domain: Domain::linear(0.0, last).padded(0.01, 0.02),
            label: "iteration".to_owned(),
            short: "iteration".to_owned(),
            ticks: [6, 5],
        },
        y: Some(Axis {
            domain: Domain::log(points.map(|(_, _, value)| *value), f64::MIN_POSITIVE).padded(2.0, 2.0),
            label: String::new(),
            short: String::new(),
            ticks: [6, 6],
        }),
        height: [340.0, 320.0],
        left: [58.0, 50.0],
        right: [24.0, 14.0],
        zoom: true,
        near: Near::Point,
    })
}

fn convergence(facts: &InversionPage) -> Option<Markup> {
    let lines = curves(&facts.history);
    let frame = curve_frame(&lines)?;
    let figure = Figure {
        id: "convergence",
        question: CONVERGENCE,
        answer: html! {
            "It ended with “" (facts.status) "” after " (Quantity::count("/iterations", facts.iterations))
                (if facts.iterations == 1 { " iteration, " } else { " iterations, " })
            (residual(facts)) " from the target."
        },
        legend: Legend::of(lines.iter().map(|line| (line.series, line.name.as_str()))),
        upwards: Some("on a logarithmic scale".to_owned()),
        chart: frame.draw(|canvas| lines::draw(&lines, canvas)),
        how: html! { "Residual: distance to the target (Euclidean). Newton decrement: about the largest share by which \
        the next step would change a slack. Proven distance: what could be shown of the distance to the solution at \
        that step." (how_to_explore()) },
        table: Some(history_table(&facts.history)),
        print_table: false,
    };
    Some(figure.markup())
}

fn history_table(history: &[Trace]) -> Table {
    let source = |key: &str| format!("/history/*/steps/*/{key}");
    let columns = vec![
        Column::text("method"),
        Column::number("iteration", source("iteration"), Format::Count),
        Column::number("passes", source("passes"), Format::Number),
        Column::number("residual", source("residual"), Format::Number),
        Column::number("Newton decrement", source("decrement"), Format::Number),
        Column::number("proven distance", source("certificate"), Format::Number),
    ];
    let rows = history.iter().enumerate().flat_map(|(place, trace)| {
        trace.steps.iter().enumerate().map(move |(step, at)| {
            let cells = vec![
                trace.method.as_str().into(),
                f64::from(at.iteration).into(),
                at.passes.into(),
                at.residual.into(),
                at.decrement.into(),
                at.certificate.into(),
            ];
            Row::new(format!("{place}/{step}"), cells)
        })
    });
    Table { id: "steps", caption: "Every step".to_owned(), columns, rows: rows.collect() }
}

fn candidates(facts: &InversionPage) -> Option<Markup> {
    let all = &facts.candidates;
    all.first()?;
    // What was minimised ranks the answers; a column that nothing is known of is left out.
    let by_objective = all.iter().all(|candidate| candidate.objective.is_some());
    let counted = all.iter().any(|candidate| candidate.iterations.is_some());
    let source = |key: &str| format!("/candidates/*/{key}");
    let mut columns = vec![Column::text("reached from")];
    columns.push(match by_objective {
        true => Column::number("objective", source("objective"), Format::Number),
        false => Column::number("residual", source("residual"), Format::Number),
    });
    columns.push(Column::number("distance from the best", source("distance"), Format::Share));
    if counted {
        columns.push(Column::number("iterations", source("iterations"), Format::Count));
    }
    columns.push(Column::text("ended"));
    let rows = all.iter().enumerate().map(|(index, candidate)| {
        let worth = if by_objective { candidate.objective } else { candidate.residual };
        let mut cells = vec![candidate.origin.as_str().into(), worth.into(), candidate.distance.into()];
        if counted {
            cells.push(candidate.iterations.map(f64::from).into());
        }
        cells.push(candidate.status.as_str().into());
        Row { key: index.to_string(), cells, marked: index == 0 }
    });
    let table = Table { id: "answers", caption: "Answers, best first".to_owned(), columns, rows: rows.collect() };
    let worth = |index: usize| {
        let (key, value) = match by_objective {
            true => ("objective", all[index].objective),
            false => ("residual", all[index].residual),
        };
        Quantity::new(format!("/candidates/{index}/{key}"), value, Format::Number).or("unknown")
    };
    let what = if by_objective { "objective" } else { "distance from the target" };
    Some(html! {
        p.answer {
            @if all.len() == 1 { "One answer was found; " (what) " " (worth(0)) "." }
            @else { "The best answer has the " (what) " " (worth(0)) ", the next best " (worth(1)) "." }
        }
        (table.markup())
    })
}

fn proof(facts: &InversionPage) -> Markup {
    html! {
        @match &facts.proof {
            None => p.answer {
                "Nothing is proven of the distance between this answer and a solution."
                @if !facts.standard_errors.is_empty() { " What the noise leaves open is said by the standard errors." }
            }
            Some(proof) => {
                @if let Some(statement) = &proof.statement { p.answer { "Proven: " (lower(statement)) } }
                @if proof.euclidean.is_some() {
                    p.answer {
                        "Proven, with the rounding of the computation included: " (proof.scope) " lies within "
                        (Quantity::new("/proof/euclidean", proof.euclidean, Format::Number)) " of this answer"
                        @if proof.relative.is_some() { " (relative to its size: " (Quantity::new("/proof/relative",
                            proof.relative, Format::Number)) ")" }
                        @if proof.within.is_some() { ", if none of its slacks differs from the answer’s by more than "
                            (Quantity::new("/proof/within", proof.within, Format::Number)) " of it" }
                        "."
                    }
                } @else if proof.within.is_some() {
                    p.answer { "That holds where no slack differs from the answer’s by more than "
                        (Quantity::new("/proof/within", proof.within, Format::Number)) " of it." }
                }
                @if proof.slacks.is_some() {
                    p.how {
                        "As a share of the slacks, whatever the units: " (Quantity::new("/proof/slacks", proof.slacks,
                            Format::Number))
                        @if proof.rounding.is_some() { "; rounding " @if matches!(facts.kind, Inverted::Scores)
                            { "of the scores " } "counts for " (Quantity::new("/proof/rounding", proof.rounding,
                            Format::Number)) }
                        "."
                    }
                }
            }
        }
        @if facts.condition.is_some() {
            p.how {
                "Condition at the answer " (Quantity::new("/condition", facts.condition, Format::Number))
                @if facts.digits.is_some() { ", which leaves about " (Quantity::new("/digits", facts.digits,
                    Format::Fixed(0))) " correct digits" } "."
            }
        }
    }
}

/// The direction along which nothing that was given changes.
fn direction(facts: &InversionPage) -> Option<Markup> {
    let entries = &facts.null_direction;
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by(|&a, &b| entries[b].entry.abs().total_cmp(&entries[a].entry.abs()));
    let largest = &entries[*order.first()?];
    let columns = vec![Column::text("coefficient"), Column::number("entry", "/null_direction/*/entry", Format::Number)];
    let rows = order
        .iter()
        .map(|&index| Row::new(index, vec![entries[index].name.as_str().into(), entries[index].entry.into()]));
    let table = Table {
        id: "direction",
        caption: "The direction, largest entry first".to_owned(),
        columns,
        rows: rows.collect(),
    };
    Some(html! {
        p.answer {
            "Along this direction, which moves " span.name { (largest.name) } " most, none of the numbers that were given \
            changes: how far x lies along it cannot be told."
        }
        (table.markup())
    })
}

fn standard_errors(facts: &InversionPage) -> Option<Markup> {
    let errors = &facts.standard_errors;
    let relative = |entry: &StandardError| entry.error / entry.value.abs();
    let mut order: Vec<usize> = (0..errors.len()).filter(|&index| relative(&errors[index]).is_finite()).collect();
    order.sort_by(|&a, &b| relative(&errors[a]).total_cmp(&relative(&errors[b])));
    let (best, worst) = (*order.first()?, *order.last()?);
    let rows: Vec<DotRow> = order
        .iter()
        .take(20)
        .map(|&index| {
            let dot = Dot {
                series: Series::First,
                key: index.to_string(),
                value: relative(&errors[index]),
                interval: None,
                columns: "1 2 3".to_owned(),
            };
            DotRow { name: errors[index].name.clone(), dots: vec![dot], bound: None }
        })
        .collect();
    let at = |index: usize| {
        let source = format!("/standard_errors/{index}/error / abs /standard_errors/{index}/value");
        Quantity::new(source, relative(&errors[index]), Format::Share)
    };
    let frame = Frame::of_rows(
        "errors",
        Axis {
            domain: Domain::log(order.iter().map(|&index| relative(&errors[index])), f64::MIN_POSITIVE)
                .padded(0.3, 0.3),
            label: "standard error ÷ coefficient".to_owned(),
            short: "standard error ÷ coefficient".to_owned(),
            ticks: [6, 3],
        },
        rows.len(),
        [26.0, 42.0],
        [210.0, 14.0],
        [40.0, 22.0],
    );
    let columns = vec![
        Column::text("coefficient"),
        Column::number("value", "/standard_errors/*/value", Format::Number),
        Column::number("standard error", "/standard_errors/*/error", Format::Number),
        Column::number("relative", "", Format::Share),
    ];
    let table_rows = order.iter().map(|&index| {
        let entry = &errors[index];
        Row::new(index, vec![entry.name.as_str().into(), entry.value.into(), entry.error.into(), at(index).into()])
    });
    let figure = Figure {
        id: "errors",
        question: "How well does the noise let each coefficient be known?",
        answer: html! {
            "Best: " span.name { (errors[best].name) } ", to " (at(best)) "; least: " span.name { (errors[worst].name)
                } ", to " (at(worst)) " (standard errors)."
        },
        legend: Legend::default(),
        upwards: None,
        chart: frame.draw(|canvas| dots::draw(&rows, None, canvas)),
        how: html! { "From the covariance at the answer, for Gaussian noise of the known size." },
        table: Some(Table {
            id: "standard-errors",
            caption: "Standard errors".to_owned(),
            columns,
            rows: table_rows.collect(),
        }),
        print_table: true,
    };
    Some(figure.markup())
}

fn limits(facts: &InversionPage) -> Markup {
    html! {
        dl.method {
            dt { "What was computed" }
            dd {
                @match facts.kind {
                    Inverted::Gradient => "x with g(x) = c for the gradient c of the volumetric barrier of the rows.",
                    Inverted::Scores => "x whose leverage scores σ(x) are those given.",
                    Inverted::Centre => "x at which the gradient of the volumetric barrier of the rows vanishes.",
                }
                @if facts.objective.is_some() { " A regulariser is weighed against it: the answers are minima of the \
                    sum." }
                " " (facts.solver) ": " (facts.reason) "."
            }
            @if let Some(lift) = &facts.lift {
                dt { "The lift" }
                dd {
                    (Quantity::count("/lift/rows", lift.rows)) " linear equations for "
                        (Quantity::count("/lift/unknowns", lift.unknowns)) " unknowns, solved to "
                        (Quantity::new("/lift/residual", lift.residual, Format::Number))
                    @if lift.product_defect.is_some() { "; its unknown X, which is xxᵀ for exact scores, is that to "
                        (Quantity::new("/lift/product_defect", lift.product_defect, Format::Number)) }
                    "."
                }
            }
            @if !facts.warnings.is_empty() {
                dt { "What else to know" }
                @for warning in &facts.warnings { dd { (warning) } }
            }
            dt { "What this file holds" }
            dd {
                "Residuals, distances and counts; no coordinate of the answer"
                @if !facts.standard_errors.is_empty() { " except in the table of standard errors, to four digits" }
                @if !facts.null_direction.is_empty() { ", but the direction that is left open" }
                "."
            }
            (method::run_again(&facts.tool, facts.created_utc.as_deref()))
        }
    }
}
