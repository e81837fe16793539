//! Rule 21: what stands in the environment of whoever calls decides nothing. Every variable that a library of ours
//! could read is set to something that would do harm.

use herald_tests::pam::Code;
use herald_tests::world::{ALICE, BEHIND_PASSWORD, ROOT, Typed, World};

/// Where nothing listens.
const NOWHERE: &str = "http://127.0.0.1:9";

/// Names and values; values that are paths name files that make whoever reads them fail. They are those that the C library
/// and its parts for names and users look for, those of every crate in `Cargo.lock` that a program of ours is made of
/// (searched for `env::var` and `getenv`), and those that say something to hosts.
const POISON: [(&str, &str); 95] = [
    ("http_proxy", NOWHERE),
    ("https_proxy", NOWHERE),
    ("HTTP_PROXY", NOWHERE),
    ("HTTPS_PROXY", NOWHERE),
    ("ALL_PROXY", NOWHERE),
    ("all_proxy", NOWHERE),
    ("NO_PROXY", ""),
    ("SSL_CERT_FILE", "/nonexistent/ca.pem"),
    ("SSL_CERT_DIR", "/nonexistent"),
    ("CURL_CA_BUNDLE", "/nonexistent/ca.pem"),
    ("SSLKEYLOGFILE", "/tmp/keys"),
    ("OPENSSL_CONF", "/nonexistent/openssl.cnf"),
    ("RES_OPTIONS", "timeout:1 attempts:1 ndots:15"),
    ("LOCALDOMAIN", "invalid"),
    ("HOSTALIASES", "/tmp/aliases"),
    ("RESOLV_HOST_CONF", "/etc/shadow"),
    ("NSS_WRAPPER_PASSWD", "/tmp/passwd"),
    ("LANG", "ja_JP.UTF-8"),
    ("LANGUAGE", "ja"),
    ("LC_ALL", "tr_TR.UTF-8"),
    ("LC_MESSAGES", "ja_JP.UTF-8"),
    ("LOCPATH", "/tmp"),
    ("NLSPATH", "/tmp/%N"),
    ("TZ", ":/etc/shadow"),
    ("TZDIR", "/tmp"),
    ("HOME", "/tmp"),
    ("XDG_CONFIG_HOME", "/tmp"),
    ("TMPDIR", "/nonexistent"),
    ("PATH", "/tmp"),
    ("IFS", "/"),
    ("RUST_BACKTRACE", "full"),
    ("RUST_LOG", "trace"),
    ("RUST_MIN_STACK", "1"),
    ("GCONV_PATH", "/tmp"),
    ("GETCONF_DIR", "/tmp"),
    ("MALLOC_TRACE", "/tmp/trace"),
    ("MALLOC_CHECK_", "3"),
    ("LD_PRELOAD", "/tmp/evil.so"),
    ("LD_LIBRARY_PATH", "/tmp"),
    ("LD_DEBUG", "all"),
    ("LD_DEBUG_OUTPUT", "/tmp/trace"),
    ("LD_AUDIT", "/tmp/evil.so"),
    ("LD_PROFILE", "pam_herald.so"),
    ("LD_PROFILE_OUTPUT", "/tmp"),
    ("LD_ORIGIN_PATH", "/tmp"),
    ("LD_BIND_NOT", "1"),
    ("LD_DYNAMIC_WEAK", "1"),
    ("LD_HWCAP_MASK", "0"),
    ("LD_SHOW_AUXV", "1"),
    ("GLIBC_TUNABLES", "glibc.malloc.check=3"),
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_PERTURB_", "165"),
    ("LIBC_FATAL_STDERR_", "1"),
    ("POSIXLY_CORRECT", "1"),
    ("MSGVERB", "text"),
    ("SEV_LEVEL", "1,1,evil"),
    ("DATEMSK", "/etc/shadow"),
    ("CHARSET", "UTF-7"),
    ("OUTPUT_CHARSET", "UTF-7"),
    ("LC_CTYPE", "ja_JP.SJIS"),
    ("LC_NUMERIC", "de_DE.UTF-8"),
    ("LC_TIME", "ja_JP.UTF-8"),
    ("LC_COLLATE", "tr_TR.UTF-8"),
    ("NIS_PATH", "/tmp"),
    ("RESOLV_MULTI", "on"),
    ("RESOLV_REORDER", "on"),
    ("RESOLV_ADD_TRIM_DOMAINS", "example.org"),
    ("RESOLV_OVERRIDE_TRIM_DOMAINS", "example.org"),
    ("NSS_WRAPPER_GROUP", "/tmp/group"),
    ("NSS_WRAPPER_HOSTS", "/tmp/hosts"),
    ("SYSTEMD_NSS_BYPASS_SYNTHETIC", "1"),
    ("SYSTEMD_NSS_DYNAMIC_BYPASS", "1"),
    ("SYSTEMD_LOG_LEVEL", "debug"),
    ("_SSS_LOOPS", "NO"),
    ("SSS_NSS_USE_MEMCACHE", "NO"),
    ("no_proxy", "*"),
    // With it, hyper-util looks away from HTTP_PROXY, as CGI needs it.
    ("REQUEST_METHOD", "GET"),
    ("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/tmp/bus"),
    ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/tmp/bus"),
    ("LANDLOCK_CRATE_TEST_ABI", "0"),
    // Zero is one that tokio panics at.
    ("TOKIO_WORKER_THREADS", "0"),
    ("RUST_LIB_BACKTRACE", "full"),
    ("COLUMNS", "1"),
    ("CLICOLOR_FORCE", "1"),
    ("CI", "1"),
    ("XDG_RUNTIME_DIR", "/tmp"),
    ("NOTIFY_SOCKET", "/tmp/notify"),
    ("LISTEN_FDS", "1"),
    ("CREDENTIALS_DIRECTORY", "/tmp"),
    ("SUDO_USER", "bob"),
    ("PAM_USER", "bob"),
    ("PAM_RHOST", "127.0.0.1"),
    ("PAM_AUTHTOK", "evidence"),
    // sshd says so in PAM's environment, which is another one.
    ("SSH_AUTH_INFO_0", "publickey ssh-ed25519 AAAA"),
    ("HERALD_CONFIG", "/tmp/herald.toml"),
];

const LINE: &str = "Code sent by Telegram to ...977: ";

fn words<'a>(poison: &'a [String], command: &[&'a str]) -> Vec<&'a str> {
    [&["/usr/bin/env"], &*poison.iter().map(String::as_str).collect::<Vec<_>>(), command].concat()
}

fn poison() -> Vec<String> {
    POISON.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// What the poison would have made: nothing of it may be there.
fn nothing_was_written(world: &World) {
    let left = world.machine.run("root", &["ls", "/tmp"], "").output;
    let poison = ["keys", "trace", "profile", "notify", "bus"];
    assert!(!left.lines().any(|name| poison.iter().any(|word| name.contains(word))), "{left}");
}

#[test]
fn rule_21_through_su_nothing_changes() {
    let world = World::new();
    world.enroll(ROOT);
    let poison = poison();
    let mut su = world.machine.terminal("alice", &words(&poison, &["/usr/bin/su", "root", "-c", "/usr/bin/id -un"]));
    su.answer("Password: ", ROOT.password);
    su.expect("Code sent by Telegram to ...101: ");
    let message = world.phone.message();
    assert!(message.text.contains("User: root (asked for by alice)"), "in English: {}", message.text);
    su.send_line(message.code.as_deref().expect("a code"));
    assert!(su.succeeds().contains("root"), "{}", su.transcript());
    nothing_was_written(&world);
}

#[test]
fn rule_21_through_sudo_nothing_changes() {
    let world = World::new();
    let poison = poison();
    let mut sudo = world.machine.terminal("alice", &words(&poison, &["/usr/bin/sudo", "-k", "/usr/bin/id", "-un"]));
    // sudo itself speaks the language of the caller; ours is the configuration's.
    sudo.expect(": ");
    sudo.send_line(ALICE.password);
    sudo.expect(LINE);
    let message = world.phone.message();
    assert!(message.text.contains("Nobody will ask you for it."), "in English: {}", message.text);
    sudo.send_line(message.code.as_deref().expect("a code"));
    assert!(sudo.succeeds().contains("root"), "{}", sudo.transcript());
    nothing_was_written(&world);
}

/// A host that is not setuid keeps its whole environment, and so does what it loads: only we can look away.
#[test]
fn rule_21_in_a_host_that_keeps_its_environment_nothing_changes() {
    let world = World::new();
    let theirs = ["LD_", "MALLOC_", "GLIBC_", "PATH", "NSS_WRAPPER", "RUST_MIN_STACK"];
    let poison: Vec<String> =
        poison().into_iter().filter(|pair| !theirs.iter().any(|prefix| pair.starts_with(prefix))).collect();
    let by = words(&poison, &[]);
    let host = world.host_by(&by, "sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
    let outcome = world.log_in_at(&host, &[Typed::Right]);
    assert_eq!((outcome.code, outcome.prompts()), (Code::SUCCESS, vec!["Password: ", LINE]), "{outcome:?}");
    nothing_was_written(&world);
    // And nothing in it is evidence of a first factor: as to every stranger (rule 9).
    let host = world.host_by(&by, "sshd", "auth required pam_herald.so").user("alice").rhost("203.0.113.7").tty("ssh");
    let outcome = world.log_in_at(&host, &[Typed::Text("123456")]);
    assert_eq!((outcome.code, outcome.prompts()), (Code::AUTH_ERR, vec!["Code: "]), "{outcome:?}");
    assert_eq!(world.phone.messages().len(), 1);
}
