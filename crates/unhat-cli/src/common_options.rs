//! The options that every command has, and how a word of an option is read.

use clap::Args;
use std::str::FromStr;
use unhat::{Error, ErrorKind};

/// What every command takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Seed of everything that is drawn at random (rows of --solver coreset and surrogate, rows of a lift, starts, noise)
    #[arg(long, global = true, default_value_t = 0, value_name = "N", allow_negative_numbers = true)]
    pub seed: u64,
    /// Threads to use [default: all cores]; the result has the same bits for any number (without FMA, on
    /// another processor, the last bits differ)
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_negative_numbers = true)]
    pub threads: Option<u16>,
    /// Bytes that a computation may take, such as 8G or 500M [default: what machine, cgroup and ulimit -v leave]
    ///
    /// What would take more is refused with the number before it is taken. Tables beyond their share of it stay in files: text,
    /// .npy and Arrow beyond an eighth, Parquet beyond 64M (of commands that pass over it many times, an eighth).
    #[arg(long, global = true, value_name = "BYTES", value_parser = bytes)]
    pub memory: Option<u64>,
    /// Print one line of JSON on standard output; without -o it holds the numbers as `values`
    #[arg(long, global = true)]
    pub json: bool,
    /// Keep the state of a solve in FILE, and resume from it to the same bits when FILE exists
    ///
    /// Written about every second and when the run ends unsolved; removed when it is solved. A file of another problem is
    /// refused. --max-iter and --threads may differ. Between processors with FMA and without it the last bits differ.
    #[arg(long, global = true, value_name = "FILE")]
    pub checkpoint: Option<String>,
    /// No summary, notes or progress on standard error; warnings and errors remain
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Print every step of the solver on standard error as it is taken
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

/// An option's word, read by the library; clap names the option in front of what is wrong with it.
pub(crate) fn word<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: Error| match error.kind() {
        ErrorKind::Option { reason, .. } => reason.clone(),
        _ => error.to_string(),
    })
}

/// A number of bytes, with K, M, G or T for powers of 1024.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let power = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 1,
        "M" | "MB" | "MIB" => 2,
        "G" | "GB" | "GIB" => 3,
        "T" | "TB" | "TIB" => 4,
        _ => return Err("expected a number of bytes such as 500M or 8G".into()),
    };
    let count: u64 = digits.parse().map_err(|_| "expected a number of bytes such as 500M or 8G".to_string())?;
    count.checked_mul(1 << (10 * power)).filter(|bytes| *bytes > 0).ok_or_else(|| "expected 1 to 2^64 - 1 bytes".into())
}
