//! Archives of NumPy arrays: the sparse matrices that SciPy saves, or one dense matrix.

use crate::fault::{Checked, Fault, listed, shown};
use crate::matrix::Storage;
use crate::npy::{Array, DenseValues};
use crate::sparse::{Compressed, Csr, Size, Triplets, require_inside};
use std::fs::File;
use std::io::BufReader;
use zip::ZipArchive;
use zip::result::ZipError;

/// Reads the one matrix of an archive.
pub(crate) fn read(file: File) -> Checked<Storage> {
    let mut archive = Archive::open(file)?;
    if archive.has("format") {
        return archive.sparse().map(Storage::Sparse);
    }
    let names = archive.names();
    let [name] = &names[..] else {
        return Err(Fault::new(format!(
            "found arrays {}, expected either one array or a sparse matrix saved by scipy.sparse.save_npz",
            listed(&names)
        )));
    };
    let (values, columns) = archive.read(name, |array| array.matrix())?;
    Ok(Storage::Dense { values: DenseValues::Owned(values), columns })
}

struct Archive {
    zip: ZipArchive<BufReader<File>>,
}

impl Archive {
    fn open(file: File) -> Checked<Self> {
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|e| not_readable(&e))?;
        if zip.is_empty() {
            return Err(Fault::new("the archive holds no arrays"));
        }
        Ok(Archive { zip })
    }

    fn names(&self) -> Vec<String> {
        self.zip
            .file_names_raw()
            .map(String::from_utf8_lossy)
            .map(|name| name.strip_suffix(".npy").unwrap_or(&name).to_string())
            .collect()
    }

    fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(&format!("{name}.npy")).is_some()
    }

    fn read<T>(&mut self, name: &str, from: impl FnOnce(&Array) -> Checked<T>) -> Checked<T> {
        let place = format!("array {}", shown(name));
        let index = self.zip.index_for_name(&format!("{name}.npy"));
        let index = index.ok_or_else(|| Fault::at(&place, "is missing from the archive"))?;
        let entry = self.zip.by_index(index).map_err(|e| not_readable(&e).within(&place))?;
        Array::read(entry).and_then(|array| from(&array)).map_err(|f| f.within(&place))
    }

    fn sparse(&mut self) -> Checked<Csr> {
        let format = self.read("format", |array| Ok(array.letters()))?;
        if !["csr", "csc", "coo"].contains(&format.as_str()) {
            return Err(Fault::at(
                "array \"format\"",
                format!("found {}, expected csr, csc or coo: save the matrix with .tocsr()", shown(&format)),
            ));
        }
        let size = self.size()?;
        let values = self.read("data", Array::doubles)?;
        if format == "coo" {
            return self.loose(size, &values);
        }
        let indices = self.read("indices", Array::indices)?;
        let pointers = self.read("indptr", Array::indices)?;
        let compressed = Compressed { pointers, indices, values };
        if format == "csr" { compressed.into_csr(size) } else { compressed.transposed_into_csr(size) }
    }

    fn size(&mut self) -> Checked<Size> {
        self.read("shape", |array| match array.indices()?[..] {
            [rows, columns] => Size { rows, columns }.check(),
            ref shape => Err(Fault::new(format!("found {} dimensions, expected two", shape.len()))),
        })
    }

    fn loose(&mut self, size: Size, values: &[f64]) -> Checked<Csr> {
        let rows = self.read("row", Array::indices)?;
        let columns = self.read("col", Array::indices)?;
        for (array, indices) in [("row", &rows), ("col", &columns)] {
            if indices.len() != values.len() {
                let reason = format!("found {} indices, expected {}, one for each value", indices.len(), values.len());
                return Err(Fault::at(format!("array \"{array}\""), reason));
            }
        }
        require_inside("array \"row\"", &rows, size.rows)?;
        require_inside("array \"col\"", &columns, size.columns)?;
        let mut entries = Triplets::default();
        for ((&row, &column), &value) in rows.iter().zip(&columns).zip(values) {
            entries.push(row, column as u32, value);
        }
        entries.into_csr(size)
    }
}

fn not_readable(error: &ZipError) -> Fault {
    Fault::new(format!("cannot be read as a zip archive: {error}"))
}
