//! The commands that are about zones.

use super::super::{actions, show, zone_actions};
use super::command_row::{OperatorCommand, RunCommand};
use crate::control::command::{ArgumentKind, ArgumentSpec, CommandSpec};

/// Which zone is meant.
const ZONE: ArgumentSpec = ArgumentSpec::required("name", ArgumentKind::Name, "The zone");

/// In the order of the help.
pub(super) static ZONE_COMMANDS: &[OperatorCommand] = &[
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
];
