//! The value of an expression for every row of a table: arithmetic on its columns.

use crate::formula::{Expression, Function, Node, Operator};
use crate::models::{Column, Frame};
use std::borrow::Cow;
use unhat::{ErrorKind, Result};

/// The rows of a table that enter a fit.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a, 'r> {
    pub frame: &'a Frame,
    /// None: all rows.
    pub rows: Option<&'r [usize]>,
}

impl<'a> Cells<'a, '_> {
    /// How many rows these are.
    pub fn count(&self) -> usize {
        self.rows.map_or(self.frame.rows(), <[usize]>::len)
    }

    /// The row of the table.
    pub fn row(&self, k: usize) -> usize {
        self.rows.map_or(k, |rows| rows[k])
    }

    /// What a row is called.
    pub fn label(&self, k: usize) -> String {
        label(self.frame, self.row(k))
    }

    /// A column by its name.
    pub fn column(&self, name: &str) -> Result<&'a Column> {
        Ok(&self.frame.columns()[self.frame.position("formula", name)?])
    }

    /// The values of an expression; a plain column of numbers is lent where all rows enter.
    ///
    /// NaN where a cell is missing. Anything else that is no finite number is an error that names the row.
    pub fn numbers(&self, expression: &Expression) -> Result<Cow<'a, [f64]>> {
        match &expression.kind {
            Node::Name(name) => match self.column(name)? {
                Column::Numbers(values) => Ok(match self.rows {
                    None => Cow::Borrowed(values.as_slice()),
                    Some(rows) => Cow::Owned(rows.iter().map(|&row| values[row]).collect()),
                }),
                Column::Text(_) => {
                    let reason = format!("column \"{name}\" holds text, expected numbers where {expression} stands");
                    Err(ErrorKind::Option { name: "formula".into(), reason }.into())
                }
            },
            _ => Ok(Cow::Owned(self.computed(expression)?)),
        }
    }

    fn computed(&self, expression: &Expression) -> Result<Vec<f64>> {
        let of_one = |inner: &Expression, f: &dyn Fn(f64) -> f64| -> Result<Vec<f64>> {
            let values = self.numbers(inner)?;
            let found: Vec<f64> = values.iter().map(|v| f(*v)).collect();
            self.require_values(expression, &found, |k| values[k].is_nan(), |k| values[k])?;
            Ok(found)
        };
        match &expression.kind {
            Node::Number(value) => Ok(vec![*value; self.count()]),
            Node::Parenthesis(inner) => Ok(self.numbers(inner)?.into_owned()),
            Node::Unary('-', inner) => of_one(inner, &|v| -v),
            Node::Unary(_, inner) => Ok(self.numbers(inner)?.into_owned()),
            Node::Binary(operator, left, right) => {
                let (a, b) = (self.numbers(left)?, self.numbers(right)?);
                let f: fn(f64, f64) -> f64 = match operator {
                    Operator::Plus => |a, b| a + b,
                    Operator::Minus => |a, b| a - b,
                    Operator::Times => |a, b| a * b,
                    Operator::Over => |a, b| a / b,
                    Operator::Power => power,
                    Operator::Colon | Operator::In => return Err(self.no_arithmetic(expression)),
                };
                let found: Vec<f64> = a.iter().zip(b.iter()).map(|(a, b)| f(*a, *b)).collect();
                self.require_values(expression, &found, |k| a[k].is_nan() || b[k].is_nan(), |k| a[k])?;
                Ok(found)
            }
            Node::Call(name, arguments) => {
                let [(None, argument)] = &arguments[..] else { return Err(self.no_arithmetic(expression)) };
                match Function::named(name) {
                    Some(Function::Identity) => Ok(self.numbers(argument)?.into_owned()),
                    Some(Function::Log) => of_one(argument, &f64::ln),
                    Some(Function::Log2) => of_one(argument, &f64::log2),
                    Some(Function::Log10) => of_one(argument, &f64::log10),
                    Some(Function::Log1p) => of_one(argument, &f64::ln_1p),
                    Some(Function::Exp) => of_one(argument, &f64::exp),
                    Some(Function::Sqrt) => of_one(argument, &f64::sqrt),
                    Some(Function::Abs) => of_one(argument, &f64::abs),
                    _ => Err(self.no_arithmetic(expression)),
                }
            }
            Node::Name(_) | Node::Dot => Err(self.no_arithmetic(expression)),
        }
    }

    /// A value that is no finite number, though its operands are, names its row.
    fn require_values(
        &self,
        expression: &Expression,
        found: &[f64],
        missing: impl Fn(usize) -> bool,
        operand: impl Fn(usize) -> f64,
    ) -> Result<()> {
        let Some(k) = (0..found.len()).find(|&k| !found[k].is_finite() && !missing(k)) else { return Ok(()) };
        let reason = format!(
            "{expression} is {} in row {}, where its operand is {}: expected a finite number; leave the row out, or use \
             another transformation",
            found[k],
            self.label(k),
            operand(k)
        );
        Err(ErrorKind::Option { name: "formula".into(), reason }.into())
    }

    fn no_arithmetic(&self, expression: &Expression) -> unhat::Error {
        let reason = format!("{expression} is no arithmetic on numbers");
        ErrorKind::Option { name: "formula".into(), reason }.into()
    }
}

/// What a row of a table is called: its name, or its number from 1.
pub(super) fn label(frame: &Frame, row: usize) -> String {
    frame.row_names.as_ref().map_or_else(|| (row + 1).to_string(), |names| names[row].clone())
}

/// aᵇ, by products for small whole exponents, as R.
fn power(a: f64, b: f64) -> f64 {
    if b == 2.0 { a * a } else { a.powf(b) }
}
