//! Scales: from a value to a place on the page, and the ticks that say where one is.

use crate::number::{Format, power_of_ten};

/// How a range of values is laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Linear,
    Log,
}

/// The values that an axis shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Domain {
    pub kind: Kind,
    pub from: f64,
    pub to: f64,
}

/// Below this ratio of the ends a logarithmic axis has ticks between the powers of ten, because there are too few powers.
const RATIO_FOR_INNER_TICKS: f64 = 400.0;
/// An axis on which all values are the same shows this share of the value on either side.
const SINGLE_VALUE_MARGIN: f64 = 0.5;

impl Domain {
    pub(crate) fn linear(from: f64, to: f64) -> Domain {
        if to > from {
            Domain { kind: Kind::Linear, from, to }
        } else {
            Domain { kind: Kind::Linear, from, to: from + 1.0 }
        }
    }

    /// The decades around what is positive and finite in `values`, none of it below `least`; one decade around 1 for none.
    pub(crate) fn log(values: impl IntoIterator<Item = f64>, least: f64) -> Domain {
        let (mut from, mut to) = (f64::INFINITY, 0.0_f64);
        for value in values.into_iter().filter(|value| value.is_finite() && *value > 0.0) {
            from = from.min(value.max(least));
            to = to.max(value.max(least));
        }
        if to == 0.0 {
            return Domain { kind: Kind::Log, from: 0.1, to: 10.0 };
        }
        if to / from < 1.0 + 1e-9 {
            (from, to) = (from * SINGLE_VALUE_MARGIN, to / SINGLE_VALUE_MARGIN);
        }
        Domain { kind: Kind::Log, from, to }
    }

    /// Wider by a factor at either end (logarithmic), or by that share of the length (linear).
    pub(crate) fn padded(self, below: f64, above: f64) -> Domain {
        match self.kind {
            Kind::Log => Domain { from: self.from / (1.0 + below), to: self.to * (1.0 + above), ..self },
            Kind::Linear => {
                let length = self.to - self.from;
                Domain { from: self.from - below * length, to: self.to + above * length, ..self }
            }
        }
    }
}

/// A domain on a stretch of the page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub domain: Domain,
    start: f64,
    end: f64,
}

/// A mark on an axis.
pub(crate) struct Tick {
    pub at: f64,
    pub label: String,
}

impl Scale {
    pub(crate) fn new(domain: Domain, start: f64, end: f64) -> Scale {
        Scale { domain, start, end }
    }

    /// The place of a value; beyond the domain, the nearer end.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let Domain { kind, from, to } = self.domain;
        let inside = value.clamp(from, to);
        let share = match kind {
            Kind::Linear => (inside - from) / (to - from),
            Kind::Log => (inside / from).ln() / (to / from).ln(),
        };
        self.start + share * (self.end - self.start)
    }

    /// For the script: kind, ends of the domain, ends on the page.
    pub(crate) fn description(&self) -> String {
        let Domain { kind, from, to } = self.domain;
        let kind = if kind == Kind::Log { "log" } else { "linear" };
        format!("{kind} {from:e} {to:e} {} {}", self.start, self.end)
    }

    /// About `wanted` ticks, never more than one above it.
    pub(crate) fn ticks(&self, wanted: usize) -> Vec<Tick> {
        let values = match self.domain.kind {
            Kind::Linear => round_values(self.domain, wanted),
            Kind::Log if self.domain.to / self.domain.from < RATIO_FOR_INNER_TICKS => inner_ticks(self.domain, wanted),
            Kind::Log => return self.powers_of_ten(wanted),
        };
        values.into_iter().map(|value| Tick { at: self.at(value), label: Format::Number.write(value) }).collect()
    }

    fn powers_of_ten(&self, wanted: usize) -> Vec<Tick> {
        let (lowest, highest) = (decade(self.domain.from).ceil() as i32, decade(self.domain.to).floor() as i32);
        let step = (highest - lowest).div_euclid(wanted.max(1) as i32) + 1;
        (lowest..=highest)
            .filter(|exponent| (highest - exponent) % step == 0)
            .map(|exponent| Tick { at: self.at(10f64.powi(exponent)), label: power_of_ten(exponent) })
            .collect()
    }
}

/// log₁₀, exact at the powers of ten.
fn decade(value: f64) -> f64 {
    let decade = value.log10();
    if (decade - decade.round()).abs() < 1e-9 { decade.round() } else { decade }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn round_values(domain: Domain, wanted: usize) -> Vec<f64> {
    let rough = (domain.to - domain.from) / wanted.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough * (1.0 - 1e-9));
    let step = step.unwrap_or(10.0 * power);
    let (first, last) = ((domain.from / step - 1e-9).ceil() as i64, (domain.to / step + 1e-9).floor() as i64);
    (first..=last).map(|multiple| multiple as f64 * step).collect()
}

/// Few decades: as many of 1, 2, 3, 5 times a power of ten as there is room for; within half a decade, round values.
fn inner_ticks(domain: Domain, wanted: usize) -> Vec<f64> {
    let choices: [&[f64]; 4] = [&[1.0, 2.0, 3.0, 5.0], &[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
    let decades = decade(domain.from).floor() as i32..=decade(domain.to).floor() as i32;
    let of = |factors: &[f64]| -> Vec<f64> {
        let all = decades.clone().flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)));
        all.filter(|value| (domain.from * (1.0 - 1e-9)..=domain.to * (1.0 + 1e-9)).contains(value)).collect()
    };
    let fitting = choices.into_iter().map(of).find(|ticks| ticks.len() <= wanted + 1).unwrap_or_else(|| of(&[1.0]));
    if fitting.len() < 2 { round_values(domain, wanted) } else { fitting }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(domain: Domain, wanted: usize) -> Vec<String> {
        let ticks = Scale::new(domain, 0.0, 100.0).ticks(wanted);
        ticks.into_iter().map(|tick| tick.label.replace('\u{a0}', " ")).collect()
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(labels(Domain::linear(0.0, 25.0), 6), ["0", "5", "10", "15", "20", "25"]);
        assert_eq!(labels(Domain::linear(-11.0, 11.0), 5), ["−10", "−5", "0", "5", "10"]);
        assert_eq!(labels(Domain::log([1e-6, 2.0], 1e-16), 8), ["10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"]);
        assert_eq!(labels(Domain::log([1e-11, 3.0], 1e-16), 5), ["10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]);
        assert_eq!(
            labels(Domain::log([1.9e-6, 2.1e-5], 1e-16), 6),
            ["2 × 10⁻⁶", "3 × 10⁻⁶", "5 × 10⁻⁶", "10⁻⁵", "2 × 10⁻⁵"]
        );
        assert_eq!(labels(Domain::log([0.11, 0.14], 1e-16), 3), ["0.11", "0.12", "0.13", "0.14"]);
    }

    #[test]
    fn a_scale_keeps_values_on_the_page() {
        let scale = Scale::new(Domain::log([1e-6, 1.0], 1e-16), 10.0, 70.0);
        assert!((scale.at(1e-3) - 40.0).abs() < 1e-9);
        assert_eq!(scale.at(0.0), 10.0);
        assert_eq!(scale.at(1e9), 70.0);
        assert_eq!(Domain::log([f64::NAN, 0.0], 1e-16), Domain { kind: Kind::Log, from: 0.1, to: 10.0 });
        assert!(Scale::new(Domain::log([0.5], 1e-16), 0.0, 1.0).at(0.5).is_finite());
    }
}
