//! The models a user can name, and what each asks of the response.

use super::Wanted;
use std::fmt;
use std::str::FromStr;
use unhat::{Error, ErrorKind};

/// Widths of the hidden layers of `mlp` without any named.
const DEFAULT_HIDDEN: [usize; 2] = [64, 32];

/// A model by name: `linear`, `ridge`, `logistic`, `softmax`, `poisson`, `mlp` or `mlp:64,32`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// Least squares.
    Linear,
    /// Least squares with a penalty.
    Ridge,
    /// Two classes.
    Logistic,
    /// Any number of classes.
    Softmax,
    /// Counts.
    Poisson,
    /// A multilayer perceptron with hidden layers of these widths.
    Network(Vec<usize>),
}

impl ModelKind {
    /// What the response must be.
    pub fn wanted(&self) -> Wanted {
        match self {
            ModelKind::Linear | ModelKind::Ridge => Wanted::Value,
            ModelKind::Logistic => Wanted::TwoClasses,
            ModelKind::Softmax => Wanted::Classes,
            ModelKind::Poisson => Wanted::Count,
            ModelKind::Network(_) => Wanted::Either,
        }
    }

    /// Widths of the hidden layers; none for the others.
    pub fn hidden(&self) -> &[usize] {
        match self {
            ModelKind::Network(hidden) => hidden,
            _ => &[],
        }
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelKind::Linear => f.write_str("linear"),
            ModelKind::Ridge => f.write_str("ridge"),
            ModelKind::Logistic => f.write_str("logistic"),
            ModelKind::Softmax => f.write_str("softmax"),
            ModelKind::Poisson => f.write_str("poisson"),
            ModelKind::Network(hidden) => {
                let widths: Vec<String> = hidden.iter().map(usize::to_string).collect();
                write!(f, "mlp:{}", widths.join(","))
            }
        }
    }
}

impl FromStr for ModelKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<ModelKind, Error> {
        let unknown = |reason: String| Error::from(ErrorKind::Option { name: "model".into(), reason });
        Ok(match text.split_once(':').map_or((text, None), |(name, widths)| (name, Some(widths))) {
            ("linear", None) => ModelKind::Linear,
            ("ridge", None) => ModelKind::Ridge,
            ("logistic", None) => ModelKind::Logistic,
            ("softmax", None) => ModelKind::Softmax,
            ("poisson", None) => ModelKind::Poisson,
            ("mlp", None) => ModelKind::Network(DEFAULT_HIDDEN.to_vec()),
            ("mlp", Some(widths)) => {
                let width = |w: &str| {
                    let found = w.trim().parse().ok().filter(|width| *width > 0);
                    found.ok_or_else(|| {
                        unknown(format!("found \"{w}\" in \"{text}\", expected a width, as in mlp:64,32"))
                    })
                };
                ModelKind::Network(widths.split(',').map(width).collect::<Result<_, _>>()?)
            }
            _ => {
                return Err(unknown(format!(
                    "found \"{text}\", expected linear, ridge, logistic, softmax, poisson, mlp or mlp:64,32"
                )));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["linear", "ridge", "logistic", "softmax", "poisson", "mlp:64,32", "mlp:7"] {
            assert_eq!(name.parse::<ModelKind>().unwrap().to_string(), name);
        }
        assert_eq!("mlp".parse::<ModelKind>().unwrap().hidden(), [64, 32]);
        for name in ["", "tree", "mlp:", "mlp:0", "mlp:6 4", "mlp:-1", "linear:3"] {
            assert!(name.parse::<ModelKind>().is_err(), "{name}");
        }
    }
}
