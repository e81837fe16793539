//! Japanese.

use super::{Change, Phrases, short_time};
use std::time::Duration;

pub(super) struct Japanese;

impl Phrases for Japanese {
    fn language(&self) -> &'static str {
        "ja"
    }

    fn channel(&self, channel: &str) -> String {
        match channel {
            "email" => "メール".to_owned(),
            "totp" => "認証アプリ".to_owned(),
            "backup" => "バックアップコード".to_owned(),
            other => super::brand(other),
        }
    }

    fn sends_a_code(&self, channel: &str) -> String {
        format!("{channel}でコードを送ります")
    }

    fn bare_code(&self) -> String {
        "コード: ".to_owned()
    }

    fn code_sent(&self, channel: &str, to: &str, ago: Option<Duration>) -> String {
        match ago.map(|ago| ago.as_secs()) {
            None => format!("{channel}で{to}にコードを送りました: "),
            Some(seconds) if seconds < 60 => format!("{seconds}秒前に{channel}で{to}にコードを送りました: "),
            Some(seconds) => format!("{minutes}分前に{channel}で{to}にコードを送りました: ", minutes = seconds / 60),
        }
    }

    fn enter_sends(&self, channel: &str) -> String {
        format!("Enterを押すと{channel}でコードを送ります: ")
    }

    fn app_shows_a_code(&self) -> String {
        "コードを表示します".to_owned()
    }

    fn backup_code_from_paper(&self) -> String {
        "一つにつき一回だけ使えます".to_owned()
    }

    fn code_from_app(&self) -> String {
        "アプリのコード: ".to_owned()
    }

    fn backup_code(&self) -> String {
        "バックアップコード: ".to_owned()
    }

    fn backup_codes_not_now(&self) -> String {
        "今はバックアップコードを使えません。".to_owned()
    }

    fn backup_codes_left(&self, left: usize, few: bool) -> String {
        let codes = format!("バックアップコードは残り{left}個です。");
        let more = if few { "作り直すには: herald backup-codes" } else { "" };
        format!("{codes}{more}")
    }

    fn wrong(&self, tries_left: u32) -> String {
        format!("違います。あと{tries_left}回。")
    }

    fn wrong_answer(&self) -> String {
        "違います。".to_owned()
    }

    fn already_used(&self) -> String {
        "使用済みのコードです。".to_owned()
    }

    fn no_longer_good(&self) -> String {
        "期限切れのコードです。".to_owned()
    }

    fn wait_to_resend(&self, wait: Duration) -> String {
        format!("再送まで{time}。", time = short_time(wait))
    }

    fn channel_failed(&self, channels: &[String]) -> String {
        format!("{channels}では送れませんでした。", channels = channels.join(", "))
    }

    fn no_more_codes(&self) -> String {
        "今はこれ以上送れません。".to_owned()
    }

    fn help(&self, choices: &[String]) -> String {
        let mut text = "届いたコードを入力してください。rで再送します。".to_owned();
        for choice in choices {
            text.push('\n');
            text.push_str(choice);
        }
        if choices.len() > 1 {
            text.push_str("\n番号か名前で切り替えます。");
        }
        text.push('\n');
        text
    }

    fn refused(&self) -> String {
        "ログインできません。".to_owned()
    }

    fn nothing_typed(&self) -> String {
        "コードが入力されませんでした。".to_owned()
    }

    fn tries_used_up(&self) -> String {
        "コードが違います。これ以上は試せません。".to_owned()
    }

    fn locked(&self, left: Duration) -> String {
        format!("コードの間違いが多すぎます。{time}の間ロックします。", time = short_time(left))
    }

    fn budget_used_up(&self, left: Duration) -> String {
        format!("コードを送りすぎました。{time}後にお試しください。", time = short_time(left))
    }

    fn unenrolled(&self, user: &str) -> String {
        format!(
            "{user}には二つ目の要素が登録されていません。管理者に次の実行を頼んでください: herald enroll telegram --user {user}"
        )
    }

    fn undelivered(&self) -> String {
        "コードを届けられませんでした。一分後に試すか、管理者に連絡してください。".to_owned()
    }

    fn set_up_broken(&self) -> String {
        "二要素ログインの設定に誤りがあります。管理者に次の実行を頼んでください: herald config check".to_owned()
    }

    fn could_not_check(&self) -> String {
        "二つ目の要素を確認できませんでした。もう一度試すか、管理者に連絡してください。".to_owned()
    }

    fn copy_code(&self) -> String {
        "コードをコピー".to_owned()
    }

    fn message_host(&self, host: &str) -> String {
        format!("{host}へのログイン")
    }

    fn message_service(&self, service: &str) -> String {
        format!("サービス: {service}")
    }

    fn message_user(&self, user: &str, by: Option<&str>) -> String {
        match by {
            None => format!("ユーザー: {user}"),
            Some(by) => format!("ユーザー: {user} ({by}の要求)"),
        }
    }

    fn message_origin(&self, rhost: &str) -> String {
        format!("接続元: {rhost}")
    }

    fn message_lifetime(&self, lifetime: Duration) -> String {
        format!("有効期間 {time}", time = short_time(lifetime))
    }

    fn message_warning(&self, host: &str) -> String {
        format!("{host}以外では入力しないでください。")
    }

    fn message_advice(&self) -> String {
        "心当たりがなければパスワードが漏れています。すぐに変更し、管理者に連絡してください。".to_owned()
    }

    fn notice_locked(&self, user: &str, host: &str, length: Duration) -> String {
        format!(
            "{host}の{user}を{time}の間ロックしました。間違ったコードが続いたためです。 心当たりがなければパスワードが漏れています。すぐに変更し、管理者に連絡してください。",
            time = short_time(length)
        )
    }

    fn notice_changed(&self, user: &str, host: &str, change: Change, channel: &str, to: &str) -> String {
        match change {
            Change::Added => format!(
                "{host}の{user}は、{channel}で{to}に届くコードでログインできるようになりました。 心当たりがなければ管理者に連絡してください。"
            ),
            Change::Removed => format!(
                "{host}の{user}は、{channel}で{to}に届くコードではログインできなくなりました。 心当たりがなければ管理者に連絡してください。"
            ),
            Change::Disabled => format!(
                "{host}の{user}は、当面、{channel}で{to}に届くコードではログインできません。 心当たりがなければ管理者に連絡してください。"
            ),
            Change::Enabled => format!(
                "{host}の{user}は、{channel}で{to}に届くコードで再びログインできます。 心当たりがなければ管理者に連絡してください。"
            ),
        }
    }

    fn notice_test(&self, host: &str) -> String {
        format!("{host}のHeraldからここに届きます。これはテストです。")
    }

    fn notice_linked(&self, user: &str, host: &str, channel: &str) -> String {
        format!(
            "今後、{host}の{user}のログインコードはここに届きます。心当たりがない、または不要なら: herald remove {channel} --user {user}"
        )
    }

    fn enroll_until(&self, day: &str) -> String {
        format!("二つ目の要素がまだ登録されていません。{day}から必要になります: herald enroll telegram")
    }

    fn pick_a_channel(&self, list: &str) -> String {
        format!("二つ目の要素 ({list}): ")
    }

    fn open_the_link(&self, url: &str) -> String {
        format!("{url} を開いてSTARTを押し、okと入力してください: ")
    }

    fn type_the_address(&self, channel: &str, example: &str) -> String {
        format!("{channel}の宛先 ({example}): ")
    }

    fn start_not_seen(&self) -> String {
        "STARTがまだ届いていません。".to_owned()
    }

    fn cannot_be_reached(&self) -> String {
        "今はできません。".to_owned()
    }

    fn no_such_address(&self) -> String {
        "宛先の形が違います。".to_owned()
    }
}
