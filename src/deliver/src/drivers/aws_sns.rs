//! `aws-sns`: Amazon Simple Notification Service, action Publish with a phone number.
//!
//! A form to `https://sns.REGION.amazonaws.com/`, signed; XML back (Amazon SNS API Reference, Publish and Common Errors).

use super::aws_signature::{Signer, Unsigned};
use super::fields::{Fields, optional, refusal, required, secret};
use super::{Driver, Envelope, Unwell, xml};
use crate::http::{Base, Body, Call, Client, Reply};
use crate::layout;
use crate::refusal::Refusal;
use herald_core::address::Form;
use herald_core::clock::Timestamp;
use herald_core::courier::{End, Fault, FieldHelp, Gateway};
use herald_core::secret::Secret;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The driver.
pub(crate) struct AwsSns;

const VERSION: &str = "2010-03-31";

impl Driver for AwsSns {
    fn name(&self) -> &str {
        "aws-sns"
    }

    fn channel(&self) -> &str {
        "sms"
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["e164"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        vec![
            required("region", "the AWS region that sends, like eu-central-1; not every region sends SMS"),
            required(
                "access_key_id",
                "the id of an access key of an IAM user that may sns:Publish (and sns:GetSMSAttributes, for herald gateway \
                 status): AWS console, IAM, Users, Security credentials",
            ),
            secret(required("secret_access_key", "the secret that was shown when that key was made")),
            optional(
                "sender_id",
                "up to 11 letters and digits that are shown as the sender, where the country allows it",
            ),
            optional(
                "api_url",
                "the base URL, if it is another than the region's. An account in the SMS sandbox reaches verified numbers \
                 only",
            ),
        ]
    }

    fn takes(&self, address: &str) -> bool {
        Form::E164.normalise(address).as_deref() == Some(address)
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        Account::of(gateway).err().unwrap_or_default()
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, client: &Client, until: Instant) -> Result<(), Refusal> {
        let account = Account::of(gateway).map_err(|faults| refusal(&faults))?;
        let sms = layout::sms(envelope.message);
        let mut pairs = vec![
            ("Action", "Publish"),
            ("Version", VERSION),
            ("PhoneNumber", envelope.address),
            ("Message", sms.text.as_str()),
            ("MessageAttributes.entry.1.Name", "AWS.SNS.SMS.SMSType"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", "Transactional"),
        ];
        if let Some(sender) = &account.sender_id {
            pairs.extend([
                ("MessageAttributes.entry.2.Name", "AWS.SNS.SMS.SenderID"),
                ("MessageAttributes.entry.2.Value.DataType", "String"),
                ("MessageAttributes.entry.2.Value.StringValue", sender.as_str()),
            ]);
        }
        let reply = client.exchange(account.call(&pairs, now())?, until)?;
        let said = answer(&reply, "MessageId")?;
        if said.is_empty() { Err(unclear(&reply)) } else { Ok(()) }
    }

    fn status(&self, gateway: &Gateway, client: &Client, until: Instant) -> Result<String, Unwell> {
        let plain = |refusal| Unwell { refusal, mend: None };
        let account = Account::of(gateway).map_err(|faults| plain(refusal(&faults)))?;
        let call = account.call(&[("Action", "GetSMSAttributes"), ("Version", VERSION)], now()).map_err(plain)?;
        let reply = client.exchange(call, until).map_err(plain)?;
        match answer(&reply, "GetSMSAttributesResult") {
            Ok(_) => Ok(format!("{} in {}", account.access_key_id, account.region)),
            Err(refusal) => {
                let denied = reply.status.as_u16() == 403 && refusal.detail.contains("not authorized");
                let mend = denied
                    .then(|| "allow the IAM user sns:GetSMSAttributes; sending needs sns:Publish only".to_owned());
                Err(Unwell { refusal, mend })
            }
        }
    }
}

/// A gateway of this driver whose fields are in order.
struct Account {
    api: Base,
    region: String,
    access_key_id: String,
    secret_access_key: Secret,
    sender_id: Option<String>,
}

impl Account {
    fn of(gateway: &Gateway) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::open(&AwsSns, gateway);
        let region = fields.text("region").map(|region| region.expose().to_owned());
        let is_region = |region: &String| {
            region.contains('-')
                && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let region = region.filter(|region| {
            let good = is_region(region);
            if !good {
                fields.complain("region", "a region's name like eu-central-1 is accepted".to_owned());
            }
            good
        });
        let usual = region.as_ref().map(|region| format!("https://sns.{region}.amazonaws.com"));
        let api = usual.and_then(|usual| fields.base("api_url", &usual));
        let access_key_id = fields.text("access_key_id").map(|id| id.expose().to_owned());
        let secret_access_key = fields.text("secret_access_key").cloned();
        let sender_id = fields.text("sender_id").map(|sender| sender.expose().to_owned());
        let read = || {
            Some(Self {
                api: api?,
                region: region?,
                access_key_id: access_key_id?,
                secret_access_key: secret_access_key?,
                sender_id,
            })
        };
        let read = read();
        fields.close(read)
    }

    fn call(&self, pairs: &[(&str, &str)], now: u64) -> Result<Call, Refusal> {
        let url =
            self.api.join("").map_err(|problem| Refusal::new(End::Configuration, format!("api_url: {problem}")))?;
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = Body::Form(pairs);
        let (kind, bytes) = body.written().unwrap_or_default();
        let name = url.host_str().unwrap_or_default();
        // As the HTTP client writes it: the port only where it is not the usual one.
        let host = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let time: String = Timestamp::from_unix(now).to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let signer = Signer {
            access_key_id: &self.access_key_id,
            secret_access_key: self.secret_access_key.expose(),
            region: &self.region,
            service: "sns",
        };
        let authorization = signer.authorization(&Unsigned {
            method: "POST",
            path: url.path(),
            query: "",
            headers: &[("content-type", &kind), ("host", &host), ("x-amz-date", &time)],
            body: &bytes,
            time: &time,
        });
        Ok(Call::post(url, body).header("X-Amz-Date", &time).header("Authorization", &authorization))
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The text of that element of a good answer.
fn answer(reply: &Reply, element: &str) -> Result<String, Refusal> {
    let document = reply.body.as_ref().ok().and_then(|body| xml::parse(body));
    let text = |element| document.as_ref().and_then(|document| xml::text_of(document, element)).map(str::to_owned);
    let there = document.as_ref().is_some_and(|document| document.descendants().any(|node| xml::is(&node, element)));
    if reply.status.as_u16() == 200 && there {
        return Ok(text(element).unwrap_or_default());
    }
    let (code, words) = (text("Code"), text("Message"));
    let said = match (&code, &words) {
        (Some(code), Some(words)) => Some(format!("{code}: {words}")),
        (code, words) => code.clone().or_else(|| words.clone()),
    };
    if let Some(refusal) = reply.refusal_by_status(said.as_deref()) {
        return Err(refusal);
    }
    let Some(code) = code else { return Err(unclear(reply)) };
    Err(Refusal::new(class(&code, words.as_deref().unwrap_or_default()), said.unwrap_or(code)))
}

fn unclear(reply: &Reply) -> Refusal {
    let status = reply.status.as_u16();
    let end = if (400..500).contains(&status) { End::Configuration } else { End::Unclear };
    Refusal::new(end, format!("the answer ({status}) is none of Amazon SNS's"))
}

/// Error codes as the API Reference has them.
fn class(code: &str, words: &str) -> End {
    let lower = words.to_lowercase();
    let about_the_number =
        lower.contains("phonenumber") || lower.contains("phone number") || lower.contains("opted out");
    match code {
        "Throttled"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "KMSThrottling"
        | "ServiceUnavailable"
        | "InternalError" => End::TryAgain { after: None },
        "InvalidParameter" | "InvalidParameterValue" | "ParameterValueInvalid" | "OptedOut" | "OptedOutException"
            if about_the_number =>
        {
            End::Permanent
        }
        _ => End::Configuration,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Service, TEXT, faulty, gateway, send, status};
    use super::*;
    use crate::http::percent_encoded;

    const SENT: &str = "<PublishResponse xmlns=\"https://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
                        <MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult><ResponseMetadata>\
                        <RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata></PublishResponse>";

    fn at(url: &str, more: &[(&str, &str)]) -> Gateway {
        let mut fields = vec![
            ("region", "eu-central-1"),
            ("access_key_id", "AKIDEXAMPLE"),
            ("secret_access_key", "fake-secret-of-the-unit-tests"),
            ("api_url", url),
        ];
        fields.extend_from_slice(more);
        gateway("aws-sns", &fields)
    }

    fn error(code: &str, message: &str) -> String {
        format!(
            "<ErrorResponse xmlns=\"https://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        )
    }

    #[test]
    fn one_signed_form_publishes_to_a_number() {
        let service = Service::http(&[(200, SENT)]);
        let gateway = at(&service.url(), &[("sender_id", "Herald")]);
        assert_eq!(send(&AwsSns, &gateway, "+4915100000000"), Ok(()));
        let request = service.request();
        let (head, body) = request.split_once("\n\n").expect("a body");
        assert_eq!(
            body,
            format!(
                "Action=Publish&Version=2010-03-31&PhoneNumber=%2B4915100000000&Message={}&\
                 MessageAttributes.entry.1.Name=AWS.SNS.SMS.SMSType&MessageAttributes.entry.1.Value.DataType=String&\
                 MessageAttributes.entry.1.Value.StringValue=Transactional&\
                 MessageAttributes.entry.2.Name=AWS.SNS.SMS.SenderID&MessageAttributes.entry.2.Value.DataType=String&\
                 MessageAttributes.entry.2.Value.StringValue=Herald",
                *percent_encoded(TEXT)
            )
        );
        let lines: Vec<&str> = head.lines().collect();
        assert_eq!(lines[..2], ["POST / HTTP/1.1", "content-type: application/x-www-form-urlencoded"]);
        let time = lines[2].strip_prefix("x-amz-date: ").expect("a time");
        assert!(time.len() == 16 && time.ends_with('Z'), "{time}");
        let signer = Signer {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "fake-secret-of-the-unit-tests",
            region: "eu-central-1",
            service: "sns",
        };
        let host = format!("127.0.0.1:{}", service.port());
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("host", &host), ("x-amz-date", time)];
        let unsigned =
            Unsigned { method: "POST", path: "/", query: "", headers: &headers, body: body.as_bytes(), time };
        assert_eq!(lines[3], format!("authorization: {}", signer.authorization(&unsigned)));
    }

    #[test]
    fn every_error_has_its_class() {
        for (status, body, end) in [
            (400, error("InvalidParameter", "Invalid parameter: PhoneNumber Reason: +49 is not valid"), End::Permanent),
            (400, error("OptedOut", "The phone number is opted out"), End::Permanent),
            (400, error("InvalidParameter", "Invalid parameter: Message"), End::Configuration),
            (
                400,
                error("InvalidParameterValue", "Invalid parameter: PhoneNumber Reason: not supported"),
                End::Permanent,
            ),
            (400, error("InvalidParameterValue", "Invalid parameter: SenderID"), End::Configuration),
            (400, error("EndpointDisabled", "Endpoint is disabled"), End::Configuration),
            (404, error("NotFound", "Topic does not exist"), End::Configuration),
            (400, error("KMSAccessDenied", "The ciphertext refers to a key that is not ours"), End::Configuration),
            (400, error("KMSDisabled", "The key is disabled"), End::Configuration),
            (400, error("KMSInvalidState", "The key is pending deletion"), End::Configuration),
            (400, error("KMSNotFound", "The key does not exist"), End::Configuration),
            (400, error("KMSOptInRequired", "The account needs a subscription"), End::Configuration),
            (400, error("KMSThrottling", "Rate exceeded"), End::TryAgain { after: None }),
            (400, error("Throttling", "Rate exceeded"), End::TryAgain { after: None }),
            (403, error("AuthorizationError", "not authorized"), End::Configuration),
            (
                403,
                error("SignatureDoesNotMatch", "The request signature we calculated does not match"),
                End::Configuration,
            ),
            (403, error("InvalidClientTokenId", "The security token is invalid"), End::Configuration),
            (429, error("TooManyRequests", "x"), End::TryAgain { after: None }),
            (500, error("InternalError", "x"), End::Unreachable),
            (503, String::new(), End::Unreachable),
            (200, "<html/>".to_owned(), End::Unclear),
            (200, SENT.replace("567910cd-659e-55d4-8ccb-5aaf14679dc0", ""), End::Unclear),
            (404, "nothing".to_owned(), End::Configuration),
        ] {
            let service = Service::http(&[(status, body.as_str())]);
            let refused = send(&AwsSns, &at(&service.url(), &[]), "+4915100000000").expect_err("refused");
            assert_eq!(refused.end, end, "{status} {body}: {}", refused.detail);
            let said = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
            assert!(
                said.is_none_or(|(code, _)| refused.detail.starts_with(&format!("{code}: "))),
                "{}",
                refused.detail
            );
        }
    }

    #[test]
    fn status_asks_for_the_attributes_and_says_what_right_is_missing() {
        let good = "<GetSMSAttributesResponse><GetSMSAttributesResult><attributes/></GetSMSAttributesResult>\
                    </GetSMSAttributesResponse>";
        let service = Service::http(&[(200, good)]);
        assert_eq!(status(&AwsSns, &at(&service.url(), &[])), Ok("AKIDEXAMPLE in eu-central-1".into()));
        assert!(service.request().ends_with("\n\nAction=GetSMSAttributes&Version=2010-03-31"));
        let denied = error("AuthorizationError", "User: x is not authorized to perform: SNS:GetSMSAttributes");
        let service = Service::http(&[(403, denied.as_str())]);
        let client = super::super::testing::client();
        let unwell =
            AwsSns.status(&at(&service.url(), &[]), &client, super::super::testing::soon()).expect_err("denied");
        assert!(unwell.mend.is_some_and(|mend| mend.contains("sns:GetSMSAttributes")));
    }

    #[test]
    fn the_region_makes_the_url() {
        let fields = [("region", "eu-central-1"), ("access_key_id", "AKIDEXAMPLE"), ("secret_access_key", "fake")];
        assert_eq!(faulty(&AwsSns, &gateway("aws-sns", &fields)), [""; 0]);
        let account = Account::of(&gateway("aws-sns", &fields)).unwrap_or_else(|_| panic!("good fields"));
        assert_eq!(account.api.url().as_str(), "https://sns.eu-central-1.amazonaws.com/");
        let bad = [("region", "Frankfurt!"), ("access_key_id", "AKIDEXAMPLE"), ("secret_access_key", "fake")];
        assert_eq!(faulty(&AwsSns, &gateway("aws-sns", &bad)), ["region"]);
    }
}
