//! The commands that are about what is asked of other servers and learnt from them.

use super::super::{actions, show};
use super::command_row::{OperatorCommand, RunCommand};
use crate::control::command::{ArgumentKind, ArgumentSpec, CommandSpec};

/// Which upstream is meant.
const UPSTREAM: ArgumentSpec = ArgumentSpec::required(
    "upstream",
    ArgumentKind::Upstream,
    "The upstream, as the configuration writes it",
);

/// In the order of the help.
pub(super) static RESOLUTION_COMMANDS: &[OperatorCommand] = &[
    OperatorCommand {
        spec: CommandSpec {
            words: "upstream down",
            changes: true,
            path: "/upstreams/down",
            about: "Ask an upstream nothing until it is taken back; reloads keep it so",
            arguments: &[UPSTREAM],
            seconds: 5,
        },
        run: RunCommand::Later(actions::upstream_down),
        show: show::sentence,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "upstream up",
            changes: true,
            path: "/upstreams/up",
            about: "Take an upstream back that was taken out",
            arguments: &[UPSTREAM],
            seconds: 5,
        },
        run: RunCommand::Later(actions::upstream_up),
        show: show::sentence,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "cache show",
            changes: false,
            path: "/cache",
            about: "Show what is cached of a name",
            arguments: &[ArgumentSpec::required("name", ArgumentKind::Name, "The name")],
            seconds: 5,
        },
        run: RunCommand::Now(actions::cache_show),
        show: show::cached,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "requests",
            changes: false,
            path: "/requests",
            about: "Show what is being resolved now",
            arguments: &[],
            seconds: 5,
        },
        run: RunCommand::Now(actions::requests),
        show: show::requests,
    },
];
