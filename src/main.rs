//! The `authstorm` command.

fn main() -> std::process::ExitCode {
    authstorm::cli::main()
}
