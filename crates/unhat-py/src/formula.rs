//! A model of a table as Python says it: formula, family, weights, offset, levels, what becomes of missing cells.

use crate::failure::option;
use unhat::Result;
use unhat_models::formula::{Expression, Formula, parse_expression};
use unhat_models::regression::{Law, MissingRows, Model, Specification};

/// The levels of factors in their order, by column.
pub(crate) type Levels = Vec<(String, Vec<String>)>;

/// Columns, or arithmetic on columns, that go with a formula.
#[derive(Default)]
pub(crate) struct Beside<'a> {
    pub weights: Option<&'a str>,
    pub trials: Option<&'a str>,
    pub offset: Option<&'a str>,
}

/// What is wanted of a table.
pub(crate) fn specification(
    formula: &str,
    beside: &Beside<'_>,
    levels: &Levels,
    missing: MissingRows,
) -> Result<Specification> {
    let expression = |what: &str, text: Option<&str>| -> Result<Option<Expression>> {
        text.map(|text| parse_expression(what, text)).transpose()
    };
    Ok(Specification {
        formula: Formula::parse(formula)?,
        weights: expression("weights", beside.weights)?,
        trials: expression("trials", beside.trials)?,
        offset: expression("offset", beside.offset)?,
        missing,
        levels: levels.clone(),
    })
}

/// What becomes of rows with missing cells, by its word; `padded` says whether "exclude" is one.
pub(crate) fn missing(word: &str, padded: bool) -> Result<MissingRows> {
    match word {
        "omit" => Ok(MissingRows::Omit),
        "exclude" if padded => Ok(MissingRows::Omit),
        "raise" | "error" => Ok(MissingRows::Error),
        _ => {
            let words = if padded { "omit, exclude or raise" } else { "omit or raise" };
            Err(option("missing", format!("found {word:?}, expected {words}")))
        }
    }
}

/// `lm`, or a family with its link.
pub(crate) fn model(family: Option<&str>, link: Option<&str>) -> Result<Model> {
    Ok(match family {
        None if link.is_some() => return Err(option("link", "belongs to a family; give family too")),
        None => Model::Linear,
        Some(family) => Model::Generalised(Law::new(family.parse()?, link.map(str::parse).transpose()?)?),
    })
}
