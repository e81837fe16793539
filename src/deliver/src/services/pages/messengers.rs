//! Messengers whose servers want no more than one request.

use super::{AGAIN, CONFIGURATION, PERMANENT, Page, UNREACHABLE, message, send};
use crate::services::pages::server::Server;
use herald_core::courier::End;
use std::time::Duration;

const AGAIN_IN_30_S: End = End::TryAgain { after: Some(Duration::from_secs(30)) };

#[test]
fn telegram_gateway() {
    let page = Page {
        driver: "telegram-gateway",
        fields: &[("token", "FAKE-TOKEN"), ("own_number", "+4915100000000")],
        request: r#"POST https://gatewayapi.telegram.org/sendVerificationMessage
authorization: Bearer FAKE-TOKEN
content-type: application/x-www-form-urlencoded

phone_number=%2B4915112345678&code=314159&ttl=300"#,
        taken: &[(
            200,
            r#"{"ok":true,"result":{"request_id":"1","phone_number":"4915112345678","request_cost":0.01,"remaining_balance":9.9,"delivery_status":{"status":"sent","updated_at":1740000000}}}"#,
        )],
        refused: &[
            (200, r#"{"ok":false,"error":"ACCESS_TOKEN_INVALID"}"#, CONFIGURATION, "ACCESS_TOKEN_INVALID"),
            (401, r#"{"ok":false,"error":"ACCESS_TOKEN_INVALID"}"#, CONFIGURATION, "ACCESS_TOKEN_INVALID"),
            (200, r#"{"ok":false,"error":"PHONE_NUMBER_INVALID"}"#, PERMANENT, "PHONE_NUMBER_INVALID"),
            (200, r#"{"ok":false,"error":"BALANCE_NOT_ENOUGH"}"#, CONFIGURATION, "BALANCE_NOT_ENOUGH"),
            (200, r#"{"ok":false,"error":"FLOOD_WAIT_30"}"#, AGAIN_IN_30_S, "FLOOD_WAIT_30"),
        ],
    };
    page.shown();
    assert_eq!(
        page.asked(200, r#"{"ok":true,"result":{"request_id":"1","request_cost":0,"remaining_balance":9.9}}"#),
        (true, "balance 9.9".into(), "POST /checkSendAbility".into())
    );
    assert_eq!(
        page.asked(200, r#"{"ok":false,"error":"ACCESS_TOKEN_INVALID"}"#),
        (false, "ACCESS_TOKEN_INVALID".into(), "POST /checkSendAbility".into())
    );
}

#[test]
fn whatsapp_business() {
    let page = Page {
        driver: "whatsapp-business",
        fields: &[
            ("phone_number_id", "100000000000000"),
            ("access_token", "FAKE-TOKEN"),
            ("template", "login_code"),
            ("template_language", "en_US"),
        ],
        request: r#"POST https://graph.facebook.com/v22.0/100000000000000/messages
authorization: Bearer FAKE-TOKEN
content-type: application/json

{"messaging_product":"whatsapp","to":"4915112345678","type":"template","template":{"name":"login_code","language":{"code":"en_US"},"components":[{"type":"body","parameters":[{"type":"text","text":"314159"}]}]}}"#,
        taken: &[(
            200,
            r#"{"messaging_product":"whatsapp","contacts":[{"input":"4915112345678","wa_id":"4915112345678"}],"messages":[{"id":"wamid.FAKE"}]}"#,
        )],
        refused: &[
            (
                401,
                r#"{"error":{"message":"Error validating access token","type":"OAuthException","code":190}}"#,
                CONFIGURATION,
                "Error validating access token (190)",
            ),
            (
                400,
                r#"{"error":{"message":"(#131026) Message undeliverable","code":131026,"error_data":{"details":"Message Undeliverable."}}}"#,
                PERMANENT,
                "Message Undeliverable. (131026)",
            ),
            (400, r#"{"error":{"message":"(#130429) Rate limit hit","code":130429}}"#, AGAIN, "Rate limit hit"),
            (
                404,
                r#"{"error":{"message":"Template name does not exist","code":132001}}"#,
                CONFIGURATION,
                "Template name does not exist (132001)",
            ),
        ],
    };
    page.shown();
    assert_eq!(
        page.asked(200, r#"{"verified_name":"Example","display_phone_number":"+1 555 0100","id":"100000000000000"}"#),
        (true, "Example +1 555 0100".into(), "GET /v22.0/100000000000000".into())
    );
}

#[test]
fn whatsapp_business_with_the_button_of_an_authentication_template() {
    Page {
        driver: "whatsapp-business",
        fields: &[("phone_number_id", "100000000000000"), ("access_token", "FAKE-TOKEN"), ("template", "login_code"), ("button", "0")],
        request: r#"POST https://graph.facebook.com/v22.0/100000000000000/messages
authorization: Bearer FAKE-TOKEN
content-type: application/json

{"messaging_product":"whatsapp","to":"4915112345678","type":"template","template":{"name":"login_code","language":{"code":"en"},"components":[{"type":"body","parameters":[{"type":"text","text":"314159"}]},{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"314159"}]}]}}"#,
        taken: &[(200, r#"{"messages":[{"id":"wamid.FAKE"}]}"#)],
        refused: &[
        ],
    }
    .shown();
}

#[test]
fn gowhatsapp() {
    let page = Page {
        driver: "gowhatsapp",
        fields: &[
            ("url", "http://127.0.0.1:3000"),
            ("user", "FAKE-USER"),
            ("password", "FAKE-PASSWORD"),
            ("device_id", "phone"),
        ],
        request: r#"POST http://127.0.0.1:3000/send/message
authorization: Basic RkFLRS1VU0VSOkZBS0UtUEFTU1dPUkQ=
content-type: application/json
x-device-id: phone

{"phone":"4915112345678@s.whatsapp.net","message":"314159\nfor matoken & co"}"#,
        taken: &[(200, r#"{"code":"SUCCESS","message":"Message sent","results":{"message_id":"3EB0"}}"#)],
        refused: &[
            (401, "Unauthorized", CONFIGURATION, "refused (401)"),
            (
                500,
                r#"{"code":"INTERNAL_SERVER_ERROR","message":"you are not logged in"}"#,
                UNREACHABLE,
                "you are not logged in",
            ),
            (
                401,
                r#"{"status":401,"code":"AUTHENTICATION_ERROR","message":"you are not logged in"}"#,
                CONFIGURATION,
                "you are not logged in (AUTHENTICATION_ERROR)",
            ),
            (
                400,
                r#"{"status":400,"code":"INVALID_JID","message":"Phone is not on whatsapp","results":null}"#,
                PERMANENT,
                "is not on whatsapp (INVALID_JID)",
            ),
            (
                429,
                r#"{"status":429,"code":"WA_REACHOUT_TIMELOCK","message":"WhatsApp rejected this send with error 463"}"#,
                AGAIN,
                "error 463 (WA_REACHOUT_TIMELOCK)",
            ),
            (
                400,
                r#"{"status":400,"code":"DEVICE_ID_REQUIRED","message":"device_id is required"}"#,
                CONFIGURATION,
                "device_id is required (DEVICE_ID_REQUIRED)",
            ),
            (
                404,
                r#"{"status":404,"code":"DEVICE_NOT_FOUND","message":"device not found"}"#,
                CONFIGURATION,
                "device not found (DEVICE_NOT_FOUND)",
            ),
        ],
    };
    page.shown();
    let devices = "GET /devices".to_owned();
    assert_eq!(
        page.asked(
            200,
            r#"{"status":200,"code":"SUCCESS","message":"List devices","results":[{"id":"phone","state":"logged_in"}]}"#
        ),
        (true, "first device phone, logged_in".into(), devices.clone())
    );
    let (ok, _, asked) = page.asked(200, r#"{"status":200,"code":"SUCCESS","message":"List devices","results":[]}"#);
    assert!(!ok && asked == devices, "nothing is paired");
    assert_eq!(
        page.asked(401, "Unauthorized"),
        (false, "refused (401) without a word: are URL and login right?".into(), devices)
    );
}

#[test]
fn prosody_rest_takes_the_address_into_its_path() {
    let page = Page {
        driver: "prosody-rest",
        fields: &[
            ("url", "https://jabber.example.org/rest/message/chat"),
            ("user", "herald"),
            ("password", "FAKE-PASSWORD"),
        ],
        request: "",
        taken: &[],
        refused: &[],
    };
    let returned = "<message type='error' to='herald@jabber.example.org' from='alice@jabber.example.org'><error \
                    type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>";
    let server = Server::start();
    let gateway = page.gateway(&server);
    for (status, body, end, words) in [
        (202, "", End::Delivered, ""),
        (201, "", End::Delivered, ""),
        // What comes back at once comes back as an answer, with the status of an answer.
        (200, returned, PERMANENT, "service-unavailable"),
        (422, "Invalid destination JID", PERMANENT, "Invalid destination JID"),
        (401, "", CONFIGURATION, "refused (401)"),
        (403, "Credentials not accepted", CONFIGURATION, "Credentials not accepted"),
        (404, "", CONFIGURATION, "refused (404)"),
        (503, "", UNREACHABLE, "the service is out of order (503)"),
    ] {
        server.answer(status, body);
        let tried = send(&gateway, "alice@jabber.example.org", message());
        assert_eq!((tried.end, tried.detail.as_str()), (end, words), "{status}");
    }
    assert_eq!(
        server.request(),
        "POST /rest/message/chat/alice@jabber.example.org\nauthorization: Basic aGVyYWxkOkZBS0UtUEFTU1dPUkQ=\ncontent-type: \
         text/plain\n\n314159\nfor matoken & co"
    );
}
