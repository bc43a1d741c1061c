//! The tree of what is written in a formula, and how R writes it back: such names have its columns.

use std::fmt;

/// An expression and its place in the formula, counted in characters from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What it is.
    pub kind: Node,
    /// Where it begins.
    pub at: usize,
}

/// The kinds of expression. The same tree is read in two ways: as terms of a model, and inside functions as arithmetic.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A number.
    Number(f64),
    /// A column.
    Name(String),
    /// All columns that stand nowhere else: `.`.
    Dot,
    /// A function and its arguments, each with the name before `=`, if any.
    Call(String, Vec<(Option<String>, Expression)>),
    /// + or − before an expression.
    Unary(char, Box<Expression>),
    /// Two expressions and the operator between them.
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// An expression between parentheses.
    Parenthesis(Box<Expression>),
}

/// Operators between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Over,
    /// `:`
    Colon,
    /// `%in%`
    In,
    /// `^`
    Power,
}

impl Operator {
    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Operator::Plus => "+",
            Operator::Minus => "-",
            Operator::Times => "*",
            Operator::Over => "/",
            Operator::Colon => ":",
            Operator::In => "%in%",
            Operator::Power => "^",
        }
    }
}

impl Expression {
    /// Every column it names, in the order of appearance.
    pub fn columns<'a>(&'a self, found: &mut Vec<&'a str>) {
        match &self.kind {
            Node::Name(name) if !found.contains(&name.as_str()) => found.push(name),
            Node::Name(_) | Node::Number(_) | Node::Dot => {}
            Node::Call(_, arguments) => arguments.iter().for_each(|(_, argument)| argument.columns(found)),
            Node::Unary(_, inner) | Node::Parenthesis(inner) => inner.columns(found),
            Node::Binary(_, left, right) => {
                left.columns(found);
                right.columns(found);
            }
        }
    }
}

impl fmt::Display for Expression {
    /// As R deparses it: blanks around + − * and %in%, none around / ^ and :.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Node::Number(value) => f.write_str(&number(*value)),
            Node::Name(name) if is_plain_name(name) || name == "TRUE" || name == "FALSE" => f.write_str(name),
            Node::Name(name) => write!(f, "`{name}`"),
            Node::Dot => f.write_str("."),
            Node::Call(function, arguments) => {
                write!(f, "{function}(")?;
                for (k, (name, argument)) in arguments.iter().enumerate() {
                    if k > 0 {
                        f.write_str(", ")?;
                    }
                    match name {
                        Some(name) => write!(f, "{name} = {argument}")?,
                        None => write!(f, "{argument}")?,
                    }
                }
                f.write_str(")")
            }
            Node::Unary(sign, inner) => write!(f, "{sign}{inner}"),
            Node::Binary(operator, left, right) => match operator {
                Operator::Over | Operator::Power | Operator::Colon => write!(f, "{left}{}{right}", operator.sign()),
                _ => write!(f, "{left} {} {right}", operator.sign()),
            },
            Node::Parenthesis(inner) => write!(f, "({inner})"),
        }
    }
}

/// Whether R takes a name without backticks.
fn is_plain_name(name: &str) -> bool {
    const RESERVED: [&str; 14] = [
        "if", "else", "repeat", "while", "function", "for", "in", "next", "break", "TRUE", "FALSE", "NULL", "Inf",
        "NaN",
    ];
    let mut signs = name.chars();
    let begins = match (signs.next(), signs.next()) {
        (Some('.'), Some(second)) => !second.is_ascii_digit(),
        (Some(first), _) => first.is_alphabetic() || first == '.',
        (None, _) => false,
    };
    begins && name.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '_') && !RESERVED.contains(&name)
}

/// A number as R writes it: up to 15 significant digits, with an exponent where that is shorter.
#[must_use]
pub fn number(value: f64) -> String {
    const DIGITS: usize = 15;
    if value == 0.0 || !value.is_finite() {
        return format!("{}", value + 0.0);
    }
    // The fewest digits that say the same as fifteen.
    let rounded: f64 = format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value);
    let digits = (1..=DIGITS).find(|&k| format!("{value:.*e}", k - 1).parse() == Ok(rounded)).unwrap_or(DIGITS);
    let written = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    let scientific = format!("{mantissa}e{sign}{:02}", exponent.abs());
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    let fixed = format!("{value:.decimals$}");
    if fixed.len() <= scientific.len() { fixed } else { scientific }
}
