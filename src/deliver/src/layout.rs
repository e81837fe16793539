//! A message as text that fits: the code first, then one line for each part (interface §5).

use crate::segment::{Alphabet, Length, in_gsm7};
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

/// The message as plain text of at most `limit` UTF-16 units.
pub(crate) fn plain(message: &Message, limit: usize) -> Zeroizing<String> {
    whole(message, &lines(message, |text| text.encode_utf16().count() <= limit))
}

/// What a message without markup is about, in one line and without the code: for subjects.
pub(crate) fn subject(message: &Message) -> String {
    message.parts.first().map(|part| display_line(&part.text, 78)).unwrap_or_default()
}

/// A message as it goes into one SMS.
pub(crate) struct Sms {
    /// The code first, then one line for each part that fits.
    pub(crate) text: Zeroizing<String>,
    /// How much of the one segment it takes.
    pub(crate) length: Length,
}

impl Sms {
    /// Whether it needs UCS-2: some services want to be told.
    pub(crate) fn is_unicode(&self) -> bool {
        self.length.alphabet == Alphabet::Ucs2
    }
}

/// The message as plain text in one segment. If it does not fit as it is, letters that GSM-7 lacks lose their marks
/// where that makes 160 characters of 70, and then parts are dropped.
pub(crate) fn sms(message: &Message) -> Sms {
    let fits = |text: &str| Length::of(text).segments() == 1;
    let all: Vec<String> = message.parts.iter().map(|part| display_line(&part.text, usize::MAX)).collect();
    let plain = || -> Option<Message> {
        let one = |part: &Part| Some(Part { topic: part.topic, text: in_gsm7(&part.text)? });
        let parts = message.parts.iter().map(one).collect::<Option<_>>()?;
        Some(Message { parts, ..message.clone() })
    };
    let text = if fits(&whole(message, &all)) {
        whole(message, &lines(message, fits))
    } else {
        let plain = plain();
        let message = plain.as_ref().unwrap_or(message);
        whole(message, &lines(message, fits))
    };
    let length = Length::of(&text);
    Sms { text, length }
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
    use herald_core::account::UserName;
    use herald_core::message::{About, code_message};
    use herald_core::phrases;
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
    fn an_sms_is_one_segment_in_every_language() {
        for language in phrases::LANGUAGES {
            let about = About {
                host: "matoken",
                service: "sshd",
                user: &UserName::new("alice"),
                by: "",
                rhost: "2001:db8:85a3:8d3:1319:8a2e:370:7348",
            };
            let lifetime = Duration::from_secs(300);
            let message = code_message(phrases::of(language), &about, &"314159".into(), lifetime);
            let sms = sms(&message);
            assert_eq!(sms.length.segments(), 1, "{language}: {}", sms.length);
            let lines: Vec<&str> = sms.text.lines().collect();
            assert_eq!(lines[0], "314159", "{language}");
            assert!(lines.len() > 1 && sms.text.contains("matoken"), "{language}: {}", *sms.text);
            let latin = *language != "ja";
            assert_eq!(sms.length.alphabet == Alphabet::Gsm7, latin, "{language}: {}", *sms.text);
        }
    }

    #[test]
    fn an_sms_keeps_its_accents_where_they_cost_nothing() {
        let short = message(Some("314159"), &[(Topic::Host, "Código: matoken")]);
        assert_eq!(*sms(&short).text, "314159\nCódigo: matoken");
        let long = message(Some("314159"), &[(Topic::Host, "Código"), (Topic::Advice, &"ó".repeat(90))]);
        assert_eq!(*sms(&long).text, format!("314159\nCodigo\n{}", "o".repeat(90)).replace('o', "o"));
    }

    #[test]
    fn an_sms_drops_parts_in_their_order_and_never_the_code() {
        let many = "a".repeat(60);
        let message = message(
            Some("314159"),
            &[(Topic::Host, "host"), (Topic::Origin, &many), (Topic::Warning, &many), (Topic::Advice, &many)],
        );
        assert_eq!(*sms(&message).text, format!("314159\nhost\n{many}\n{many}"));
        assert_eq!(sms(&message).length.to_string(), "1 segment in GSM-7, 133 of 160 characters");
        let japanese = super::tests::message(Some("314159"), &[(Topic::Host, &"日".repeat(200))]);
        assert_eq!(*sms(&japanese).text, format!("314159\n{}", "日".repeat(63)));
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
    fn plain_text_is_just_that_and_a_subject_never_has_the_code() {
        let message = message(Some("314159"), &[(Topic::Host, "Host: a<b"), (Topic::Warning, "Type it only there.")]);
        assert_eq!(*plain(&message, 1000), "314159\nHost: a<b\nType it only there.");
        assert_eq!(*plain(&message, 16), "314159\nHost: a<b");
        assert_eq!(subject(&message), "Host: a<b");
    }

    #[test]
    fn length_is_counted_as_telegram_counts_it() {
        let many = "😀".repeat(3000);
        let shown = html(&message(Some("314159"), &[(Topic::Notice, &many)]), 4096);
        let units = shown.replace("<code>", "").replace("</code>", "").encode_utf16().count();
        assert!((4090..=4096).contains(&units), "{units}");
    }
}
