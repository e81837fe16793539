//! Telegram's HTML, read as strictly as the Bot API reads it (Bot API, "HTML style").

/// A text without its markup.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// What is seen.
    pub(super) text: String,
    /// What stands in the first `<code>` element.
    pub(super) code: Option<String>,
}

const TAGS: [&str; 6] = ["b", "i", "u", "s", "code", "pre"];

/// Reads HTML; the error is the description that the Bot API would give.
pub(super) fn read(html: &str) -> Result<Shown, String> {
    let refused = |what: &str| format!("Bad Request: can't parse entities: {what}");
    let mut shown = Shown { text: String::new(), code: None };
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut rest = html;
    while let Some(first) = rest.chars().next() {
        let end_of = |mark: char| rest.find(mark).ok_or_else(|| refused("unclosed tag or entity"));
        match first {
            '<' => {
                let end = end_of('>')?;
                let tag = &rest[1..end];
                match tag.strip_prefix('/') {
                    Some(name) => {
                        let (opened, start) = open.pop().ok_or_else(|| refused("unexpected end tag"))?;
                        if opened != name {
                            return Err(refused("unmatched end tag"));
                        }
                        if name == "code" && shown.code.is_none() {
                            shown.code = Some(shown.text[start..].to_owned());
                        }
                    }
                    None if TAGS.contains(&tag) => open.push((tag, shown.text.len())),
                    None => return Err(refused("unsupported start tag")),
                }
                rest = &rest[end + 1..];
            }
            '&' => {
                let end = end_of(';')?;
                shown.text.push(match &rest[1..end] {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    _ => return Err(refused("unsupported entity")),
                });
                rest = &rest[end + 1..];
            }
            '>' => return Err(refused("a > that is not escaped")),
            other => {
                shown.text.push(other);
                rest = &rest[other.len_utf8()..];
            }
        }
    }
    if open.is_empty() { Ok(shown) } else { Err(refused("unclosed start tag")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_taken_off_and_the_code_found() {
        let shown = read("<code>314159</code>\n<b>Host</b>: a&lt;b &amp;amp;").expect("good HTML");
        assert_eq!(shown, Shown { text: "314159\nHost: a<b &amp;".into(), code: Some("314159".into()) });
        assert_eq!(read("plain").expect("good").code, None);
    }

    #[test]
    fn what_telegram_refuses_is_refused() {
        for bad in ["a < b", "a > b", "<script>x</script>", "<b>x", "x</b>", "<b>x</i>", "&nbsp;", "a & b", "<code>1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
