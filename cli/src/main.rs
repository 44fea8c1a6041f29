//! The `aibom` command: submit, watch, fetch, verify, and a whole mesh on one machine.
//!
//! Parses, runs, and turns the outcome into an exit code; see [`failure::Exit`].

mod advisory;
mod arguments;
mod bom;
mod bundle;
mod certs;
mod failure;
mod fetch;
mod jobs;
mod keys;
mod ledger;
mod model;
mod names;
mod policy;
mod profile;
mod runtime;
mod scanner;
mod submit;
mod terminal;
mod token;
mod trust_root;
mod up;
mod verify;
mod witness;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    arguments::{Arguments, Command},
    failure::{Exit, Failure},
    terminal::Terminal,
};

fn run(arguments: Arguments) -> Result<Exit, Failure> {
    rpc::install_crypto();
    let terminal = Terminal::new(arguments.format);
    let mesh = arguments.mesh;
    match arguments.command {
        Command::Up(up) => up::up(&terminal, &up),
        Command::Down(down) => up::down(&terminal, &down),
        Command::Submit(submit) => submit::submit(&terminal, &mesh, &submit),
        Command::Jobs(command) => jobs::jobs(&terminal, &mesh, &command),
        Command::Fetch(fetch) => fetch::fetch(&terminal, &mesh, &fetch),
        Command::Verify(verify) => verify::verify(&terminal, &verify),
        Command::Advisory(asked) => advisory::advisory(&terminal, &mesh, &asked),
        Command::Bom(command) => bom::bom(&terminal, &command),
        Command::Bundle(command) => bundle::bundle(&terminal, &command),
        Command::Certs(command) => certs::certs(&terminal, &command),
        Command::Ledger(command) => ledger::ledger(&terminal, &mesh, &command),
        Command::Model(command) => model::model(&terminal, &command),
        Command::Keys(command) => keys::keys(&terminal, &command),
        Command::Scanner(command) => scanner::scanner(&terminal, &mesh, &command),
        Command::Policy(command) => policy::policy(&terminal, &mesh, &command),
        Command::TrustRoot(command) => trust_root::run(&terminal, &command),
        Command::Witness(command) => witness::witness(&terminal, &command),
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::CannotSay } else { Exit::Done };
            let _ = error.print();
            return exit.into();
        }
    };
    match run(arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal::complain(&failure);
            failure.exit().into()
        }
    }
}
