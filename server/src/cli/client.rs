//! The client's side of the control socket: asking the running server, and showing what it answers.

use std::time::Duration;

use clap::ArgMatches;
use serde_json::{Value, json};

use super::exit::{self, CommandExit};
use super::rows;
use super::server_target::ServerTarget;
use crate::control::command::CommandArguments;
use crate::operator::commands::OperatorCommand;
use crate::operator::show::AnswerStreams;

mod default_socket;
mod exchange;
mod healthcheck;
#[cfg(test)]
mod hostile;
mod listeners;
mod question;
mod selftest;
mod target;
mod update_file;

pub(super) use default_socket::default_socket_taken;
pub(super) use healthcheck::healthcheck;
pub(super) use selftest::selftest;

use exchange::ServerReply;
use target::AskError;

/// How much longer a client waits than the server does.
const LONGER: Duration = Duration::from_secs(5);

/// Runs the command of a row as the command line says.
pub(super) fn run(
    row: &'static OperatorCommand,
    matches: &ArgMatches,
    streams: &mut AnswerStreams<'_>,
) -> CommandExit {
    if let Some(file) = rows::local_file(row, matches) {
        return update_file::explain(file, row, matches, streams);
    }
    match rows::arguments(row, matches) {
        Ok(given) => ask(row, &given, &rows::target(matches), matches.get_flag("json"), streams),
        Err(error) => {
            exit::complain(streams, [error]);
            CommandExit::Wrong
        }
    }
}

/// Asks the running server and shows what comes back, as text or, with `json`, as JSON.
///
/// A failure is written to standard error one line each; with `json` also as `{"errors": […]}` to standard output.
fn ask(
    row: &OperatorCommand,
    given: &CommandArguments,
    target: &ServerTarget,
    json: bool,
    streams: &mut AnswerStreams<'_>,
) -> CommandExit {
    let channel = match target::channel(target) {
        Ok(channel) => channel,
        Err(errors) => {
            failed(json, streams, &errors);
            exit::complain(streams, errors);
            return CommandExit::Wrong;
        }
    };
    let spec = &row.spec;
    let (query, body) =
        if spec.changes { (String::new(), given.to_body()) } else { (given.to_query(), String::new()) };
    let within = spec.time() + LONGER;
    let path = format!("{}{query}", spec.path);
    match channel.ask(spec.method().as_str(), &path, body.as_bytes(), within) {
        Ok(ServerReply { status: 200, body }) => show(row, given, &body, json, streams),
        Ok(reply) => {
            let errors = reply.errors();
            failed(json, streams, &errors);
            exit::fail(streams, errors)
        }
        // As likely as not the server is where the configuration would say.
        Err(AskError::Unreachable(_)) if !channel.mistakes.is_empty() => {
            failed(json, streams, &channel.mistakes);
            exit::complain(streams, &channel.mistakes);
            CommandExit::Wrong
        }
        Err(error) => {
            let errors = error.lines(&channel, within);
            failed(json, streams, &errors);
            exit::fail(streams, errors)
        }
    }
}

/// Tells a program that reads the answer as JSON of a failure.
fn failed(json: bool, streams: &mut AnswerStreams<'_>, errors: &[impl AsRef<str>]) {
    if json {
        let errors: Vec<&str> = errors.iter().map(AsRef::as_ref).collect();
        exit::json(streams, &json!({ "errors": errors }));
    }
}

fn show(
    row: &OperatorCommand,
    given: &CommandArguments,
    body: &[u8],
    json: bool,
    streams: &mut AnswerStreams<'_>,
) -> CommandExit {
    match serde_json::from_slice::<Value>(body) {
        Ok(answer) if json => exit::json(streams, &answer),
        Ok(answer) => {
            let result = (row.show)(given, answer, streams);
            exit::written(streams, result)
        }
        Err(error) => exit::fail(streams, [format!("the server's answer is not understood: {error}")]),
    }
}

#[cfg(test)]
mod tests;
