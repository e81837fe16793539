//! A message as text that fits: the code first, then one line for each part (interface §5).

use herald_core::courier::{Message, Part, Topic};
use herald_core::text::display_line;
use zeroize::Zeroizing;

/// What is dropped where room is short, first to last. The code, the host and the warning never are.
const DROPPED: [Topic; 5] = [Topic::Advice, Topic::Origin, Topic::User, Topic::Service, Topic::Lifetime];

/// The message in Telegram's HTML (Bot API, "HTML style"), shown in at most `limit` UTF-16 units. Nothing of the
/// message can become markup.
pub(crate) fn html(message: &Message, limit: usize) -> Zeroizing<String> {
    let lines = lines(message, |text| text.encode_utf16().count() <= limit);
    let mut html = Zeroizing::new(String::with_capacity(256));
    if let Some(code) = &message.code {
        html.push_str("<code>");
        escape(code.expose(), &mut html);
        html.push_str("</code>");
    }
    for line in &lines {
        if !html.is_empty() {
            html.push('\n');
        }
        escape(line, &mut html);
    }
    html
}

/// The lines below the code that leave room for it: parts are dropped, then the last line is cut, until all `fits`.
fn lines(message: &Message, fits: impl Fn(&str) -> bool) -> Vec<String> {
    let mut parts: Vec<&Part> = message.parts.iter().collect();
    let mut topics = DROPPED.iter();
    loop {
        let lines: Vec<String> =
            parts.iter().map(|part| display_line(&part.text, usize::MAX)).filter(|line| !line.is_empty()).collect();
        if fits(&whole(message, &lines)) {
            return lines;
        }
        match topics.next() {
            Some(topic) => parts.retain(|part| part.topic != *topic),
            None => return cut(message, lines, fits),
        }
    }
}

fn cut(message: &Message, mut lines: Vec<String>, fits: impl Fn(&str) -> bool) -> Vec<String> {
    while !lines.is_empty() && !fits(&whole(message, &lines)) {
        match lines.last_mut() {
            Some(last) if !last.is_empty() => {
                last.pop();
            }
            _ => {
                lines.pop();
            }
        }
    }
    lines
}

fn whole(message: &Message, lines: &[String]) -> Zeroizing<String> {
    let code = message.code.as_ref().map(|code| code.expose());
    let all: Vec<&str> = code.into_iter().chain(lines.iter().map(String::as_str)).collect();
    Zeroizing::new(all.join("\n"))
}

fn escape(text: &str, html: &mut String) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn message(code: Option<&str>, parts: &[(Topic, &str)]) -> Message {
        Message {
            code: code.map(Into::into),
            lifetime: Duration::from_secs(300),
            language: "en".into(),
            copy_label: "Copy the code".into(),
            parts: parts.iter().map(|(topic, text)| Part { topic: *topic, text: (*text).into() }).collect(),
        }
    }

    #[test]
    fn the_code_stands_first_and_every_part_on_its_line() {
        let message = message(
            Some("314159"),
            &[
                (Topic::Host, "Host: matoken"),
                (Topic::Service, "Service: sshd"),
                (Topic::Warning, "Type it only there."),
            ],
        );
        assert_eq!(*html(&message, 4096), "<code>314159</code>\nHost: matoken\nService: sshd\nType it only there.");
    }

    #[test]
    fn a_notice_has_no_code() {
        assert_eq!(*html(&message(None, &[(Topic::Notice, "alice was locked.")]), 4096), "alice was locked.");
    }

    #[test]
    fn rule_31_nothing_inserted_becomes_markup_or_a_line_of_its_own() {
        let evil = "From <a href=\"https://evil.example\">bank</a> &amp;\n</code><b>314159</b>\u{202e}";
        assert_eq!(
            *html(&message(Some("1<2"), &[(Topic::Origin, evil)]), 4096),
            "<code>1&lt;2</code>\nFrom &lt;a href=&quot;https://evil.example&quot;&gt;bank&lt;/a&gt; \
             &amp;amp;&lt;/code&gt;&lt;b&gt;314159&lt;/b&gt;"
        );
    }

    #[test]
    fn where_room_is_short_advice_goes_first_and_the_code_never() {
        let message = message(
            Some("314159"),
            &[
                (Topic::Host, "host"),
                (Topic::Service, "service"),
                (Topic::User, "user"),
                (Topic::Origin, "origin"),
                (Topic::Lifetime, "lifetime"),
                (Topic::Warning, "warning"),
                (Topic::Advice, "advice"),
            ],
        );
        let all = "<code>314159</code>\nhost\nservice\nuser\norigin\nlifetime\nwarning";
        assert_eq!(*html(&message, 60), format!("{all}\nadvice"));
        assert_eq!(*html(&message, 52), all);
        assert_eq!(*html(&message, 40), "<code>314159</code>\nhost\nservice\nlifetime\nwarning");
        assert_eq!(*html(&message, 20), "<code>314159</code>\nhost\nwarning");
        assert_eq!(*html(&message, 15), "<code>314159</code>\nhost\nwar");
        assert_eq!(*html(&message, 6), "<code>314159</code>");
    }

    #[test]
    fn length_is_counted_as_telegram_counts_it() {
        let many = "😀".repeat(3000);
        let shown = html(&message(Some("314159"), &[(Topic::Notice, &many)]), 4096);
        let units = shown.replace("<code>", "").replace("</code>", "").encode_utf16().count();
        assert!((4090..=4096).contains(&units), "{units}");
    }
}
