//! Which columns of a table go where: chosen columns, response, weights, intercept.

use super::TableOptions;
use super::opened::Columns;
use crate::fault::shown;
use unhat::{ErrorKind, Result};

/// The plan by which rows are read. A row of the table becomes `width` values: the intercept, then the columns of the
/// matrix in their order, with response and weights among them or, where they were not chosen as columns, behind them.
pub(crate) struct Layout {
    /// Columns of the file, one for each value after the intercept.
    pub sources: Vec<usize>,
    /// Position in `sources` of the response.
    pub response: Option<usize>,
    /// Position in `sources` of the weights.
    pub weights: Option<usize>,
    /// Columns of the file that are factors, and none of `sources`.
    pub factors: Vec<usize>,
    /// Whether the first value is a one.
    pub intercept: bool,
    /// Whether the columns were named by the user, who then gets all of them or an error.
    pub chosen: bool,
}

impl Layout {
    /// Plans for a table of these columns, one of which may hold row names.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a column that is not there, or chosen twice.
    pub fn new(columns: &Columns, names_column: Option<usize>, options: &TableOptions) -> Result<Self> {
        let find = |what: &str, name: &str| columns.find(name).map_err(|reason| option(what, reason));
        let without = options.without.iter().map(|name| find("without", name)).collect::<Result<Vec<_>>>()?;
        let mut factors = Vec::with_capacity(options.factors.len());
        for name in &options.factors {
            let column = find("absorb", name)?;
            if factors.contains(&column) {
                return Err(option("absorb", format!("found {} twice, expected each factor once", shown(name))));
            }
            factors.push(column);
        }
        let mut sources = match &options.columns {
            None => {
                let free = |column: &usize| {
                    names_column != Some(*column) && !without.contains(column) && !factors.contains(column)
                };
                (0..columns.width).filter(free).collect()
            }
            Some(names) => {
                let mut chosen = Vec::with_capacity(names.len());
                for name in names {
                    let column = find("columns", name)?;
                    if chosen.contains(&column) {
                        return Err(option(
                            "columns",
                            format!("found {} twice, expected each column once", shown(name)),
                        ));
                    }
                    if factors.contains(&column) {
                        return Err(option("absorb", format!("makes {} a factor, which --columns takes", shown(name))));
                    }
                    if without.contains(&column) {
                        return Err(option("without", format!("leaves out {}, which --columns takes", shown(name))));
                    }
                    chosen.push(column);
                }
                if chosen.is_empty() {
                    return Err(option("columns", "found none, expected at least one".into()));
                }
                chosen
            }
        };
        let mut place = |what: &str, name: &Option<String>| -> Result<Option<usize>> {
            let Some(name) = name else { return Ok(None) };
            let column = find(what, name)?;
            if factors.contains(&column) {
                return Err(option(
                    what,
                    format!("is {}, which --absorb makes a factor; name another column", shown(name)),
                ));
            }
            Ok(Some(sources.iter().position(|&c| c == column).unwrap_or_else(|| {
                sources.push(column);
                sources.len() - 1
            })))
        };
        let response = place("response", &options.response)?;
        let weights = place("case-weights", &options.weights)?;
        if weights.is_some() && weights == response {
            return Err(option("case-weights", "is the response; name another column".into()));
        }
        // The levels of a factor span the constant.
        let intercept = options.intercept && factors.is_empty();
        Ok(Layout { sources, response, weights, factors, intercept, chosen: options.columns.is_some() })
    }

    /// Values that a row becomes.
    pub fn width(&self) -> usize {
        usize::from(self.intercept) + self.sources.len()
    }
}

fn option(name: &str, reason: String) -> unhat::Error {
    ErrorKind::Option { name: name.to_string(), reason }.into()
}
