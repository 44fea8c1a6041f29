//! `aibom witness`: a witness of transparency logs, to run where the log's operator has no say.
//!
//! It cosigns the checkpoints of logs that only ever grew (C2SP tlog-witness). `engine` decides,
//! remembers and signs; `serve` is the process; the protocol itself is in `libs/witness`.

mod arguments;
mod config;
mod engine;
mod evidence;
mod init;
mod serve;
mod show;
mod store;

pub(crate) use arguments::WitnessCommand;
pub(crate) use store::Store;

use crate::{
    failure::{Exit, Failure},
    terminal::Terminal,
};

/// Runs `aibom witness`.
pub(crate) fn witness(terminal: &Terminal, command: &WitnessCommand) -> Result<Exit, Failure> {
    match command {
        WitnessCommand::Init(arguments) => init::init(terminal, arguments),
        WitnessCommand::Serve(arguments) => serve::serve(terminal, arguments),
        WitnessCommand::Show(arguments) => show::show(terminal, arguments),
    }
}

#[cfg(test)]
mod tests;
