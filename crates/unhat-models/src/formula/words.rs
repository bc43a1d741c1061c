//! A model in words, for scripts: a response where there is one, columns, factors, interactions. They make the same formula.

use super::Formula;
use unhat::{ErrorKind, Result};

/// The words of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    /// The response: a column; None makes a formula of one side.
    pub response: Option<String>,
    /// Columns that are terms; those of text are factors.
    pub columns: Vec<String>,
    /// Columns that are factors whatever they hold.
    pub factors: Vec<String>,
    /// Interactions, each of the columns between colons.
    pub interactions: Vec<String>,
    /// Whether there is no intercept.
    pub no_intercept: bool,
}

impl Words {
    /// The formula that says the same.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for an empty name, or a name with a backtick.
    pub fn formula(&self) -> Result<Formula> {
        let quoted = |option: &str, name: &str| -> Result<String> {
            match name.trim() {
                "" => Err(refused(option, "found an empty name, expected a column")),
                name if name.contains('`') => Err(refused(option, "found a name with a backtick: rename the column")),
                name => Ok(format!("`{name}`")),
            }
        };
        let variable = |option: &str, name: &str| -> Result<String> {
            let column = quoted(option, name)?;
            let is_factor = self.factors.iter().any(|factor| factor.trim() == name.trim());
            Ok(if is_factor { format!("factor({column})") } else { column })
        };
        let mut terms = Vec::new();
        for (option, names) in [("columns", &self.columns), ("factor", &self.factors)] {
            for name in names {
                terms.push(variable(option, name)?);
            }
        }
        for interaction in &self.interactions {
            let parts: Result<Vec<String>> = interaction.split(':').map(|name| variable("interaction", name)).collect();
            terms.push(parts?.join(":"));
        }
        if self.no_intercept {
            terms.push("0".into());
        } else if terms.is_empty() {
            terms.push("1".into());
        }
        let response = self.response.as_deref().map(|name| quoted("response", name)).transpose()?;
        Formula::parse(&format!("{} ~ {}", response.unwrap_or_default(), terms.join(" + ")))
    }
}

fn refused(option: &str, reason: &str) -> unhat::Error {
    ErrorKind::Option { name: option.into(), reason: reason.into() }.into()
}
