//! Kernels that lack what Herald would use: strace(1) makes a system call one that is not there.

use herald_tests::figures::figure;
use herald_tests::pam::Code;
use herald_tests::world::{ALICE, BEHIND_PASSWORD, Typed, World};

/// What a kernel says of a call that it does not know.
fn without(call: &str) -> String {
    format!("inject={call}:error=ENOSYS")
}

#[test]
fn a_kernel_that_lacks_a_call_lets_people_in_all_the_same() {
    let world = World::new();
    // Linux 5.13, 3.17, 5.3 and 5.9.
    let calls = ["landlock_create_ruleset", "seccomp", "pidfd_open", "close_range"];
    for call in calls {
        let inject = without(call);
        let by = ["strace", "-f", "-qq", "-o", "/tmp/trace", "-e", &format!("trace={call}"), "-e", &inject];
        let host = world.host_by(&by, "sshd", BEHIND_PASSWORD).user(ALICE.name).rhost("203.0.113.7").tty("ssh");
        let outcome = world.log_in_at(&host, &[Typed::Right]);
        assert_eq!(outcome.code, Code::SUCCESS, "{call}: {outcome:?}");
        let trace = world.machine.read("/tmp/trace");
        assert!(trace.contains("ENOSYS"), "{call} is not used: {trace}");
        world.machine.wait_until_gone("herald-deliver");
    }
    figure("calls of which a kernel lacked one; each login as ever", format!("{}: {}", calls.len(), calls.join(", ")));
}

#[test]
fn doctor_says_that_a_kernel_lacks_landlock_and_that_it_goes_without() {
    let world = World::new();
    // Which modules a kernel runs stands where no test can write: the folder is hidden.
    let inject = without("landlock_create_ruleset");
    let script = format!(
        "mount -t tmpfs none /sys/kernel && exec strace -qq -o /tmp/trace -e trace=landlock_create_ruleset -e {inject} \
         herald --plain doctor"
    );
    let ended = world.machine.run("root", &["unshare", "--mount", "sh", "-c", &script], "");
    assert!(ended.output.contains(", landlock, this kernel does not have it\n"), "{ended:?}");
    assert!(ended.output.contains("try: boot with landlock in lsm=, or leave it"), "{ended:?}");
}
