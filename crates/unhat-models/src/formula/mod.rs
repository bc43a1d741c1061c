//! Formulas as R reads them: what is written, and which terms it stands for. Whatever is not understood is refused.
//!
//! `y ~ x1 + wool * tension + log(dpi)`: operators `+ - : * ^ / %in% ( ) 0 1 .`, names between backticks where they hold other
//! signs, `factor()` and `C()`, `log exp sqrt I() poly(x, k)` with plain arithmetic inside, `offset()`, and `cbind()` or a
//! transformation of the response on the left. It knows no table but the names of its columns.
//!
//! ```
//! use unhat_models::formula::Formula;
//! let terms = Formula::parse("log(y) ~ b:a + a/b + I(2*x)^2")?.terms(&["y", "a", "b", "x"].map(String::from), &[])?;
//! assert_eq!(terms.labels(), ["a", "I(2 * x)", "b:a"]); // by degree, as R
//! let error = Formula::parse("y ~ a + (1 | b)").unwrap_err().to_string();
//! assert!(error.contains("position 12") && error.contains("random effects"), "{error}");
//! # Ok::<(), unhat::Error>(())
//! ```

mod expression;
mod functions;
mod model_formula;
mod parse;
mod refusal;
mod terms;
mod token;
mod words;

pub use expression::{Expression, Node, Operator, number};
pub use functions::Function;
pub(crate) use functions::polynomial;
pub use model_formula::{Formula, parse_expression};
pub use terms::Terms;
pub use words::Words;
