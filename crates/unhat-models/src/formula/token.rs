//! The words of a formula: names, numbers and operators, each with the place where it stands.

use super::refusal::refused;
use unhat::Result;

/// What a formula is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name; whether it stood between backticks.
    Name(String, bool),
    Number(f64),
    /// `~ + - * / ^ : ( ) , = %in%`; `**` is `^`.
    Sign(&'static str),
}

/// A token and its place, counted in characters from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub token: Token,
    pub at: usize,
}

const SIGNS: [(char, &str); 11] = [
    ('~', "~"),
    ('+', "+"),
    ('-', "-"),
    ('*', "*"),
    ('/', "/"),
    ('^', "^"),
    (':', ":"),
    ('(', "("),
    (')', ")"),
    (',', ","),
    ('=', "="),
];

/// Cuts a text into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>> {
    let signs: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut k = 0;
    while k < signs.len() {
        let (start, at, c) = (k, k + 1, signs[k]);
        if c.is_whitespace() {
            k += 1;
            continue;
        }
        let token = if c == '`' {
            let end = signs[k + 1..].iter().position(|&c| c == '`').map(|length| k + 1 + length);
            let Some(end) = end.filter(|&end| end > k + 1) else {
                return Err(refused(
                    text,
                    at,
                    "a name between backticks that does not end, or is empty",
                    "write `my column`",
                ));
            };
            k = end + 1;
            Token::Name(signs[start + 1..end].iter().collect(), true)
        } else if c.is_ascii_digit() || c == '.' && signs.get(k + 1).is_some_and(char::is_ascii_digit) {
            k = end_of_number(&signs, k);
            let written: String = signs[start..k].iter().collect();
            match written.parse::<f64>() {
                Ok(value) if value.is_finite() && !signs.get(k).is_some_and(|&c| continues_name(c)) => {
                    Token::Number(value)
                }
                _ => {
                    let found = format!("{written:?} before a letter or beyond the range of numbers");
                    return Err(refused(text, at, &found, "a name that begins with a digit stands between backticks"));
                }
            }
        } else if c.is_alphabetic() || c == '.' || c == '_' {
            while signs.get(k).is_some_and(|&c| continues_name(c)) {
                k += 1;
            }
            Token::Name(signs[start..k].iter().collect(), false)
        } else if c == '%' {
            let end = signs[k + 1..].iter().position(|&c| c == '%').map(|length| k + 1 + length);
            let word: String = signs[k..end.map_or(signs.len(), |end| end + 1)].iter().collect();
            if word != "%in%" {
                return Err(refused(
                    text,
                    at,
                    &format!("the operator {word:?}"),
                    "of such operators only %in% is known",
                ));
            }
            k += word.len();
            Token::Sign("%in%")
        } else if c == '*' && signs.get(k + 1) == Some(&'*') {
            k += 2;
            Token::Sign("^")
        } else if let Some((_, sign)) = SIGNS.iter().find(|(sign, _)| *sign == c) {
            k += 1;
            Token::Sign(sign)
        } else {
            let advice = match c {
                '|' => "random effects are not fitted here",
                '"' | '\'' => "a column name with other signs stands between backticks",
                _ => {
                    "a column name with other signs stands between backticks; the operators are + - * / : ^ %in% ( ) and ~"
                }
            };
            return Err(refused(text, at, &format!("the sign {c:?}"), advice));
        };
        found.push(Placed { token, at });
    }
    Ok(found)
}

fn continues_name(c: char) -> bool {
    c.is_alphanumeric() || c == '.' || c == '_'
}

/// Digits, a point, digits, an exponent.
fn end_of_number(signs: &[char], start: usize) -> usize {
    let digit = |k: usize| signs.get(k).is_some_and(char::is_ascii_digit);
    let mut k = start;
    while digit(k) {
        k += 1;
    }
    if signs.get(k) == Some(&'.') {
        k += 1;
        while digit(k) {
            k += 1;
        }
    }
    if matches!(signs.get(k), Some('e' | 'E')) {
        let sign = usize::from(matches!(signs.get(k + 1), Some('+' | '-')));
        if digit(k + 1 + sign) {
            k += 1 + sign;
            while digit(k) {
                k += 1;
            }
        }
    }
    k
}
