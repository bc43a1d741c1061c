//! From the columns of a table to the features of a model: levels, means and scales of the training rows.

use super::frame::{Column, Frame, TextColumn, shape};
use super::label::sort_words;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use unhat::{ErrorKind, Result};

/// Whether columns of numbers are centred and scaled to unit variance of the training rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scaling {
    /// (v − mean) / √(mean of (v − mean)²).
    Standardised,
    /// As they are.
    None,
}

/// How the columns of a table become features; everything in it comes from the training rows.
///
/// Numbers: (v − centre)/scale, the training mean where a cell is missing, and an indicator column behind it if a cell of
/// the training rows was. Text: one column of zeros and ones for each level, all levels, in sorted order, and one for
/// missing cells if there were any. A column that is constant in the training rows is zero. The last feature is 1: the
/// intercept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoding {
    columns: Vec<ColumnEncoding>,
}

/// How one column becomes features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnEncoding {
    /// The column's name.
    pub name: String,
    /// What its cells are.
    pub kind: Kind,
    /// Whether missing cells have a feature of their own, the column's last: some but not all training rows had none.
    pub missing: bool,
    /// Whether the training rows hold one value alone, or none: its feature is zero then.
    pub constant: bool,
}

/// The cells of an encoded column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// Numbers.
    Numbers {
        /// The mean of the training rows: what a missing cell counts as.
        mean: f64,
        /// What is subtracted: the mean, or 0.
        center: f64,
        /// What is divided by: the standard deviation (divisor n), or 1.
        scale: f64,
    },
    /// Text, with its levels in sorted order.
    Levels(Vec<String>),
}

/// One feature by name, and what was done to its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// `column`, `column=level`, or `column=NA` for missing cells; `(Intercept)`.
    pub name: String,
    /// What was subtracted.
    pub center: f64,
    /// What was divided by.
    pub scale: f64,
}

/// Levels that a warning names.
const LEVELS_SHOWN: usize = 3;

/// What an encoding met that the user should know.
#[derive(Clone, Debug, PartialEq)]
pub enum EncodingWarning {
    /// The training rows hold one value.
    Constant {
        /// The column.
        column: String,
    },
    /// Levels that no training row has; their features are zeros.
    UnseenLevels {
        /// The column.
        column: String,
        /// The levels, in the order of the table.
        levels: Vec<String>,
        /// In how many rows.
        rows: usize,
    },
    /// Missing cells in a column that had none in the training rows.
    UnseenMissing {
        /// The column.
        column: String,
        /// In how many rows.
        rows: usize,
    },
}

impl fmt::Display for EncodingWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodingWarning::Constant { column } => {
                write!(f, "column \"{column}\" is constant in the training rows: its features are zeros")
            }
            EncodingWarning::UnseenLevels { column, levels, rows } => match &levels[..] {
                [level] => write!(
                    f,
                    "column \"{column}\": \"{level}\" occurs in no training row; its features are zeros ({rows} rows)"
                ),
                _ => {
                    let shown: Vec<String> =
                        levels.iter().take(LEVELS_SHOWN).map(|level| format!("\"{level}\"")).collect();
                    let more = if levels.len() > LEVELS_SHOWN { ", …" } else { "" };
                    write!(
                        f,
                        "column \"{column}\": {} levels occur in no training row; their features are zeros ({rows} rows): \
                         {}{more}",
                        levels.len(),
                        shown.join(", ")
                    )
                }
            },
            EncodingWarning::UnseenMissing { column, rows } => write!(
                f,
                "column \"{column}\" has missing cells ({rows} rows), but none in the training rows: numbers count as \
                 the mean, text as no level"
            ),
        }
    }
}

/// Features of rows of a table, and what was met on the way.
#[derive(Clone, Debug)]
pub struct Features {
    /// rows × width, row-major, the last column 1.
    pub values: Vec<f64>,
    /// Levels and missing cells that the training rows did not have.
    pub warnings: Vec<EncodingWarning>,
}

impl Encoding {
    /// Learns the encoding of all columns but those named in `without` (the response) from the training rows.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] if no column is left or no row is given; [`ErrorKind::Numerical`] for numbers too far apart
    /// for their variance.
    pub fn fit(
        frame: &Frame,
        without: &[&str],
        rows: &[usize],
        scaling: Scaling,
    ) -> Result<(Encoding, Vec<EncodingWarning>)> {
        if rows.is_empty() {
            return Err(shape("training rows", "at least one", "0".into()));
        }
        let mut columns = Vec::new();
        for (name, column) in frame.names().iter().zip(frame.columns()) {
            if without.contains(&name.as_str()) {
                continue;
            }
            columns.push(match column {
                Column::Numbers(values) => of_numbers(name, values, rows, scaling)?,
                Column::Text(text) => of_text(name, text, rows),
            });
        }
        if columns.is_empty() {
            let reason = "the table has no column beside the response, expected at least one";
            return Err(ErrorKind::Option { name: "table".into(), reason: reason.into() }.into());
        }
        let constant = columns.iter().filter(|c| c.constant);
        let warnings = constant.map(|c| EncodingWarning::Constant { column: c.name.clone() }).collect();
        Ok((Encoding { columns }, warnings))
    }

    /// The encoded columns.
    pub fn columns(&self) -> &[ColumnEncoding] {
        &self.columns
    }

    /// p + 1, the features of a row with the intercept.
    pub fn width(&self) -> usize {
        1 + self.columns.iter().map(ColumnEncoding::width).sum::<usize>()
    }

    /// The features in their order.
    pub fn features(&self) -> Vec<Feature> {
        let mut features = Vec::with_capacity(self.width());
        let mut plain = |name: String| features.push(Feature { name, center: 0.0, scale: 1.0 });
        for column in &self.columns {
            let name = &column.name;
            match &column.kind {
                Kind::Numbers { .. } => plain(name.clone()),
                Kind::Levels(levels) => levels.iter().for_each(|level| plain(format!("{name}={level}"))),
            }
            if column.missing {
                plain(format!("{name}=NA")); // no level is called NA: such a cell is missing
            }
        }
        plain("(Intercept)".into());
        let mut at = 0;
        for column in &self.columns {
            if let Kind::Numbers { center, scale, .. } = column.kind {
                (features[at].center, features[at].scale) = (center, scale);
            }
            at += column.width();
        }
        features
    }

    /// The features of some rows of a table, whose columns are found by their names; others are not looked at.
    ///
    /// # Shapes
    /// `rows.len()` × [`Encoding::width`], row-major, the last column 1.
    /// # Errors
    /// [`ErrorKind::Option`] for a column that is not there, or that holds text instead of numbers, or the reverse.
    pub fn encode(&self, frame: &Frame, rows: &[usize]) -> Result<Features> {
        let width = self.width();
        let mut values = vec![0.0; rows.len() * width];
        let mut warnings = Vec::new();
        let mut at = 0;
        for column in &self.columns {
            let cells = &frame.columns()[frame.position("table", &column.name)?];
            let mut features = Target { values: &mut values, width, at };
            match (&column.kind, cells) {
                (Kind::Numbers { mean, center, scale }, Column::Numbers(cells)) => {
                    column.encode_numbers(cells, rows, (*mean, *center, *scale), &mut features, &mut warnings);
                }
                (Kind::Levels(levels), Column::Text(cells)) => {
                    column.encode_text(cells, levels, rows, &mut features, &mut warnings);
                }
                // a column without any value reads as numbers: all of it is missing
                (Kind::Levels(levels), Column::Numbers(cells)) if cells.iter().all(|v| v.is_nan()) => {
                    let cells = TextColumn::new(cells.iter().map(|_| None));
                    column.encode_text(&cells, levels, rows, &mut features, &mut warnings);
                }
                (kind, _) => return Err(column.wrong_kind(kind)),
            }
            at += column.width();
        }
        values.chunks_exact_mut(width).for_each(|row| row[width - 1] = 1.0);
        Ok(Features { values, warnings })
    }
}

/// Where the features of one column go.
struct Target<'a> {
    values: &'a mut [f64],
    width: usize,
    at: usize,
}

impl Target<'_> {
    fn set(&mut self, row: usize, feature: usize, value: f64) {
        self.values[row * self.width + self.at + feature] = value;
    }
}

impl ColumnEncoding {
    /// Features of the column.
    fn width(&self) -> usize {
        let own = match &self.kind {
            Kind::Numbers { .. } => 1,
            Kind::Levels(levels) => levels.len(),
        };
        own + usize::from(self.missing)
    }

    fn encode_numbers(
        &self,
        cells: &[f64],
        rows: &[usize],
        (mean, center, scale): (f64, f64, f64),
        features: &mut Target<'_>,
        warnings: &mut Vec<EncodingWarning>,
    ) {
        let mut unseen = 0;
        for (i, &row) in rows.iter().enumerate() {
            let absent = cells[row].is_nan();
            if !self.constant {
                features.set(i, 0, (if absent { mean } else { cells[row] } - center) / scale);
            }
            match (absent, self.missing) {
                (true, true) => features.set(i, 1, 1.0),
                (true, false) => unseen += 1,
                (false, _) => {}
            }
        }
        self.warn_of_missing(unseen, warnings);
    }

    fn encode_text(
        &self,
        cells: &TextColumn,
        levels: &[String],
        rows: &[usize],
        features: &mut Target<'_>,
        warnings: &mut Vec<EncodingWarning>,
    ) {
        let positions: HashMap<&str, usize> = levels.iter().enumerate().map(|(k, level)| (level.as_str(), k)).collect();
        let known: Vec<Option<usize>> = cells.words.iter().map(|word| positions.get(word.as_str()).copied()).collect();
        let mut unseen = vec![0; cells.words.len()];
        let mut unseen_missing = 0;
        for (i, &row) in rows.iter().enumerate() {
            let code = cells.codes[row] as usize;
            match (known.get(code), self.missing) {
                (Some(Some(level)), _) if !self.constant => features.set(i, *level, 1.0),
                (None, true) => features.set(i, levels.len(), 1.0),
                (Some(None), _) => unseen[code] += 1,
                (None, false) => unseen_missing += 1,
                (Some(Some(_)), _) => {}
            }
        }
        let new: Vec<(&String, usize)> = cells.words.iter().zip(unseen).filter(|(_, rows)| *rows > 0).collect();
        if !new.is_empty() {
            let levels = new.iter().map(|(word, _)| (*word).clone()).collect();
            let rows = new.iter().map(|(_, rows)| rows).sum();
            warnings.push(EncodingWarning::UnseenLevels { column: self.name.clone(), levels, rows });
        }
        self.warn_of_missing(unseen_missing, warnings);
    }

    fn warn_of_missing(&self, rows: usize, warnings: &mut Vec<EncodingWarning>) {
        if rows > 0 && !self.constant {
            warnings.push(EncodingWarning::UnseenMissing { column: self.name.clone(), rows });
        }
    }

    fn wrong_kind(&self, kind: &Kind) -> unhat::Error {
        let (expected, found) = match kind {
            Kind::Numbers { .. } => ("numbers", "text"),
            Kind::Levels(_) => ("text", "numbers"),
        };
        let reason = format!("column \"{}\" holds {found}, expected {expected} as in the training rows", self.name);
        ErrorKind::Option { name: "table".into(), reason }.into()
    }
}

fn of_numbers(name: &str, values: &[f64], rows: &[usize], scaling: Scaling) -> Result<ColumnEncoding> {
    let present = || rows.iter().map(|&row| values[row]).filter(|v| !v.is_nan());
    let count = present().count() as f64;
    let (low, high) = present().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let constant = low >= high; // also where there is no value
    let mean = match constant {
        true => present().next().unwrap_or(0.0),
        false => present().map(|v| v / count).sum::<f64>(), // divided first: the sum may not be a number
    };
    // the deviations in units of the largest, whose square may not be a number
    let largest = (high - mean).max(mean - low);
    let variance = present().map(|v| (v - mean) / largest).map(|v| v * v).sum::<f64>() / count;
    let (center, scale) = match scaling {
        Scaling::Standardised if !constant => (mean, largest * variance.sqrt()),
        Scaling::Standardised => (mean, 1.0),
        Scaling::None => (0.0, 1.0),
    };
    if !(mean.is_finite() && scale.is_finite() && scale > 0.0) {
        let reason = format!("column \"{name}\" runs from {low:e} to {high:e}, too far to be standardised: rescale it");
        return Err(ErrorKind::Numerical { reason }.into());
    }
    let missing = count > 0.0 && (count as usize) < rows.len();
    Ok(ColumnEncoding { name: name.to_string(), kind: Kind::Numbers { mean, center, scale }, missing, constant })
}

fn of_text(name: &str, text: &TextColumn, rows: &[usize]) -> ColumnEncoding {
    let mut seen = vec![false; text.words.len()];
    let mut absent = 0;
    for &row in rows {
        match seen.get_mut(text.codes[row] as usize) {
            Some(seen) => *seen = true,
            None => absent += 1,
        }
    }
    let levels = text.words.iter().zip(&seen).filter(|(_, seen)| **seen).map(|(word, _)| word.clone());
    let levels = sort_words(levels.collect());
    let missing = absent > 0 && !levels.is_empty();
    let constant = levels.len() + usize::from(missing) < 2;
    ColumnEncoding { name: name.to_string(), kind: Kind::Levels(levels), missing, constant }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NA: f64 = f64::NAN;

    fn table(columns: &[(&str, Column)]) -> Frame {
        Frame::new(columns.iter().map(|(name, column)| (name.to_string(), column.clone())).collect()).unwrap()
    }

    fn numbers(values: &[f64]) -> Column {
        Column::Numbers(values.to_vec())
    }

    fn words(cells: &[&str]) -> Column {
        Column::Text(TextColumn::new(cells.iter().map(|c| (!c.is_empty()).then_some(*c))))
    }

    fn rows(features: &Features, width: usize) -> Vec<Vec<f64>> {
        features.values.chunks(width).map(<[f64]>::to_vec).collect()
    }

    /// Training rows 0–3, the others for prediction; expected values by hand.
    #[test]
    fn a_table_with_everything_in_it() {
        let frame = table(&[
            ("heat", words(&["gas", "", "oil", "gas", "coal", "oil"])),
            ("size", numbers(&[1.0, 5.0, NA, 3.0, 7.0, NA])),
            ("y", numbers(&[0.0, 1.0, 0.0, 1.0, 0.0, 0.0])),
            ("same", numbers(&[2.0, 2.0, 2.0, 2.0, 9.0, NA])),
            ("lone", words(&["a", "a", "a", "a", "b", ""])),
            ("grade", words(&["10", "9", "9", "10", "10", ""])),
        ]);
        let (encoding, warnings) = Encoding::fit(&frame, &["y"], &[0, 1, 2, 3], Scaling::Standardised).unwrap();
        let texts: Vec<String> = warnings.iter().map(|w| w.to_string()).collect();
        assert!(texts.len() == 2 && texts[0].contains("\"same\" is constant") && texts[1].contains("\"lone\""));
        let names: Vec<String> = encoding.features().into_iter().map(|f| f.name).collect();
        let expected = ["heat=gas", "heat=oil", "heat=NA", "size", "size=NA", "same", "lone=a", "grade=9", "grade=10"];
        assert_eq!(names[..9], expected);
        assert_eq!(names[9], "(Intercept)");
        let size = &encoding.features()[3];
        assert!(size.center == 3.0 && (size.scale - (8f64 / 3.0).sqrt()).abs() < 1e-15, "{size:?}");

        let s = (3f64 / 8.0).sqrt(); // 1, 5 and 3 have mean 3 and variance 8/3
        let seen = encoding.encode(&frame, &[0, 1, 2, 3]).unwrap();
        assert!(seen.warnings.is_empty());
        let expected = [
            [1.0, 0.0, 0.0, -2.0 * s, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0],
            [0.0, 0.0, 1.0, 2.0 * s, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0],
            [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0],
            [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0],
        ];
        for (found, expected) in rows(&seen, 10).iter().zip(expected) {
            found.iter().zip(expected).for_each(|(f, e)| assert!((f - e).abs() < 1e-15, "{found:?}"));
        }

        let unseen = encoding.encode(&frame, &[4, 5]).unwrap();
        assert_eq!(rows(&unseen, 10)[0], [0.0, 0.0, 0.0, 4.0 / (8f64 / 3.0).sqrt(), 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
        assert_eq!(rows(&unseen, 10)[1], [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let of = |column: &str, level: &str| EncodingWarning::UnseenLevels {
            column: column.into(),
            levels: vec![level.into()],
            rows: 1,
        };
        let missing = EncodingWarning::UnseenMissing { column: "grade".into(), rows: 1 };
        assert_eq!(unseen.warnings, [of("heat", "coal"), of("lone", "b"), missing]);
    }

    #[test]
    fn constant_numbers_with_missing_cells_keep_the_indicator_and_all_missing_is_nothing() {
        let frame = table(&[("a", numbers(&[2.0, NA, 2.0])), ("b", numbers(&[NA; 3])), ("c", words(&["x", "", ""]))]);
        let (encoding, warnings) = Encoding::fit(&frame, &[], &[0, 1, 2], Scaling::None).unwrap();
        assert_eq!(warnings.len(), 2);
        let found = encoding.encode(&frame, &[0, 1]).unwrap();
        assert_eq!(rows(&found, encoding.width()), [[0.0, 0.0, 0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0, 1.0, 1.0]]);
        assert!(found.warnings.is_empty());
    }

    #[test]
    fn numbers_stay_as_they_are_unless_asked() {
        let frame = table(&[("a", numbers(&[1.0, NA, 4.0]))]);
        let (encoding, _) = Encoding::fit(&frame, &[], &[0, 1, 2], Scaling::None).unwrap();
        assert_eq!(encoding.encode(&frame, &[0, 1, 2]).unwrap().values, [1.0, 0.0, 1.0, 2.5, 1.0, 1.0, 4.0, 0.0, 1.0]);
    }

    #[test]
    fn large_numbers_neither_overflow_nor_pass_unnoticed() {
        let fit = |values: &[f64]| {
            let frame = table(&[("a", numbers(values))]);
            Encoding::fit(&frame, &[], &[0, 1], Scaling::Standardised).map(|(e, _)| e.encode(&frame, &[0, 1]).unwrap())
        };
        assert_eq!(fit(&[1e200, -1e200]).unwrap().values, [1.0, 1.0, -1.0, 1.0]);
        assert_eq!(fit(&[1e300, 1.5e308]).unwrap().values[0], -1.0);
        assert_eq!(fit(&[3e-310, 5e-310]).unwrap().values[0], -1.0);
        let error = fit(&[1.7e308, -1.7e308]);
        assert!(error.is_ok_and(|f| f.values[0] == 1.0));
    }

    #[test]
    fn tables_that_do_not_fit_are_refused() {
        let frame = table(&[("a", numbers(&[1.0, 2.0])), ("b", words(&["x", "y"]))]);
        let (encoding, _) = Encoding::fit(&frame, &[], &[0, 1], Scaling::None).unwrap();
        let message = |columns: &[(&str, Column)]| encoding.encode(&table(columns), &[0]).unwrap_err().to_string();
        assert!(message(&[("a", numbers(&[1.0]))]).contains("no column \"b\""));
        assert!(message(&[("a", words(&["1"])), ("b", words(&["x"]))]).contains("holds text, expected numbers"));
        assert!(message(&[("a", numbers(&[1.0])), ("b", numbers(&[1.0]))]).contains("holds numbers, expected text"));
        let empty = table(&[("a", numbers(&[1.0])), ("b", numbers(&[NA]))]);
        assert_eq!(encoding.encode(&empty, &[0]).unwrap().values, [1.0, 0.0, 0.0, 1.0]);
        assert!(Encoding::fit(&frame, &["a", "b"], &[0], Scaling::None).is_err());
        assert!(Encoding::fit(&frame, &[], &[], Scaling::None).is_err());
    }

    #[test]
    fn an_encoding_survives_json() {
        let frame = table(&[("a", numbers(&[0.1, 0.7, NA])), ("b", words(&["x", "\"y\"", "é"]))]);
        let (encoding, _) = Encoding::fit(&frame, &[], &[0, 1, 2], Scaling::Standardised).unwrap();
        let text = serde_json::to_string(&encoding).unwrap();
        assert_eq!(serde_json::from_str::<Encoding>(&text).unwrap(), encoding);
    }
}
