use super::super::stack::resolve;
use super::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder with an /etc/pam.d of its own.
pub(crate) struct Root(pub(crate) PathBuf);

impl Root {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("herald-stacks-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(root.0.join("etc/pam.d")).expect("a scratch folder");
        root.write("common-auth", DEBIAN);
        root.write("password-auth", FEDORA);
        for name in ["common-account", "common-session", "common-session-noninteractive", "common-password"] {
            root.write(name, "");
        }
        root
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join("etc/pam.d").join(name), text).expect("a file");
    }

    /// What is wrong with this stack, in a word and the number of the line, and of ours.
    fn faults(&self, stack: &str) -> Vec<String> {
        self.write("s", stack);
        let entries = resolve(&self.0, "s").expect("a stack");
        let place = |position: &usize| {
            let entry = entries.get(*position).expect("a position");
            let file = entry.file.file_name().expect("a name").to_string_lossy().into_owned();
            format!("{file}:{}", entry.line)
        };
        let said = |fault: &Fault| match fault {
            Fault::Passes { by } => format!("passes {}", place(by)),
            Fault::Reached { by, .. } => format!("reached {}", place(by)),
            Fault::Unrefused { by, .. } => format!("unrefused {}", place(by)),
            Fault::Forgiving { value, .. } => format!("forgiving {value}"),
            Fault::Undone { by } => format!("undone {}", place(by)),
            Fault::Alone { ours } => format!("alone {}", place(ours)),
            Fault::Optional { ours } => format!("optional {}", place(ours)),
        };
        faults(&entries).iter().map(said).collect()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Debian's common-auth.
const DEBIAN: &str = "auth\t[success=1 default=ignore]\tpam_unix.so nullok\nauth requisite pam_deny.so\n\
                      auth required pam_permit.so\nauth optional pam_cap.so\n";
/// Fedora's password-auth, with sssd.
const FEDORA: &str = "\
auth        required      pam_env.so
auth        required      pam_faildelay.so delay=2000000
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        [default=1 ignore=ignore success=ok]         pam_localuser.so
auth        sufficient    pam_unix.so nullok
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        sufficient    pam_sss.so forward_pass
auth        required      pam_deny.so
";

#[test]
fn rule_7_the_examples_hold() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pam.d-example");
    let root = Root::new();
    root.write("postlogin", "auth optional pam_gnome_keyring.so\n");
    let mut looked_at = 0;
    for folder in [examples.clone(), examples.join("fedora")] {
        for entry in fs::read_dir(folder).expect("the examples").flatten().filter(|entry| entry.path().is_file()) {
            let text = fs::read_to_string(entry.path()).expect("an example");
            assert_eq!(root.faults(&text), Vec::<String>::new(), "{}", entry.path().display());
            looked_at += 1;
        }
    }
    assert!(looked_at >= 10, "{looked_at}");
}

#[test]
fn rule_7_what_can_let_somebody_in_past_our_line_is_found() {
    let root = Root::new();
    for (stack, faults) in [
        // Fedora's own file ends at the right password, and goes on behind a wrong one.
        (
            "auth include password-auth\nauth requisite pam_herald.so\n",
            vec!["passes password-auth:5", "passes password-auth:7", "reached password-auth:8"],
        ),
        ("auth sufficient pam_fprintd.so\n@include common-auth\nauth requisite pam_herald.so\n", vec!["passes s:1"]),
        (
            "auth [success=done default=ignore] pam_u2f.so\n@include common-auth\nauth requisite pam_herald.so\n",
            vec!["passes s:1"],
        ),
        // One field: two lines, or the password alone opens the door.
        (
            "auth requisite pam_herald.so input=append\nauth requisite pam_unix.so\nauth requisite pam_herald.so input=append\n",
            vec![],
        ),
        (
            "auth requisite pam_herald.so input=append\nauth sufficient pam_unix.so\nauth requisite pam_herald.so input=append\n",
            vec!["passes s:2", "unrefused s:2"],
        ),
        ("auth requisite pam_herald.so input=append\nauth requisite pam_unix.so\n", vec!["alone s:1"]),
        ("auth requisite pam_unix.so\nauth requisite pam_herald.so input=append\n", vec!["alone s:2"]),
        // A jump over it; the same line jumps over nothing of ours below it.
        (
            "@include common-auth\nauth [success=1 default=ignore] pam_succeed_if.so uid < 2000\nauth requisite pam_herald.so\n\
          auth required pam_permit.so\n",
            vec!["passes s:2"],
        ),
        (
            "@include common-auth\nauth requisite pam_herald.so\nauth [success=1 default=ignore] pam_succeed_if.so uid < 2000\n\
          auth required pam_permit.so\n",
            vec![],
        ),
        // In common-auth the jump that was made for one line goes over ours.
        (
            "auth [success=2 default=ignore] pam_unix.so\nauth requisite pam_herald.so\nauth requisite pam_deny.so\n\
          auth required pam_permit.so\n",
            vec!["passes s:1", "unrefused s:1"],
        ),
        // Root's own way past it.
        ("auth sufficient pam_rootok.so\n@include common-auth\nauth requisite pam_herald.so\n", vec![]),
        // A jump over the end: PAM refuses.
        (
            "@include common-auth\nauth [success=9 default=ignore] pam_succeed_if.so uid < 2000\nauth requisite pam_herald.so\n",
            vec![],
        ),
        // What does not ask for us is none of our business.
        ("auth sufficient pam_fprintd.so\n@include common-auth\n", vec![]),
    ] {
        assert_eq!(root.faults(stack), faults, "{stack}");
    }
}

#[test]
fn rule_7_what_reaches_our_line_behind_a_refused_password_is_found() {
    let root = Root::new();
    for (stack, faults) in [
        ("auth required pam_unix.so\nauth requisite pam_herald.so\n", vec!["reached s:1"]),
        ("auth requisite pam_unix.so\nauth requisite pam_herald.so\n", vec![]),
        ("auth optional pam_unix.so\nauth requisite pam_herald.so\n", vec!["unrefused s:1"]),
        // A substack ends only itself, whoever refuses in it.
        ("auth substack password-auth\nauth requisite pam_herald.so\n", vec!["reached password-auth:8"]),
        ("auth substack common-auth\nauth requisite pam_herald.so\n", vec!["reached common-auth:2"]),
        // Another refusal than the password's, as hard.
        ("auth required pam_nologin.so\n@include common-auth\nauth requisite pam_herald.so\n", vec!["reached s:1"]),
        // What only prepares something refuses nobody.
        ("auth required pam_env.so\n@include common-auth\nauth requisite pam_herald.so\n", vec![]),
        // Two who know the password: one is enough.
        (
            "auth [success=2 default=ignore] pam_unix.so\nauth [success=1 default=ignore] pam_sss.so use_first_pass\n\
          auth requisite pam_deny.so\nauth requisite pam_herald.so\n",
            vec![],
        ),
    ] {
        assert_eq!(root.faults(stack), faults, "{stack}");
    }
}

#[test]
fn rule_7_controls_that_forgive_are_found() {
    let root = Root::new();
    for (control, faults) in [
        ("requisite", vec![]),
        ("required", vec![]),
        ("[success=ok default=die]", vec![]),
        ("[success=ok ignore=ignore default=bad]", vec![]),
        ("[success=done ignore=ignore default=die]", vec![]),
        ("optional", vec!["forgiving default"]),
        ("sufficient", vec!["forgiving default"]),
        ("[success=ok default=ignore]", vec!["forgiving default"]),
        ("[success=ok authinfo_unavail=ignore default=die]", vec!["forgiving authinfo_unavail"]),
        ("[success=ok system_err=ok maxtries=done default=die]", vec!["forgiving maxtries", "forgiving system_err"]),
        ("[success=ok service_err=1 default=die]", vec!["forgiving service_err"]),
    ] {
        let stack = format!("@include common-auth\nauth {control} pam_herald.so\nauth required pam_permit.so\n");
        assert_eq!(root.faults(&stack), faults, "{control}");
    }
    assert_eq!(root.faults("@include common-auth\n-auth requisite pam_herald.so\n"), ["optional s:2"]);
    let reset = "@include common-auth\nauth required pam_herald.so\nauth [success=reset default=ignore] pam_x.so\n\
                 auth required pam_permit.so\n";
    assert_eq!(root.faults(reset), ["undone s:3"]);
}

#[test]
fn substacks_count_as_one_line_and_follow_each_other() {
    let root = Root::new();
    root.write("empty", "session required pam_unix.so\n");
    root.write("three", "auth optional pam_echo.so\nauth optional pam_echo.so\nauth optional pam_echo.so\n");
    for (count, faults) in [(2, vec![]), (3, vec!["passes s:2"])] {
        let stack = format!(
            "@include common-auth\nauth [success={count} default=ignore] pam_succeed_if.so uid < 2000\nauth substack three\n\
             auth substack empty\nauth requisite pam_herald.so\nauth required pam_permit.so\n"
        );
        assert_eq!(root.faults(&stack), faults, "{count}");
    }
}

#[test]
fn lines_are_read_as_pam_reads_them() {
    let root = Root::new();
    let text = "# a comment\nAUTH  [ success=1 \\\n  default=ignore ] \\\n pam_unix.so  nullok # more\nauth requisite pam_deny.so\n\
                account required pam_x.so\nauth requisite /lib/security/pam_herald.so unenrolled=skip debug\nauth whatever pam_x.so\n";
    root.write("s", text);
    let entries = resolve(&root.0, "s").expect("a stack");
    let seen: Vec<(usize, &str, usize)> =
        entries.iter().map(|entry| (entry.line, entry.module(), entry.arguments.len())).collect();
    assert_eq!(seen, [(2, "pam_unix.so", 1), (5, "pam_deny.so", 0), (7, "pam_herald.so", 2), (8, "pam_x.so", 0)]);
    assert_eq!(entries[0].action("success"), Action::Jump(1));
    assert_eq!(entries[0].action("auth_err"), Action::Ignore);
    assert_eq!(entries[3].action("success"), Action::Bad, "PAM refuses at a line that it does not understand");

    root.write("s", "auth include nowhere\n");
    assert_eq!(resolve(&root.0, "s"), Err("/etc/pam.d/nowhere is not there, and a stack includes it".to_owned()));
    root.write("s", "auth include s\n");
    assert!(resolve(&root.0, "s").is_err_and(|error| error.contains("without end")));
}
