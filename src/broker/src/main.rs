//! herald-broker: one conversation with a host that cannot decide a login itself.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    herald_broker::main()
}
