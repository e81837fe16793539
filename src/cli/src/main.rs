//! herald: what admins and users type.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    herald_cli::main()
}
