//! Services of one country or one company.

use super::{AGAIN, CONFIGURATION, PERMANENT, Page, UNCLEAR, UNREACHABLE};

#[test]
fn cegedim_vortext() {
    Page {
        driver: "cegedim-vortext",
        fields: &[("user", "FAKE-USER"), ("password", "FAKE-PASSWORD")],
        request: r#"POST https://messages.cloud.cegedim.com/sms
authorization: Basic RkFLRS1VU0VSOkZBS0UtUEFTU1dPUkQ=
content-type: application/json

{"message":"314159\nfor matoken & co","phoneNumber":"+4915112345678"}"#,
        taken: &[(200, r#"{"messageId":"0d3b2c6e"}"#), (201, r#"{"messageId":17}"#)],
        refused: &[
            (200, r#"{"messageId":""}"#, UNCLEAR, "none of this"),
            (401, r#"{"error":"Unauthorized"}"#, CONFIGURATION, "Unauthorized"),
            (200, r#"{"message":"unknown number"}"#, CONFIGURATION, "unknown number"),
        ],
    }
    .shown();
}

#[test]
fn clockwork() {
    Page {
        driver: "clockwork",
        fields: &[("key", "FAKE-KEY"), ("from", "Herald")],
        request: r#"POST https://api.clockworksms.com/http/send.aspx
content-type: application/x-www-form-urlencoded

key=FAKE-KEY&to=4915112345678&content=314159%0Afor%20matoken%20%26%20co&from=Herald"#,
        taken: &[(200, "To: 441234567890 ID: AB_12345")],
        refused: &[
            (200, "Invalid Username Or Password", CONFIGURATION, "Invalid Username Or Password"),
            (200, "To: zzz Error 10: Invalid 'To' Parameter", PERMANENT, "Invalid 'To' Parameter (10)"),
        ],
    }
    .shown();
}

#[test]
fn ecall() {
    Page {
        driver: "ecall",
        fields: &[("username", "FAKE-USER"), ("password", "FAKE-PASSWORD")],
        request: r#"POST https://url.ecall.ch/api/sms
content-type: application/x-www-form-urlencoded

username=FAKE-USER&password=FAKE-PASSWORD&address=004915112345678&message=314159%0Afor%20matoken%20%26%20co"#,
        taken: &[(200, "OK"), (200, "ResultCode: 0\r\nResultText: OK")],
        refused: &[
            (200, "ResultCode: 11100\r\nResultText: AdrAdCInvalid", PERMANENT, "AdrAdCInvalid (11100)"),
            (
                400,
                r#"ResultCode: 11100
ResultText: AdrAdCInvalid"#,
                PERMANENT,
                "AdrAdCInvalid (11100)",
            ),
            (
                400,
                r#"ResultCode: 11000
ResultText: SyntaxError"#,
                CONFIGURATION,
                "SyntaxError (11000)",
            ),
            (401, "", CONFIGURATION, "refused (401)"),
            (403, "", CONFIGURATION, "refused (403)"),
            (500, "", UNREACHABLE, "(500)"),
        ],
    }
    .shown();
}

#[test]
fn serwersms() {
    Page {
        driver: "serwersms",
        fields: &[("user", "webapi_fake"), ("password", "FAKE-PASSWORD"), ("sender", "Herald")],
        request: r#"POST https://api2.serwersms.pl/messages/send_sms
content-type: application/json

{"username":"webapi_fake","password":"FAKE-PASSWORD","phone":"+4915112345678","text":"314159\nfor matoken & co","sender":"Herald"}"#,
        taken: &[(200, r#"{"success":true,"queued":1,"unsent":0}"#)],
        refused: &[
            (200, r#"{"success":false}"#, UNCLEAR, "none of this"),
            (200, r#"{"error":{"code":1001,"type":"NotAuthorized","message":"Invalid username or password"}}"#, CONFIGURATION, "Invalid username or password (1001)"),
        ],
    }
    .shown();
}

#[test]
fn sipgate() {
    Page {
        driver: "sipgate",
        fields: &[("token_id", "token-FAKE"), ("access_token", "FAKE-TOKEN"), ("extension", "s0")],
        request: r#"POST https://api.sipgate.com/v2/sessions/sms
accept: application/json
authorization: Basic dG9rZW4tRkFLRTpGQUtFLVRPS0VO
content-type: application/json

{"smsId":"s0","message":"314159\nfor matoken & co","recipient":"+4915112345678"}"#,
        taken: &[(204, "")],
        refused: &[
            (401, "", CONFIGURATION, "refused (401)"),
            (402, "", CONFIGURATION, "refused (402)"),
            (403, r#"{"message":"missing scope"}"#, CONFIGURATION, "missing scope"),
            (429, "", AGAIN, "too many"),
        ],
    }
    .shown();
}

#[test]
fn voipms() {
    let page = Page {
        driver: "voipms",
        fields: &[("user", "admin@example.org"), ("password", "FAKE-PASSWORD"), ("did", "6135550100")],
        request: r#"GET https://voip.ms/api/v1/rest.php?api_username=admin%40example.org&api_password=FAKE-PASSWORD&method=sendSMS&did=6135550100&dst=4915112345678&message=314159%0Afor%20matoken%20%26%20co

"#,
        taken: &[(200, r#"{"status":"success","sms":23434}"#)],
        refused: &[
            (200, r#"{"status":"invalid_dst"}"#, PERMANENT, "invalid_dst"),
            (200, r#"{"status":"invalid_credentials"}"#, CONFIGURATION, "invalid_credentials"),
            (200, r#"{"status":"ip_not_enabled"}"#, CONFIGURATION, "ip_not_enabled"),
            (200, r#"{"status":"limit_reached"}"#, AGAIN, "limit_reached"),
            (
                200,
                r#"{"status":"no_did","message":"This DID is unknown"}"#,
                CONFIGURATION,
                "This DID is unknown (no_did)",
            ),
        ],
    };
    page.shown();
    assert_eq!(
        page.asked(200, r#"{"status":"success","balance":{"current_balance":"12.34"}}"#),
        (
            true,
            "balance 12.34".into(),
            "GET /api/v1/rest.php?api_username=admin%40example.org&api_password=FAKE-PASSWORD&method=getBalance".into()
        )
    );
    assert_eq!(
        page.asked(200, r#"{"status":"invalid_credentials"}"#),
        (
            false,
            "refused with error invalid_credentials".into(),
            "GET /api/v1/rest.php?api_username=admin%40example.org&api_password=FAKE-PASSWORD&method=getBalance".into()
        )
    );
}

#[test]
fn voipbuster() {
    Page {
        driver: "voipbuster",
        fields: &[("user", "FAKE-USER"), ("password", "FAKE-PASSWORD"), ("from", "FAKE-USER")],
        request: r#"GET https://www.voipbuster.com/myaccount/sendsms.php?username=FAKE-USER&password=FAKE-PASSWORD&from=FAKE-USER&to=%2B4915112345678&text=314159%0Afor%20matoken%20%26%20co

"#,
        taken: &[(200, r#"<?xml version="1.0" encoding="utf-8"?>
<SmsResponse>
	<version>1</version>
	<result>1</result>
	<resultstring>success</resultstring>
	<description></description>
	<endcause></endcause>
</SmsResponse>"#)],
        refused: &[
            (200, "<SmsResponse><result>0</result><resultstring>failure</resultstring><description>Invalid number</description><endcause>79</endcause></SmsResponse>", CONFIGURATION, "Invalid number (79)"),
            (200, "<SmsResponse><result>0</result><resultstring>failure</resultstring><description/></SmsResponse>", CONFIGURATION, "failure"),
        ],
    }
    .shown();
}
