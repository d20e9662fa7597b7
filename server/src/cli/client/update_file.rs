//! `rhumb explain --update FILE`: the file is read here, for the server may not see it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use clap::ArgMatches;
use data_encoding::BASE64;

use super::super::exit::{self, CommandExit};
use super::super::rows;
use super::ask;
use crate::control::command::CommandArguments;
use crate::operator::commands::{EXPLAIN_UPDATE, OperatorCommand};
use crate::operator::show::AnswerStreams;

/// The most bytes of a file: in Base64 the body of a request holds them.
const MOST: u64 = 48_000;

/// Asks what would become of the updates in a file, and shows it.
pub(super) fn explain(
    file: &Path,
    row: &OperatorCommand,
    matches: &ArgMatches,
    streams: &mut AnswerStreams<'_>,
) -> CommandExit {
    match asked(file, row, matches) {
        Ok((row, given)) => ask(row, &given, &rows::target(matches), matches.get_flag("json"), streams),
        Err(error) => {
            exit::complain(streams, [error]);
            CommandExit::Wrong
        }
    }
}

/// The row that is asked, and with what. Errors: a sentence.
fn asked(
    file: &Path,
    row: &OperatorCommand,
    matches: &ArgMatches,
) -> Result<(&'static OperatorCommand, CommandArguments), String> {
    let said = |error| format!("{}: {error}", file.display());
    let mut contents = Vec::new();
    let opened = File::open(file).map_err(|error| said(error.to_string()))?;
    opened.take(MOST + 1).read_to_end(&mut contents).map_err(|error| said(error.to_string()))?;
    if contents.len() as u64 > MOST {
        return Err(said(format!("more than {MOST} bytes")));
    }
    let asked = rows::at_path(EXPLAIN_UPDATE).ok_or("there is no such command")?;
    let mut given = CommandArguments::default();
    for spec in asked.spec.arguments {
        let text = if row.spec.arguments.iter().any(|known| known.name == spec.name) {
            matches.get_one::<String>(spec.name).cloned()
        } else {
            Some(BASE64.encode(&contents))
        };
        if let Some(text) = text {
            given.add(spec, &text)?;
        }
    }
    Ok((asked, given))
}
