//! Which rows are flagged: the rules of R and of the books, each by its name.

use super::tails::{f_median, t_two_sided};
use std::str::FromStr;
use unhat::{ErrorKind, Result};

/// A rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// That of R's `influence.measures`, k the rank, n the rows with a hat value above 0: |dfbetas| > 1, |dffits| > 3√(k/(n−k)),
    /// |1 − covratio| > 3k/(n−k), P(F ≤ cooks) > 0.5 with (k, n−k) degrees of freedom, hat > 3k/n.
    #[default]
    R,
    /// hat > 2k/n, |dffits| > 2√(k/n), |dfbetas| > 2/√n (Belsley, Kuh, Welsch).
    Bkw,
    /// cooks > 4/n.
    Cook4n,
    /// Bonferroni's p of rstudent below 0.05: 2n·P(T > |rstudent|), n − k − 1 degrees of freedom.
    Outlier,
}

impl Rule {
    /// The word of the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Rule::R => "r",
            Rule::Bkw => "bkw",
            Rule::Cook4n => "cook4n",
            Rule::Outlier => "outlier",
        }
    }

    /// As a sentence says it.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Rule::R => "R's rules",
            Rule::Bkw => "the rules of Belsley, Kuh and Welsch",
            Rule::Cook4n => "the rule cooks > 4/n",
            Rule::Outlier => "the outlier test (Bonferroni p < 0.05)",
        }
    }
}

impl FromStr for Rule {
    type Err = unhat::Error;
    fn from_str(word: &str) -> Result<Rule> {
        [Rule::R, Rule::Bkw, Rule::Cook4n, Rule::Outlier].into_iter().find(|rule| rule.name() == word).ok_or_else(
            || {
                let reason = format!("found {word:?}, expected one of r, bkw, cook4n, outlier");
                ErrorKind::Option { name: "rule".into(), reason }.into()
            },
        )
    }
}

/// What a row is flagged for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The hat value.
    pub hat: bool,
    /// DFFITS.
    pub dffits: bool,
    /// The ratio of covariances.
    pub covratio: bool,
    /// DFBETAS of at least one coefficient.
    pub dfbetas: bool,
    /// Cook's distance.
    pub cooks: bool,
    /// The studentised residual.
    pub rstudent: bool,
}

impl Flags {
    /// Whether any.
    #[must_use]
    pub fn any(&self) -> bool {
        self.named().iter().any(|(_, met)| *met)
    }

    /// Each by its column.
    #[must_use]
    pub fn named(&self) -> [(&'static str, bool); 6] {
        [
            ("hat", self.hat),
            ("dffits", self.dffits),
            ("covratio", self.covratio),
            ("dfbetas", self.dfbetas),
            ("cooks", self.cooks),
            ("rstudent", self.rstudent),
        ]
    }
}

/// The numbers of one row that rules look at; NaN where there is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub hat: f64,
    pub dffits: f64,
    pub covratio: f64,
    /// The largest |dfbetas|.
    pub dfbetas: f64,
    pub cooks: f64,
    pub rstudent: f64,
}

/// The limits of a rule among n rows with rank k.
pub(super) struct Limits {
    rule: Rule,
    n: f64,
    k: f64,
    /// P(F ≤ f) = 0.5 with (k, n − k) degrees of freedom; NaN where the rule does not ask.
    median: f64,
}

impl Limits {
    pub fn of(rule: Rule, n: usize, k: usize) -> Limits {
        let (n, k) = (n as f64, k as f64);
        Limits { rule, n, k, median: if rule == Rule::R { f_median(k, n - k) } else { f64::NAN } }
    }
}

/// The flags of a row.
pub(super) fn flags(limits: &Limits, row: &Measured) -> Flags {
    let (n, k) = (limits.n, limits.k);
    let none = Flags::default();
    match limits.rule {
        Rule::R => Flags {
            hat: row.hat > 3.0 * k / n,
            dffits: row.dffits.abs() > 3.0 * (k / (n - k)).sqrt(),
            covratio: (1.0 - row.covratio).abs() > 3.0 * k / (n - k),
            dfbetas: row.dfbetas.abs() > 1.0,
            cooks: row.cooks > limits.median,
            rstudent: false,
        },
        Rule::Bkw => Flags {
            hat: row.hat > 2.0 * k / n,
            dffits: row.dffits.abs() > 2.0 * (k / n).sqrt(),
            dfbetas: row.dfbetas.abs() > 2.0 / n.sqrt(),
            ..none
        },
        Rule::Cook4n => Flags { cooks: row.cooks > 4.0 / n, ..none },
        Rule::Outlier => Flags { rstudent: n * t_two_sided(row.rstudent, n - k - 1.0) < 0.05, ..none },
    }
}
