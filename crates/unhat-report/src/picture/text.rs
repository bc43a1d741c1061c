//! Letters as grey pixels, from a table of the font Noto Sans Mono drawn at fixed sizes.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster, get_raster_width};

/// The sizes that there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Size {
    Title,
    Words,
}

impl Size {
    fn look(self) -> (FontWeight, RasterHeight) {
        match self {
            Size::Title => (FontWeight::Bold, RasterHeight::Size24),
            Size::Words => (FontWeight::Regular, RasterHeight::Size20),
        }
    }

    /// Pixels from one letter to the next.
    pub fn advance(self) -> usize {
        let (weight, height) = self.look();
        get_raster_width(weight, height)
    }

    /// The pixels of a letter; of one that the font has not, those of the sign for it.
    pub fn letter(self, letter: char) -> Option<RasterizedChar> {
        let (weight, height) = self.look();
        get_raster(letter, weight, height).or_else(|| get_raster(char::REPLACEMENT_CHARACTER, weight, height))
    }
}

/// A number as the charts print it in letters that the font has: 2 × 10⁻⁵ as 2e-5.
pub(super) fn tick_words(label: &str) -> String {
    let is_raised = |letter: char| letter == '⁻' || RAISED.contains(letter);
    let with_power = match label.split_once("10") {
        Some((before, power)) if !power.is_empty() && power.chars().all(is_raised) => {
            let mantissa = before.trim_end_matches('\u{a0}').trim_end_matches('×').trim_end_matches('\u{a0}');
            let one = if mantissa.chars().any(|c| c.is_ascii_digit()) { "" } else { "1" };
            format!("{mantissa}{one}e{power}")
        }
        _ => label.to_owned(),
    };
    let plain = |letter: char| match letter {
        '−' | '⁻' => '-',
        '\u{a0}' | '\u{202f}' => ' ',
        letter => RAISED
            .chars()
            .position(|raised| raised == letter)
            .and_then(|digit| char::from_digit(digit as u32, 10))
            .unwrap_or(letter),
    };
    with_power.chars().map(plain).collect()
}

/// The digits from 0 as exponents.
const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
