//! The functions that a formula may hold, and the check that everything inside them is arithmetic.

use super::expression::{Expression, Node, Operator};
use super::refusal::refused;
use unhat::Result;

/// A function of a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// A column as a factor: `factor(x)`, `as.factor(x)`, `C(x)`.
    Factor,
    /// Arithmetic as it stands.
    Identity,
    /// Natural logarithm.
    Log,
    /// Logarithm of base 2.
    Log2,
    /// Logarithm of base 10.
    Log10,
    /// log(1 + x).
    Log1p,
    /// eˣ.
    Exp,
    /// Square root.
    Sqrt,
    /// Absolute value.
    Abs,
    /// Orthonormal polynomials, `poly(x, k)`, or powers, `poly(x, k, raw = TRUE)`.
    Poly,
    /// What is added to the predictor.
    Offset,
    /// Two columns as successes and failures.
    Bind,
}

const FUNCTIONS: [(&str, Function); 14] = [
    ("factor", Function::Factor),
    ("as.factor", Function::Factor),
    ("C", Function::Factor),
    ("I", Function::Identity),
    ("log", Function::Log),
    ("log2", Function::Log2),
    ("log10", Function::Log10),
    ("log1p", Function::Log1p),
    ("exp", Function::Exp),
    ("sqrt", Function::Sqrt),
    ("abs", Function::Abs),
    ("poly", Function::Poly),
    ("offset", Function::Offset),
    ("cbind", Function::Bind),
];

impl Function {
    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Function> {
        FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }
}

/// The function of a call in the formula `text`.
pub(super) fn function(name: &str, at: usize, text: &str) -> Result<Function> {
    Function::named(name).ok_or_else(|| {
        let advice = match name {
            "ordered" => "contrasts are treatment contrasts: write factor(), and --levels for the order of its levels",
            "ns" | "bs" | "s" | "te" => "splines are not built here: put their columns into the table",
            _ => "known are factor C I log log2 log10 log1p exp sqrt abs poly offset cbind; put other columns into the table",
        };
        refused(text, at, &format!("the function {name:?}"), advice)
    })
}

/// Everything in it is a number, a column, + − * / ^, or a function of one number.
pub(super) fn require_arithmetic(expression: &Expression, text: &str) -> Result<()> {
    let at = expression.at;
    match &expression.kind {
        Node::Number(_) | Node::Name(_) => Ok(()),
        Node::Dot => Err(refused(text, at, "\".\"", "inside a function or a response columns stand by their names")),
        Node::Unary(_, inner) | Node::Parenthesis(inner) => require_arithmetic(inner, text),
        Node::Binary(Operator::Colon | Operator::In, ..) => {
            Err(refused(text, at, "an interaction inside arithmetic", "there + - * / ^ are what they are for numbers"))
        }
        Node::Binary(_, left, right) => {
            require_arithmetic(left, text)?;
            require_arithmetic(right, text)
        }
        Node::Call(name, arguments) => {
            let function = function(name, at, text)?;
            if matches!(function, Function::Factor | Function::Poly | Function::Offset | Function::Bind) {
                return Err(refused(text, at, &format!("{name}() inside arithmetic"), "it stands alone as a term"));
            }
            one_argument(name, arguments, at, text).and_then(|argument| require_arithmetic(argument, text))
        }
    }
}

/// The one argument of a function.
pub(super) fn one_argument<'a>(
    name: &str,
    arguments: &'a [(Option<String>, Expression)],
    at: usize,
    text: &str,
) -> Result<&'a Expression> {
    match arguments {
        [(None, argument)] => Ok(argument),
        _ => {
            let found = format!("{name}() with {} arguments, or one with a name", arguments.len());
            Err(refused(text, at, &found, "expected one argument without a name"))
        }
    }
}

/// x, k and whether powers are raw, of `poly(x, k)`.
pub(crate) fn polynomial<'a>(
    arguments: &'a [(Option<String>, Expression)],
    at: usize,
    text: &str,
) -> Result<(&'a Expression, usize, bool)> {
    let wrong = || {
        refused(
            text,
            at,
            "poly() with other arguments",
            "expected poly(x, k) or poly(x, k, raw = TRUE), k from 1 to 20",
        )
    };
    let (first, rest) = arguments.split_first().ok_or_else(wrong)?;
    let (second, rest) = rest.split_first().ok_or_else(wrong)?;
    let named = |name: &Option<String>, expected: &str| name.as_deref().is_none_or(|name| name == expected);
    let degree = match &second.1.kind {
        Node::Number(k) if k.fract() == 0.0 && (1.0..=20.0).contains(k) => *k as usize,
        _ => return Err(wrong()),
    };
    let raw = match rest {
        [] => false,
        [(Some(name), Expression { kind: Node::Name(word), .. })]
            if name == "raw" && (word == "TRUE" || word == "T") =>
        {
            true
        }
        [(Some(name), Expression { kind: Node::Name(word), .. })]
            if name == "raw" && (word == "FALSE" || word == "F") =>
        {
            false
        }
        _ => return Err(wrong()),
    };
    match named(&first.0, "x") && named(&second.0, "degree") {
        true => Ok((&first.1, degree, raw)),
        false => Err(wrong()),
    }
}
