//! The manual page: all commands on one.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;

/// Writes the page in roff.
pub(super) fn write(mut command: Command, out: &mut Vec<u8>) -> io::Result<()> {
    command.build();
    let man = Man::new(command.clone()).section("8").manual("System Administration");
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    writeln!(out, ".SH COMMANDS")?;
    // Commands wait here for their turn: those of `zone` stand below it.
    let mut waiting: Vec<Command> = command.get_subcommands().cloned().collect();
    waiting.sort_by_key(Command::get_display_order);
    waiting.reverse();
    while let Some(next) = waiting.pop() {
        if next.has_subcommands() {
            waiting.extend(next.get_subcommands().cloned().collect::<Vec<_>>().into_iter().rev());
        } else {
            section(next, out)?;
        }
    }
    Ok(())
}

/// One command: its usage, what it does, its options.
fn section(command: Command, out: &mut Vec<u8>) -> io::Result<()> {
    let called = command.get_bin_name().unwrap_or_else(|| command.get_name()).replace('-', "\\-");
    let man = Man::new(command.mut_arg("help", |help| help.hide(true)));
    let mut parts = Vec::new();
    man.render_synopsis_section(&mut parts)?;
    writeln!(parts, ".PP")?;
    man.render_description_section(&mut parts)?;
    man.render_options_section(&mut parts)?;
    writeln!(out, ".SS \"{called}\"")?;
    for line in String::from_utf8_lossy(&parts).lines() {
        // The sections of a page of its own.
        if !line.starts_with(".SH") && !line.starts_with(".ie") && !line.starts_with(".el") {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
