//! Services that carry SMS to the whole world.

use super::{AGAIN, CONFIGURATION, PERMANENT, Page, UNCLEAR, UNREACHABLE};

#[test]
fn clicksend() {
    Page {
        driver: "clicksend",
        fields: &[("user", "FAKE-USER"), ("key", "FAKE-KEY"), ("sender", "Herald")],
        request: r#"POST https://api-mapper.clicksend.com/http/v2/send.php
content-type: application/x-www-form-urlencoded

username=FAKE-USER&key=FAKE-KEY&method=http&to=%2B4915112345678&message=314159%0Afor%20matoken%20%26%20co&senderid=Herald"#,
        taken: &[(200, r#"<?xml version="1.0" encoding="UTF-8" ?><xml><messages recipientcount="1"><message><to>+4915112345678</to><messageid>1</messageid><result>0000</result><errortext>Success</errortext></message></messages></xml>"#)],
        refused: &[
            (200, "<xml><messages><message><result>2006</result><errortext>Missing credentials</errortext></message></messages></xml>", CONFIGURATION, "Missing credentials (2006)"),
            (200, "<xml><messages><message><result>2007</result><errortext>Account not activated</errortext></message></messages></xml>", CONFIGURATION, "Account not activated (2007)"),
            (200, "<xml><messages><message><result>2015</result><errortext>Invalid recipient</errortext></message></messages></xml>", PERMANENT, "Invalid recipient (2015)"),
            (200, "<xml><messages><message><result>2016</result><errortext>Throttled</errortext></message></messages></xml>", AGAIN, "Throttled (2016)"),
            (200, "<xml><messages><message><result>2017</result><errortext>Invalid sender id</errortext></message></messages></xml>", CONFIGURATION, "Invalid sender id (2017)"),
            (200, "<xml><messages><message><result>2018</result><errortext>Low credit</errortext></message></messages></xml>", CONFIGURATION, "Low credit (2018)"),
            (200, "<xml><messages><message><result>2022</result><errortext>Invalid credentials</errortext></message></messages></xml>", CONFIGURATION, "Invalid credentials (2022)"),
            (200, "<xml><messages><message><result>2051</result><errortext>Empty message</errortext></message></messages></xml>", CONFIGURATION, "Empty message (2051)"),
            (200, "<xml><messages><message><result>2100</result><errortext>Internal error</errortext></message></messages></xml>", AGAIN, "Internal error (2100)"),
        ],
    }
    .shown();
}

#[test]
fn clickatell_central() {
    let page = Page {
        driver: "clickatell-central",
        fields: &[("api_id", "1234567"), ("user", "FAKE-USER"), ("password", "FAKE-PASSWORD")],
        request: r#"GET https://api.clickatell.com/http/sendmsg?user=FAKE-USER&password=FAKE-PASSWORD&api_id=1234567&to=4915112345678&text=314159%0Afor%20matoken%20%26%20co

"#,
        taken: &[(200, "ID: c1a7b3e9c6d8f0a2b4c6d8e0f2a4b6c8")],
        refused: &[
            (200, "ERR: 001, Authentication failed", CONFIGURATION, "Authentication failed (001)"),
            (200, "ERR: 105, Invalid Destination Address", PERMANENT, "Invalid Destination Address (105)"),
            (200, "ERR: 114, Cannot route message", PERMANENT, "Cannot route message"),
            (200, "ERR: 301, No credit left", CONFIGURATION, "No credit left"),
            (200, "ERR: 901, Internal error", AGAIN, "Internal error"),
        ],
    };
    page.shown();
    assert_eq!(
        page.asked(200, "Credit: 12.3"),
        (
            true,
            "Credit: 12.3".into(),
            "GET /http/getbalance?user=FAKE-USER&password=FAKE-PASSWORD&api_id=1234567".into()
        )
    );
    assert_eq!(
        page.asked(200, "ERR: 001, Authentication failed"),
        (
            false,
            "Authentication failed (001)".into(),
            "GET /http/getbalance?user=FAKE-USER&password=FAKE-PASSWORD&api_id=1234567".into()
        )
    );
}

#[test]
fn clickatell_platform() {
    Page {
        driver: "clickatell-platform",
        fields: &[("api_key", "FAKE-KEY"), ("from", "15550100")],
        request: r#"GET https://platform.clickatell.com/messages/http/send?apiKey=FAKE-KEY&to=4915112345678&content=314159%0Afor%20matoken%20%26%20co&from=15550100

"#,
        taken: &[(202, r#"{"messages":[{"apiMessageId":"7a1","accepted":true,"to":"4915112345678","error":null}],"error":null}"#)],
        refused: &[
            (200, r#"{"messages":[{"accepted":false,"error":{"code":108,"description":"Invalid API key"}}]}"#, CONFIGURATION, "Invalid API key"),
            (401, r#"{"errorCode":108,"errorDescription":"Invalid or missing integration API Key"}"#, CONFIGURATION, "Invalid or missing integration API Key (108)"),
            (429, "", AGAIN, "too many"),
        ],
    }
    .shown();
}

#[test]
fn smsapi() {
    Page {
        driver: "smsapi",
        fields: &[("token", "FAKE-TOKEN"), ("sender", "Herald")],
        request: "POST https://api.smsapi.com/sms.do\nauthorization: Bearer FAKE-TOKEN\ncontent-type: multipart/form-data; boundary=herald-part-0\n\n\
                  --herald-part-0\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n4915112345678\r\n\
                  --herald-part-0\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\nHerald\r\n\
                  --herald-part-0\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\n314159\nfor matoken & co\r\n\
                  --herald-part-0\r\nContent-Disposition: form-data; name=\"format\"\r\n\r\njson\r\n\
                  --herald-part-0\r\nContent-Disposition: form-data; name=\"encoding\"\r\n\r\nutf-8\r\n\
                  --herald-part-0--\r\n",
        taken: &[(200, r#"{"count":1,"list":[{"id":"1460969715572091219","points":0.16,"number":"4915112345678","status":"QUEUE","error":null}]}"#)],
        refused: &[
            (200, r#"{"error":101,"message":"Authorization failed"}"#, CONFIGURATION, "Authorization failed (101)"),
            (200, r#"{"error":13,"message":"No correct phonenumbers"}"#, PERMANENT, "No correct phonenumbers (13)"),
            (200, r#"{"error":103,"message":"Not enough points"}"#, CONFIGURATION, "Not enough points"),
            (200, r#"{"error":201,"message":"Internal system error"}"#, AGAIN, "Internal system error"),
            (200, r#"{"count":0,"list":[]}"#, UNCLEAR, "none of this"),
        ],
    }
    .shown();
}

#[test]
fn smsglobal() {
    Page {
        driver: "smsglobal",
        fields: &[("user", "FAKE-USER"), ("password", "FAKE-PASSWORD")],
        request: r#"POST https://api.smsglobal.com/http-api.php
content-type: application/x-www-form-urlencoded

user=FAKE-USER&password=FAKE-PASSWORD&action=sendsms&from=Herald&to=4915112345678&text=314159%0Afor%20matoken%20%26%20co&clientcharset=UTF-8&detectcharset=1"#,
        taken: &[(200, "OK: 0; Sent queued message ID: 04b4a8d4a5a02176 SMSGlobalMsgID:6613115713715266")],
        refused: &[
            (200, "ERROR: Missing parameter: from", CONFIGURATION, "Missing parameter: from"),
            (200, "ERROR: Invalid username or password", CONFIGURATION, "Invalid username"),
        ],
    }
    .shown();
}

#[test]
fn seven() {
    let page = Page {
        driver: "seven",
        fields: &[("api_key", "FAKE-KEY"), ("from", "Herald")],
        request: r#"POST https://gateway.seven.io/api/sms
accept: application/json
content-type: application/x-www-form-urlencoded
x-api-key: FAKE-KEY

to=%2B4915112345678&text=314159%0Afor%20matoken%20%26%20co&from=Herald"#,
        taken: &[(
            200,
            r#"{"success":"100","total_price":0.075,"messages":[{"id":"77229318510","recipient":"4915112345678","success":true,"error":null,"error_text":null}]}"#,
        )],
        refused: &[
            (
                200,
                r#"{"success":"100","messages":[{"success":false,"error":"202","error_text":"The recipient number is invalid"}]}"#,
                PERMANENT,
                "The recipient number is invalid (202)",
            ),
            (200, r#"{"success":"900","messages":[]}"#, CONFIGURATION, "refused with error 900"),
            (200, "900", CONFIGURATION, "refused with error 900"),
            (200, r#"{"success":"500"}"#, CONFIGURATION, "error 500"),
            (200, "600", AGAIN, "error 600"),
        ],
    };
    page.shown();
    assert_eq!(
        page.asked(200, r#"{"amount":593.994,"currency":"EUR"}"#),
        (true, "balance 593.994 EUR".into(), "GET /api/balance".into())
    );
    assert_eq!(page.asked(200, "900"), (false, "refused with error 900".into(), "GET /api/balance".into()));
}

#[test]
fn spryng() {
    Page {
        driver: "spryng",
        fields: &[("token", "FAKE-TOKEN")],
        request: r#"POST https://rest.spryngsms.com/v1/messages?with%5B%5D=recipients
accept: application/json
authorization: Bearer FAKE-TOKEN
content-type: application/json

{"body":"314159\nfor matoken & co","encoding":"plain","originator":"Herald","recipients":["4915112345678"],"route":"1"}"#,
        taken: &[(200, r#"{"data":{"id":"9dbc5ffb"}}"#), (201, "")],
        refused: &[
            (401, r#"{"message":"Unauthenticated."}"#, CONFIGURATION, "Unauthenticated."),
            (422, r#"{"message":"The given data was invalid.","errors":{"originator":["The originator is invalid."]}}"#, CONFIGURATION, "The originator is invalid."),
            (429, "", AGAIN, "too many"),
        ],
    }
    .shown();
}

#[test]
fn websms() {
    Page {
        driver: "websms",
        fields: &[("user", "FAKE-USER"), ("password", "FAKE-PASSWORD")],
        request: r#"POST https://api.websms.com/rest/smsmessaging/text
authorization: Basic RkFLRS1VU0VSOkZBS0UtUEFTU1dPUkQ=
content-type: application/json

{"messageContent":"314159\nfor matoken & co","test":false,"recipientAddressList":["4915112345678"]}"#,
        taken: &[
            (200, r#"{"statusCode":2000,"statusMessage":"OK","transferId":"0059d0d8200036e6f6b1","smsCount":1}"#),
            (200, r#"{"statusCode":2001,"statusMessage":"OK_QUEUED"}"#),
        ],
        refused: &[
            (
                200,
                r#"{"statusCode":4001,"statusMessage":"INVALID_CREDENTIALS"}"#,
                CONFIGURATION,
                "INVALID_CREDENTIALS (4001)",
            ),
            (200, r#"{"statusCode":4002,"statusMessage":"INVALID_RECIPIENT"}"#, PERMANENT, "INVALID_RECIPIENT (4002)"),
            (200, r#"{"statusCode":4003,"statusMessage":"INVALID_SENDER"}"#, CONFIGURATION, "INVALID_SENDER (4003)"),
            (
                200,
                r#"{"statusCode":4009,"statusMessage":"INVALID_TEXT_MESSAGE"}"#,
                CONFIGURATION,
                "INVALID_TEXT_MESSAGE (4009)",
            ),
            (
                200,
                r#"{"statusCode":4013,"statusMessage":"MESSAGE_LIMIT_EXCEEDED"}"#,
                CONFIGURATION,
                "MESSAGE_LIMIT_EXCEEDED (4013)",
            ),
            (200, r#"{"statusCode":4014,"statusMessage":"UNAUTHORIZED_IP"}"#, CONFIGURATION, "UNAUTHORIZED_IP (4014)"),
            (
                200,
                r#"{"statusCode":4019,"statusMessage":"PARAMETER_MISSING"}"#,
                CONFIGURATION,
                "PARAMETER_MISSING (4019)",
            ),
            (200, r#"{"statusCode":4021,"statusMessage":"INVALID_ACCOUNT"}"#, CONFIGURATION, "INVALID_ACCOUNT (4021)"),
            (200, r#"{"statusCode":4022,"statusMessage":"ACCESS_DENIED"}"#, CONFIGURATION, "ACCESS_DENIED (4022)"),
            (200, r#"{"statusCode":4023,"statusMessage":"THROTTLING"}"#, AGAIN, "THROTTLING (4023)"),
            (200, r#"{"statusCode":4025,"statusMessage":"THROTTLING"}"#, AGAIN, "THROTTLING (4025)"),
            (
                200,
                r#"{"statusCode":4026,"statusMessage":"MAX_SMS_PER_MESSAGE_EXCEEDED"}"#,
                CONFIGURATION,
                "MAX_SMS_PER_MESSAGE_EXCEEDED (4026)",
            ),
            (
                200,
                r#"{"statusCode":4029,"statusMessage":"RECIPIENTS_NOT_ALLOWED"}"#,
                PERMANENT,
                "RECIPIENTS_NOT_ALLOWED (4029)",
            ),
            (
                200,
                r#"{"statusCode":4031,"statusMessage":"RECIPIENT_BLACKLISTED"}"#,
                PERMANENT,
                "RECIPIENT_BLACKLISTED (4031)",
            ),
            (200, r#"{"statusCode":4035,"statusMessage":"SMS_DISABLED"}"#, CONFIGURATION, "SMS_DISABLED (4035)"),
            (200, r#"{"statusCode":4042,"statusMessage":"QUALITY_BLOCK"}"#, CONFIGURATION, "QUALITY_BLOCK (4042)"),
            (200, r#"{"statusCode":4043,"statusMessage":"SPAM_BLOCK"}"#, CONFIGURATION, "SPAM_BLOCK (4043)"),
            // Without a word the number has to do.
            (200, r#"{"statusCode":4029}"#, PERMANENT, "refused with error 4029"),
            (200, r#"{"statusCode":5000,"statusMessage":"INTERNAL_ERROR"}"#, AGAIN, "INTERNAL_ERROR (5000)"),
            (401, "", CONFIGURATION, "refused (401)"),
        ],
    }
    .shown();
}

#[test]
fn websms_at_the_newer_host_with_a_token() {
    Page {
        driver: "websms",
        fields: &[("token", "FAKE-TOKEN"), ("api_url", "https://api.linkmobility.eu")],
        request: r#"POST https://api.linkmobility.eu/rest/smsmessaging/text
authorization: Bearer FAKE-TOKEN
content-type: application/json

{"messageContent":"314159\nfor matoken & co","test":false,"recipientAddressList":["4915112345678"]}"#,
        taken: &[(200, r#"{"statusCode":2000,"statusMessage":"OK"}"#)],
        refused: &[],
    }
    .shown();
}

#[test]
fn twilio() {
    let page = Page {
        driver: "twilio",
        fields: &[
            ("account_sid", "AC00000000000000000000000000000000"),
            ("auth_token", "FAKE-TOKEN"),
            ("from", "+15550100"),
        ],
        request: r#"POST https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json
authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDpGQUtFLVRPS0VO
content-type: application/x-www-form-urlencoded

To=%2B4915112345678&From=%2B15550100&Body=314159%0Afor%20matoken%20%26%20co"#,
        taken: &[
            (201, r#"{"sid":"SM1","status":"queued","error_code":null,"error_message":null}"#),
            (201, r#"{"sid":"SM1","status":"accepted","error_code":null}"#),
        ],
        refused: &[
            (
                201,
                r#"{"sid":"SM1","status":"failed","error_code":30008,"error_message":"Unknown error"}"#,
                CONFIGURATION,
                "Unknown error (30008)",
            ),
            (401, r#"{"code":20003,"message":"Authenticate","status":401}"#, CONFIGURATION, "Authenticate (20003)"),
            (
                400,
                r#"{"code":21211,"message":"The 'To' number is not a valid phone number.","status":400}"#,
                PERMANENT,
                "not a valid phone number. (21211)",
            ),
            (
                400,
                r#"{"code":21408,"message":"Permission to send an SMS has not been enabled for the region","status":400}"#,
                CONFIGURATION,
                "region (21408)",
            ),
            (
                400,
                r#"{"code":21608,"message":"The number is unverified","status":400}"#,
                CONFIGURATION,
                "unverified (21608)",
            ),
            (
                400,
                r#"{"code":21610,"message":"Attempt to send to unsubscribed recipient","status":400}"#,
                PERMANENT,
                "unsubscribed recipient (21610)",
            ),
            (429, r#"{"code":20429,"message":"Too Many Requests","status":429}"#, AGAIN, "Too Many Requests"),
            (503, "", UNREACHABLE, "(503)"),
        ],
    };
    page.shown();
    assert_eq!(
        page.asked(200, r#"{"friendly_name":"Example","status":"active"}"#),
        (
            true,
            "account Example, active".into(),
            "GET /2010-04-01/Accounts/AC00000000000000000000000000000000.json".into()
        )
    );
    assert_eq!(
        page.asked(401, r#"{"code":20003,"message":"Authenticate"}"#),
        (
            false,
            "Authenticate (20003)".into(),
            "GET /2010-04-01/Accounts/AC00000000000000000000000000000000.json".into()
        )
    );
}

#[test]
fn vonage() {
    let page = Page {
        driver: "vonage",
        fields: &[("api_key", "FAKE1234"), ("api_secret", "FAKE-SECRET")],
        request: r#"POST https://rest.nexmo.com/sms/json
content-type: application/x-www-form-urlencoded

api_key=FAKE1234&api_secret=FAKE-SECRET&from=Herald&to=4915112345678&text=314159%0Afor%20matoken%20%26%20co"#,
        taken: &[(200, r#"{"message-count":"1","messages":[{"to":"4915112345678","message-id":"0A","status":"0"}]}"#)],
        refused: &[
            (200, r#"{"message-count":"1","messages":[{"status":"1","error-text":"Throttled"}]}"#, AGAIN, "Throttled"),
            (
                200,
                r#"{"message-count":"1","messages":[{"status":"2","error-text":"Missing to param"}]}"#,
                CONFIGURATION,
                "Missing to param",
            ),
            (
                200,
                r#"{"message-count":"1","messages":[{"status":"3","error-text":"Invalid from param"}]}"#,
                CONFIGURATION,
                "Invalid from param",
            ),
            (
                200,
                r#"{"message-count":"1","messages":[{"status":"4","error-text":"Bad Credentials"}]}"#,
                CONFIGURATION,
                "Bad Credentials",
            ),
            (
                200,
                r#"{"message-count":"1","messages":[{"status":"5","error-text":"Internal Error"}]}"#,
                AGAIN,
                "Internal Error",
            ),
            (
                200,
                r#"{"message-count":"1","messages":[{"status":"7","error-text":"Number barred"}]}"#,
                PERMANENT,
                "Number barred",
            ),
            (
                200,
                r#"{"message-count":"1","messages":[{"status":"9","error-text":"Quota Exceeded - rejected"}]}"#,
                CONFIGURATION,
                "Quota Exceeded - rejected",
            ),
            (
                200,
                r#"{"message-count":"2","messages":[{"status":"0"},{"status":"5","error-text":"Internal Error"}]}"#,
                CONFIGURATION,
                "Internal Error",
            ),
            (200, r#"{"message-count":"0","messages":[]}"#, UNCLEAR, "none of this"),
        ],
    };
    page.shown();
    assert_eq!(
        page.asked(200, r#"{"value":10.28,"autoReload":false}"#),
        (true, "balance 10.28 EUR".into(), "GET /account/get-balance?api_key=FAKE1234&api_secret=FAKE-SECRET".into())
    );
    assert_eq!(
        page.asked(401, r#"{"error-code":"401"}"#),
        (
            false,
            "refused (401) without a word: are URL and login right?".into(),
            "GET /account/get-balance?api_key=FAKE1234&api_secret=FAKE-SECRET".into()
        )
    );
}

#[test]
fn messagebird() {
    let page = Page {
        driver: "messagebird",
        fields: &[("access_key", "FAKE-KEY")],
        request: r#"POST https://rest.messagebird.com/messages
authorization: AccessKey FAKE-KEY
content-type: application/json

{"originator":"Herald","body":"314159\nfor matoken & co","recipients":["4915112345678"],"datacoding":"auto"}"#,
        taken: &[(
            201,
            r#"{"id":"e8077d803532c0b5937c639b60216938","recipients":{"totalSentCount":1,"items":[{"recipient":4915112345678,"status":"sent"}]}}"#,
        )],
        refused: &[
            (
                401,
                r#"{"errors":[{"code":2,"description":"Request not allowed (incorrect access_key)","parameter":"access_key"}]}"#,
                CONFIGURATION,
                "Request not allowed",
            ),
            (
                422,
                r#"{"errors":[{"code":9,"description":"no (correct) recipients found","parameter":"recipients"}]}"#,
                PERMANENT,
                "recipients found (9)",
            ),
            (
                422,
                r#"{"errors":[{"code":10,"description":"originator is invalid","parameter":"originator"}]}"#,
                CONFIGURATION,
                "originator is invalid (10)",
            ),
            (
                422,
                r#"{"errors":[{"code":10,"description":"recipient is invalid","parameter":"recipients"}]}"#,
                PERMANENT,
                "recipient is invalid (10)",
            ),
            (
                404,
                r#"{"errors":[{"code":20,"description":"not found","parameter":null}]}"#,
                CONFIGURATION,
                "not found (20)",
            ),
            (
                402,
                r#"{"errors":[{"code":25,"description":"Not enough balance","parameter":null}]}"#,
                CONFIGURATION,
                "Not enough balance (25)",
            ),
            (201, r#"{"id":"e8","recipients":{"items":[{"status":"delivery_failed"}]}}"#, UNCLEAR, "none of this"),
        ],
    };
    page.shown();
    assert_eq!(
        page.asked(200, r#"{"payment":"prepaid","type":"credits","amount":9.2}"#),
        (true, "balance 9.2 credits".into(), "GET /balance".into())
    );
}

#[test]
fn bird() {
    Page {
        driver: "bird",
        fields: &[("access_key", "FAKE-KEY"), ("workspace", "a1b2"), ("bird_channel", "c3d4")],
        request: r#"POST https://api.bird.com/workspaces/a1b2/channels/c3d4/messages
authorization: AccessKey FAKE-KEY
content-type: application/json

{"receiver":{"contacts":[{"identifierKey":"phonenumber","identifierValue":"+4915112345678"}]},"body":{"type":"text","text":{"text":"314159\nfor matoken & co"}}}"#,
        taken: &[(202, r#"{"id":"e1d1","status":"accepted"}"#)],
        refused: &[
            (401, r#"{"code":"Unauthorized","message":"invalid access key"}"#, CONFIGURATION, "invalid access key (Unauthorized)"),
            (422, r#"{"code":"InvalidPayload","message":"invalid","details":{"receiver":["no such contact"]}}"#, CONFIGURATION, "no such contact"),
        ],
    }
    .shown();
}
