//! Of which coefficients the changes by every row are told: each is a number a row.

use super::request::Diagnosed;
use unhat::{ErrorKind, Result};

/// With more coefficients than this, those of levels of factors are told where they are asked for only.
pub const MOVED_MOST: usize = 200;

/// Of which coefficients `dfbeta` and `dfbetas` are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Moved {
    /// Of all up to [`MOVED_MOST`]; of more, of those whose terms hold no factor.
    #[default]
    Few,
    /// Of all.
    All,
    /// Of those with these names.
    Named(Vec<String>),
}

impl Moved {
    /// Of names as they were given: none, the word `all` alone, or names of coefficients.
    #[must_use]
    pub fn of_words(words: &[String]) -> Moved {
        match words {
            [] => Moved::Few,
            [word] if word == "all" => Moved::All,
            names => Moved::Named(names.to_vec()),
        }
    }
}

impl Diagnosed<'_> {
    /// The positions, among the kept coefficients, of those whose changes are told; and where some were left out unasked, a note
    /// that says so.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a name that no estimated coefficient has, or one given twice.
    pub fn moved(&self, moved: &Moved) -> Result<(Vec<usize>, Option<String>)> {
        let rank = self.fit.rank();
        let all = || (0..rank).collect::<Vec<usize>>();
        match moved {
            Moved::Few if rank > MOVED_MOST => {
                let matrix = &self.frame.matrix;
                let few: Vec<usize> = all().into_iter().filter(|&k| !matrix.is_of_factor(self.fit.kept[k])).collect();
                let note = (few.len() < rank).then(|| {
                    format!(
                        "dfbeta and dfbetas of {} of {rank} coefficients, those of no levels of factors, as there are more than \
                         {MOVED_MOST}; dfbeta names others, or says all",
                        few.len()
                    )
                });
                Ok((few, note))
            }
            Moved::Few | Moved::All => Ok((all(), None)),
            Moved::Named(names) => {
                let mut places = Vec::with_capacity(names.len());
                for name in names {
                    let place = self.place_of(name)?;
                    if places.contains(&place) {
                        return Err(refused(format!("found {name} twice, expected each coefficient once")));
                    }
                    places.push(place);
                }
                Ok((places, None))
            }
        }
    }

    fn place_of(&self, name: &str) -> Result<usize> {
        let names = self.frame.matrix.names();
        let Some(column) = names.iter().position(|own| own == name) else {
            const SHOWN: usize = 6;
            let more = if names.len() > SHOWN { format!(", … ({} in all)", names.len()) } else { String::new() };
            let known = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            return Err(refused(format!("found {name}, expected all, or names of coefficients: {known}{more}")));
        };
        let unknown = || refused(format!("found {name}, which is not estimated: it depends on the columns before it"));
        self.fit.kept.iter().position(|&kept| kept == column).ok_or_else(unknown)
    }
}

fn refused(reason: String) -> unhat::Error {
    ErrorKind::Option { name: "dfbeta".into(), reason }.into()
}
