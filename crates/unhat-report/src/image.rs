//! Charts without a page: each an SVG image that needs nothing else, for notebooks.

use crate::trusted::Trusted;
use maud::{Markup, html};
use serde::Serialize;

/// A chart that stands alone, and the words beside it, which are HTML.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Image {
    /// What the chart answers.
    pub question: String,
    /// The answer in a sentence; empty where there is none.
    pub answer: String,
    /// The marks and what they stand for; empty where there is one kind.
    pub legend: String,
    /// The drawing.
    pub svg: String,
}

impl Image {
    /// Of a chart and words that go beside it.
    pub(crate) fn of_chart(question: &str, legend: &[(&str, &str)], chart: &Markup) -> Option<Image> {
        let legend = html! { @for (sign, name) in legend { (sign) " " (name) "  " } };
        Some(Image {
            question: html! { (question) }.into_string(),
            answer: String::new(),
            legend: legend.into_string().trim_end().to_string(),
            svg: standing_alone(&chart.0)?,
        })
    }

    /// Of each figure in a part of a page.
    pub(crate) fn of_figures(part: &Markup) -> Vec<Image> {
        part.0.split("<figure").skip(1).filter_map(Image::of_figure).collect()
    }

    fn of_figure(figure: &str) -> Option<Image> {
        Some(Image {
            question: text(between(figure, "<h3", "</h3>")?),
            answer: text(between(figure, "<p class=\"answer\"", "</p>")?),
            legend: between(figure, "<p class=\"legend", "</p>").map_or(String::new(), text),
            svg: standing_alone(figure)?,
        })
    }
}

/// The wide drawing of a chart with the style of the page inside.
fn standing_alone(chart: &str) -> Option<String> {
    let (attributes, drawing) = between(chart, "<svg class=\"chart wide\"", "</svg>")?.split_once('>')?;
    let style = Trusted::style().markup().into_string();
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart wide\"{attributes}><style>{style}\n\
         svg{{background:var(--paper);font-family:system-ui,sans-serif}}</style>{drawing}</svg>"
    ))
}

/// What lies between a beginning and the next end.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(begin)?;
    Some(rest.split_once(end)?.0)
}

/// The text of what follows the name of a tag, without the tags in it.
fn text(tagged: &str) -> String {
    tagged.split('>').skip(1).filter_map(|piece| piece.split('<').next()).collect::<String>().trim().to_string()
}

#[cfg(test)]
mod tests {
    use crate::convergence_image;
    use unhat::invert::page::{Trace, TraceStep};

    fn trace(steps: u32) -> Vec<Trace> {
        let step = |k: u32| TraceStep {
            iteration: k,
            passes: None,
            decrement: Some(0.1_f64.powi(k as i32)),
            residual: Some(0.5_f64.powi(k as i32)),
            certificate: None,
        };
        vec![Trace { method: "<exact>".into(), steps: (0..steps).map(step).collect() }]
    }

    #[test]
    fn a_chart_stands_alone() {
        let image = convergence_image(&trace(5)).unwrap();
        assert_eq!(image.legend, "● residual  ■ Newton decrement");
        assert!(image.svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && image.svg.ends_with("</svg>"));
        assert!(image.svg.contains("class=\"line a\"") && image.svg.contains("--paper"));
        // What XML asks for and HTML does not: attributes have values, and style holds no markup.
        assert!(!image.svg.contains(" data-zoom>") && !image.svg.contains(" data-zoom "));
        assert_eq!(image.svg.matches("<svg").count(), 1);
    }

    #[test]
    fn an_answer_at_the_start_has_no_chart() {
        assert_eq!(convergence_image(&trace(1)), None);
        assert_eq!(convergence_image(&[]), None);
    }
}
