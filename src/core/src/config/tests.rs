use super::*;
use crate::courier::Field;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("herald.toml")).map_err(|error| error.to_string())
}

#[test]
fn the_file_of_the_contract_is_the_defaults() {
    let text = r#"
language = "en"
default_country = ""
[code]
digits = 6
lifetime = "5m"
attempts = 3
[limits]
failures = 5
lockout = "10m"
sends = 5
window = "15m"
resend_after = "30s"
[delivery]
deadline = "10s"
proxy = ""
ca_file = ""
[paths]
state = "/var/lib/herald"
runtime = "/run/herald"
deliver = "/usr/libexec/herald/herald-deliver"
[policy]
unenrolled = "refuse"
undelivered = "refuse"
exempt = []
exempt_networks = []
remote_services = ["sshd"]
code_alone = false
"#;
    let config = parse(text).expect("the contract's own file");
    assert_eq!(config.rules, Rules::default());
    assert_eq!(config.paths, Paths::default());
    assert_eq!(parse("").expect("an empty file").rules, Rules::default());
}

#[test]
fn a_service_overrides_what_it_names_and_nothing_else() {
    let config = parse(
        "[limits]\nsends = 7\n[policy]\nexempt = [\"backup\", \"@robots\"]\n\
         [service.sudo]\npolicy.unenrolled = \"skip\"\npolicy.exempt = []\nlimits.failures = 4\n",
    )
    .expect("valid");
    let sudo = config.for_service("sudo");
    assert_eq!((sudo.policy.unenrolled, sudo.limits.sends, sudo.limits.failures), (Unenrolled::Skip, 7, 4));
    assert!(sudo.policy.exempt.is_empty());
    let sshd = config.for_service("sshd");
    assert_eq!((sshd.policy.unenrolled, sshd.policy.exempt.len()), (Unenrolled::Refuse, 2));
}

#[test]
fn every_mistake_is_named_with_file_line_key_and_what_is_accepted() {
    let text = "language = \"xx\"\n[limits]\nfailures = 2\nlockout = \"5 minutes\"\nsend = 1\n\n[policy]\n\
        unenrolled = \"maybe\"\nexempt = \"backup\"\ncode_alone = 1\nexempt_networks = [\"127.0.0.0/8\"]\n\
        [service.sudo]\npaths.state = \"/x\"\nlimits.failures = 50\n[paths]\ndeliver = \"herald-deliver\"\n[nothing]\n";
    let error = parse(text).expect_err("full of mistakes");
    let lines: Vec<&str> = error.lines().collect();
    for (start, accepted) in [
        ("herald.toml:1: language: must be one of", "\"en\""),
        ("herald.toml:3: limits.failures: ", "from 3 to 100"),
        ("herald.toml:4: limits.lockout: ", "\"1m\" to \"24h\""),
        ("herald.toml:5: limits.send: ", "not known"),
        ("herald.toml:8: policy.unenrolled: ", "\"refuse\", \"skip\", \"enroll\""),
        ("herald.toml:9: policy.exempt: ", "a list"),
        ("herald.toml:10: policy.code_alone: ", "true or false"),
        ("herald.toml:11: policy.exempt_networks: ", "neither loopback"),
        ("herald.toml:13: service.sudo.paths: ", "not known"),
        ("herald.toml:16: paths.deliver: ", "an absolute path"),
        ("herald.toml:17: nothing: ", "not known"),
    ] {
        assert!(lines.iter().any(|line| line.starts_with(start) && line.contains(accepted)), "{start}\n{error}");
    }
    assert!(lines.iter().any(|line| line.contains("service.sudo.limits.failures") && line.contains("at most 5")));
    assert_eq!(lines.len(), 12, "{error}");
}

#[test]
fn broken_syntax_names_its_line() {
    let error = parse("[code]\ndigits = = 6\n").expect_err("broken");
    assert!(error.starts_with("herald.toml:2: "), "{error}");
}

#[test]
fn a_gateway_takes_its_names_from_its_driver_and_keeps_every_other_key() {
    let config = parse(
        "[[gateway]]\ndriver = \"telegram-bot\"\ntoken_file = \"/etc/herald/telegram.token\"\n\
         [[gateway]]\nname = \"backup-sms\"\ndriver = \"playsms\"\ninsecure = true\nport = 80\nflash = false\n",
    )
    .expect("valid");
    let [telegram, sms] = config.gateways.as_slice() else { panic!("two gateways") };
    assert_eq!((telegram.name.as_str(), telegram.channel.as_str()), ("telegram-bot", "telegram"));
    assert_eq!(telegram.fields, [("token".to_owned(), GatewayField::File("/etc/herald/telegram.token".into()))]);
    assert_eq!((sms.name.as_str(), sms.channel.as_str(), sms.insecure), ("backup-sms", "sms", true));
    assert!(sms.fields.contains(&("port".to_owned(), GatewayField::Value(Field::Integer(80)))));
    assert_eq!(config.channels(), ["telegram", "sms"]);
}

#[test]
fn a_bad_gateway_disables_itself_and_not_the_file() {
    let config = parse(
        "[[gateway]]\ndriver = \"telegram-bot\"\ntoken = \"a\"\ntoken_file = \"/b\"\n\
         [[gateway]]\ndriver = \"command\"\n[[gateway]]\nname = \"x\"\ntoken = [1]\n",
    )
    .expect("the file stands");
    assert_eq!(config.gateways.len(), 3);
    assert!(config.gateways.iter().all(|gateway| !gateway.problems.is_empty()));
    assert_eq!(config.gateways_of("telegram").count(), 0);
    let error = parse("[[gateway]]\ndriver = \"a\"\n[[gateway]]\ndriver = \"a\"\n").expect_err("one name twice");
    assert!(error.contains("herald.toml:3: gateway.name"), "{error}");
}
