//! Numbers as people write them: which cells are numbers, and which look like one in another way of writing.

use super::dialect::{Decimal, Thousands};

/// How the numbers of one table are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumberFormat {
    pub decimal: Decimal,
    pub thousands: Option<Thousands>,
}

impl NumberFormat {
    pub const PLAIN: NumberFormat = NumberFormat { decimal: Decimal::Point, thousands: None };

    /// The number that a cell holds, if it holds one; it may be NaN or infinite.
    pub fn number(&self, cell: &str) -> Option<f64> {
        let cell = cell.trim();
        if self.decimal == Decimal::Point
            && let Ok(value) = cell.parse()
        {
            return Some(value);
        }
        if !cell.bytes().any(|b| b.is_ascii_digit()) {
            return cell.parse().ok(); // inf, nan
        }
        let mut plain = String::with_capacity(cell.len());
        let (whole, rest) = split_whole(cell, self.decimal);
        self.push_whole(whole, &mut plain)?;
        for sign in rest.chars() {
            match (sign, self.decimal) {
                (',', Decimal::Comma) => plain.push('.'),
                ('.', Decimal::Comma) => return None,
                _ => plain.push(if sign == MINUS { '-' } else { sign }),
            }
        }
        plain.parse().ok().or_else(|| fortran(&plain))
    }

    /// Adds what stands before the fraction, without the signs between groups of digits; None if these are no groups.
    fn push_whole(&self, whole: &str, plain: &mut String) -> Option<()> {
        let Some(thousands) = self.thousands.filter(|t| whole.contains(|sign| t.matches(sign))) else {
            if self.decimal == Decimal::Comma && whole.contains('.') {
                return None;
            }
            plain.extend(whole.chars().map(|sign| if sign == MINUS { '-' } else { sign }));
            return Some(());
        };
        let digits = whole.trim_start_matches(['+', '-', MINUS]);
        let is_group = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
        let mut groups = digits.split(|sign| thousands.matches(sign));
        let first = groups.next().filter(|g| (1..=3).contains(&g.len()) && is_group(g))?;
        let before = &whole[..whole.len() - digits.len()];
        plain.extend(before.chars().map(|sign| if sign == MINUS { '-' } else { sign }));
        plain.push_str(first);
        for group in groups {
            if group.len() != 3 || !is_group(group) {
                return None;
            }
            plain.push_str(group);
        }
        Some(())
    }

    /// What to do about text that looks like a number written in another way; None where it does not.
    pub fn likeness(&self, cell: &str) -> Option<&'static str> {
        let cell = cell.trim();
        if !cell.bytes().any(|b| b.is_ascii_digit()) || cell.len() > 40 {
            return None;
        }
        let other = |decimal, thousands| NumberFormat { decimal, thousands }.number(cell).is_some();
        if grouped(cell, ',') && self.decimal == Decimal::Point && self.thousands.is_none() {
            return Some("a decimal comma, or thousands? --decimal , or --thousands , says which");
        }
        if grouped(cell, '.') && self.decimal == Decimal::Comma {
            return Some("a decimal point, or thousands? --decimal . or --thousands . says which");
        }
        let ways = [
            (Decimal::Comma, None, "a decimal comma: --decimal ,"),
            (Decimal::Point, None, "a decimal point: --decimal ."),
            (Decimal::Point, Some(Thousands::Comma), "thousands between commas: --decimal . --thousands ,"),
            (Decimal::Comma, Some(Thousands::Point), "thousands between points: --decimal , --thousands ."),
            (Decimal::Point, Some(Thousands::Blank), "thousands between blanks: --decimal . --thousands blank"),
            (Decimal::Comma, Some(Thousands::Blank), "thousands between blanks: --decimal , --thousands blank"),
            (Decimal::Point, Some(Thousands::Apostrophe), "thousands between apostrophes: --thousands \"'\""),
            (
                Decimal::Comma,
                Some(Thousands::Apostrophe),
                "apostrophes and a decimal comma: --decimal , --thousands \"'\"",
            ),
        ];
        if let Some((.., advice)) = ways.into_iter().find(|&(decimal, thousands, _)| other(decimal, thousands)) {
            return Some(advice);
        }
        if loose(cell.trim_end_matches(['%', '‰'])).filter(|rest| rest.len() < cell.len()).is_some() {
            return Some("a percentage: write it as a number");
        }
        if loose(cell.trim_matches(is_currency)).filter(|rest| rest.len() < cell.len()).is_some() {
            return Some("an amount of money: write it as a number");
        }
        if cell.strip_prefix(['<', '>', '~', '≤', '≥']).and_then(loose).is_some() {
            return Some("a bound: write it as a number");
        }
        if cell.strip_suffix('-').or(cell.strip_prefix('(').and_then(|c| c.strip_suffix(')'))).and_then(loose).is_some()
        {
            return Some("a negative number as accounts have it: write it with - in front");
        }
        let unsigned = cell.trim_start_matches(['+', '-', MINUS]);
        if unsigned
            .strip_prefix("0x")
            .or(unsigned.strip_prefix("0X"))
            .is_some_and(|hex| u128::from_str_radix(hex, 16).is_ok())
        {
            return Some("a hexadecimal number: write it in decimals");
        }
        if cell.contains('_') && loose(&cell.replace('_', "")).is_some() {
            return Some("digits with _ between them: leave the _ out");
        }
        let exponent = cell.replace(['d', 'D'], "e");
        if exponent != cell && exponent.parse::<f64>().is_ok() && cell.matches(['d', 'D']).count() == 1 {
            return Some("an exponent after D: write it as 1.5E3 or 1.5D+3");
        }
        None
    }
}

/// The minus sign of typesetters.
const MINUS: char = '\u{2212}';

/// A number in any way of writing that has digits, marks between them and an exponent; with blanks around it.
fn loose(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | ',' | MINUS))
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.chars().all(|c| {
            c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | ',' | '\'' | ' ' | '\u{a0}' | 'e' | 'E' | MINUS)
        });
    is_number.then_some(text)
}

fn is_currency(sign: char) -> bool {
    matches!(sign, '$' | '€' | '£' | '¥' | '₹' | '¢' | '₩' | '₽' | ' ' | '\u{a0}')
}

/// 1,234 and 12,345,678: groups of three digits that may also be one decimal mark and three decimals, but not 0,123.
pub(super) fn grouped(cell: &str, sign: char) -> bool {
    let digits = cell.trim_start_matches(['+', '-', MINUS]);
    let mut groups = digits.split(sign);
    let first = groups.next().unwrap_or_default();
    let is_group = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    (1..=3).contains(&first.len())
        && is_group(first)
        && !first.starts_with('0')
        && digits.contains(sign)
        && groups.all(|group| group.len() == 3 && is_group(group))
}

/// What stands before the fraction or the exponent, and the rest.
fn split_whole(cell: &str, decimal: Decimal) -> (&str, &str) {
    let mark = if decimal == Decimal::Comma { ',' } else { '.' };
    let end = cell.find([mark, 'e', 'E', 'd', 'D']).unwrap_or(cell.len());
    cell.split_at(end)
}

/// 1.5D+03 as Fortran writes it. 12D3 may be a label: the exponent has a sign, or the number a point.
fn fortran(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['d', 'D'])?;
    let sure = mantissa.contains('.') || exponent.starts_with(['+', '-']);
    let digits = exponent.trim_start_matches(['+', '-']);
    let is_exponent = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let is_mantissa = mantissa.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'));
    (sure && is_exponent && is_mantissa).then(|| format!("{mantissa}e{exponent}").parse().ok()).flatten()
}

/// A number in a format of Fortran programs, where an exponent may follow a D and nothing but numbers stands in its place.
pub(crate) fn fortran_number(word: &str) -> Option<f64> {
    word.parse().ok().or_else(|| {
        let (mantissa, exponent) = word.split_once(['d', 'D'])?;
        let is_mantissa = mantissa.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'));
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let is_exponent = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        (is_mantissa && is_exponent).then(|| format!("{mantissa}e{exponent}").parse().ok()).flatten()
    })
}

/// Whether a cell holds a whole number that lost digits on its way to a double: one beyond 2⁵³ that is neither the double nor
/// the shortest digits of it.
pub(crate) fn lossy_integer(cell: &str, value: f64) -> bool {
    let cell = cell.trim();
    let digits = cell.trim_start_matches(['+', '-', MINUS]);
    if !value.is_finite() || value.abs() < 9_007_199_254_740_992.0 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let digits = digits.trim_start_matches('0');
    // Display writes a double without an exponent, by its shortest digits.
    digits.parse::<u128>() != Ok(value.abs() as u128) && digits != format!("{}", value.abs())
}

/// TRUE and FALSE are 1 and 0, as pandas has them.
pub(crate) fn flag(cell: &str) -> Option<f64> {
    match cell.trim() {
        "TRUE" | "True" | "true" => Some(1.0),
        "FALSE" | "False" | "false" => Some(0.0),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(decimal: Decimal, thousands: Option<Thousands>) -> NumberFormat {
        NumberFormat { decimal, thousands }
    }

    #[test]
    fn numbers_in_every_way_of_writing() {
        let (point, comma) = (Decimal::Point, Decimal::Comma);
        for (format, cell, expected) in [
            (of(point, None), " +4.0 ", 4.0),
            (of(point, None), "1.5D+03", 1500.0),
            (of(point, None), "-2d-2", -0.02),
            (of(point, None), "2.D2", 200.0),
            (of(point, None), "\u{2212}5e1", -50.0),
            (of(comma, None), "-1,5e2", -150.0),
            (of(comma, None), ",5", 0.5),
            (of(comma, None), "1,5D1", 15.0),
            (of(comma, None), "7", 7.0),
            (of(comma, Some(Thousands::Point)), "1.234.567,25", 1_234_567.25),
            (of(comma, Some(Thousands::Blank)), "\u{2212}1\u{202f}234,5", -1234.5),
            (of(point, Some(Thousands::Comma)), "-1,234.5", -1234.5),
            (of(point, Some(Thousands::Comma)), "900", 900.0),
            (of(point, Some(Thousands::Apostrophe)), "12'345", 12_345.0),
            (of(point, None), "123456789012345678901234567890", 123_456_789_012_345_678_901_234_567_890.0),
        ] {
            assert_eq!(format.number(cell), Some(expected), "{cell}");
        }
        for (format, cell) in [
            (of(point, None), "1,5"),
            (of(point, None), "12D3"),
            (of(point, None), "1.5D"),
            (of(point, None), "0x1F"),
            (of(point, None), "1_000"),
            (of(point, None), "--5"),
            (of(point, Some(Thousands::Comma)), "1,23"),
            (of(point, Some(Thousands::Comma)), "1234,567"),
            (of(point, Some(Thousands::Comma)), ",234"),
            (of(comma, None), "1.5"),
            (of(comma, None), "1,2,3"),
            (of(comma, Some(Thousands::Point)), "1,5.2"),
            (of(comma, Some(Thousands::Point)), "1.23,5"),
        ] {
            assert_eq!(format.number(cell), None, "{cell}");
        }
    }

    #[test]
    fn whole_numbers_that_lose_digits_are_known() {
        let lossy = |cell: &str| lossy_integer(cell, cell.parse().unwrap());
        for cell in ["9007199254740993", "-9007199254740993", "+009007199254740993", "123456789012345678901234567890"] {
            assert!(lossy(cell), "{cell}");
        }
        // 2⁵³ + 2 is a double, and the last one is how a double is written in its shortest digits.
        for cell in [
            "9007199254740992",
            "9007199254740994",
            "-7",
            "1e300",
            "123456789012345680000",
            "0.1",
            "1000000000000000000000",
        ] {
            assert!(!lossy(cell), "{cell}");
        }
    }

    #[test]
    fn what_looks_like_a_number_is_answered_with_what_to_do() {
        for (cell, advice) in [
            ("1,234", "--decimal , or --thousands ,"),
            ("0,123", "--decimal ,"),
            ("1,5", "--decimal ,"),
            ("1,234.5", "--thousands ,"),
            ("1.234,5", "--decimal , --thousands ."),
            ("1 234", "--thousands blank"),
            ("1'234.5", "apostrophes"),
            ("5%", "percentage"),
            ("5,5 %", "percentage"),
            ("$5", "money"),
            ("1.200 €", "money"),
            ("<0.01", "bound"),
            ("(12.5)", "negative"),
            ("12-", "negative"),
            ("0x1F", "hexadecimal"),
            ("1_000", "_"),
            ("12D3", "D"),
        ] {
            let found = NumberFormat::PLAIN.likeness(cell);
            assert!(found.is_some_and(|f| f.contains(advice)), "{cell}: {found:?}");
        }
        assert!(of(Decimal::Comma, None).likeness("1.234").is_some_and(|f| f.contains("--thousands .")));
        for word in
            ["", "red", "2021-01-05", "01/02/2021", "12:30", "1.2.3", "A1", "18-25", "3rd", "x 1", "192.168.0.1"]
        {
            assert_eq!(NumberFormat::PLAIN.likeness(word), None, "{word}");
        }
    }
}
