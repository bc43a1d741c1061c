//! A table of numbers and words from a table in Parquet: all of it in memory, for models.

use super::ids::Ids;
use super::parts::Parts;
use super::rows::refused;
use super::table::PANDAS_INDEX;
use super::values::{Kind, missing, put, words};
use crate::fault::{Fault, require_memory};
use crate::frame_options::{FrameOptions, ReadFrame};
use crate::kept::Kept;
use crate::table::{Columns, Missing, Omission, RowNames, note_left_out};
use arrow_array::Array;
use std::sync::Arc;
use unhat::{ErrorKind, Result};
use unhat_models::models::{Column, Frame, TextColumn};

/// Rows that are read at once.
const BATCH_ROWS: usize = 8192;

/// Reads all columns of a table in Parquet, in memory: numbers, and everything else that has words as text.
pub(crate) fn read_frame_of(path: &str, options: &FrameOptions) -> Result<ReadFrame> {
    let mut parts = Parts::open(path)?;
    let mut notes = std::mem::take(&mut parts.notes);
    let kinds = parts.kinds();
    let is_used = |name: &String| match &options.only {
        Some(only) => only.contains(name),
        None => !options.without.contains(name),
    };
    if let Some(name) = options.dialect.first_of_text() {
        let reason = format!("says how text is written (.csv, .tsv), and {path} is none");
        return Err(ErrorKind::Option { name: name.into(), reason }.into());
    }
    let names_column = match &options.dialect.row_names {
        RowNames::None => None,
        RowNames::Automatic => parts.names.iter().position(|name| name == PANDAS_INDEX),
        RowNames::Column(name) => {
            let columns = Columns { header: Some(parts.names.clone()), width: parts.names.len() };
            let found = columns.find(name).map_err(|reason| Fault::new(format!("--row-names: {reason}")));
            Some(found.map_err(|fault| fault.in_input(path))?)
        }
    };
    let (mut columns, mut gaps, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let everything: Vec<usize> =
        (0..parts.names.len()).filter(|k| matches!(kinds[*k], Kind::Numbers | Kind::Text)).collect();
    parts.require_codecs(&everything)?;
    for (root, name) in parts.names.iter().enumerate() {
        if names_column == Some(root) {
            continue;
        }
        let column = match kinds[root] {
            Kind::Numbers => Column::Numbers(numbers_of(&parts, root)?),
            Kind::Text => Column::Text(text_of_column(&parts, root)?),
            Kind::Other | Kind::Empty => {
                others.push(root);
                continue;
            }
            Kind::Nested => {
                let reason = "found lists or structs, expected numbers or text: write its parts as columns";
                return Err(parts.parts[0].fault(Fault::at(parts.place(root), reason)));
            }
        };
        let missing: Vec<usize> = match &column {
            Column::Numbers(values) => (0..values.len()).filter(|&row| values[row].is_nan()).collect(),
            Column::Text(text) => (0..parts.rows).filter(|&row| text.word(row).is_none()).collect(),
        };
        if is_used(name) && options.dialect.missing != Missing::Indicator && !missing.is_empty() {
            if options.dialect.missing == Missing::Error {
                let part = parts.parts.iter().find(|part| part.rows.contains(&missing[0])).unwrap_or(&parts.parts[0]);
                let place = format!("row {}, {}", missing[0] - part.rows.start + 1, parts.place(root));
                let reason = "found a null: --missing omit leaves such rows out, --missing indicator keeps them";
                return Err(part.fault(Fault::at(place, reason)));
            }
            gaps.extend(missing);
        }
        columns.push((name.clone(), column));
    }
    let all = Columns { header: Some(parts.names.clone()), width: parts.names.len() };
    note_left_out(&all, &others, "dates, times, bytes or nothing", &mut notes);
    let mut frame = Frame::new(columns)?;
    let parts = Arc::new(parts);
    if let Some(root) = names_column {
        let ids = Ids { parts: parts.clone(), root, kept: Kept::default() };
        frame.row_names = Some(ids.all()?);
        notes.push(format!("row names: {}", parts.place(root)));
    }
    let omission = Omission::of(gaps, parts.rows, frame.row_names.as_deref()).map_err(|fault| fault.in_input(path))?;
    let mut omitted = Vec::new();
    if let Some(Omission { rows, gone, note }) = omission {
        frame = frame.take(&(0..parts.rows).filter(|&row| !gone[row]).collect::<Vec<_>>());
        notes.push(note);
        omitted = rows;
    }
    Ok(ReadFrame { frame, omitted, notes, doubts: Vec::new() })
}

/// A column of numbers, NaN where there is none.
fn numbers_of(parts: &Parts, root: usize) -> Result<Vec<f64>> {
    let mut values = Vec::new();
    parts.each(&[root], 0..parts.rows, BATCH_ROWS, &mut |part, columns, place| {
        let column = &columns[0];
        let kept = Kept::without(missing(column));
        let mut here = vec![f64::NAN; column.len()];
        for run in kept.runs(0..column.len()) {
            put(&column.slice(run.start, run.len()), &mut here[run.clone()], 0, 1)
                .map_err(|(row, why)| refused(parts, part, root, place + run.start + row, &why))?;
        }
        let room = require_memory("the table", 8 * (values.len() + here.len()) as u64);
        room.map_err(|fault| part.fault(fault))?;
        values.extend(here);
        Ok(())
    })?;
    Ok(values)
}

fn text_of_column(parts: &Parts, root: usize) -> Result<TextColumn> {
    let mut text = TextColumn::default();
    parts.each(&[root], 0..parts.rows, BATCH_ROWS, &mut |part, columns, _| {
        let words = words(&columns[0]).map_err(|reason| part.fault(Fault::at(parts.place(root), reason)))?;
        words.iter().for_each(|word| text.push(word.as_deref()));
        Ok(())
    })?;
    Ok(text)
}
