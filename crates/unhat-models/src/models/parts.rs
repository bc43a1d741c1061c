//! A table in parts: the rows to train on, to validate with and to test with, encoded alike from the training rows.

use super::{DEFAULT_SHARE, Encoding, EncodingWarning, Family, Frame, Model, Response, Scaling, Wanted, split};
use unhat::{Error, ErrorKind, Result};

/// Where held-out rows come from.
#[derive(Clone, Copy, Debug)]
pub enum HeldOut<'a> {
    /// There are none.
    None,
    /// A share of the table, drawn by seed and stratified by class.
    Share(f64),
    /// A table of their own.
    Table(&'a Frame),
}

/// How a table is divided and encoded.
#[derive(Clone, Copy, Debug)]
pub struct PartOptions<'a> {
    /// The response column.
    pub response: &'a str,
    /// What kind of response the model takes.
    pub wanted: Wanted,
    /// Whether numbers are standardised.
    pub scaling: Scaling,
    /// Columns that are no features, besides the response.
    pub without: &'a [&'a str],
    /// A column of two values; it stays a feature.
    pub group: Option<&'a str>,
    /// Validation rows.
    pub validation: HeldOut<'a>,
    /// Test rows.
    pub test: HeldOut<'a>,
    /// Seed of the draws.
    pub seed: u64,
    /// A model that is there already: its encoding and response are used instead of those of the training rows.
    pub model: Option<&'a Model>,
}

/// Held-out rows as they are asked for.
#[derive(Clone, Debug, Default)]
pub enum HeldOutRows {
    /// [`DEFAULT_SHARE`] of the table where they are needed, else none.
    #[default]
    WhereNeeded,
    /// A share of the table, drawn by seed.
    Share(f64),
    /// A table of their own.
    Table(Frame),
}

impl HeldOutRows {
    /// The share that `text` is; None where it is no number, and so the name of a table.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] under the name `option` for a number that is no share.
    pub fn share(option: &str, text: &str) -> Result<Option<f64>> {
        match text.parse::<f64>() {
            Ok(share) if share > 0.0 && share < 1.0 => Ok(Some(share)),
            Ok(share) => {
                let reason = format!("found {share}, expected a share between 0 and 1, or a table");
                Err(ErrorKind::Option { name: option.into(), reason }.into())
            }
            Err(_) => Ok(None),
        }
    }

    /// The rows, where V or a test is `needed` or not.
    pub fn held_out(&self, needed: bool) -> HeldOut<'_> {
        match self {
            HeldOutRows::WhereNeeded if needed => HeldOut::Share(DEFAULT_SHARE),
            HeldOutRows::WhereNeeded => HeldOut::None,
            HeldOutRows::Share(share) => HeldOut::Share(*share),
            HeldOutRows::Table(frame) => HeldOut::Table(frame),
        }
    }
}

/// Encoded rows.
#[derive(Clone, Debug)]
pub struct Part {
    /// Their 0-based numbers in the table that they come from.
    pub rows: Vec<usize>,
    /// rows × width, row-major, the last column 1.
    pub features: Vec<f64>,
    /// One a row.
    pub responses: Vec<f64>,
    /// Whether the group column holds the later of its two values; empty without one.
    pub group: Vec<bool>,
}

/// The parts, and what they were encoded by.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Of the features.
    pub encoding: Encoding,
    /// Of the response.
    pub response: Response,
    /// Of the model.
    pub family: Family,
    /// The rows to train on.
    pub train: Part,
    /// The rows to validate with.
    pub validation: Option<Part>,
    /// The rows to test with.
    pub test: Option<Part>,
    /// The group column; its later value is s = 1.
    pub group: Option<Response>,
    /// What was met on the way, in words.
    pub warnings: Vec<String>,
}

impl Parts {
    /// Divides and encodes a table.
    ///
    /// # Randomness
    /// Drawn rows depend on the seed, the row's number and the sizes of the classes.
    /// # Errors
    /// Those of [`Response::fit`], [`Encoding::fit`], [`Encoding::encode`] and [`split`], under the name of the option that
    /// the rows or the column came from.
    pub fn of(table: &Frame, options: &PartOptions<'_>) -> Result<Parts> {
        let all: Vec<usize> = (0..table.rows()).collect();
        let whole = Response::fit(table, options.response, options.wanted, &all)?;
        let share = |held: HeldOut<'_>| if let HeldOut::Share(share) = held { share } else { 0.0 };
        let (validation, test) = (share(options.validation), share(options.test));
        let classes = if whole.classes().is_empty() { None } else { Some(whole.encode(table, &all)?) };
        let drawn = split(table.rows(), classes.as_deref(), validation, test, options.seed)?;

        let without: Vec<&str> = options.without.iter().copied().chain([options.response]).collect();
        let (response, encoding, mut warnings) = match options.model {
            Some(model) => (model.response.clone(), model.encoding.clone(), Vec::new()),
            None => {
                let (encoding, warnings) = Encoding::fit(table, &without, &drawn.train, options.scaling)?;
                let response = Response::fit(table, options.response, options.wanted, &drawn.train)?;
                (response, encoding, warnings)
            }
        };
        let group = options.group.map(|name| two_groups(table, name, &all)).transpose()?;
        let encode = |frame: &Frame, rows: Vec<usize>, warnings: &mut Vec<EncodingWarning>| -> Result<Part> {
            let features = encoding.encode(frame, &rows)?;
            warnings.extend(features.warnings);
            let group = match &group {
                Some(group) => {
                    let side = group.encode(frame, &rows).map_err(|e| renamed(e, "group"))?;
                    side.iter().map(|s| *s > 0.5).collect()
                }
                None => Vec::new(),
            };
            Ok(Part { responses: response.encode(frame, &rows)?, features: features.values, group, rows })
        };
        let train = encode(table, drawn.train, &mut warnings)?;
        let mut held_out = |held: HeldOut<'_>, drawn: Vec<usize>, option: &str| match held {
            HeldOut::None => Ok(None),
            HeldOut::Share(_) => encode(table, drawn, &mut warnings).map(Some),
            HeldOut::Table(own) => {
                let rows = (0..own.rows()).collect();
                encode(own, rows, &mut warnings).map(Some).map_err(|e| renamed(e, option))
            }
        };
        let validation = held_out(options.validation, drawn.validation, "validation")?;
        let test = held_out(options.test, drawn.test, "test")?;
        let family = options.model.map_or_else(|| response.family(options.wanted), |model| model.network.family);
        let mut words: Vec<String> = warnings.iter().map(EncodingWarning::to_string).collect();
        words.dedup();
        let filled = encoding.columns().iter().filter(|column| column.missing && options.model.is_none());
        words.extend(filled.map(|column| {
            format!(
                "column \"{}\" has missing cells in the training rows: numbers count as the mean, and a feature says where",
                column.name
            )
        }));
        Ok(Parts { encoding, response, family, train, validation, test, group, warnings: words })
    }
}

/// The classes of the group's column, of which a gap takes two.
fn two_groups(table: &Frame, name: &str, rows: &[usize]) -> Result<Response> {
    let groups = Response::fit(table, name, Wanted::Classes, rows).map_err(|error| renamed(error, "group"))?;
    match groups.classes().len() {
        2 => Ok(groups),
        count => {
            let reason = format!("column \"{name}\" has {count} groups, expected 2; merge some, or leave rows out");
            Err(ErrorKind::Option { name: "group".into(), reason }.into())
        }
    }
}

/// The same reason under the name of the option that the person used.
fn renamed(error: Error, name: &str) -> Error {
    match error.kind() {
        ErrorKind::Option { reason, .. } => ErrorKind::Option { name: name.into(), reason: reason.clone() }.into(),
        ErrorKind::Source { reason, position, .. } => {
            let at = position.as_deref().map(|p| format!("{p}: ")).unwrap_or_default();
            ErrorKind::Option { name: name.into(), reason: format!("{at}{reason}") }.into()
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Column, TextColumn};

    fn table(sexes: &[&str]) -> Frame {
        let n = sexes.len();
        let numbers = |f: &dyn Fn(usize) -> f64| Column::Numbers((0..n).map(f).collect());
        Frame::new(vec![
            ("x".into(), numbers(&|i| i as f64)),
            ("sex".into(), Column::Text(TextColumn::new(sexes.iter().map(|s| Some(*s))))),
            ("y".into(), numbers(&|i| (i % 2) as f64)),
        ])
        .unwrap()
    }

    fn options<'a>(validation: HeldOut<'a>, group: Option<&'a str>) -> PartOptions<'a> {
        PartOptions {
            response: "y",
            wanted: Wanted::TwoClasses,
            scaling: Scaling::Standardised,
            without: &[],
            group,
            validation,
            test: HeldOut::None,
            seed: 1,
            model: None,
        }
    }

    #[test]
    fn drawn_and_given_rows_are_encoded_by_the_training_rows() {
        let sexes: Vec<&str> = (0..40).map(|i| if i % 3 == 0 { "m" } else { "f" }).collect();
        let table = table(&sexes);
        let parts = Parts::of(&table, &options(HeldOut::Share(0.25), Some("sex"))).unwrap();
        let (train, validation) = (&parts.train, parts.validation.as_ref().unwrap());
        assert_eq!((train.rows.len(), validation.rows.len()), (30, 10));
        let width = parts.encoding.width();
        assert_eq!(width, 4, "x, sex=f, sex=m, 1");
        let mean = |part: &Part| part.features.chunks_exact(width).map(|x| x[0]).sum::<f64>() / part.rows.len() as f64;
        assert!(mean(train).abs() < 1e-12 && mean(validation).abs() > 1e-3, "centred by the training rows alone");
        for (row, side) in validation.rows.iter().zip(&validation.group) {
            assert_eq!(*side, sexes[*row] == "m", "s = 1 is the later of the two values");
        }
        let given = Parts::of(&table, &options(HeldOut::Table(&table), None)).unwrap();
        assert_eq!(given.train.features, given.validation.unwrap().features);
    }

    #[test]
    fn what_does_not_fit_names_the_option_it_came_from() {
        let sexes: Vec<&str> = (0..12).map(|i| ["a", "b", "c"][i % 3]).collect();
        let table = table(&sexes);
        let error =
            |validation: HeldOut<'_>, group| Parts::of(&table, &options(validation, group)).unwrap_err().to_string();
        assert!(error(HeldOut::None, Some("sex")).starts_with("group: column \"sex\" has 3 groups"));
        assert!(error(HeldOut::None, Some("age")).starts_with("group: there is no column \"age\""));
        let other = Frame::new(vec![("y".into(), Column::Numbers(vec![0.0, 1.0]))]).unwrap();
        assert!(error(HeldOut::Table(&other), None).starts_with("validation: there is no column \"x\""));
    }
}
