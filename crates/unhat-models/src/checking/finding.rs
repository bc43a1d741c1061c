//! What an attack found: the item it reads, who can run it, the number that decides.

use serde::{Deserialize, Serialize};
use std::str::FromStr;
use unhat::{Error, ErrorKind};

/// The verdict on an item, from harmless to not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Said, not judged: outside the default risk appetite.
    Note,
    /// Nothing above the thresholds.
    Pass,
    /// A person has to look.
    Review,
    /// May not leave as it is.
    Fail,
}

impl Verdict {
    /// Fail where `bad`, else review where `worrying`.
    #[must_use]
    pub fn of(bad: bool, worrying: bool) -> Verdict {
        match (bad, worrying) {
            (true, _) => Verdict::Fail,
            (false, true) => Verdict::Review,
            (false, false) => Verdict::Pass,
        }
    }

    /// The word of page and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Note => "note",
            Verdict::Pass => "pass",
            Verdict::Review => "review",
            Verdict::Fail => "fail",
        }
    }
}

/// Something of a fit that is to leave the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Item {
    /// Coefficients, as a table prints them.
    #[serde(rename = "coefficients")]
    Coefficients,
    /// Standard errors.
    #[serde(rename = "se")]
    StandardErrors,
    /// The covariance matrix of the coefficients.
    #[serde(rename = "vcov")]
    Covariance,
    /// R², or what stands for it.
    #[serde(rename = "r2")]
    RSquared,
    /// The number of rows.
    #[serde(rename = "n")]
    Count,
    /// Fitted values by row.
    #[serde(rename = "fitted")]
    Fitted,
    /// Residuals by row.
    #[serde(rename = "residuals")]
    Residuals,
    /// The five numbers of residuals that R's summary prints: smallest, quartiles, largest.
    #[serde(rename = "residual_quantiles")]
    ResidualQuantiles,
    /// Hat values by row.
    #[serde(rename = "hat")]
    Hat,
    /// Cook's distances by row.
    #[serde(rename = "cooks")]
    Cooks,
    /// DFFITS by row.
    #[serde(rename = "dffits")]
    Dffits,
    /// Studentised residuals by row.
    #[serde(rename = "rstudent")]
    Rstudent,
    /// A plot of residuals against fitted values with a point a row.
    #[serde(rename = "plot")]
    Plot,
    /// The same with hexagons of ten rows or more.
    #[serde(rename = "binned_plot")]
    BinnedPlot,
    /// Predictions for rows of the table.
    #[serde(rename = "predictions")]
    Predictions,
}

const ITEMS: [(Item, &str); 15] = [
    (Item::Coefficients, "coefficients"),
    (Item::StandardErrors, "se"),
    (Item::Covariance, "vcov"),
    (Item::RSquared, "r2"),
    (Item::Count, "n"),
    (Item::Fitted, "fitted"),
    (Item::Residuals, "residuals"),
    (Item::ResidualQuantiles, "residual_quantiles"),
    (Item::Hat, "hat"),
    (Item::Cooks, "cooks"),
    (Item::Dffits, "dffits"),
    (Item::Rstudent, "rstudent"),
    (Item::Plot, "plot"),
    (Item::BinnedPlot, "binned_plot"),
    (Item::Predictions, "predictions"),
];

impl Item {
    /// The word of the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        ITEMS.iter().find(|(item, _)| *item == self).map_or("", |(_, word)| word)
    }

    /// Whether it is one number, or one point, a row.
    #[must_use]
    pub fn is_by_row(self) -> bool {
        matches!(
            self,
            Item::Fitted
                | Item::Residuals
                | Item::ResidualQuantiles
                | Item::Hat
                | Item::Cooks
                | Item::Dffits
                | Item::Rstudent
                | Item::Plot
                | Item::Predictions
        )
    }

    /// What a printed summary of a fit shows: the items that are checked where none is named.
    pub const DEFAULT: [Item; 4] = [Item::Coefficients, Item::StandardErrors, Item::RSquared, Item::Count];
}

impl FromStr for Item {
    type Err = Error;
    fn from_str(word: &str) -> Result<Item, Error> {
        ITEMS.iter().find(|(_, name)| *name == word).map(|(item, _)| *item).ok_or_else(|| {
            let words: Vec<&str> = ITEMS.iter().map(|(_, name)| *name).collect();
            let reason = format!("found {word:?}, expected some of {}", words.join(", "));
            ErrorKind::Option { name: "release".into(), reason }.into()
        })
    }
}

/// What the one who attacks holds besides the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intruder {
    /// Nothing but the release.
    Nothing,
    /// The other columns of one person.
    OnePersonsColumns,
    /// The columns and the response of one person.
    OnePersonsColumnsAndResponse,
    /// The columns of everybody.
    EverybodysColumns,
    /// All columns but the secret one.
    AllOtherColumns,
    /// Every other row of the table.
    AllOtherRows,
}

impl Intruder {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Intruder::Nothing => "anybody with the release alone",
            Intruder::OnePersonsColumns => "somebody who knows one person's other columns",
            Intruder::OnePersonsColumnsAndResponse => "somebody who knows all of one person",
            Intruder::EverybodysColumns => "somebody who knows everybody's other columns",
            Intruder::AllOtherColumns => "somebody who knows every column but the secret one",
            Intruder::AllOtherRows => "somebody who knows every other row",
        }
    }
}

/// An attack on what a fit releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attack {
    /// One's own share of one's fitted value.
    OwnShare,
    /// The same by person.
    OwnShareOfPerson,
    /// Rows that a column sets apart.
    CountsOfColumns,
    /// People that a column sets apart.
    CountsOfPeople,
    /// Rows that a combination of columns sets apart.
    IsolatedGroup,
    /// Few responses that make up a fitted value.
    Dominance,
    /// Rows less rank.
    DegreesOfFreedom,
    /// A response that follows from the columns.
    SolvingTheModel,
    /// A group with one outcome.
    ClassDisclosure,
    /// Whether somebody was in the table.
    Membership,
    /// The response of one row from those of all others.
    AllRowsButOne,
    /// A count from the digits of a mean.
    MeanOfWholeNumbers,
    /// Counts from standard errors.
    CountsFromStandardErrors,
    /// Counts from the covariance matrix.
    CountsFromCovariance,
    /// Rows in one of two fits alone.
    Differencing,
    /// One's own share of two fits together.
    OwnShareOfBothFits,
    /// Rows that a combination of the columns of two fits sets apart.
    IsolatedGroupOfBothFits,
    /// A response from residual and fitted value.
    Residual,
    /// The residual that is the largest.
    LargestResidual,
    /// Rows beyond a quartile.
    QuartilesOfResiduals,
    /// A residual from a studentised one.
    StudentisedResidual,
    /// A residual from DFFITS.
    ResidualFromDffits,
    /// A residual from Cook's distance.
    ResidualFromCooks,
    /// An outcome from Cook's distance.
    OutcomeFromCooks,
    /// A secret from hat values, row by row.
    SecretFromHat,
    /// A secret from a fitted value.
    SecretFromFitted,
    /// Withheld coefficients from hat values.
    CoefficientsFromHat,
    /// Outcomes from hat values and Cook's distances.
    OutcomesFromHat,
    /// A column of 0 and 1 from hat values.
    ColumnFromHat,
    /// A point of a plot.
    Point,
    /// A bin of a plot.
    Bin,
}

impl Attack {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Attack::OwnShare => "own share of a fitted value",
            Attack::OwnShareOfPerson => "own share of a person's fitted values",
            Attack::CountsOfColumns => "counts of columns",
            Attack::CountsOfPeople => "counts of people",
            Attack::IsolatedGroup => "isolated group",
            Attack::Dominance => "dominance",
            Attack::DegreesOfFreedom => "degrees of freedom",
            Attack::SolvingTheModel => "solving the model",
            Attack::ClassDisclosure => "class disclosure",
            Attack::Membership => "membership",
            Attack::AllRowsButOne => "all rows but one",
            Attack::MeanOfWholeNumbers => "a mean of whole numbers",
            Attack::CountsFromStandardErrors => "counts from standard errors",
            Attack::CountsFromCovariance => "counts from the covariance matrix",
            Attack::Differencing => "differencing with the second fit",
            Attack::OwnShareOfBothFits => "own share of a fitted value, both fits together",
            Attack::IsolatedGroupOfBothFits => "isolated group, both fits together",
            Attack::Residual => "residual and fitted value",
            Attack::LargestResidual => "the largest residual",
            Attack::QuartilesOfResiduals => "quartiles of residuals",
            Attack::StudentisedResidual => "residual from a studentised residual",
            Attack::ResidualFromDffits => "residual from DFFITS",
            Attack::ResidualFromCooks => "residual from Cook's distance",
            Attack::OutcomeFromCooks => "outcome from Cook's distance",
            Attack::SecretFromHat => "secret column from hat values",
            Attack::SecretFromFitted => "secret column from fitted values",
            Attack::CoefficientsFromHat => "coefficients from hat values",
            Attack::OutcomesFromHat => "outcomes from hat values and Cook's distances, without coefficients",
            Attack::ColumnFromHat => "the whole column from hat values",
            Attack::Point => "reading the point",
            Attack::Bin => "reading the bin",
        }
    }
}

/// An attack that was run, and what it reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The released item that it reads.
    pub item: Item,
    /// The attack.
    pub kind: Attack,
    /// The attack in words, with the column it is after.
    pub attack: String,
    /// Who can run it.
    pub intruder: Intruder,
    /// What `value` is.
    pub measure: String,
    /// The number that decides; null where the attack could not be run, as `detail` says.
    pub value: Option<f64>,
    /// The threshold that was passed or nearly so; null for a note.
    pub threshold: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
    /// What was found, without a row or a value of the table: may be shown to who asked for the release.
    pub summary: String,
    /// What was found, with rows and values: for the checker alone.
    pub detail: String,
    /// The rows that it names, by label.
    pub rows: Vec<String>,
    /// The columns that it names.
    pub columns: Vec<String>,
    /// What to do; empty where nothing is to be done.
    pub remedy: String,
}
