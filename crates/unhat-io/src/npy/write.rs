//! The header of an array that is written: version 1, little-endian doubles, row-major.

/// NumPy starts the numbers at a multiple of 64 bytes, so that maps of the file are aligned.
const ALIGNMENT: usize = 64;

/// The header of a vector of n values.
pub(crate) fn vector_header(n: usize) -> Vec<u8> {
    header(&format!("({n},)"))
}

/// The header of an n×d matrix.
pub(crate) fn matrix_header(n: usize, d: usize) -> Vec<u8> {
    header(&format!("({n}, {d})"))
}

fn header(shape: &str) -> Vec<u8> {
    const BEFORE: usize = 10; // magic, version, length
    let dictionary = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    let total = (BEFORE + dictionary.len() + 1).next_multiple_of(ALIGNMENT);
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(((total - BEFORE) as u16).to_le_bytes());
    bytes.extend(dictionary.bytes());
    bytes.resize(total - 1, b' ');
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_aligned_whatever_the_shape() {
        for n in [0, 7, 123_456_789, usize::MAX] {
            for header in [vector_header(n), matrix_header(n, n)] {
                assert!(header.len().is_multiple_of(ALIGNMENT));
                assert_eq!(usize::from(header[8]) + 256 * usize::from(header[9]) + 10, header.len());
                assert_eq!(header.last(), Some(&b'\n'));
            }
        }
    }
}
