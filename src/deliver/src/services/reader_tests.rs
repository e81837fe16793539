use super::*;
use crate::http::Reply;
use crate::services::catalogue::CATALOGUE;
use crate::services::verdict::judge;
use herald_core::courier::End;
use reqwest::StatusCode;
use std::time::Duration;

/// A definition in which nothing is wrong, in one line each.
const GOOD: &str = "source = \"https://sms.example.org/api\"
[base]
default = \"https://sms.example.org\"
[[field]]
name = \"token\"
secret = true
help = \"the token\"
[auth]
bearer = \"{token}\"
[send]
path = \"send\"
form = { to = \"{number}\", text = \"{text}\" }
[success]
body = [{ json = \"/ok\", equals = true }]
[error]
words = { json = \"/error\" }
[again]
status = [503]
after = { json = \"/wait\" }
[status]
path = \"balance\"
says = \"balance {/balance}\"
";

fn problems(text: &str) -> Vec<String> {
    read("ours", text).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn a_whole_definition_is_read() {
    assert_eq!(problems(GOOD), Vec::<String>::new());
    let definition = read("ours", GOOD).expect("good");
    assert_eq!((definition.name.as_str(), definition.channel.as_str()), ("ours", "sms"));
    assert!(!definition.is_code_only());
    let helps: Vec<(String, bool, bool)> =
        definition.field_helps().into_iter().map(|field| (field.name, field.secret, field.required)).collect();
    assert_eq!(helps, [("token".to_owned(), true, true), ("api_url".to_owned(), false, false)]);
}

#[test]
fn the_example_of_the_documentation_works() {
    let page = include_str!("../../../../docs/sms-services.md");
    let (_, behind) = page.split_once("```toml\n").expect("an example");
    let (example, _) = behind.split_once("```").expect("its end");
    assert_eq!(problems(example), Vec::<String>::new());
    let definition = read("example", example).expect("good");
    let end = |body: &str| {
        let reply = Reply { status: StatusCode::OK, retry_after: None, body: Ok(body.as_bytes().to_vec()) };
        judge(&reply, &definition.success, &definition.answers).map_err(|refusal| (refusal.end, refusal.detail))
    };
    assert_eq!(end(r#"{"result":"queued","id":"1"}"#), Ok(()));
    let refused = end(r#"{"result":"error","code":17,"reason":"no such number"}"#);
    assert_eq!(refused, Err((End::Permanent, "no such number (17)".into())));
    let wait = End::TryAgain { after: Some(Duration::from_secs(30)) };
    let refused = end(r#"{"result":"error","code":9,"reason":"too many","wait":30}"#);
    assert_eq!(refused, Err((wait, "too many (9)".into())));
}

#[test]
fn what_is_wrong_is_told_with_line_and_key() {
    for (from, to, told) in [
        ("source = \"https://sms.example.org/api\"\n", "\n", ":1: source: missing"),
        ("bearer", "baerer", ":9: auth.baerer: is not known here"),
        ("path = \"send\"", "path = \"/send?x\"", ":11: send.path: must be a path below the base URL"),
        ("{number}", "{nubmer}", ":12: send.form: must be a text without {nubmer}"),
        ("to = \"{number}\", ", "", ":10: send: nothing says where to"),
        (", text = \"{text}\"", "", ":10: send: nothing of the message"),
        ("form = {", "method = \"GET\"\nform = {", ":10: send.method: GET has no body"),
        ("form = {", "text = \"x\"\nform = {", ":10: send.form: only one of"),
        ("equals = true", "equal = true", ":14: success.body: must be"),
        ("body = [{ json", "body = [{ jsn", ":14: success.body: must be a place in the answer"),
        ("\"/ok\"", "\"ok\"", ":14: success.body: must be a place in the answer"),
        ("status = [503]", "status = [\"503\"]", ":18: again.status: must be a list of HTTP statuses"),
        ("status = [503]", "status = [99]", ":18: again.status: must be a list of HTTP statuses"),
        ("name = \"token\"", "name = \"number\"", ":5: field.name: must be another name"),
        ("name = \"token\"", "name = \"token_file\"", ":5: field.name: must be small letters"),
        ("secret = true", "secret = \"yes\"", ":6: field.secret: must be true or false"),
        ("bearer = \"{token}\"", "", "{token} stands nowhere in the requests"),
        ("https://sms.example.org\"", "ftp://sms.example.org\"", ":3: base.default: must be"),
        ("[send]\n", "addresses = [\"phone\"]\n[send]\n", ":10: auth.addresses: is not known here"),
        ("[base]", "addresses = [\"jid\"]\n[base]", ":11: send: {number} is for phone numbers only"),
        ("[base]", "[base", ":2: "),
    ] {
        let bent = GOOD.replacen(from, to, 1);
        assert_ne!(bent, GOOD, "{from}");
        let problems = problems(&bent);
        assert!(problems.iter().any(|problem| problem.contains(told)), "{told} is not in {problems:?}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let bent = GOOD.replace("secret = true", "secret = 1").replace("[503]", "503").replace("bearer", "baerer");
    assert!(problems(&bent).len() >= 3);
}

#[test]
fn a_request_or_an_empty_file_that_says_nothing_is_refused() {
    assert_eq!(problems("").len(), 2, "source and send");
    assert!(!problems("send = 1\nsource = \"x\"").is_empty());
}

/// A small generator of numbers that are the same every time (a linear congruence, Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit.max(1)
    }
}

/// Texts that are nearly right: cut, doubled, with bytes exchanged.
fn bent(text: &str, dice: &mut Dice) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=dice.below(4) {
        let (from, to) = (dice.below(bytes.len()), dice.below(bytes.len()));
        match dice.below(5) {
            0 => bytes.truncate(from.max(1)),
            1 => bytes.swap(from, to),
            2 => bytes.insert(from, b"{}[]\"=\\\n.*/0\xff"[dice.below(13)]),
            3 => {
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.splice(from..from, piece);
            }
            _ => bytes[from] = u8::try_from(dice.below(256)).expect("a byte"),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn no_definition_of_whatever_kind_makes_the_reader_stumble() {
    let mut dice = Dice(1);
    for round in 0..1500 {
        let (_, original) = CATALOGUE[round % CATALOGUE.len()];
        let text = bent(original, &mut dice);
        if let Err(problems) = read("bent", &text) {
            assert!(!problems.is_empty(), "a refusal says why");
        }
    }
    let deep = format!("source = \"x\"\n[send]\njson = {}1{}", "[".repeat(3000), "]".repeat(3000));
    assert!(read("deep", &deep).is_err());
}

#[test]
fn no_answer_of_whatever_kind_makes_a_verdict_stumble() {
    let mut dice = Dice(2);
    let answers = [
        "{\"messages\":[{\"status\":\"0\"}],\"error\":{\"message\":\"x\",\"code\":190}}",
        "<SmsResponse><result>1</result><resultstring>success</resultstring></SmsResponse>",
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><result>&b;&b;</result>",
        "ERR: 001, Authentication failed",
        "{\"error\":\"FLOOD_WAIT_99999999999999999999\"}",
    ];
    let definitions: Vec<Definition> =
        CATALOGUE.iter().map(|(name, text)| read(name, text).expect("it is built in")).collect();
    for round in 0..1500 {
        let body = bent(answers[round % answers.len()], &mut dice);
        let status = [200, 201, 202, 400, 403, 429, 500][dice.below(7)];
        let reply = Reply {
            status: StatusCode::from_u16(status).expect("a status"),
            retry_after: None,
            body: Ok(body.into_bytes()),
        };
        let definition = &definitions[round % definitions.len()];
        if let Err(refusal) = judge(&reply, &definition.success, &definition.answers) {
            assert!(!refusal.detail.is_empty(), "a refusal says why");
            let longest = Duration::from_secs(3600);
            assert!(!matches!(refusal.end, End::TryAgain { after: Some(wait) } if wait > longest));
        }
    }
}
