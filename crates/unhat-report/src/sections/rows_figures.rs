//! The figures of a fit: residuals, leverage, Cook's distances, partial regressions, and plots that are to be released.

use crate::charts::frame::Series;
use crate::charts::rows_figure::chart;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure as Piece, Legend, how_to_explore};
use crate::pieces::table::{Column, Row, Table};
use maud::{Markup, html};
use unhat_models::figures::Figure;

/// Names of the figures and of their tables in the page, their questions, and how to read them.
static KINDS: [Kind; 7] = [
    Kind {
        figure: "residuals_fitted",
        ids: &[("fig-residuals", "fig-residuals-rows")],
        question: "Do the residuals bend or lean along the fitted values?",
        how: "A fit that says all there is to say leaves a level band around zero; a bend asks for another term.",
    },
    Kind {
        figure: "scale_location",
        ids: &[("fig-scale", "fig-scale-rows")],
        question: "Do the residuals grow with the fitted values?",
        how: "Where the cloud rises, errors do not have one variance: weights, another link or robust standard errors answer it.",
    },
    Kind {
        figure: "normal_quantiles",
        ids: &[("fig-quantiles", "fig-quantiles-rows")],
        question: "Are the tails of the residuals those of a normal distribution?",
        how: "Normal residuals follow the dashed line; a tail that leaves it holds more extreme rows than a normal one.",
    },
    Kind {
        figure: "residuals_leverage",
        ids: &[("fig-leverage", "fig-leverage-rows")],
        question: "Does any row pull the fit?",
        how: "A row far to the right and far from zero pulls the fit towards itself; on a dashed curve Cook's distance D is the same.",
    },
    Kind {
        figure: "cooks",
        ids: &[("fig-cooks", "fig-cooks-rows")],
        question: "Where in the table do rows pull the fit?",
        how: "Rows that stand together and stand out may share a cause: a day, a device, a typist.",
    },
    Kind {
        figure: "partial",
        ids: &[
            ("fig-partial-a", "fig-partial-a-rows"),
            ("fig-partial-b", "fig-partial-b-rows"),
            ("fig-partial-c", "fig-partial-c-rows"),
            ("fig-partial-d", "fig-partial-d-rows"),
            ("fig-partial-e", "fig-partial-e-rows"),
            ("fig-partial-f", "fig-partial-f-rows"),
        ],
        question: "What does one column tell beyond the others?",
        how: "Response and column, each without what the other columns explain of it: the slope is the coefficient, and a row far \
              from the middle decides on it.",
    },
    Kind {
        figure: "plot",
        ids: &[("fig-plot", "fig-plot-rows")],
        question: "What does the plot show that is to be released?",
        how: "Whoever knows a fitted value finds the one point at it, and reads off the residual.",
    },
];

struct Kind {
    /// The name of the figure, or the beginning of it.
    figure: &'static str,
    ids: &'static [(&'static str, &'static str)],
    question: &'static str,
    how: &'static str,
}

/// So many partial regressions fit on a page.
pub(crate) const PARTIAL_ON_A_PAGE: usize = 6;

/// More points make a page long to load.
const POINTS_ON_A_PAGE: usize = 20_000;

/// The figures in their order; `rows` is where the number of rows stands in the data of each, `list` where the figures stand,
/// and `flagged` how many rows are flagged, where that is said.
pub(crate) fn figures(
    figures: &[Figure],
    rows: impl Fn(usize) -> String,
    flagged: Option<&Quantity>,
    list: &str,
) -> Markup {
    let mut partial = 0;
    html! {
        @if let (Some(first), Some(flagged)) = (figures.iter().find_map(|figure| figure.named.first()), flagged) {
            p.answer {
                "Flagged rows (" (flagged) ") are squares in every figure"
                @if figures.iter().all(|figure| figure.named.len() < flagged.value.unwrap_or(0.0) as usize) {
                    ", the gravest of them"
                }
                "; the largest Cook's distance of them has row " span.name { (first.row) } "."
                (how_to_explore())
            }
        }
        div.rows-figures {
            @for (k, figure) in figures.iter().enumerate() {
                @if let Some((kind, place)) = kind_of(&figure.name, &mut partial) {
                    (one(figure, kind, place, &Quantity::count(rows(k), figure.rows), &format!("{list}/{k}")))
                }
            }
        }
    }
}

fn kind_of(name: &str, partial: &mut usize) -> Option<(&'static Kind, usize)> {
    let binned = name.strip_prefix("binned_").map(|_| &BINNED);
    let kind = binned.or_else(|| {
        KINDS.iter().find(|kind| name == kind.figure || name.starts_with("partial") && kind.figure == "partial")
    })?;
    let place = if kind.figure == "partial" { *partial } else { 0 };
    if kind.figure == "partial" {
        *partial += 1;
    }
    (place < kind.ids.len()).then_some((kind, place))
}

static BINNED: Kind = Kind {
    figure: "binned_plot",
    ids: &[("fig-binned", "fig-binned-rows")],
    question: "What does the binned plot show that is to be released?",
    how: "Hexagons of fewer rows are left out, and nothing of a row by itself decides where the axes end.",
};

fn one(figure: &Figure, kind: &'static Kind, place: usize, rows: &Quantity, source: &str) -> Markup {
    let (id, table) = kind.ids[place];
    if figure.points.len() > POINTS_ON_A_PAGE {
        return html! { p { "Of " span.name { (figure.title) } " no chart is drawn: it has too many points for a page." } };
    }
    let Some(chart) = chart(id, figure) else {
        return html! { p { "Of " span.name { (figure.title) } " there is nothing to show." } };
    };
    let mut legend = Vec::new();
    if !figure.points.is_empty() {
        legend.push((Series::First, "a row"));
    }
    if !figure.named.is_empty() {
        legend.push((Series::Second, "flagged rows"));
    }
    match kind.figure {
        "residuals_leverage" if !figure.curves.is_empty() => legend.push((Series::Contour, "equal Cook's distance D")),
        "normal_quantiles" if !figure.curves.is_empty() => legend.push((Series::Contour, "normal")),
        "partial" if !figure.curves.is_empty() => legend.push((Series::Contour, "the coefficient")),
        _ => {}
    }
    let piece = Piece {
        id,
        question: kind.question,
        answer: answer(figure, rows),
        legend: Legend::of(legend),
        upwards: Some(figure.y.label.clone()),
        chart,
        how: html! { (kind.how) },
        table: (!figure.named.is_empty()).then(|| marked(figure, table, source)),
        print_table: false,
    };
    piece.markup()
}

fn answer(figure: &Figure, rows: &Quantity) -> Markup {
    html! {
        span.name { (figure.title) } ": "
        @match (figure.least, figure.hexagon) {
            (Some(_), _) => "hexagons of enough rows, the stronger the colour the more.",
            (None, Some(_)) => { (rows) " rows, counted in hexagons, the stronger the colour the more." },
            (None, None) => { (rows) " rows, a point each." },
        }
    }
}

fn marked(figure: &Figure, id: &'static str, source: &str) -> Table {
    let columns = vec![
        Column::text("row"),
        Column::number(figure.x.label.clone(), format!("{source}/named/*/x"), Format::Number),
        Column::number(figure.y.label.clone(), format!("{source}/named/*/y"), Format::Number),
    ];
    let row = |(k, named): (usize, &unhat_models::figures::Named)| {
        Row::new(k, vec![named.row.clone().into(), named.x.into(), named.y.into()])
    };
    let rows = figure.named.iter().enumerate().map(row).collect();
    Table { id, caption: format!("Flagged rows in: {}", figure.title), columns, rows }
}
