use super::super::paths::tests::Root;
use super::*;

fn checks(root: &Root) -> Vec<(String, bool, String)> {
    let found = find(&root.0).checks(Path::new("/etc/herald/herald.toml"), &Config::default());
    found.into_iter().map(|check| (check.name, check.ok, check.detail)).collect()
}

fn expect(root: &Root, expected: &[(&str, bool, &str)]) {
    let expected: Vec<(String, bool, String)> =
        expected.iter().map(|(name, ok, detail)| ((*name).to_owned(), *ok, (*detail).to_owned())).collect();
    assert_eq!(checks(root), expected);
}

#[test]
fn without_our_line_there_is_one_note() {
    let root = Root::new();
    root.write("sshd", "@include common-auth\n");
    root.write("sudo~", "@include common-auth\nauth optional pam_herald.so\n");
    root.write("su.dpkg-old", "@include common-auth\nauth optional pam_herald.so\n");
    expect(&root, &[("pam", true, "no service asks for a code yet")]);
}

#[test]
fn what_several_services_share_is_said_once() {
    let root = Root::new();
    root.write("su", "@include common-auth\nauth optional pam_herald.so\n");
    root.write("su-l", "auth include su\n");
    let detail = "/etc/pam.d/su:2 \"auth optional pam_herald.so\": default does not end in a refusal";
    expect(&root, &[("pam su, su-l", false, detail)]);
}

#[test]
fn rule_7_our_line_in_a_shared_file_is_found_and_in_our_own_profile_it_is_a_note() {
    let root = Root::new();
    root.write(
        "common-auth",
        "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth requisite pam_herald.so\n\
         auth required pam_permit.so\n",
    );
    root.write("cron", "@include common-auth\n");
    root.write("sudo", "@include common-auth\n");
    let own = ("pam cron, sudo", true, "/etc/pam.d/common-auth:3");
    let detail = "/etc/pam.d/common-auth:3 asks for a code in cron, sudo";
    expect(&root, &[own, ("pam", false, detail)]);
    std::fs::create_dir_all(root.0.join("usr/share/pam-configs")).expect("a folder");
    std::fs::write(root.0.join("usr/share/pam-configs/herald"), "Name: Herald\n").expect("a file");
    expect(&root, &[own, ("pam", true, detail)]);
    // With an example's line on top of it there are two codes, which nobody meant.
    root.write("sudo", "@include common-auth\nauth requisite pam_herald.so\n");
    let cron = ("pam cron", true, "/etc/pam.d/common-auth:3");
    let twice = ("pam sudo", true, "/etc/pam.d/common-auth:3 and /etc/pam.d/sudo:2 both ask for a code");
    expect(&root, &[cron, twice, ("pam", true, detail)]);
}

#[test]
fn the_feature_of_authselect_is_a_note_where_it_is_selected() {
    let root = Root::new();
    root.write(
        "password-auth",
        "auth [success=1 default=ignore] pam_unix.so\nauth [default=die] pam_deny.so\nauth requisite pam_herald.so\n\
         auth required pam_permit.so\n",
    );
    root.write("sshd", "auth substack password-auth\nauth include postlogin\n");
    root.write("postlogin", "session optional pam_umask.so silent\n");
    let well = ("pam sshd", true, "/etc/pam.d/password-auth:3");
    let detail = "/etc/pam.d/password-auth:3 asks for a code in sshd";
    expect(&root, &[well, ("pam", false, detail)]);
    std::fs::create_dir_all(root.0.join("etc/authselect")).expect("a folder");
    std::fs::write(root.0.join("etc/authselect/authselect.conf"), "custom/herald\nwith-herald\n").expect("a file");
    expect(&root, &[well, ("pam", true, detail)]);
}

#[test]
fn a_line_that_refuses_everybody_is_found() {
    let root = Root::new();
    root.write("a", "@include common-auth\nauth requisite pam_herald.so nullok\n");
    root.write("b", "@include common-auth\nauth requisite /opt/lib/pam_herald.so\n");
    root.write("c", "@include common-auth\nauth requisite pam_herald.so config=/etc/other.toml\n");
    root.write("d", "auth include nowhere\nauth requisite pam_herald.so\n");
    expect(
        &root,
        &[
            ("pam a", false, "/etc/pam.d/a:2: the argument nullok is not known, and every login is refused"),
            ("pam b", false, "/etc/pam.d/b:2: /opt/lib/pam_herald.so is not there, and every login is refused"),
            ("pam c", true, "/etc/pam.d/c:2 reads another configuration: /etc/other.toml"),
            ("pam d", false, "/etc/pam.d/nowhere is not there, and a stack includes it: PAM refuses every login"),
        ],
    );
}

#[test]
fn hosts_in_which_nobody_can_type_a_code_are_found() {
    let root = Root::new();
    for name in ["cron", "i3lock", "kde", "sddm"] {
        root.write(name, "@include common-auth\nauth requisite pam_herald.so\n");
    }
    let append = "auth requisite pam_herald.so input=append\n";
    root.write("dovecot", &format!("{append}auth requisite pam_unix.so\n{append}"));
    expect(
        &root,
        &[
            ("pam cron", true, "cron asks nobody: the line does nothing"),
            ("pam dovecot", true, "/etc/pam.d/dovecot:1, /etc/pam.d/dovecot:3"),
            ("pam i3lock", false, "i3lock has one field, for the password: there is nowhere to type a code"),
            ("pam kde", false, "kde has one field, for the password: there is nowhere to type a code"),
            ("pam sddm", false, "sddm has one field, for the password: there is nowhere to type a code"),
        ],
    );
}

#[test]
fn a_code_before_the_password_is_found() {
    let root = Root::new();
    root.write("sshd", "auth requisite pam_herald.so\n@include common-auth\n");
    root.write("sudo", "auth requisite pam_herald.so\n@include common-auth\n");
    expect(
        &root,
        &[
            ("pam sshd", false, "/etc/pam.d/sshd:1 stands before the password: who has no key is refused unasked"),
            ("pam sudo", true, "/etc/pam.d/sudo:1 stands before the password: it asks before it sends a code"),
        ],
    );
}
