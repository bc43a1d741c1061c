//! How numbers are written: in one place, so that a number looks the same in a sentence, a table and a label.

use maud::{Markup, Render, html};

/// What stands for a number that is not there, where the place has no better words.
pub(crate) const ABSENT: &str = "—";
const NARROW_SPACE: char = '\u{202f}';
const NO_BREAK: char = '\u{a0}';
const MINUS: char = '−';

/// Below this a number is written as a power of ten: three zeros after the point are the most that one reads at a glance.
const SMALLEST_PLAIN: f64 = 1e-3;
/// From here on thousands are set apart.
const GROUPED: f64 = 1e4;
/// From here on a number is written as a power of ten.
const LARGEST_PLAIN: f64 = 1e5;
/// From here on a noise is a multiple of the rms, because "18700 %" says less than "187 × rms".
const NOISE_AS_MULTIPLE: f64 = 10.0;
/// No double has more correct digits worth naming.
const MOST_DIGITS: f64 = 15.0;

/// The ways of writing a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Format {
    /// 0.0731 · 4.8 × 10⁻⁶ · 12.5
    Number,
    /// A share of one: 0.31 % · 4.8 × 10⁻⁶
    Share,
    /// Noise in units of the rms: 1 % · 187 × rms
    Noise,
    /// 2 400
    Count,
    /// So many digits after the point.
    Fixed(usize),
    /// × 1.56
    Times,
    /// Correct digits of a relative error: ⌊−log₁₀⌋.
    Digits,
    /// 73 s
    Seconds,
}

impl Format {
    /// The number in words for a reader; [`ABSENT`] when it is not finite.
    pub(crate) fn write(self, value: f64) -> String {
        if !value.is_finite() {
            return ABSENT.to_owned();
        }
        match self {
            Format::Number => number(value),
            Format::Share => share(value),
            Format::Noise if value.abs() >= NOISE_AS_MULTIPLE => format!("{}{NO_BREAK}×{NO_BREAK}rms", number(value)),
            Format::Noise => share(value),
            Format::Count => count(value),
            Format::Fixed(places) => signed(format!("{value:.places$}")),
            Format::Times => format!("×{NO_BREAK}{value:.2}"),
            Format::Digits => format!("{}", correct_digits(value)),
            Format::Seconds => format!("{}{NO_BREAK}s", significant(value, 2)),
        }
    }
}

/// Correct digits of a value known to the relative error `error`.
pub(crate) fn correct_digits(error: f64) -> u32 {
    if error <= 0.0 { MOST_DIGITS as u32 } else { (-error.log10()).floor().clamp(0.0, MOST_DIGITS) as u32 }
}

fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".to_owned(),
        _ if (GROUPED..LARGEST_PLAIN).contains(&size) => count(value),
        _ if (SMALLEST_PLAIN..GROUPED).contains(&size) => significant(value, 3),
        _ => scientific(value),
    }
}

fn share(value: f64) -> String {
    if value == 0.0 || value.abs() >= SMALLEST_PLAIN {
        format!("{}{NO_BREAK}%", significant(100.0 * value, 2))
    } else {
        scientific(value)
    }
}

fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(NARROW_SPACE);
        }
        grouped.push(digit);
    }
    if value < 0.0 { format!("{MINUS}{grouped}") } else { grouped }
}

/// m × 10ᵉ with two digits, which is as much as one remembers of such a number.
fn scientific(value: f64) -> String {
    let (mantissa, exponent) = mantissa_and_exponent(value, 2);
    let power = power_of_ten(exponent);
    match mantissa.as_str() {
        "1" => power,
        "-1" => format!("{MINUS}{power}"),
        _ => format!("{}{NO_BREAK}×{NO_BREAK}{power}", signed(mantissa)),
    }
}

/// 10ᵉ in superscript figures.
pub(crate) fn power_of_ten(exponent: i32) -> String {
    let digits = exponent.unsigned_abs().to_string();
    let raised = digits.chars().map(|digit| match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit as u32 - '0' as u32).unwrap_or(digit),
    });
    let sign = if exponent < 0 { "⁻" } else { "" };
    format!("10{sign}{}", raised.collect::<String>())
}

/// So many significant digits, without a power of ten and without trailing zeros.
fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let (_, exponent) = mantissa_and_exponent(value, digits);
    let places = (digits as i32 - 1 - exponent).max(0) as usize;
    // Rounding at a place left of the point ("187" to two digits) would print a digit that is not known: keep integers.
    signed(without_trailing_zeros(format!("{value:.places$}")))
}

fn mantissa_and_exponent(value: f64, digits: usize) -> (String, i32) {
    let text = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (without_trailing_zeros(mantissa.to_owned()), exponent.parse().unwrap_or(0))
}

fn without_trailing_zeros(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn signed(text: String) -> String {
    match text.strip_prefix('-') {
        Some(digits) if digits.contains(|digit: char| digit.is_ascii_digit() && digit != '0') => {
            format!("{MINUS}{digits}")
        }
        Some(zero) => zero.to_owned(),
        None => text,
    }
}

/// Four significant digits, for sorting and export: a report must not hold its numbers so exactly that it is a release.
pub(crate) fn machine_readable(value: f64) -> Option<f64> {
    value.is_finite().then(|| format!("{value:.3e}").parse().unwrap_or(value))
}

/// A number in the page, with the place in the data where it stands.
///
/// `source` is a JSON pointer, or pointers joined from left to right by ` - `, ` * ` and ` / `; `abs` and `digits` before a
/// pointer take its size and its correct digits.
#[derive(Clone, Debug)]
pub(crate) struct Quantity {
    pub source: String,
    pub value: Option<f64>,
    pub format: Format,
    /// The words where there is no number.
    pub absent: &'static str,
}

impl Quantity {
    pub(crate) fn new(source: impl Into<String>, value: impl Into<Option<f64>>, format: Format) -> Quantity {
        let value = value.into().filter(|value| value.is_finite());
        Quantity { source: source.into(), value, format, absent: ABSENT }
    }

    /// A whole number.
    pub(crate) fn count(source: impl Into<String>, value: u64) -> Quantity {
        Quantity::new(source, value as f64, Format::Count)
    }

    pub(crate) fn or(mut self, absent: &'static str) -> Quantity {
        self.absent = absent;
        self
    }

    pub(crate) fn text(&self) -> String {
        self.value.map_or(self.absent.to_owned(), |value| self.format.write(value))
    }

    /// The same inside an SVG text.
    pub(crate) fn in_svg(&self) -> Markup {
        html! { tspan data-f=(self.source) { (self.text()) } }
    }
}

/// A name that is a number, such as a seed: every digit, no grouping.
pub(crate) fn exact(source: &str, number: u64) -> Markup {
    html! { span.q data-f=(source) { (number) } }
}

impl Render for Quantity {
    fn render(&self) -> Markup {
        html! { span.q data-f=(self.source) { (self.text()) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_a_reader_expects() {
        let cases = [
            (Format::Number, 0.0, "0"),
            (Format::Number, 4.81e-6, "4.8 × 10⁻⁶"),
            (Format::Number, 1e-12, "10⁻¹²"),
            (Format::Number, -1e-12, "−10⁻¹²"),
            (Format::Number, 9.96e-7, "10⁻⁶"),
            (Format::Number, -0.98194, "−0.982"),
            (Format::Number, 186.74, "187"),
            (Format::Number, 99_999.0, "99\u{202f}999"),
            (Format::Number, -1234.4, "−1234"),
            (Format::Number, 1.5e7, "1.5 × 10⁷"),
            (Format::Share, 0.003096, "0.31 %"),
            (Format::Share, 0.1, "10 %"),
            (Format::Share, 1.778, "178 %"),
            (Format::Share, 4.81e-6, "4.8 × 10⁻⁶"),
            (Format::Noise, 186.7, "187 × rms"),
            (Format::Count, 1_234_567.0, "1\u{202f}234\u{202f}567"),
            (Format::Count, 100.0, "100"),
            (Format::Fixed(2), -0.001, "0.00"),
            (Format::Fixed(2), -0.27, "−0.27"),
            (Format::Times, 1.5625, "× 1.56"),
            (Format::Digits, 4.81e-6, "5"),
            (Format::Digits, 0.0, "15"),
            (Format::Seconds, 73.04, "73 s"),
            (Format::Number, f64::NAN, ABSENT),
            (Format::Share, f64::INFINITY, ABSENT),
        ];
        for (format, value, expected) in cases {
            assert_eq!(format.write(value).replace('\u{a0}', " "), expected, "{format:?} of {value}");
        }
    }

    #[test]
    fn an_exported_number_has_four_digits() {
        assert_eq!(machine_readable(9.87654321), Some(9.877));
        assert_eq!(machine_readable(-1.23456e-17), Some(-1.235e-17));
        assert_eq!(machine_readable(f64::NAN), None);
    }
}
