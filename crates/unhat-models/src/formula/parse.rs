//! From the text of a formula to its tree, with R's precedence of operators.

use super::expression::{Expression, Node, Operator};
use super::refusal::refused;
use super::token::{Placed, Token, tokens};
use unhat::Result;

/// How deep parentheses and functions may lie in each other.
const DEEPEST: usize = 100;

/// Both sides of `~`, the left one where there is one.
pub(super) fn parse(text: &str) -> Result<(Option<Expression>, Expression)> {
    let mut parser = Parser::of(text)?;
    let left = if parser.next_is("~") { None } else { Some(parser.expression(0)?) };
    if !parser.take("~") {
        return Err(parser.unexpected("expected ~ between the response and the terms"));
    }
    let right = parser.expression(0)?;
    parser.end()?;
    Ok((left, right))
}

/// One expression, read as arithmetic: a weight, an offset.
pub(super) fn parse_expression(text: &str) -> Result<Expression> {
    let mut parser = Parser::of(text)?;
    let found = parser.expression(0)?;
    parser.end()?;
    Ok(found)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
}

/// The operator of a sign, and how strongly it binds.
fn binary(sign: &str) -> Option<(Operator, u8)> {
    Some(match sign {
        "+" => (Operator::Plus, 1),
        "-" => (Operator::Minus, 1),
        "*" => (Operator::Times, 2),
        "/" => (Operator::Over, 2),
        "%in%" => (Operator::In, 3),
        ":" => (Operator::Colon, 4),
        "^" => (Operator::Power, POWER),
        _ => return None,
    })
}

/// −a:b is (−a):b, −a^b is −(a^b).
const UNARY: u8 = 5;
const POWER: u8 = 6;

impl<'a> Parser<'a> {
    fn of(text: &'a str) -> Result<Self> {
        let tokens = tokens(text)?;
        Ok(Parser { text, tokens, next: 0, depth: 0 })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|placed| &placed.token)
    }

    fn next_is(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token::Sign(found)) if *found == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let is = self.next_is(sign);
        self.next += usize::from(is);
        is
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.chars().count() + 1, |placed| placed.at)
    }

    fn unexpected(&self, expected: &str) -> unhat::Error {
        let found = match self.peek() {
            None => "the end".to_string(),
            Some(Token::Name(name, _)) => format!("{name:?}"),
            Some(Token::Number(value)) => format!("{value}"),
            Some(Token::Sign(sign)) => format!("{sign:?}"),
        };
        refused(self.text, self.at(), &found, expected)
    }

    fn end(&self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(Token::Sign("~")) => Err(self.unexpected("a formula has one ~")),
            Some(_) => Err(self.unexpected("expected an operator, or the end")),
        }
    }

    fn expression(&mut self, least: u8) -> Result<Expression> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.unexpected("write it with fewer parentheses in each other"));
        }
        let mut left = self.operand()?;
        while let Some(Token::Sign(sign)) = self.peek() {
            let Some((operator, level)) = binary(sign).filter(|(_, level)| *level > least) else { break };
            self.next += 1;
            // a - b - c is (a - b) - c, but a^b^c is a^(b^c).
            let right = self.expression(if level == POWER { UNARY } else { level })?;
            let at = left.at;
            left = Expression { kind: Node::Binary(operator, Box::new(left), Box::new(right)), at };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression> {
        let at = self.at();
        let kind = match self.peek().cloned() {
            Some(Token::Number(value)) => {
                self.next += 1;
                Node::Number(value)
            }
            Some(Token::Name(name, quoted)) => {
                self.next += 1;
                match self.take("(") {
                    true if quoted => {
                        return Err(refused(self.text, at, "a function between backticks", "leave them out"));
                    }
                    true => Node::Call(name, self.arguments()?),
                    false if name == "." && !quoted => Node::Dot,
                    false => Node::Name(name),
                }
            }
            Some(Token::Sign("(")) => {
                self.next += 1;
                let inner = self.expression(0)?;
                if !self.take(")") {
                    return Err(self.unexpected("expected )"));
                }
                Node::Parenthesis(Box::new(inner))
            }
            Some(Token::Sign(sign @ ("+" | "-"))) => {
                self.next += 1;
                let inner = self.expression(UNARY)?;
                Node::Unary(if sign == "-" { '-' } else { '+' }, Box::new(inner))
            }
            _ => return Err(self.unexpected("expected a column, a function or a number")),
        };
        Ok(Expression { kind, at })
    }

    fn arguments(&mut self) -> Result<Vec<(Option<String>, Expression)>> {
        let mut arguments = Vec::new();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            let named = match (self.peek(), self.tokens.get(self.next + 1).map(|placed| &placed.token)) {
                (Some(Token::Name(name, _)), Some(Token::Sign("="))) => Some(name.clone()),
                _ => None,
            };
            if named.is_some() {
                self.next += 2;
            }
            arguments.push((named, self.expression(0)?));
            if self.take(")") {
                return Ok(arguments);
            }
            if !self.take(",") {
                return Err(self.unexpected("expected , or )"));
            }
        }
    }
}
