//! The files that one command names, compared as files before it starts: nothing it writes may fall on anything else of it.

use crate::failure::{Failure, option_failure};
use crate::influence_options::{Influence, InfluenceCommand, InfluenceStudy};
use crate::options::{Cli, Command, Invert, MatrixInput, Output, Problem};
use std::borrow::Cow;
use unhat_io::{file_identity, files_of_table, place_of, printable};

/// What a command does with a file.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Reads,
    Writes,
}

/// The files of one command, each with the option that names it.
#[derive(Default)]
struct Places<'a>(Vec<(&'static str, Cow<'a, str>, Use)>);

/// Whether a command keeps its state in the file of `--checkpoint`.
pub(crate) fn keeps_a_checkpoint(command: &Command) -> bool {
    matches!(command, Command::Invert(_) | Command::Centre(_) | Command::Train(_))
}

/// An error if two outputs are one file, or an output is an input, whatever names and links lead to it.
pub(crate) fn require_apart(cli: &Cli) -> Result<(), Failure> {
    let mut places = Places::default();
    places.add_command(&cli.command);
    if keeps_a_checkpoint(&cli.command) {
        places.writes("--checkpoint", cli.common.checkpoint.as_deref());
    }
    places.check()
}

/// The same for files that one option leads to.
pub(crate) fn require_distinct(option: &'static str, paths: &[String]) -> Result<(), Failure> {
    let mut places = Places::default();
    paths.iter().for_each(|path| places.writes(option, Some(path)));
    places.check()
}

impl<'a> Places<'a> {
    fn reads(&mut self, option: &'static str, path: Option<&'a str>) {
        self.0.extend(path.filter(|path| *path != "-").map(|path| (option, path.into(), Use::Reads)));
    }

    fn writes(&mut self, option: &'static str, path: Option<&'a str>) {
        self.0.extend(path.map(|path| (option, path.into(), Use::Writes)));
    }

    fn add_command(&mut self, command: &'a Command) {
        match command {
            Command::Scores(scores) => {
                self.reads("TABLE", scores.table.as_deref());
                self.add_matrix(&scores.matrix);
                self.reads("--offset", scores.offset.as_deref());
                self.reads("--point", scores.point.as_deref());
                self.add_results(&scores.output, scores.report.as_deref());
            }
            Command::Gradient(gradient) => {
                self.add_matrix(&gradient.matrix);
                self.reads("--offset", gradient.offset.as_deref());
                self.reads("--point", Some(&gradient.point));
                self.add_results(&gradient.output, None);
            }
            Command::Invert(Invert::Gradient(invert)) => {
                self.reads("--target", Some(&invert.target));
                self.reads("--weights", invert.weights.as_deref().filter(|words| words.parse::<f64>().is_err()));
                self.add_problem(&invert.problem);
            }
            Command::Invert(Invert::Hat(invert)) => {
                let file = |words: &&str| words.parse::<f64>().is_err();
                self.add_matrix(&invert.matrix);
                self.reads("--target", Some(&invert.target));
                self.reads("--widths", invert.precision.widths.as_deref().filter(file));
                self.reads("--noise", invert.precision.noise.as_deref().filter(file));
                self.reads("--trials", invert.trials.as_deref().filter(file));
                self.reads("--offset", invert.offset.as_deref());
                self.writes("--coefficients", invert.coefficients.as_deref());
                self.writes("--history", invert.history.as_deref());
                self.add_results(&invert.output, invert.report.as_deref());
            }
            Command::Invert(Invert::Outcomes(invert)) => {
                let file = |words: &&str| words.parse::<f64>().is_err();
                self.add_matrix(&invert.matrix);
                self.reads("--target", Some(&invert.target));
                self.reads("--cook", invert.residuals.cook.as_deref());
                self.reads("--deviance", invert.residuals.deviance.as_deref());
                self.reads("--pearson", invert.residuals.pearson.as_deref());
                self.reads("--widths", invert.precision.widths.as_deref().filter(file));
                self.reads("--noise", invert.precision.noise.as_deref().filter(file));
                self.add_results(&invert.output, invert.report.as_deref());
            }
            Command::Invert(Invert::Column(invert)) => {
                let file = |words: &&str| words.parse::<f64>().is_err();
                self.add_matrix(&invert.matrix);
                self.reads("--target", Some(&invert.target));
                self.reads("--widths", invert.precision.widths.as_deref().filter(file));
                self.reads("--noise", invert.precision.noise.as_deref().filter(file));
                self.writes("--magnitudes", invert.magnitudes.as_deref());
                self.add_results(&invert.output, invert.report.as_deref());
            }
            Command::Invert(Invert::Scores(invert)) => {
                self.add_matrix(&invert.matrix);
                self.reads("--offset", invert.offset.as_deref());
                self.reads("--target", Some(&invert.target));
                self.reads("--rows", invert.rows.as_deref());
                self.reads("--start", invert.start.as_deref());
                self.reads("--signs", invert.signs.as_deref());
                self.writes("--history", invert.history.as_deref());
                self.add_results(&invert.output, invert.report.as_deref());
            }
            Command::Audit(audit) => {
                self.reads("TABLE", audit.table.as_deref());
                self.reads("--matrix", audit.matrix.as_deref());
                self.reads("--offset", audit.offset.as_deref());
                self.reads("--point", audit.point.as_deref());
                self.reads("--rows", audit.rows.as_deref());
                self.reads("--weights", audit.fit.weights.as_deref());
                self.reads("--predictor-offset", audit.fit.predictor_offset.as_deref());
                self.writes("--report", audit.report.as_deref());
            }
            Command::Weights(weights) => {
                let (matrix, output) = weights.files();
                self.add_matrix(matrix);
                self.add_results(output, None);
            }
            Command::Centre(problem) => self.add_problem(problem),
            Command::Diagnose(diagnose) => {
                self.reads("TABLE", Some(&diagnose.table));
                self.writes("--output", diagnose.output.as_deref());
                self.writes("--report", diagnose.report.as_deref());
                self.writes("--plots", diagnose.plots.as_deref());
            }
            Command::Influence(influence) => self.add_influence(influence),
            Command::Train(train) => {
                self.reads("TABLE", Some(&train.table));
                self.reads("--validation", train.validation.as_deref().filter(|words| words.parse::<f64>().is_err()));
                self.writes("--output", train.output.as_deref());
                self.writes("--report", train.report.as_deref());
            }
            Command::Predict(predict) => {
                self.reads("TABLE", Some(&predict.table));
                self.reads("--model-file", Some(&predict.model_file));
                self.writes("--output", predict.output.as_deref());
            }
            Command::Demo(_) | Command::Completions { .. } => {}
        }
    }

    fn add_matrix(&mut self, input: &'a MatrixInput) {
        self.reads("--matrix", input.matrix.as_deref());
        // A folder, or a pattern, stands for its files.
        let files = input.matrix.iter().flat_map(|path| files_of_table(path));
        self.0.extend(files.filter(|path| path != "-").map(|path| ("--matrix", path.into(), Use::Reads)));
        self.reads("--polytope", input.polytope.as_deref());
    }

    fn add_results(&mut self, output: &'a Output, report: Option<&'a str>) {
        self.writes("--output", output.output.as_deref());
        self.writes("--report", report);
    }

    fn add_problem(&mut self, problem: &'a Problem) {
        self.add_matrix(&problem.matrix);
        self.reads("--offset", problem.offset.as_deref());
        self.reads("--start", problem.start.as_deref());
        self.reads("--signs", problem.signs.as_deref());
        self.writes("--history", problem.history.as_deref());
        self.add_results(&problem.output, problem.report.as_deref());
    }

    fn add_influence(&mut self, influence: &'a Influence) {
        let study: &InfluenceStudy = match &influence.command {
            None => &influence.study,
            Some(InfluenceCommand::Check(study)) => study,
            Some(InfluenceCommand::Trim(trim)) => &trim.study,
        };
        let file = |words: &&str| words.parse::<f64>().is_err();
        self.reads("TABLE", study.table.as_deref());
        self.reads("--model-file", study.model_file.as_deref());
        self.reads("--validation", study.validation.as_deref().filter(file));
        self.reads("--test", study.test.as_deref().filter(file));
        self.reads("--impact", study.impact.as_deref());
        self.reads("--v", Some(&study.direction));
        self.writes("--output", study.output.as_deref());
        self.writes("--report", study.report.as_deref());
    }

    /// Compares all pairs of which at least one is written.
    fn check(&self) -> Result<(), Failure> {
        let met: Vec<_> = self.0.iter().map(|(_, path, _)| (place_of(path), file_identity(path))).collect();
        for (k, (option, path, use_)) in self.0.iter().enumerate() {
            for (earlier, (other, other_path, other_use)) in self.0[..k].iter().enumerate() {
                if *use_ == Use::Reads && *other_use == Use::Reads {
                    continue;
                }
                let (place, identity) = &met[k];
                let is_same = *place == met[earlier].0 || identity.is_some() && *identity == met[earlier].1;
                if is_same {
                    let (path, other_path) = (printable(path), printable(other_path));
                    let also = if path == other_path { String::new() } else { format!(" ({other_path})") };
                    let is =
                        if *other_use == Use::Reads || *use_ == Use::Reads { "an input" } else { "another output" };
                    let reason = format!("{path} is the file of {other}{also} already, {is}: give another name");
                    return Err(option_failure(option, reason));
                }
            }
        }
        Ok(())
    }
}
