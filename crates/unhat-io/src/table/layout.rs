//! Which columns of a table go where: chosen columns, response, intercept, row names.

use super::TableOptions;
use crate::fault::{listed, shown};
use unhat::{ErrorKind, Result};

/// The plan by which rows are read. A row of the table becomes `width` values: the intercept, then the columns of the
/// matrix in their order, with the response among them or, where it was not chosen as a column, behind them.
pub(super) struct Layout {
    /// Names of all columns of the file, if there is a header.
    pub header: Option<Vec<String>>,
    /// Columns of the file, one for each value after the intercept.
    pub sources: Vec<usize>,
    /// Position in `sources` of the response.
    pub response: Option<usize>,
    /// Whether the first value is a one.
    pub intercept: bool,
    /// Whether the columns were named by the user, who then gets all of them or an error.
    pub chosen: bool,
    /// Whether the first column has a header cell without a name: row names, whatever they look like.
    pub unnamed_first: bool,
}

impl Layout {
    /// Plans for a table whose first line has `width` cells.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a column that is not there, twice there, or chosen twice.
    pub fn new(header: Option<Vec<String>>, width: usize, options: &TableOptions) -> Result<Self> {
        let unnamed_first = header.as_ref().is_some_and(|names| names[0].is_empty());
        let finder = Finder { header: header.as_deref(), width };
        let response = options.response.as_ref().map(|name| finder.find("response", name)).transpose()?;
        let mut sources = match &options.columns {
            None => (usize::from(unnamed_first)..width).collect(),
            Some(names) => finder.find_all(names)?,
        };
        let response = response.map(|column| {
            sources.iter().position(|&c| c == column).unwrap_or_else(|| {
                sources.push(column);
                sources.len() - 1
            })
        });
        Ok(Layout {
            sources,
            response,
            intercept: options.intercept,
            chosen: options.columns.is_some(),
            unnamed_first,
            header,
        })
    }

    /// Values that a row becomes.
    pub fn width(&self) -> usize {
        usize::from(self.intercept) + self.sources.len()
    }

    /// A column of the file as messages call it.
    pub fn column_phrase(&self, column: usize) -> String {
        match self.header.as_ref().and_then(|names| names.get(column)).filter(|name| !name.is_empty()) {
            Some(name) => format!("column {}", shown(name)),
            None => format!("column {}", column + 1),
        }
    }
}

struct Finder<'a> {
    header: Option<&'a [String]>,
    width: usize,
}

impl Finder<'_> {
    fn find_all(&self, names: &[String]) -> Result<Vec<usize>> {
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            let column = self.find("columns", name)?;
            if columns.contains(&column) {
                return Err(option("columns", format!("found {} twice, expected each column once", shown(name))));
            }
            columns.push(column);
        }
        if columns.is_empty() {
            return Err(option("columns", "found none, expected at least one".into()));
        }
        Ok(columns)
    }

    fn find(&self, what: &str, name: &str) -> Result<usize> {
        let Some(header) = self.header else {
            return match name.trim().parse::<usize>() {
                Ok(number) if (1..=self.width).contains(&number) => Ok(number - 1),
                _ => Err(option(
                    what,
                    format!(
                        "found {}, expected a number from 1 to {}: the table has no header",
                        shown(name),
                        self.width
                    ),
                )),
            };
        };
        let name = name.trim();
        let mut places = (0..header.len()).filter(|&c| !name.is_empty() && header[c] == name);
        match (places.next(), places.next()) {
            (Some(column), None) => Ok(column),
            (Some(_), Some(_)) => Err(option(what, format!("several columns are named {}", shown(name)))),
            (None, _) => {
                Err(option(what, format!("there is no column {}; the table has {}", shown(name), listed(header))))
            }
        }
    }
}

fn option(name: &str, reason: String) -> unhat::Error {
    ErrorKind::Option { name: name.to_string(), reason }.into()
}
