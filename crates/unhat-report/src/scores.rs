//! The report of leverage scores: how they spread, the largest, and whether they add up.

use crate::Error;
use crate::charts::bars::{self, Bar};
use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::histogram::{self, edges};
use crate::charts::scale::{Domain, Kind};
use crate::number::{Format, Quantity};
use crate::page::{Page, Section};
use crate::pieces::figure::{Figure, Legend, how_to_explore};
use crate::pieces::table::{Cell, Column, Row, Table};
use crate::sections::{checks, method};
use crate::words;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use unhat::report::{Check, Tool};

/// Everything that the report of scores draws. A number that is unknown is None, never NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoresPage {
    /// The program and the run.
    pub tool: Tool,
    /// When, as RFC 3339 in UTC.
    pub created_utc: Option<String>,
    /// What holds A: a file's name.
    pub matrix: String,
    /// The number n of rows.
    pub rows: u64,
    /// The number d of columns.
    pub columns: u64,
    /// Rank.
    pub rank: u64,
    /// What the scores are of, in words: "hat values of the rows", "slack-weighted at the point x", ….
    pub of: String,
    /// Σσ.
    pub sum: f64,
    /// What Σσ is in theory: the rank, or the effective dimension with ridge.
    pub expected_sum: f64,
    /// Condition number.
    pub condition: Option<f64>,
    /// Digits to expect of a score.
    pub digits: Option<f64>,
    /// How the factor was computed.
    pub factor: String,
    /// Why so.
    pub reason: String,
    /// How the scores spread.
    pub histogram: Histogram,
    /// The largest scores, largest first.
    pub top: Vec<TopScore>,
    /// Identities that must hold.
    pub checks: Vec<Check>,
    /// What the reader must know and no number says.
    pub warnings: Vec<String>,
}

/// A score and its row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopScore {
    /// 1-based.
    pub row: u64,
    /// σᵢ.
    pub score: f64,
}

/// Counts of scores in bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Whether bins are even in the logarithm.
    pub logarithmic: bool,
    /// Lower end of the first bin.
    pub lo: f64,
    /// Upper end of the last.
    pub hi: f64,
    /// How many scores in each bin.
    pub count: Vec<u64>,
    /// Scores that are not positive and so have no place on a logarithmic axis.
    pub outside: u64,
    /// The middle score.
    pub median: Option<f64>,
}

/// Scores spanning less than this ratio are shown on a linear axis.
const RATIO_FOR_LOG: f64 = 30.0;
/// Bars of scores that are drawn, and listed.
const DRAWN: usize = 15;
const LISTED: usize = 60;

impl Histogram {
    /// Bins of the finite values among `scores`, even in the logarithm when they span a ratio of 30 or more.
    ///
    /// # Cost
    /// O(n), and a copy of the scores for their median.
    pub fn of(scores: &[f64], bins: usize) -> Histogram {
        let mut finite: Vec<f64> = scores.iter().copied().filter(|score| score.is_finite()).collect();
        let positive = finite.iter().copied().filter(|score| *score > 0.0);
        let (least, most) =
            positive.fold((f64::INFINITY, 0.0_f64), |(least, most), score| (least.min(score), most.max(score)));
        let logarithmic = most > 0.0 && most / least >= RATIO_FOR_LOG;
        let lo = if logarithmic { least } else { finite.iter().copied().fold(0.0, f64::min) };
        let hi = if most > lo { most } else { lo + 1.0 };
        let bins = bins.max(1);
        let mut histogram = Histogram {
            logarithmic,
            lo,
            hi,
            count: vec![0; bins],
            outside: (scores.len() - finite.len()) as u64,
            median: None,
        };
        for score in &finite {
            if logarithmic && *score <= 0.0 {
                histogram.outside += 1;
                continue;
            }
            let share = if logarithmic { (score / lo).ln() / (hi / lo).ln() } else { (score - lo) / (hi - lo) };
            histogram.count[((share * bins as f64) as usize).min(bins - 1)] += 1;
        }
        if !finite.is_empty() {
            let middle = finite.len() / 2;
            histogram.median = Some(*finite.select_nth_unstable_by(middle, f64::total_cmp).1);
        }
        histogram
    }

    fn domain(&self) -> Domain {
        let kind = if self.logarithmic { Kind::Log } else { Kind::Linear };
        Domain { kind, from: self.lo, to: self.hi }
    }
}

/// The facts as one HTML file.
///
/// # Cost
/// Milliseconds.
/// # Errors
/// When the facts cannot be written as JSON.
pub fn score_page(facts: &ScoresPage) -> Result<String, Error> {
    let section = |id, name, title, body: Option<Markup>| body.map(|body| Section { id, name, title, body });
    let sections = [
        section("s-spread", "Spread", "Spread", spread(facts)),
        section("s-largest", "Largest", "The largest scores", largest(facts)),
        section("s-checks", "Checks", "Self-checks", checks::block(&facts.checks)),
        section("s-limits", "Method", "Method and limits", Some(limits(facts))),
    ];
    let page = Page {
        brand: "unhat scores",
        subject: format!("Leverage scores of {}", facts.matrix),
        heading: "How much each row decides".to_owned(),
        facts: head(facts),
        lead: lead(facts),
        sections: sections.into_iter().flatten().collect(),
        data: serde_json::to_value(facts)?,
    };
    Ok(page.write())
}

fn head(facts: &ScoresPage) -> Vec<(&'static str, Markup)> {
    vec![
        ("Table", words::table_fact(&facts.matrix, "", facts.rows, facts.columns)),
        ("Scores", html! { (facts.of) }),
        ("Rank", html! { (Quantity::count("/rank", facts.rank)) }),
        (
            "Sum of the scores",
            html! { (Quantity::new("/sum", facts.sum, Format::Number)) " (by theory " (Quantity::new("/expected_sum",
            facts.expected_sum, Format::Number)) ")" },
        ),
        ("Condition", html! { (Quantity::new("/condition", facts.condition, Format::Number).or("unknown")) }),
        ("Digits to expect", html! { (Quantity::new("/digits", facts.digits, Format::Fixed(0)).or("unknown")) }),
    ]
}

/// The average score is rank/n; twice that is the usual mark of a row that stands out.
fn average(facts: &ScoresPage) -> Quantity {
    Quantity::new("/expected_sum / /rows", facts.expected_sum / facts.rows as f64, Format::Number)
}

fn lead(facts: &ScoresPage) -> Markup {
    html! {
        @match facts.top.first() {
            Some(top) => {
                "Row " (Quantity::new("/top/0/row", top.row as f64, Format::Fixed(0))) " decides most: its score is "
                (Quantity::new("/top/0/score", top.score, Format::Number)) ", where the average is " (average(facts))
                    "."
            }
            None => { "The average score is " (average(facts)) "." }
        }
    }
}

fn spread(facts: &ScoresPage) -> Option<Markup> {
    let histogram = &facts.histogram;
    let most = histogram.count.iter().copied().max().filter(|most| *most > 0)?;
    let edges = edges(histogram.domain(), histogram.count.len());
    let frame = Frame {
        figure: "spread",
        x: Axis {
            domain: histogram.domain(),
            label: "score σᵢ".to_owned(),
            short: "score σᵢ".to_owned(),
            ticks: [7, 4],
        },
        y: Some(Axis {
            domain: Domain::linear(0.0, most as f64 * 1.05),
            label: String::new(),
            short: String::new(),
            ticks: [5, 5],
        }),
        height: [320.0, 300.0],
        left: [58.0, 46.0],
        right: [24.0, 14.0],
        zoom: true,
        near: Near::Across,
    };
    let columns = vec![
        Column::number("score from", "", Format::Number),
        Column::number("to", "", Format::Number),
        Column::number("rows", "/histogram/count/*", Format::Count),
    ];
    let rows = histogram.count.iter().zip(edges.windows(2)).enumerate().map(|(bin, (count, ends))| {
        let bins = histogram.count.len();
        let edge = |index: usize, value: f64| Quantity::new(format!("edge {index} {bins}"), value, Format::Number);
        Row::new(bin, vec![edge(bin, ends[0]).into(), edge(bin + 1, ends[1]).into(), Cell::from(*count as f64)])
    });
    let table =
        Table { id: "histogram", caption: "How many rows in each bin".to_owned(), columns, rows: rows.collect() };
    let average_score = facts.expected_sum / facts.rows as f64;
    let figure = Figure {
        id: "spread",
        question: "How do the scores spread?",
        answer: html! {
            "Half of the rows have a score below " (Quantity::new("/histogram/median", histogram.median,
                Format::Number))
            ", where the average is " (average(facts)) " (dotted)."
        },
        legend: Legend::default(),
        upwards: Some("rows in the bin".to_owned()),
        chart: frame.draw(|canvas| histogram::draw(&histogram.count, &edges, Some(average_score), "1 2", canvas)),
        how: html! {
            @if histogram.logarithmic { "Bins are even in the logarithm of the score." } @else { "Bins are even." }
            @if histogram.outside > 0 { " Not shown: " (Quantity::count("/histogram/outside", histogram.outside))
                " scores that are zero." }
            (how_to_explore())
        },
        table: Some(table),
        print_table: false,
    };
    Some(figure.markup())
}

fn largest(facts: &ScoresPage) -> Option<Markup> {
    let first = facts.top.first()?;
    let score = |place: usize, top: &TopScore| Quantity::new(format!("/top/{place}/score"), top.score, Format::Number);
    let bars: Vec<Bar> = facts
        .top
        .iter()
        .take(DRAWN)
        .enumerate()
        .map(|(place, top)| Bar {
            name: format!("row {}", top.row),
            key: place.to_string(),
            series: Series::First,
            value: top.score,
            beside: score(place, top),
        })
        .collect();
    let frame = Frame::of_rows(
        "largest",
        Axis {
            domain: Domain::linear(0.0, first.score),
            label: "score σᵢ (1: the row decides its own fitted value alone)".to_owned(),
            short: "score σᵢ".to_owned(),
            ticks: [6, 4],
        },
        bars.len(),
        [22.0, 24.0],
        [92.0, 84.0],
        [90.0, 72.0],
    );
    let columns = vec![
        Column::number("row", "/top/*/row", Format::Fixed(0)),
        Column::number("score", "/top/*/score", Format::Number),
    ];
    let rows = facts
        .top
        .iter()
        .take(LISTED)
        .enumerate()
        .map(|(place, top)| Row::new(place, vec![(top.row as f64).into(), top.score.into()]));
    let last = facts.top.len().min(DRAWN) - 1;
    let figure = Figure {
        id: "largest",
        question: "Which rows decide most?",
        answer: html! {
            "Row " (Quantity::new("/top/0/row", first.row as f64, Format::Fixed(0))) " has the largest score, "
                (score(0, first))
            "; the last one drawn has " (score(last, &facts.top[last])) "."
        },
        legend: Legend::default(),
        upwards: None,
        chart: frame.draw(|canvas| bars::draw(&bars, 0.0, "1", canvas)),
        how: html! { "A row with a score near 1 is fitted by itself alone: no other row says what it should be." },
        table: Some(Table {
            id: "largest-scores",
            caption: "The largest scores".to_owned(),
            columns,
            rows: rows.collect(),
        }),
        print_table: true,
    };
    Some(figure.markup())
}

fn limits(facts: &ScoresPage) -> Markup {
    html! {
        dl.method {
            dt { "How the scores were computed" }
            dd { (facts.factor) ": " (facts.reason) "." }
            @if !facts.warnings.is_empty() {
                dt { "What else to know" }
                @for warning in &facts.warnings { dd { (warning) } }
            }
            dt { "What this file holds" }
            dd { "Counts in bins, and the largest scores to four digits with the numbers of their rows. Scores of a \
                fit can give its coefficients away: see unhat audit before handing it on." }
            (method::run_again(&facts.tool, facts.created_utc.as_deref()))
        }
    }
}
