//! Comma-separated values (RFC 4180), as spreadsheets write them.

/// One line that is not empty, with its number in the file, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) line: usize,
    pub(crate) fields: Vec<String>,
}

/// Reads a whole text. Lines that are empty or begin with `#` are left out.
///
/// # Errors
/// The number of the line in which a quote is not closed or stands where none may.
pub(crate) fn read(text: &str) -> Result<Vec<Record>, usize> {
    let mut records = Vec::new();
    for (position, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        records.push(Record { line: position + 1, fields: fields(line).ok_or(position + 1)? });
    }
    Ok(records)
}

/// The fields of one line; `None` if its quotes do not fit.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, behind) = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, behind) = rest.split_at_checked(end)?;
                if field.contains('"') {
                    return None;
                }
                (field.trim().to_owned(), behind)
            }
        };
        fields.push(field);
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None if behind.trim().is_empty() => return Some(fields),
            None => return None,
        }
    }
}

/// A quoted field, from behind its first quote; and what follows.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (part, behind) = rest.split_once('"')?;
        field.push_str(part);
        match behind.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return Some((field, behind.trim_start())),
        }
    }
}

/// A line of these fields, quoted where they need it.
pub(crate) fn line(fields: &[&str]) -> String {
    let quoted = |field: &&str| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            (*field).to_owned()
        }
    };
    fields.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spreadsheets_write_is_read_and_written_back() {
        let text = "\u{feff}user,channel\r\n\n# nobody\n\"a, b\" ,\"say \"\"hi\"\"\",\n";
        let records = read(text).expect("well-formed");
        assert_eq!(records.iter().map(|record| record.line).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(records[1].fields, ["a, b", "say \"hi\"", ""]);
        let again = line(&records[1].fields.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(fields(again.trim_end()), Some(records[1].fields.clone()));
    }

    #[test]
    fn quotes_that_do_not_fit_are_named_by_their_line() {
        for text in ["a,b\n\"a,b\n", "\na\"b,c", "x\n\"a\"b,c"] {
            assert_eq!(read(text), Err(2), "{text}");
        }
    }
}
