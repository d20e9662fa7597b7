//! The commands of the control socket on the command line, made from their rows.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches as _, value_parser};

use super::server_target::{ServerTarget, TargetArguments};
use crate::control::command::{ArgumentKind, ArgumentPlace, ArgumentSpec, CommandArguments};
use crate::operator::commands::{COMMAND_GROUPS, OperatorCommand, all_commands};

/// Where rows stand in the help: behind the commands that start and check, before those about the program itself.
pub(super) const ORDER: usize = 10;

/// Adds a subcommand for each row.
pub(super) fn add_to(mut line: Command) -> Command {
    for row in all_commands().filter(|row| !row.spec.words.is_empty()) {
        line = match row.spec.words.split_once(' ') {
            None => line.subcommand(subcommand(row, row.spec.words)),
            Some((group, word)) => {
                if line.find_subcommand(group).is_none() {
                    line = line.subcommand(group_command(group));
                }
                line.mut_subcommand(group, |group| group.subcommand(subcommand(row, word)))
            }
        };
    }
    line
}

fn group_command(words: &'static str) -> Command {
    let about = COMMAND_GROUPS.iter().find(|(known, _)| *known == words).map_or("", |(_, about)| about);
    Command::new(words)
        .about(about)
        .display_order(ORDER)
        .subcommand_required(true)
        .arg_required_else_help(true)
}

fn subcommand(row: &OperatorCommand, word: &'static str) -> Command {
    let mut command = Command::new(word);
    for spec in row.spec.arguments.iter().filter(|spec| spec.place != ArgumentPlace::Configuration) {
        command = command.arg(argument(spec));
    }
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON");
    TargetArguments::augment_args(command).arg(json).about(row.spec.about).display_order(ORDER)
}

fn argument(spec: &'static ArgumentSpec) -> Arg {
    let mut arg = Arg::new(spec.name).help(spec.help).value_name(value_name(spec.kind));
    arg = match spec.place {
        ArgumentPlace::Required => match spec.unless {
            Some(other) => arg.required_unless_present(other),
            None => arg.required(true),
        },
        ArgumentPlace::Optional | ArgumentPlace::Configuration => arg,
        ArgumentPlace::Option => arg.long(spec.name),
    };
    if let Some(other) = spec.requires {
        arg = arg.requires(other);
    }
    match spec.kind {
        ArgumentKind::Switch => arg.action(ArgAction::SetTrue),
        ArgumentKind::LocalFile => arg.value_parser(value_parser!(PathBuf)),
        ArgumentKind::OneOf(words) => arg.value_parser(PossibleValuesParser::new(words)),
        kind => arg.value_parser(parser(kind)),
    }
}

const fn value_name(kind: ArgumentKind) -> &'static str {
    match kind {
        ArgumentKind::Name => "NAME",
        ArgumentKind::RecordType => "TYPE",
        ArgumentKind::Address | ArgumentKind::Upstream => "ADDR",
        ArgumentKind::File | ArgumentKind::LocalFile => "FILE",
        ArgumentKind::Text | ArgumentKind::Contents | ArgumentKind::Switch => "TEXT",
        ArgumentKind::OneOf(_) => "WORD",
        ArgumentKind::Serial => "SERIAL",
    }
}

/// Checks a value as the server would, and keeps it as it was typed.
fn parser(kind: ArgumentKind) -> ValueParser {
    ValueParser::new(move |text: &str| kind.parse(text).map(|_| text.to_owned()))
}

/// The row that was asked for, with what stands behind its words.
pub(super) fn find(matches: &ArgMatches) -> Option<(&'static OperatorCommand, &ArgMatches)> {
    let (first, mut inner) = matches.subcommand()?;
    let mut words = first.to_owned();
    while let Some((word, next)) = inner.subcommand() {
        words = format!("{words} {word}");
        inner = next;
    }
    all_commands().find(|row| row.spec.words == words).map(|row| (row, inner))
}

/// Where the server is that is meant.
pub(super) fn target(matches: &ArgMatches) -> ServerTarget {
    TargetArguments::from_arg_matches(matches).unwrap_or_default().into()
}

/// What a row is given. Errors: a sentence.
pub(super) fn arguments(row: &OperatorCommand, matches: &ArgMatches) -> Result<CommandArguments, String> {
    let mut given = CommandArguments::default();
    let of_server = |spec: &&ArgumentSpec| spec.kind != ArgumentKind::LocalFile;
    for spec in row.spec.arguments.iter().filter(of_server) {
        let text = match spec.place {
            ArgumentPlace::Configuration => configuration(matches)?,
            _ if spec.kind == ArgumentKind::Switch => matches.get_flag(spec.name).then(|| "true".to_owned()),
            _ => matches.get_one::<String>(spec.name).cloned(),
        };
        if let Some(text) = text {
            given.add(spec, &text)?;
        }
    }
    Ok(given)
}

/// The file that the command line is to read, if one is given.
pub(super) fn local_file<'m>(row: &OperatorCommand, matches: &'m ArgMatches) -> Option<&'m PathBuf> {
    let spec = row.spec.arguments.iter().find(|spec| spec.kind == ArgumentKind::LocalFile)?;
    matches.get_one(spec.name)
}

/// The row that is asked at this path.
pub(super) fn at_path(path: &str) -> Option<&'static OperatorCommand> {
    all_commands().find(|row| row.spec.path == path)
}

/// The file of `-c`, as a server in another folder finds it.
fn configuration(matches: &ArgMatches) -> Result<Option<String>, String> {
    let Some(file) = matches.get_one::<PathBuf>("config") else { return Ok(None) };
    let path = std::path::absolute(file).map_err(|error| error.to_string())?;
    let text = OsString::from(path).into_string();
    text.map(Some).map_err(|_| "the configuration's path is not UTF-8".to_owned())
}
