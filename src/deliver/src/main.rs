//! herald-deliver: the only program of Herald that touches a network.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    herald_deliver::main()
}
