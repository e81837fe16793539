//! Who pressed START behind a link (<https://core.telegram.org/bots/features#deep-linking>).
//!
//! A link `https://t.me/BOT?start=NONCE` makes the person's client write `/start NONCE` to the bot. `getUpdates` shows
//! what was written; without an `offset` it confirms nothing, so whoever else reads this bot's updates still gets them.

use crate::http::Reply;
use herald_core::courier::ChatSearch;
use herald_core::text::display_line;
use serde_json::Value;

/// As many updates as one `getUpdates` gives at most, the oldest first: more than that hide ours.
pub(super) const MOST_UPDATES: u32 = 100;

/// The person who wrote `/start NONCE` to the bot, alone with it. Groups, channels, other bots, and everything that only
/// looks like it change nothing.
pub(super) fn chat_behind(updates: &Value, nonce: &str) -> ChatSearch {
    let updates = updates.as_array().map(Vec::as_slice).unwrap_or_default();
    let wanted = format!("/start {nonce}");
    let found = updates.iter().filter_map(|update| update.get("message")).find_map(|message| {
        let from = message.get("from")?;
        let chat = message.get("chat")?;
        let id = chat.get("id")?.as_i64().filter(|id| *id > 0)?;
        let alone = chat.get("type")?.as_str()? == "private" && from.get("id")?.as_i64()? == id;
        let person = from.get("is_bot").and_then(Value::as_bool) == Some(false);
        let ours = message.get("text")?.as_str()? == wanted && !nonce.is_empty();
        (alone && person && ours).then(|| ChatSearch::Found { address: id.to_string(), name: name(from) })
    });
    found.unwrap_or(ChatSearch::NotYet { others: u32::try_from(updates.len()).unwrap_or(u32::MAX) })
}

fn name(from: &Value) -> String {
    let part = |key: &str| from.get(key).and_then(Value::as_str).map(|text| display_line(text, 64)).unwrap_or_default();
    let called = [part("first_name"), part("last_name")].join(" ").trim().to_owned();
    match part("username") {
        user if user.is_empty() => called,
        user if called.is_empty() => format!("@{user}"),
        user => format!("{called} (@{user})"),
    }
}

/// 409: somebody else takes the updates (Bot API, `getUpdates`; the texts are the server's own).
pub(super) fn taken(reply: &Reply, words: &str) -> Option<String> {
    if reply.status.as_u16() != 409 {
        return None;
    }
    let mend = if words.contains("webhook") {
        "this bot has a webhook: delete it (deleteWebhook), or make a bot of its own for Herald"
    } else {
        "another program reads this bot's updates: stop it for a moment, or make a bot of its own for Herald"
    };
    Some(mend.to_owned())
}

/// The id behind the newest update, with which `offset` forgets all of them.
pub(super) fn behind_all(updates: &Value) -> Option<i64> {
    let ids = updates.as_array()?.iter().filter_map(|update| update.get("update_id")?.as_i64());
    ids.max().map(|newest| newest.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NONCE: &str = "FAKE-NONCE-OF-THE-UNIT-TESTS";

    fn start(text: &str, chat: i64, kind: &str, from: i64, bot: bool) -> Value {
        json!({ "update_id": 7, "message": {
            "text": text, "chat": { "id": chat, "type": kind },
            "from": { "id": from, "is_bot": bot, "first_name": "Alice", "username": "alice" },
        }})
    }

    #[test]
    fn the_person_behind_the_link_is_found_among_strangers() {
        let updates = json!([
            start("/start", 1, "private", 1, false),
            { "update_id": 8, "my_chat_member": {} },
            start(&format!("/start {NONCE}"), 475_721_977, "private", 475_721_977, false),
        ]);
        assert_eq!(
            chat_behind(&updates, NONCE),
            ChatSearch::Found { address: "475721977".into(), name: "Alice (@alice)".into() }
        );
        assert_eq!(behind_all(&updates), Some(9));
    }

    #[test]
    fn a_wrong_nonce_a_group_a_bot_and_somebody_elses_start_change_nothing() {
        let ours = format!("/start {NONCE}");
        for stranger in [
            start("/start FAKE-NONCE-OF-THE-UNIT-TESTZ", 5, "private", 5, false),
            start(&format!("{ours} "), 5, "private", 5, false),
            start("/start ", 5, "private", 5, false),
            start(NONCE, 5, "private", 5, false),
            start(&ours, -5, "group", 5, false),
            start(&ours, 5, "supergroup", 5, false),
            start(&ours, 6, "private", 5, false),
            start(&ours, 5, "private", 5, true),
            json!({ "update_id": 1, "message": {} }),
            json!(null),
        ] {
            assert_eq!(chat_behind(&json!([stranger]), NONCE), ChatSearch::NotYet { others: 1 }, "{stranger}");
        }
        assert_eq!(
            chat_behind(&json!([start("/start ", 5, "private", 5, false)]), ""),
            ChatSearch::NotYet { others: 1 }
        );
        assert_eq!(chat_behind(&json!("nonsense"), NONCE), ChatSearch::NotYet { others: 0 });
    }
}
