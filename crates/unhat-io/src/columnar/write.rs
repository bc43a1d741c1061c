//! Values of rows as a file of Parquet: what the rows are called, and their values.

use crate::labels::RowLabels;
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// Rows that are written at once, and rows of a group.
const BATCH_ROWS: usize = 65_536;
const GROUP_ROWS: usize = 1 << 20;

/// Writes names and values; a NaN, the value of a row without an answer, becomes a null.
pub(crate) fn write_parquet(file: &File, column: &str, labels: &RowLabels<'_>, values: &[f64]) -> io::Result<()> {
    let (name, kind) = match labels {
        RowLabels::Numbers(_) => ("row", DataType::Int64),
        RowLabels::Names(_) => ("row", DataType::Utf8),
        RowLabels::InFiles { ids, .. } if ids.column() == column => ("row", ids.kind().clone()),
        RowLabels::InFiles { ids, .. } => (ids.column(), ids.kind().clone()),
    };
    let schema = Arc::new(Schema::new(vec![Field::new(name, kind, true), Field::new(column, DataType::Float64, true)]));
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .build();
    let other = |e: parquet::errors::ParquetError| io::Error::other(e.to_string());
    let mut writer = ArrowWriter::try_new(io::BufWriter::new(file), schema.clone(), Some(properties)).map_err(other)?;
    let mut written = 0;
    let mut write = |names: ArrayRef| -> io::Result<()> {
        let count = names.len().min(values.len() - written);
        if count < names.len() {
            return Err(io::Error::other("the files with the names of the rows have changed"));
        }
        let values: Float64Array =
            values[written..written + count].iter().map(|value| (!value.is_nan()).then_some(*value)).collect();
        written += count;
        let batch = RecordBatch::try_new(schema.clone(), vec![names, Arc::new(values)]);
        writer.write(&batch.map_err(|e| io::Error::other(e.to_string()))?).map_err(other)
    };
    match labels {
        RowLabels::Names(names) => {
            names.chunks(BATCH_ROWS).try_for_each(|names| write(Arc::new(StringArray::from_iter_values(names))))?;
        }
        RowLabels::Numbers(_) => {
            let mut numbers = labels.numbers();
            for start in (0..values.len()).step_by(BATCH_ROWS) {
                let count = BATCH_ROWS.min(values.len() - start);
                write(Arc::new(Int64Array::from_iter_values(numbers.by_ref().take(count).map(|k| k as i64))))?;
            }
        }
        RowLabels::InFiles { ids, pads } => {
            ids.each(*pads, &mut |part, names| {
                write(names).map_err(|e| part.fault(crate::fault::Fault::new(e.to_string())))
            })
            .map_err(|e| io::Error::other(e.to_string()))?;
        }
    }
    if written != values.len() {
        return Err(io::Error::other("the files with the names of the rows have changed"));
    }
    writer.close().map_err(other).map(drop)
}
