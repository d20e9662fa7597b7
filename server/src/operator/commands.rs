//! The commands of the control socket, one row each: the server, the command line, its help and the manual page go by them.

use std::io;

use rhumb_wire::Transport;
use serde_json::Value;

use super::actions;
use super::admin::ServerAdmin;
use super::show::{self, AnswerStreams};
use super::zone_actions;
use crate::control::command::{
    ArgumentKind, ArgumentSpec, CommandArguments, CommandResult, CommandSpec, ControlService, LaterResult,
};

/// A command with what it does and how its answer is shown.
#[derive(Debug)]
pub(crate) struct OperatorCommand {
    /// What it looks like from outside.
    pub spec: CommandSpec,
    run: RunCommand,
    /// Writes its answer as text; by the command line.
    pub show: ShowAnswer,
}

/// What a command does.
#[derive(Debug)]
enum RunCommand {
    /// Something that is done at once.
    Now(fn(&ServerAdmin, &CommandArguments) -> CommandResult),
    /// Something that waits.
    Later(for<'a> fn(&'a ServerAdmin, &'a CommandArguments) -> LaterResult<'a, CommandResult>),
}

/// Writes an answer as text. Errors: it is not understood, or cannot be written.
pub(crate) type ShowAnswer = fn(&CommandArguments, Value, &mut AnswerStreams<'_>) -> io::Result<()>;

/// Words that several commands begin with.
pub(crate) static COMMAND_GROUPS: &[(&str, &str)] = &[
    ("zone", "The zones of the running server"),
    ("upstream", "Take an upstream of the running server out, or back"),
    ("cache", "Show what the running server has cached"),
];

/// Which upstream is meant.
const UPSTREAM: ArgumentSpec = ArgumentSpec::required(
    "upstream",
    ArgumentKind::Upstream,
    "The upstream, as the configuration writes it",
);

/// Where the server is asked what would become of an update.
pub(crate) const EXPLAIN_UPDATE: &str = "/explain/update";

/// The client of an explained query or update.
const FROM: ArgumentSpec = ArgumentSpec::option(
    "from",
    ArgumentKind::Address,
    "The client the question is taken to come from; one of this host without it",
);

/// The key of an explained update.
const KEY: ArgumentSpec = ArgumentSpec::option(
    "key",
    ArgumentKind::Name,
    "The key an update is taken to be signed with, where its file names none",
);

/// Which zone is meant.
const ZONE: ArgumentSpec = ArgumentSpec::required("name", ArgumentKind::Name, "The zone");

/// All of them, in the order of the help.
pub(crate) static COMMANDS: &[OperatorCommand] = &[
    OperatorCommand {
        spec: CommandSpec {
            words: "diff",
            changes: true,
            path: "/diff",
            about: "Show what a reload would change in the running server",
            arguments: &[ArgumentSpec::configuration("config")],
            seconds: 60,
        },
        run: RunCommand::Later(actions::diff),
        show: show::diff,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "reload",
            changes: true,
            path: "/reload",
            about: "Have the running server follow its configuration; every change or every error is reported",
            arguments: &[ArgumentSpec::switch("strict", "Change nothing if a single zone is broken")],
            seconds: 60,
        },
        run: RunCommand::Later(actions::reload),
        show: show::reload,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "status",
            changes: false,
            path: "/status",
            about: "Show how the running server is",
            arguments: &[ArgumentSpec::switch(
                "ddr",
                "Show instead what clients that look for encrypted transports are told (RFC 9462), and the options for a DHCP server (RFC 9463)",
            )],
            seconds: 5,
        },
        run: RunCommand::Now(actions::status),
        show: show::status,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "stats",
            changes: false,
            path: "/stats",
            about: "Show the counters of the running server",
            arguments: &[],
            seconds: 5,
        },
        run: RunCommand::Now(actions::stats),
        show: show::stats,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "flush",
            changes: true,
            path: "/flush",
            about: "Drop a name from the cache, or everything",
            arguments: &[
                ArgumentSpec::optional("name", ArgumentKind::Name, "The name; everything without it"),
                ArgumentSpec::switch("subtree", "Drop what is below the name too").with("name"),
            ],
            seconds: 5,
        },
        run: RunCommand::Now(actions::flush),
        show: show::flush,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "explain",
            changes: false,
            path: "/explain",
            about: "Answer a question and show where the answer comes from",
            arguments: &[
                ArgumentSpec::required("name", ArgumentKind::Name, "The name to ask for").unless("update"),
                ArgumentSpec::required(
                    "type",
                    ArgumentKind::RecordType,
                    "The type to ask for, such as A or TYPE65",
                )
                .unless("update"),
                FROM,
                ArgumentSpec::option(
                    "to",
                    ArgumentKind::Address,
                    "The address it is taken to have been sent to",
                ),
                ArgumentSpec::option(
                    "via",
                    ArgumentKind::OneOf(&Transport::NAMES),
                    "The transport it is taken to have come by; tcp without it",
                ),
                ArgumentSpec::option(
                    "update",
                    ArgumentKind::LocalFile,
                    "Tell instead what would become of the dynamic updates in this file, an nsupdate script or a message: which rule admits \
                     or denies each record, and which prerequisites hold; nothing is changed",
                ),
                KEY.with("update"),
            ],
            // Every upstream may have to time out.
            seconds: 15,
        },
        run: RunCommand::Later(actions::explain),
        show: show::explanation,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "",
            // It changes nothing, but what a file holds takes a body.
            changes: true,
            path: EXPLAIN_UPDATE,
            about: "What would become of an update; for `rhumb explain --update`",
            arguments: &[ArgumentSpec::required("contents", ArgumentKind::Contents, "The file"), FROM, KEY],
            seconds: 15,
        },
        run: RunCommand::Later(actions::explain_update),
        show: show::updates,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "log",
            changes: true,
            path: "/log",
            about: "Set the level of the log until the next reload or restart",
            arguments: &[ArgumentSpec::required(
                "level",
                ArgumentKind::OneOf(&["error", "warn", "info", "debug", "trace"]),
                "The least serious messages to log",
            )],
            seconds: 5,
        },
        run: RunCommand::Now(actions::log),
        show: show::sentence,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "stop",
            changes: true,
            path: "/stop",
            about: "End the running server as SIGTERM does: what waits is answered first",
            arguments: &[],
            seconds: 5,
        },
        run: RunCommand::Now(actions::stop),
        show: show::sentence,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone list",
            changes: false,
            path: "/zones",
            about: "List the zones, one line each",
            arguments: &[],
            seconds: 5,
        },
        run: RunCommand::Now(actions::zone_list),
        show: show::zone_list,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone status",
            changes: false,
            path: "/zones/status",
            about: "Show all about a zone, or about every zone",
            arguments: &[ArgumentSpec::optional(
                "name",
                ArgumentKind::Name,
                "The zone; every zone without it",
            )],
            seconds: 5,
        },
        run: RunCommand::Now(actions::zone_status),
        show: show::zone_status,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone notify",
            changes: true,
            path: "/zones/notify",
            about: "Announce a zone to its secondaries and its parent again, and tell what each says to that",
            arguments: &[ZONE],
            seconds: 60,
        },
        run: RunCommand::Later(zone_actions::zone_notify),
        show: show::sentence,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone history",
            changes: false,
            path: "/zones/history",
            about: "List the versions of a zone: when each was made, by what and whom",
            arguments: &[ZONE],
            seconds: 5,
        },
        run: RunCommand::Now(zone_actions::zone_history),
        show: show::zone_history,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone diff",
            // It changes nothing, but what a zone holds is not for those who may only look.
            changes: true,
            path: "/zones/diff",
            about: "Show how two versions of a zone differ",
            arguments: &[
                ZONE,
                ArgumentSpec::required("from", ArgumentKind::Serial, "The serial of the one"),
                ArgumentSpec::required("to", ArgumentKind::Serial, "The serial of the other"),
            ],
            seconds: 60,
        },
        run: RunCommand::Later(zone_actions::zone_diff),
        show: show::zone_diff,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone export",
            // It changes nothing, but what a zone holds is not for those who may only look.
            changes: true,
            path: "/zones/export",
            about: "Write a zone as a zone file",
            arguments: &[
                ZONE,
                ArgumentSpec::switch("signed", "All that is served, as without this"),
                ArgumentSpec::switch("unsigned", "Leave out what signing has made"),
                ArgumentSpec::switch("updates", "Only what is not in the zone's file"),
            ],
            seconds: 300,
        },
        run: RunCommand::Later(zone_actions::zone_export),
        show: show::zone_export,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone set-serial",
            changes: true,
            path: "/zones/set-serial",
            about: "Give a zone another serial, by way of a larger one if it is not newer (RFC 1982)",
            arguments: &[ZONE, ArgumentSpec::required("serial", ArgumentKind::Serial, "The serial")],
            seconds: 60,
        },
        run: RunCommand::Later(zone_actions::zone_set_serial),
        show: show::sentence,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone freeze",
            changes: true,
            path: "/zones/freeze",
            about: "Refuse dynamic updates of a zone, also after restarts",
            arguments: &[ZONE],
            seconds: 60,
        },
        run: RunCommand::Later(zone_actions::zone_freeze),
        show: show::sentence,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone thaw",
            changes: true,
            path: "/zones/thaw",
            about: "Take dynamic updates of a zone again",
            arguments: &[ZONE],
            seconds: 60,
        },
        run: RunCommand::Later(zone_actions::zone_thaw),
        show: show::sentence,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone refresh",
            changes: true,
            path: "/zones/refresh",
            about: "Ask the primaries of a zone now, and take what is newer",
            arguments: &[ZONE],
            seconds: 300,
        },
        run: RunCommand::Later(actions::zone_refresh),
        show: show::sentence,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone retransfer",
            changes: true,
            path: "/zones/retransfer",
            about: "Take a zone from its primaries as a whole, whatever its serial",
            arguments: &[ZONE],
            seconds: 300,
        },
        run: RunCommand::Later(actions::zone_retransfer),
        show: show::sentence,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone purge",
            changes: true,
            path: "/zones/purge",
            about: "Remove what is kept in the state folder of a zone that is not configured any more",
            arguments: &[ZONE],
            seconds: 60,
        },
        run: RunCommand::Later(actions::zone_purge),
        show: show::sentence,
    },
    OperatorCommand {
        spec: CommandSpec {
            words: "zone reload",
            changes: true,
            path: "/zones/reload",
            about: "Read the files of one zone again, changed or not",
            arguments: &[ZONE],
            seconds: 60,
        },
        run: RunCommand::Later(actions::zone_reload),
        show: show::sentence,
    },
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
    OperatorCommand {
        spec: CommandSpec {
            words: "",
            changes: false,
            path: "/healthy",
            about: "Whether every thread and task does its work; for `rhumb healthcheck`",
            arguments: &[],
            seconds: 5,
        },
        run: RunCommand::Now(actions::healthy),
        show: show::sentence,
    },
];

impl ControlService for ServerAdmin {
    fn commands(&self) -> Vec<&'static CommandSpec> {
        COMMANDS.iter().map(|command| &command.spec).collect()
    }

    fn run<'a>(
        &'a self,
        command: &'static CommandSpec,
        given: &'a CommandArguments,
    ) -> LaterResult<'a, CommandResult> {
        let row = COMMANDS.iter().find(|row| std::ptr::eq(&raw const row.spec, command));
        Box::pin(async move {
            match row.map(|row| &row.run) {
                Some(RunCommand::Now(run)) => run(self, given),
                Some(RunCommand::Later(run)) => run(self, given).await,
                None => Err(crate::control::command::CommandFailure::new("there is no such command")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn rows_do_not_share_words_or_paths() {
        let (mut words, mut paths) = (HashSet::new(), HashSet::new());
        for OperatorCommand { spec, .. } in COMMANDS {
            assert!(spec.words.is_empty() || words.insert(spec.words), "{}", spec.words);
            assert!(spec.path.starts_with('/') && paths.insert(spec.path), "{}", spec.path);
            assert!(
                !spec.about.is_empty() && !spec.about.ends_with('.') && spec.seconds > 0,
                "{}",
                spec.path
            );
            if let Some((group, _)) = spec.words.split_once(' ') {
                assert!(COMMAND_GROUPS.iter().any(|(known, _)| *known == group), "{}", spec.words);
            }
            for argument in spec.arguments {
                let known = |name| spec.arguments.iter().any(|other| other.name == name);
                assert!(argument.requires.is_none_or(known), "{}: {}", spec.path, argument.name);
            }
        }
    }
}
