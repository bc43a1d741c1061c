//! From the tree of a formula to its terms, in R's order: which variables enter, and which products of them.

use super::expression::{Expression, Node, Operator};
use super::functions::{Function, function, one_argument, polynomial, require_arithmetic};
use super::refusal::refused;
use unhat::{ErrorKind, Result};

/// The terms of a formula.
///
/// A term is a set of variables, given by their positions in ascending order. Terms stand by their degree, and within one
/// degree as they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The response as it is written; None for a formula of one side.
    pub response: Option<Expression>,
    /// Variables of the right-hand side: columns and functions of columns, as they are written first.
    pub variables: Vec<Expression>,
    /// The terms without the intercept.
    pub terms: Vec<Vec<usize>>,
    /// Whether there is an intercept.
    pub intercept: bool,
    /// What is added to the predictor.
    pub offsets: Vec<Expression>,
}

impl Terms {
    /// R's labels of the terms: `a`, `a:b`.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        let label =
            |term: &Vec<usize>| term.iter().map(|&v| self.variables[v].to_string()).collect::<Vec<_>>().join(":");
        self.terms.iter().map(label).collect()
    }

    /// For each variable of a term, whether a factor there has a column for every level, where R has no contrast.
    ///
    /// A factor is coded by contrasts where what remains of the term without it is the intercept or lies in an earlier term.
    /// Where there is no intercept, the first factor met has all its levels. `is_factor` says which variables are factors.
    ///
    /// # References
    /// ChambersHastie1992.
    #[must_use]
    pub fn full_coding(&self, is_factor: impl Fn(usize) -> bool) -> Vec<Vec<bool>> {
        let full = |(k, term): (usize, &Vec<usize>)| -> Vec<bool> {
            let coded = |v: &usize| {
                let rest: Vec<usize> = term.iter().copied().filter(|other| other != v).collect();
                let covered = |earlier: &Vec<usize>| rest.iter().all(|other| earlier.contains(other));
                !(rest.is_empty() || self.terms[..k].iter().any(covered))
            };
            term.iter().map(coded).collect()
        };
        let mut coding: Vec<Vec<bool>> = self.terms.iter().enumerate().map(full).collect();
        if !self.intercept {
            let places = self.terms.iter().enumerate().flat_map(|(k, term)| (0..term.len()).map(move |j| (k, j)));
            if let Some((k, j)) = places.into_iter().find(|&(k, j)| is_factor(self.terms[k][j])) {
                coding[k][j] = true;
            }
        }
        coding
    }
}

/// A formula: its text, and what stands on both sides of ~.
pub(super) struct Sides<'a> {
    pub text: &'a str,
    pub left: Option<&'a Expression>,
    pub right: &'a Expression,
}

/// Refuses what has no meaning in any table.
pub(super) fn require_meaning(formula: &Sides<'_>) -> Result<()> {
    if let Some(left) = formula.left {
        require_response(left, formula.text)?;
    }
    Walk::new(formula, &[], true).sum(formula.right, true).map(drop)
}

fn require_response(left: &Expression, text: &str) -> Result<()> {
    match &left.kind {
        Node::Call(name, arguments) if Function::named(name) == Some(Function::Bind) => match &arguments[..] {
            [(None, successes), (None, failures)] => {
                require_arithmetic(successes, text)?;
                require_arithmetic(failures, text)
            }
            _ => {
                Err(refused(text, left.at, "cbind() of other than two columns", "expected cbind(successes, failures)"))
            }
        },
        _ => require_arithmetic(left, text),
    }
}

pub(super) fn expand(formula: &Sides<'_>, columns: &[String], apart: &[&str]) -> Result<Terms> {
    let response = formula.left.cloned();
    let mut in_response = Vec::new();
    response.iter().for_each(|response| response.columns(&mut in_response));
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let dot: Vec<&str> =
        names.iter().copied().filter(|name| !in_response.contains(name) && !apart.contains(name)).collect();
    let mut walk = Walk::new(formula, &dot, false);
    let mut terms = walk.sum(formula.right, true)?;
    terms.sort_by_key(Vec::len); // stable: within a degree as they are written
    let (intercept, offsets) = (walk.intercept, walk.offsets);
    // Variables that minus has taken out of all terms are none.
    let used: Vec<usize> = (0..walk.variables.len()).filter(|v| terms.iter().any(|term| term.contains(v))).collect();
    let place = |v: &usize| used.iter().position(|other| other == v).unwrap_or_default();
    let terms: Vec<Vec<usize>> = terms.iter().map(|term| term.iter().map(place).collect()).collect();
    let variables: Vec<Expression> = used.iter().map(|&v| walk.variables[v].clone()).collect();
    for variable in &variables {
        let mut met = Vec::new();
        variable.columns(&mut met);
        if response.as_ref().is_some_and(|response| variable.to_string() == response.to_string()) {
            return Err(refused(formula.text, variable.at, "the response among the terms", "leave it out of one side"));
        }
    }
    let all = variables.iter().chain(&offsets).chain(&response);
    for expression in all {
        let mut met = Vec::new();
        expression.columns(&mut met);
        if let Some(unknown) = met.iter().find(|name| !names.contains(name) && !is_flag(name, expression)) {
            let mut listed = names.iter().take(20).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
            if names.len() > 20 {
                listed += &format!(", … ({} in all)", names.len());
            }
            let reason = format!("there is no column \"{unknown}\"; the table has {listed}");
            return Err(ErrorKind::Option { name: "formula".into(), reason }.into());
        }
    }
    if terms.is_empty() && !intercept {
        return Err(refused(
            formula.text,
            formula.right.at,
            "neither a term nor an intercept",
            "there is nothing to fit",
        ));
    }
    Ok(Terms { response, variables, terms, intercept, offsets })
}

/// TRUE and FALSE of `raw = TRUE` are no columns.
fn is_flag(name: &str, expression: &Expression) -> bool {
    let poly = matches!(&expression.kind, Node::Call(function, _) if function == "poly");
    poly && matches!(name, "TRUE" | "FALSE" | "T" | "F")
}

type Term = Vec<usize>;

/// How many terms a formula may stand for.
const MOST_TERMS: usize = 10_000;

struct Walk<'a> {
    formula: &'a Sides<'a>,
    dot: &'a [&'a str],
    /// Whether there is no table yet.
    blind: bool,
    variables: Vec<Expression>,
    intercept: bool,
    offsets: Vec<Expression>,
}

impl<'a> Walk<'a> {
    fn new(formula: &'a Sides<'a>, dot: &'a [&'a str], blind: bool) -> Self {
        Walk { formula, dot, blind, variables: Vec::new(), intercept: true, offsets: Vec::new() }
    }

    fn refused<T>(&self, at: usize, found: &str, advice: &str) -> Result<T> {
        Err(refused(self.formula.text, at, found, advice))
    }

    /// A sum of terms; `added` is false where it is taken away. Here 0, 1 and offsets may stand.
    fn sum(&mut self, expression: &Expression, added: bool) -> Result<Vec<Term>> {
        match &expression.kind {
            Node::Number(value) if *value == 0.0 || *value == 1.0 => {
                self.intercept = (*value == 1.0) == added;
                Ok(Vec::new())
            }
            Node::Unary(sign, inner) => match sign {
                '-' => self.sum(inner, !added).map(|_| Vec::new()),
                _ => self.sum(inner, added),
            },
            Node::Binary(Operator::Plus, left, right) => {
                let mut terms = self.sum(left, added)?;
                terms.extend(self.sum(right, added)?);
                Ok(distinct(terms))
            }
            Node::Binary(Operator::Minus, left, right) => {
                let mut terms = self.sum(left, added)?;
                let gone = self.sum(right, !added)?;
                terms.retain(|term| !gone.contains(term));
                Ok(terms)
            }
            Node::Parenthesis(inner) => self.sum(inner, added),
            Node::Call(name, arguments) if Function::named(name) == Some(Function::Offset) => {
                if !added {
                    return self.refused(
                        expression.at,
                        "an offset after a minus",
                        "leave it out, or change its sign inside",
                    );
                }
                let argument = one_argument(name, arguments, expression.at, self.formula.text)?;
                require_arithmetic(argument, self.formula.text)?;
                self.offsets.push(argument.clone());
                Ok(Vec::new())
            }
            _ => self.product(expression),
        }
    }

    /// Terms below an operator other than + and −.
    fn product(&mut self, expression: &Expression) -> Result<Vec<Term>> {
        let terms = match &expression.kind {
            Node::Number(value) => {
                return self.refused(
                    expression.at,
                    &format!("the number {value}"),
                    "in a sum 0 and 1 say whether there is an intercept; arithmetic stands inside I()",
                );
            }
            Node::Name(_) => vec![vec![self.variable(expression)]],
            Node::Dot => {
                let names: Vec<String> = self.dot.iter().map(|name| name.to_string()).collect();
                let named = |name: String| Expression { kind: Node::Name(name), at: expression.at };
                names.into_iter().map(|name| vec![self.variable(&named(name))]).collect()
            }
            Node::Parenthesis(inner) => match inner.kind {
                Node::Parenthesis(_) => self.product(inner)?,
                _ => self.group(inner)?,
            },
            Node::Unary(..) => return self.refused(expression.at, "a sign", "arithmetic stands inside I()"),
            Node::Call(name, arguments) => {
                self.require_call(name, arguments, expression.at)?;
                vec![vec![self.variable(expression)]]
            }
            Node::Binary(operator, left, right) => self.operation(*operator, left, right, expression.at)?,
        };
        match terms.len() > MOST_TERMS {
            true => self.refused(expression.at, &format!("{} terms", terms.len()), "write fewer products"),
            false => Ok(distinct(terms)),
        }
    }

    /// A sum between parentheses below another operator: terms alone.
    fn group(&mut self, inner: &Expression) -> Result<Vec<Term>> {
        let (intercept, offsets) = (self.intercept, self.offsets.len());
        self.intercept = true;
        let terms = self.sum(inner, true)?;
        if !self.intercept || self.offsets.len() > offsets || holds_number(inner) {
            return self.refused(inner.at, "0, 1 or an offset inside a product", "they stand in the outermost sum");
        }
        self.intercept = intercept;
        Ok(terms)
    }

    fn operation(&mut self, operator: Operator, left: &Expression, right: &Expression, at: usize) -> Result<Vec<Term>> {
        if operator == Operator::Power {
            let degree = match right.kind {
                Node::Number(k) if k.fract() == 0.0 && (1.0..=20.0).contains(&k) => k as usize,
                _ => {
                    let advice = "expected (a + b)^2 with a whole number up to 20; powers of a column stand inside I()";
                    return self.refused(right.at, "another exponent", advice);
                }
            };
            let once = self.product(left)?;
            if self.blind {
                return Ok(once);
            }
            let mut all = once.clone();
            for _ in 1..degree {
                all = distinct(all.iter().flat_map(|a| once.iter().map(|b| union(a, b))).collect());
                if all.len() > MOST_TERMS {
                    return self.refused(at, &format!("more than {MOST_TERMS} terms"), "write fewer products");
                }
            }
            return Ok(all);
        }
        if matches!(operator, Operator::Plus | Operator::Minus) {
            return self.refused(at, "a sum inside a product", "put it between parentheses");
        }
        let (a, b) = (self.product(left)?, self.product(right)?);
        let all_of = |terms: &[Term]| terms.iter().fold(Vec::new(), |all, term| union(&all, term));
        let products = |a: &[Term], b: &[Term]| -> Vec<Term> {
            a.iter().flat_map(|x| b.iter().map(move |y| union(x, y))).collect()
        };
        Ok(match operator {
            Operator::Colon => products(&a, &b),
            Operator::Times => [a.clone(), b.clone(), products(&a, &b)].concat(),
            Operator::Over => [a.clone(), products(&[all_of(&a)], &b)].concat(),
            _ => products(&a, &[all_of(&b)]),
        })
    }

    fn require_call(&self, name: &str, arguments: &[(Option<String>, Expression)], at: usize) -> Result<()> {
        let text = self.formula.text;
        match function(name, at, text)? {
            Function::Factor => one_argument(name, arguments, at, text).and_then(|a| require_arithmetic(a, text)),
            Function::Poly => polynomial(arguments, at, text).and_then(|(x, ..)| require_arithmetic(x, text)),
            Function::Offset => self.refused(at, "an offset inside a product", "it stands in the outermost sum"),
            Function::Bind => self.refused(at, "cbind() among the terms", "write its columns as a sum"),
            _ => one_argument(name, arguments, at, text).and_then(|argument| require_arithmetic(argument, text)),
        }
    }

    fn variable(&mut self, expression: &Expression) -> usize {
        let written = expression.to_string();
        match self.variables.iter().position(|known| known.to_string() == written) {
            Some(k) => k,
            None => {
                self.variables.push(expression.clone());
                self.variables.len() - 1
            }
        }
    }
}

fn holds_number(expression: &Expression) -> bool {
    match &expression.kind {
        Node::Number(_) => true,
        Node::Unary(_, inner) | Node::Parenthesis(inner) => holds_number(inner),
        Node::Binary(Operator::Plus | Operator::Minus, left, right) => holds_number(left) || holds_number(right),
        _ => false,
    }
}

fn union(a: &[usize], b: &[usize]) -> Term {
    let mut all: Term = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn distinct(terms: Vec<Term>) -> Vec<Term> {
    let mut seen = std::collections::HashSet::new();
    terms.into_iter().filter(|term| seen.insert(term.clone())).collect()
}
