//! The commands that are about the server as a whole and what it answers.

use rhumb_wire::Transport;

use super::super::{actions, show};
use super::command_row::{EXPLAIN_UPDATE, OperatorCommand, RunCommand};
use crate::control::command::{ArgumentKind, ArgumentSpec, CommandSpec};

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

/// What the client of an explained update shows of itself.
const TLS_NAME: ArgumentSpec = ArgumentSpec::option(
    "tls-name",
    ArgumentKind::Name,
    "A name that an update's client is taken to show a certificate for; it has none without it",
);

/// In the order of the help.
pub(super) static SERVER_COMMANDS: &[OperatorCommand] = &[
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
                TLS_NAME.with("update"),
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
            arguments: &[
                ArgumentSpec::required("contents", ArgumentKind::Contents, "The file"),
                FROM,
                KEY,
                TLS_NAME,
            ],
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
