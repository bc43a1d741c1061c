//! `unhat train`: trains a model on a table by a rule, live, resumable, with controls of what the rule's idea contributes.

use super::diagnose::require_factors;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::held_out::read_held_out;
use crate::input::require_one_reader_of_stdin;
use crate::page::{PageFile, file_name, now, tool};
use crate::session::Session;
use crate::table_options::TableText;
use crate::training_options::Train;
use std::fmt::Write;
use unhat::report::not_finite;
use unhat_io::{Missing, TrainingFile, check_model_output, read_training, write_model};
use unhat_models::training::{Controls, Ending, Keeper, TrainReport, TrainingReport, TrainingRequest};
use unhat_report::{TrainingPage, training_page};

pub(super) fn run(arguments: &Train, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let paths = [("TABLE", Some(arguments.table.as_str())), ("--validation", arguments.validation.as_deref())];
    require_one_reader_of_stdin(&paths)?;
    let options = arguments.options(session.common.seed);
    options.check(arguments.validation.is_some())?;
    arguments.output.as_deref().map(check_model_output).transpose()?;
    let page = PageFile::of(arguments.report.as_deref())?;
    let checkpoint = session.common.checkpoint.as_deref();
    let resumed = checkpoint.map(read_training).transpose()?.flatten();

    let text = &arguments.text;
    let columns = (arguments.response.as_deref(), arguments.columns.as_slice(), false);
    let formula = arguments.words.specification(columns, text.missing)?;
    // A formula says itself which cells matter.
    let read_as = match &formula {
        Some(_) => TableText { missing: Missing::Error, ..text.clone() },
        None => text.clone(),
    };
    let only = formula.as_ref().map(|_| Vec::new());
    let read = read_as.read_frame(&arguments.table, (&arguments.without, only.clone()), session)?;
    match &formula {
        Some(wanted) => require_factors(&read, wanted, &arguments.table)?,
        None => read.require_features(&arguments.table, &arguments.without)?,
    }
    let table = read.frame;
    let held_out = (&read_as, arguments.without.as_slice(), only);
    let validation = read_held_out("--validation", arguments.validation.as_deref(), held_out, session)?;
    let request = TrainingRequest {
        response: arguments.response.as_deref().filter(|_| formula.is_none()),
        formula: formula.as_ref(),
        kind: arguments.model.clone(),
        validation: validation.held_out(false),
        without: &arguments.without,
        standardize: !arguments.no_standardize,
        options,
    };
    let input = request.prepare(&table)?;
    if input.left_out > 0 {
        session.note(&format!("rows left out for missing cells in columns of the formula: {}", input.left_out));
    }
    input.parts.warnings.iter().for_each(|warning| session.warn(warning));
    if let Some(state) = &resumed {
        session.note(&format!("resuming after step {}", state.trainer.step));
    }
    let mut file = checkpoint.map(TrainingFile::of);
    let mut trained = session.compute(|run| {
        let keeper = file.as_mut().map(|file| file as &mut dyn Keeper);
        input.train(resumed, keeper, run)
    })?;

    if let Some(path) = &arguments.output {
        write_model(path, &input.model(&trained))?;
    }
    tell(arguments, &trained.report, session);
    trained.report.warnings = session.warnings().to_vec();
    trained.report.warnings.extend(not_finite(&trained.report));
    if let (Some(file), Ending::Solved) = (file, trained.report.status) {
        file.remove();
    }
    if session.common.json {
        session.print_object(&TrainReport::of(&trained.report, &session.colophon()))?;
    } else if let Some(controls) = &trained.report.controls {
        session.print_text(&controls_table(controls))?;
    }
    let facts = |session: &Session<'_>| TrainingPage {
        tool: tool(session),
        created_utc: Some(now()),
        table: file_name(&arguments.table),
        report: trained.report.clone(),
    };
    page.store(|session| training_page(&facts(session)), session)?;
    Ok(match trained.report.status {
        Ending::Solved => Exit::Done,
        Ending::Diverged => Exit::NotConverged,
        Ending::Interrupted => Exit::Interrupted,
    })
}

/// What a person must know, on standard error.
fn tell(arguments: &Train, report: &TrainingReport, session: &mut Session<'_>) {
    let number = |value: Option<f64>| value.map_or("not finite".to_string(), |v| format!("{v:.4}"));
    if let Some(trials) = &report.range_test {
        let tried: Vec<String> = trials.iter().map(|t| format!("{}: {}", t.learning_rate, number(t.loss))).collect();
        session.summary(&format!(
            "learning rate {} by a range test (loss after short trainings at {})",
            report.learning_rate,
            tried.join(", ")
        ));
    }
    let model = &report.model;
    session.summary(&format!(
        "{} on {} rows, {} parameters, by {} at learning rate {}",
        model.name, model.training_rows, model.parameters, report.optimizer, report.learning_rate
    ));
    report.warnings.iter().for_each(|warning| session.warn(warning));
    let kept = if arguments.output.is_some() { "were written" } else { "were kept, but -o names no file for them" };
    match (report.status, report.diverged) {
        (Ending::Diverged, Some(at)) => session.warn(&format!(
            "diverged at step {}: layer {} of {} is not finite; the weights after step {} {kept}; a smaller --lr may help",
            at.step,
            at.layer,
            model.layers.len(),
            report.kept.step
        )),
        (Ending::Interrupted, _) => {
            let resumes = if session.common.checkpoint.is_some() { "; the same command resumes" } else { "" };
            session.say(&format!("interrupted after step {}; the weights there {kept}{resumes}", report.steps));
        }
        _ => {}
    }
    let first = report.history.first().and_then(|entry| entry.train_loss);
    let validation = match (report.kept.validation_loss, report.kept.validation_accuracy) {
        (Some(loss), Some(accuracy)) => format!(", validation loss {loss:.4}, accuracy {accuracy:.4}"),
        (Some(loss), None) => format!(", validation loss {loss:.4}"),
        _ => String::new(),
    };
    session.summary(&format!(
        "training loss {} to {} after epoch {}{validation}",
        number(first),
        number(report.kept.train_loss),
        report.kept.epoch
    ));
    if let Some(step) = report.seconds_per_step {
        session.summary(&format!(
            "{} steps in {:.2} s, {:.3} ms a step ({})",
            report.steps,
            report.seconds,
            1e3 * step,
            session.elapsed()
        ));
    }
    if let Some(path) = arguments.output.as_deref().filter(|_| report.status == Ending::Solved) {
        session.summary(&format!("model: {path}"));
    }
}

/// The controls side by side.
fn controls_table(controls: &Controls) -> String {
    let number = |value: Option<f64>, digits: usize| value.map_or("—".to_string(), |v| format!("{v:.digits$}"));
    let mut text = format!(
        "{:<24} {:>12} {:>14} {:>15} {:>12} {:>10}\n",
        "", "train loss", "steps to loss", "epochs to loss", "valid. loss", "accuracy"
    );
    for run in &controls.runs {
        let _ = writeln!(
            text,
            "{:<24} {:>12} {:>14} {:>15} {:>12} {:>10}",
            run.name,
            number(run.train_loss, 5),
            run.steps_to_loss.map_or("—".into(), |steps| steps.to_string()),
            number(run.epochs_to_loss, 1),
            number(run.validation_loss, 5),
            number(run.validation_accuracy, 4)
        );
    }
    for c in &controls.correlations {
        let _ =
            writeln!(text, "correlation of stored and fresh coefficients in epoch {}: {:.3}", c.epoch, c.correlation);
    }
    let _ = writeln!(text, "{}", controls.summary);
    text
}
