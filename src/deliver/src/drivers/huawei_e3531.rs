//! `huawei-e3531`: the web interface of Huawei's USB modems (E3531 and its kin, "HiLink").
//!
//! A session and a token are fetched with `GET webserver/SesTokInfo`, then one `POST sms/send-sms` in XML. Requests as in
//! Nextcloud's Two-Factor Gateway; the numbers of errors are those that owners of such modems report, unverified.

use super::fields::{Fields, optional, refusal};
use super::{Driver, Envelope, Unwell, xml};
use crate::cage::Reach;
use crate::http::{Base, Body, Call, Client, Reply};
use crate::layout;
use crate::refusal::Refusal;
use herald_core::address::Form;
use herald_core::clock::Timestamp;
use herald_core::courier::{End, Fault, FieldHelp, Gateway};
use reqwest::Url;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The driver.
pub(crate) struct HuaweiE3531;

const API_URL: &str = "http://192.168.8.1/api";

impl Driver for HuaweiE3531 {
    fn name(&self) -> &str {
        "huawei-e3531"
    }

    fn channel(&self) -> &str {
        "sms"
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["e164"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        vec![optional(
            "api_url",
            format!(
                "the modem's address with /api behind it; default {API_URL}. It speaks plain http only, over the USB cable: \
                 say insecure = true"
            ),
        )]
    }

    fn takes(&self, address: &str) -> bool {
        Form::E164.normalise(address).as_deref() == Some(address)
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        base(gateway).err().unwrap_or_default()
    }

    fn reach(&self, gateway: &Gateway) -> Reach {
        base(gateway).map(|base| Reach::tcp([base.port()])).unwrap_or_default()
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, client: &Client, until: Instant) -> Result<(), Refusal> {
        let base = base(gateway).map_err(|faults| refusal(&faults))?;
        let session = Session::open(&base, client, until)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let body = body(envelope.address, &layout::sms(envelope.message).text, now);
        let call = Call::post(url(&base, "sms/send-sms")?, body)
            .header("Cookie", &session.cookie)
            .header("X-Requested-With", "XMLHttpRequest")
            .header("__RequestVerificationToken", &session.token);
        judge(&client.exchange(call, until)?)
    }

    fn status(&self, gateway: &Gateway, client: &Client, until: Instant) -> Result<String, Unwell> {
        let plain = |refusal| Unwell { refusal, mend: None };
        let base = base(gateway).map_err(|faults| plain(refusal(&faults)))?;
        Session::open(&base, client, until).map_err(plain)?;
        Ok("the modem answers; whether its SIM is ready cannot be checked without sending".to_owned())
    }
}

fn base(gateway: &Gateway) -> Result<Base, Vec<Fault>> {
    let mut fields = Fields::open(&HuaweiE3531, gateway);
    let base = fields.base("api_url", API_URL);
    fields.close(base)
}

fn url(base: &Base, path: &str) -> Result<Url, Refusal> {
    base.join(path).map_err(|problem| Refusal::new(End::Configuration, format!("api_url: {problem}")))
}

/// What the modem wants to see with every request.
struct Session {
    cookie: String,
    token: String,
}

impl Session {
    fn open(base: &Base, client: &Client, until: Instant) -> Result<Self, Refusal> {
        let reply = client.exchange(Call::get(url(base, "webserver/SesTokInfo")?), until)?;
        if let Some(refusal) = reply.refusal_by_status(None) {
            return Err(refusal);
        }
        let status = reply.status.as_u16();
        let strange = || {
            let detail = format!("the answer ({status}) is none of such a modem's: see api_url");
            Refusal::new(End::Configuration, detail)
        };
        let document = reply.body.as_ref().ok().and_then(|body| xml::parse(body)).ok_or_else(strange)?;
        match (xml::text_of(&document, "SesInfo"), xml::text_of(&document, "TokInfo")) {
            (Some(cookie), Some(token)) => Ok(Self { cookie: cookie.to_owned(), token: token.to_owned() }),
            _ => Err(strange()),
        }
    }
}

fn body(to: &str, text: &str, now: u64) -> Body {
    let date: String = Timestamp::from_unix(now)
        .to_string()
        .chars()
        .map(|c| if c == 'T' { ' ' } else { c })
        .filter(|c| *c != 'Z')
        .collect();
    let text = xml::escaped(text);
    let request = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><request><Index>-1</Index><Phones><Phone>{to}</Phone></Phones><Sca></Sca>\
         <Content>{text}</Content><Length>-1</Length><Reserved>1</Reserved><Date>{date}</Date></request>"
    );
    Body::Text { kind: "text/xml".to_owned(), bytes: request.into_bytes() }
}

/// `<response>OK</response>`, or `<error><code>…</code><message>…</message></error>`, both with status 200.
fn judge(reply: &Reply) -> Result<(), Refusal> {
    if let Some(refusal) = reply.refusal_by_status(None) {
        return Err(refusal);
    }
    let document = reply.body.as_ref().ok().and_then(|body| xml::parse(body));
    let Some(document) = document else {
        return Err(Refusal::new(End::Unclear, "the modem did not say whether the message went out"));
    };
    let root = document.root_element();
    if root.text().map(str::trim) == Some("OK") {
        return Ok(());
    }
    let code = xml::text_of(&document, "code");
    if !xml::is(&root, "error") && code.is_none() {
        return Err(Refusal::new(End::Unclear, "the modem did not say whether the message went out"));
    }
    let code = code.unwrap_or("?");
    let (end, words) = match code {
        "100003" | "100008" | "108003" => {
            (End::Configuration, "it wants a login: switch that off in its web interface")
        }
        "125001" | "125002" | "125003" => (End::TryAgain { after: None }, "session or token were no longer good"),
        _ => (End::TryAgain { after: None }, "it did not send"),
    };
    let message = xml::text_of(&document, "message").filter(|message| !message.is_empty()).unwrap_or(words);
    Err(Refusal::new(end, format!("the modem's error {code}: {message}")))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Service, TEXT, faulty, gateway, send, status};
    use super::*;

    const SESSION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response>\n<SesInfo>SessionID=fake</SesInfo>\n\
                           <TokInfo>faketoken</TokInfo>\n</response>";

    fn at(service: &Service) -> Gateway {
        gateway("huawei-e3531", &[("api_url", &format!("{}/api", service.url()))])
    }

    fn sent(answer: &str) -> Result<(), Refusal> {
        let service = Service::http(&[(200, SESSION), (200, answer)]);
        send(&HuaweiE3531, &at(&service), "+81312345678")
    }

    #[test]
    fn a_session_first_then_one_message_in_xml() {
        let service = Service::http(&[(200, SESSION), (200, "<?xml version=\"1.0\"?><response>OK</response>")]);
        assert_eq!(send(&HuaweiE3531, &at(&service), "+81312345678"), Ok(()));
        assert_eq!(service.request(), "GET /api/webserver/SesTokInfo HTTP/1.1\n\n");
        let request = service.request();
        let (before, date) = request.split_once("<Date>").expect("a date");
        assert_eq!(
            before,
            format!(
                "POST /api/sms/send-sms HTTP/1.1\ncontent-type: text/xml\ncookie: SessionID=fake\n\
                 x-requested-with: XMLHttpRequest\n__requestverificationtoken: faketoken\n\n\
                 <?xml version=\"1.0\" encoding=\"UTF-8\"?><request><Index>-1</Index><Phones><Phone>+81312345678</Phone>\
                 </Phones><Sca></Sca><Content>{TEXT}</Content><Length>-1</Length><Reserved>1</Reserved>"
            )
        );
        assert_eq!(date.len(), "2026-11-22 02:00:00</Date></request>".len(), "{date}");
        let Body::Text { bytes, .. } = body("+1", "a<b", 1_790_000_000) else { panic!("text") };
        let bytes = String::from_utf8(bytes).expect("text");
        assert!(bytes.contains("<Content>a&lt;b</Content>") && bytes.contains("<Date>2026-09-21 14:13:20</Date>"));
    }

    #[test]
    fn a_good_status_with_an_error_is_a_refusal() {
        let refused = sent("<error><code>125002</code><message></message></error>").expect_err("refused");
        assert_eq!(refused.end, End::TryAgain { after: None });
        assert!(refused.detail.contains("125002"), "{}", refused.detail);
        assert_eq!(sent("<error><code>100003</code></error>").expect_err("refused").end, End::Configuration);
        assert_eq!(sent("<error><code>113018</code></error>").expect_err("refused").end, End::TryAgain { after: None });
        for unclear in ["<response>no</response>", "<html/>", "garbage"] {
            assert_eq!(sent(unclear).expect_err(unclear).end, End::Unclear, "{unclear}");
        }
    }

    #[test]
    fn status_opens_a_session() {
        let service = Service::http(&[(200, SESSION)]);
        assert!(status(&HuaweiE3531, &at(&service)).is_ok_and(|who| who.contains("the modem answers")));
        let service = Service::http(&[(200, "<html>router</html>")]);
        assert_eq!(status(&HuaweiE3531, &at(&service)).map_err(|refusal| refusal.end), Err(End::Configuration));
    }

    #[test]
    fn plain_http_over_the_cable_has_to_be_allowed() {
        let mut gateway = gateway("huawei-e3531", &[]);
        assert_eq!(faulty(&HuaweiE3531, &gateway), ["api_url"]);
        gateway.insecure = true;
        assert_eq!(faulty(&HuaweiE3531, &gateway), [""; 0]);
    }
}
