//! Servers that an admin runs.

use super::{AGAIN, CONFIGURATION, Page};

#[test]
fn playsms() {
    Page {
        driver: "playsms",
        fields: &[("url", "https://sms.example.org/index.php"), ("user", "admin"), ("token", "FAKE-TOKEN")],
        request: r#"GET https://sms.example.org/index.php?app=ws&u=admin&h=FAKE-TOKEN&op=pv&to=%2B4915112345678&msg=314159%0Afor%20matoken%20%26%20co

"#,
        taken: &[(200, r#"{"data":[{"status":"OK","error":"0","smslog_id":"16","queue":"d2b","to":"+4915112345678"}],"error_string":null,"timestamp":1416806234}"#)],
        refused: &[
            (200, r#"{"status":"ERR","error":"100","error_string":"authentication failed","timestamp":1416806234}"#, CONFIGURATION, "authentication failed (100)"),
            (200, r#"{"status":"ERR","error":"101","error_string":"type of action is invalid or unknown","timestamp":1416806234}"#, CONFIGURATION, "type of action is invalid or unknown (101)"),
            (200, r#"{"status":"ERR","error":"102","error_string":"one or more field empty","timestamp":1416806234}"#, CONFIGURATION, "one or more field empty (102)"),
            (200, r#"{"status":"ERR","error":"103","error_string":"not enough credit for this operation","timestamp":1416806234}"#, CONFIGURATION, "not enough credit for this operation (103)"),
            (200, r#"{"status":"ERR","error":"104","error_string":"webservice token is not available","timestamp":1416806234}"#, CONFIGURATION, "webservice token is not available (104)"),
            (200, r#"{"status":"ERR","error":"105","error_string":"webservice token not enable for this user","timestamp":1416806234}"#, CONFIGURATION, "webservice token not enable for this user (105)"),
            (200, r#"{"status":"ERR","error":"106","error_string":"webservice token not allowed from this IP address","timestamp":1416806234}"#, CONFIGURATION, "webservice token not allowed from this IP address (106)"),
            (200, r#"{"status":"ERR","error":"201","error_string":"destination or message is empty","timestamp":1416806234}"#, CONFIGURATION, "destination or message is empty (201)"),
            (200, r#"{"data":[{"status":"ERR","error":"103","smslog_id":"0","queue":"0","to":"+4915112345678"}],"error_string":null,"timestamp":1416806234}"#, CONFIGURATION, "refused with error 103"),
            (200, r#"{"data":[{"status":"ERR","error":"200","smslog_id":"0"}]}"#, AGAIN, "refused with error 200"),
        ],
    }
    .shown();
}

#[test]
fn puzzel() {
    Page {
        driver: "puzzel",
        fields: &[("url", "https://puzzel.example.org/gw/rs/sendMessages"), ("user", "FAKE-USER"), ("password", "FAKE-PASSWORD"), ("service_id", "1000")],
        request: r#"GET https://puzzel.example.org/gw/rs/sendMessages?username=FAKE-USER&password=FAKE-PASSWORD&message%5B0%5D.recipient=%2B4915112345678&message%5B0%5D.content=314159%0Afor%20matoken%20%26%20co&serviceId=1000
accept: application/json

"#,
        taken: &[(200, r#"{"batchReference":"a","messageStatus":[{"statusCode":1,"statusMessage":"Message enqueued for sending","recipient":"+4915112345678"}]}"#), (200, r#"<ns2:response xmlns:ns2="urn:x"><messageStatus><statusCode>1</statusCode><statusMessage>Message enqueued for sending</statusMessage></messageStatus></ns2:response>"#)],
        refused: &[
            (200, r#"{"messageStatus":[{"statusCode":12,"statusMessage":"Invalid recipient"}]}"#, CONFIGURATION, "Invalid recipient (12)"),
            (200, "<r><messageStatus><statusCode>10</statusCode><statusMessage>Not allowed</statusMessage></messageStatus></r>", CONFIGURATION, "Not allowed (10)"),
            (401, "", CONFIGURATION, "refused (401)"),
        ],
    }
    .shown();
}

#[test]
fn kannel() {
    Page {
        driver: "kannel",
        fields: &[("url", "http://127.0.0.1:13013/cgi-bin/sendsms"), ("user", "FAKE-USER"), ("password", "FAKE-PASSWORD"), ("from", "100")],
        request: r#"GET http://127.0.0.1:13013/cgi-bin/sendsms?username=FAKE-USER&password=FAKE-PASSWORD&to=%2B4915112345678&text=314159%0Afor%20matoken%20%26%20co&charset=UTF-8&from=100

"#,
        taken: &[(202, "0: Accepted for delivery"), (202, "3: Queued for later delivery")],
        refused: &[
            (403, "Authorization failed for sendsms", CONFIGURATION, "Authorization failed for sendsms"),
            (403, "Not routable. Do not try again.", CONFIGURATION, "Not routable"),
            (400, "Missing receiver number, rejected", CONFIGURATION, "Missing receiver"),
            (400, "Sender missing and no global set, rejected", CONFIGURATION, "Sender missing"),
            (503, "Temporal failure, try again later.", AGAIN, "Temporal failure"),
        ],
    }
    .shown();
}
