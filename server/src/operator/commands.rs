//! The commands of the control socket, one row each: the server, the command line, its help and the manual page go by them.

use super::admin::ServerAdmin;
use crate::control::command::{CommandArguments, CommandResult, CommandSpec, ControlService, LaterResult};

mod command_row;
mod resolution;
mod server;
mod zones;

use command_row::RunCommand;
pub(crate) use command_row::{EXPLAIN_UPDATE, OperatorCommand};
use resolution::RESOLUTION_COMMANDS;
use server::SERVER_COMMANDS;
use zones::ZONE_COMMANDS;

/// Words that several commands begin with.
pub(crate) static COMMAND_GROUPS: &[(&str, &str)] = &[
    ("zone", "The zones of the running server"),
    ("upstream", "Take an upstream of the running server out, or back"),
    ("cache", "Show what the running server has cached"),
];

/// All of them, in the order of the help.
pub(crate) fn all_commands() -> impl Iterator<Item = &'static OperatorCommand> {
    [SERVER_COMMANDS, ZONE_COMMANDS, RESOLUTION_COMMANDS].into_iter().flatten()
}

impl ControlService for ServerAdmin {
    fn commands(&self) -> Vec<&'static CommandSpec> {
        all_commands().map(|command| &command.spec).collect()
    }

    fn run<'a>(
        &'a self,
        command: &'static CommandSpec,
        given: &'a CommandArguments,
    ) -> LaterResult<'a, CommandResult> {
        let row = all_commands().find(|row| std::ptr::eq(&raw const row.spec, command));
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
        for OperatorCommand { spec, .. } in all_commands() {
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
