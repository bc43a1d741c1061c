//! The words of messages: options of the command line as Python writes them.

/// Options of the command line that say how a table is written.
const OF_TABLES: [&str; 8] = ["delimiter", "decimal", "thousands", "header", "no-header", "row-names", "na", "missing"];
/// Values that stand behind an option in messages.
const VALUES: [&str; 8] = [",", ".", "blank", "\"'\"", "omit", "exclude", "indicator", "nonnegative"];

/// A message with the options of the command line as Python writes them: `--missing omit` is `missing="omit"`; and whether
/// one of them belongs to `unhat.TableFile`.
pub(crate) fn in_python(message: &str) -> (String, bool) {
    let mut said = String::with_capacity(message.len());
    let (mut rest, mut of_tables) = (message, false);
    while let Some(at) = rest.find("--") {
        let (before, after) = rest.split_at(at);
        said.push_str(before);
        let word = &after[2..];
        let end = word.find(|c: char| c != '-' && !c.is_ascii_lowercase()).unwrap_or(word.len());
        let (name, following) = word.split_at(end);
        // A name that a file holds stands between quotes, and is left as it is.
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || before.ends_with(['"', '-']) {
            said.push_str(&after[..2 + end]);
            rest = following;
            continue;
        }
        of_tables |= OF_TABLES.contains(&name);
        let value = VALUES.iter().find(|value| {
            let stands = following.strip_prefix(' ').and_then(|text| text.strip_prefix(**value));
            stands.is_some_and(|text| text.is_empty() || text.starts_with([' ', ',', ';', ':']))
        });
        rest = following;
        match (name, value) {
            ("header", _) => said.push_str("header=True"),
            ("no-header", _) => said.push_str("header=False"),
            (_, Some(value)) => {
                let plain = value.trim_matches('"');
                said.push_str(&format!("{}=\"{plain}\"", name.replace('-', "_")));
                rest = &following[1 + value.len()..];
            }
            _ => said.push_str(&name.replace('-', "_")),
        }
    }
    said.push_str(rest);
    (said, of_tables)
}

#[cfg(test)]
mod tests {
    use super::in_python;

    #[test]
    fn options_are_said_as_python_writes_them() {
        for (message, expected) in [
            (
                "found an empty cell: --missing omit leaves such rows out",
                "found an empty cell: missing=\"omit\" leaves such rows out",
            ),
            ("--decimal , or --thousands , says which", "decimal=\",\" or thousands=\",\" says which"),
            ("thousands: --decimal . --thousands ,", "thousands: decimal=\".\" thousands=\",\""),
            ("--thousands \"'\"", "thousands=\"'\""),
            ("--header or --no-header says which", "header=True or header=False says which"),
            ("--row-names names another column, or none", "row_names names another column, or none"),
            ("found \"--missing\", expected a number", "found \"--missing\", expected a number"),
            ("a -- b --- c", "a -- b --- c"),
        ] {
            assert_eq!(in_python(message).0, expected);
        }
        assert!(in_python("--na says").1 && !in_python("--penalty").1 && !in_python("--without").1);
    }
}
