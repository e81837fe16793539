//! Japanese.

use super::Phrases;

pub(super) const JAPANESE: Phrases = Phrases {
    language: "ja",
    // Channels whose names are words.
    email: "メール",
    totp: "認証アプリ",
    backup: "バックアップコード",
    // What providers do, for the help.
    sends_a_code: "{channel}でコードを送ります",
    app_shows_a_code: "コードを表示します",
    backup_code_from_paper: "一つにつき一回だけ使えます",
    // Prompts: each ends in a colon and a space.
    bare_code: "コード: ",
    code_sent: "{channel}で{to}にコードを送りました: ",
    code_sent_seconds_ago: "{seconds}秒前に{channel}で{to}にコードを送りました: ",
    code_sent_minutes_ago: "{minutes}分前に{channel}で{to}にコードを送りました: ",
    enter_sends: "Enterを押すと{channel}でコードを送ります: ",
    code_from_app: "アプリのコード: ",
    backup_code: "バックアップコード: ",
    // What stands before a prompt.
    wrong_one: "違います。あと{tries}回。",
    wrong_many: "違います。あと{tries}回。",
    wrong_answer: "違います。",
    already_used: "使用済みのコードです。",
    no_longer_good: "期限切れのコードです。",
    wait_to_resend: "再送まで{time}。",
    channel_failed: "{channels}では送れませんでした。",
    no_more_codes: "今はこれ以上送れません。",
    backup_codes_not_now: "今はバックアップコードを使えません。",
    help: "届いたコードを入力してください。rで再送します。",
    help_switch: "番号か名前で切り替えます。",
    // Behind a backup code.
    backup_codes_left_one: "バックアップコードは残り{left}個です。",
    backup_codes_left_many: "バックアップコードは残り{left}個です。",
    backup_codes_new: "作り直すには: herald backup-codes",
    // Why somebody was refused.
    refused: "ログインできません。",
    nothing_typed: "コードが入力されませんでした。",
    tries_used_up: "コードが違います。これ以上は試せません。",
    locked: "コードの間違いが多すぎます。{time}の間ロックします。",
    budget_used_up: "コードを送りすぎました。{time}後にお試しください。",
    unenrolled: "{user}には二つ目の要素が登録されていません。管理者に次の実行を頼んでください: herald enroll telegram --user {user}",
    undelivered: "コードを届けられませんでした。一分後に試すか、管理者に連絡してください。",
    set_up_broken: "二要素ログインの設定に誤りがあります。管理者に次の実行を頼んでください: herald config check",
    could_not_check: "二つ目の要素を確認できませんでした。もう一度試すか、管理者に連絡してください。",
    // Enrolling inside a login.
    enroll_until: "二つ目の要素がまだ登録されていません。{day}から必要になります: herald enroll telegram",
    pick_a_channel: "二つ目の要素 ({list}): ",
    open_the_link: "{url} を開いてSTARTを押し、okと入力してください: ",
    type_the_address: "{channel}の宛先 ({example}): ",
    start_not_seen: "STARTがまだ届いていません。",
    cannot_be_reached: "今はできません。",
    no_such_address: "宛先の形が違います。",
    // On the phone.
    copy_code: "コードをコピー",
    message_host: "{host}へのログイン",
    message_service: "サービス: {service}",
    message_user: "ユーザー: {user}",
    message_user_by: "ユーザー: {user} ({by}の要求)",
    message_origin: "接続元: {rhost}",
    message_lifetime: "有効期間 {time}",
    message_warning: "{host}以外では入力しないでください。",
    message_advice: "心当たりがなければパスワードが漏れています。すぐに変更し、管理者に連絡してください。",
    notice_locked: "{host}の{user}を{time}の間ロックしました。間違ったコードが続いたためです。心当たりがなければパスワードが漏れています。すぐに変更し、管理者に連絡してください。",
    notice_added: "{host}の{user}は、{channel}で{to}に届くコードでログインできるようになりました。心当たりがなければ管理者に連絡してください。",
    notice_removed: "{host}の{user}は、{channel}で{to}に届くコードではログインできなくなりました。心当たりがなければ管理者に連絡してください。",
    notice_disabled: "{host}の{user}は、当面、{channel}で{to}に届くコードではログインできません。心当たりがなければ管理者に連絡してください。",
    notice_enabled: "{host}の{user}は、{channel}で{to}に届くコードで再びログインできます。心当たりがなければ管理者に連絡してください。",
    notice_test: "{host}のHeraldからここに届きます。これはテストです。",
    notice_linked: "今後、{host}の{user}のログインコードはここに届きます。心当たりがない、または不要なら: herald remove {channel} --user {user}",
};
