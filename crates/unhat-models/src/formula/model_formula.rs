//! A formula as it was written: its text, and both sides of it as trees.

use super::expression::Expression;
use super::terms::{Sides, Terms};
use super::{functions, parse, terms};
use std::fmt;
use unhat::{ErrorKind, Result};

/// A formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    text: String,
    left: Option<Expression>,
    right: Expression,
}

impl Formula {
    /// Reads a formula, with a response or of one side.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] with the position, what was found there, and what to write instead.
    pub fn parse(text: &str) -> Result<Formula> {
        let (left, right) = parse::parse(text)?;
        terms::require_meaning(&Sides { text, left: left.as_ref(), right: &right })?;
        Ok(Formula { text: text.to_string(), left, right })
    }

    /// The response as it is written; None for a formula of one side.
    #[must_use]
    pub fn response(&self) -> Option<&Expression> {
        self.left.as_ref()
    }

    /// The response of a formula that is to be fitted.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] where there is none.
    pub fn require_response(&self) -> Result<&Expression> {
        let advice = "write the response before ~";
        self.left.as_ref().ok_or_else(|| super::refusal::refused(&self.text, 1, "no response", advice))
    }

    /// The side of the terms as it is written.
    #[must_use]
    pub fn terms_side(&self) -> &Expression {
        &self.right
    }

    /// The terms it stands for among these columns; `.` stands for all that are neither in the response nor `apart`.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a column that does not exist, for the response on both sides, and for a formula that leaves
    /// nothing to fit.
    pub fn terms(&self, columns: &[String], apart: &[&str]) -> Result<Terms> {
        terms::expand(&Sides { text: &self.text, left: self.left.as_ref(), right: &self.right }, columns, apart)
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.left {
            Some(left) => write!(f, "{left} ~ {}", self.right),
            None => write!(f, "~{}", self.right),
        }
    }
}

/// Reads one expression of arithmetic on columns: a weight, an offset. `what` is the option it was given by.
///
/// # Errors
/// [`ErrorKind::Option`] as [`Formula::parse`].
pub fn parse_expression(what: &str, text: &str) -> Result<Expression> {
    let found =
        parse::parse_expression(text).and_then(|found| functions::require_arithmetic(&found, text).map(|()| found));
    found.map_err(|error| match error.kind() {
        ErrorKind::Option { reason, .. } => ErrorKind::Option { name: what.into(), reason: reason.clone() }.into(),
        _ => error,
    })
}
