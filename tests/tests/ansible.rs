//! The playbook of packaging/ansible-example, run by the real Ansible on the scratch machine: it sets everything up, and
//! its second run changes nothing.

use herald_tests::phone::BotApi;
use herald_tests::world::{ALICE, World, example};
use std::path::Path;

/// A machine on which Herald is installed, and nothing is set up; sshd's stack is Debian's.
fn fresh() -> World {
    let world = World::new();
    world.forget(ALICE);
    world.machine.write("/etc/herald/herald.toml", 0o600, "delivery.ca_file = \"/etc/herald/phone-ca.pem\"\n");
    let ours = |line: &&str| !line.contains("pam_herald.so") || line.starts_with('#');
    let stack: String = example("sshd").lines().filter(ours).map(|line| format!("{line}\n")).collect();
    world.machine.write("/etc/pam.d/sshd", 0o644, stack);
    world.machine.folder("/etc/ssh/sshd_config.d", 0o755);
    world.machine.folder("/run/examples/sshd_config.d", 0o755);
    world.machine.write("/run/examples/sshd_config.d/herald.conf", 0o644, example("sshd_config.d/herald.conf"));
    let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/ansible-example/herald.yml");
    world.machine.write("/run/herald.yml", 0o644, std::fs::read_to_string(playbook).expect("the playbook"));
    let variables = serde_json::json!({
        "ansible_python_interpreter": "/usr/bin/python3",
        "herald_token": BotApi::TOKEN,
        "herald_gateway_fields": {"api_url": world.phone.url()},
        "herald_people": ["alice,telegram,475721977,phone", "bob,telegram,475721888,"],
        "herald_examples": "/run/examples",
        "herald_reload_sshd": "true",
    });
    world.machine.write("/run/variables.json", 0o600, variables.to_string());
    world
}

/// The last line of a run: `localhost : ok=9 changed=6 …`
fn play(world: &World) -> String {
    let words = [
        "env",
        "HOME=/run/home",
        "ANSIBLE_NOCOLOR=1",
        "ansible-playbook",
        "--inventory",
        "localhost,",
        "--connection",
        "local",
        "--extra-vars",
        "@/run/variables.json",
        "/run/herald.yml",
    ];
    let ended = world.machine.run("root", &words, "");
    assert!(ended.status.success(), "{ended:?} (Debian: apt install ansible-core)");
    assert!(!ended.output.contains(BotApi::TOKEN), "the token is shown: {}", ended.output);
    ended.output.lines().rfind(|line| line.contains("changed=")).expect("a recap").to_owned()
}

#[test]
fn the_playbook_sets_everything_up_and_its_second_run_changes_nothing() {
    let world = fresh();
    let first = play(&world);
    assert!(first.contains("changed=6 ") && first.contains("failed=0"), "{first}");
    let status = world.machine.run("root", &["herald", "status", "--all"], "").output;
    assert!(status.contains("alice") && status.contains("bob"), "{status}");
    assert!(
        world
            .machine
            .read("/etc/pam.d/sshd")
            .contains("@include common-auth\nauth       requisite  pam_herald.so unenrolled=skip\n")
    );
    let before = world.machine.read("/etc/herald/herald.toml");
    let second = play(&world);
    assert!(second.contains("changed=0 ") && second.contains("failed=0"), "{second}");
    assert_eq!(world.machine.read("/etc/herald/herald.toml"), before);
}
