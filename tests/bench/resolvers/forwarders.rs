//! rhumb, Unbound and BIND that forward to the same upstream, and the attacks on forwarders; the numbers are those of the table of attacks.

mod dead_domain;
mod descriptors;
mod network;
mod rebinding;
mod release;

use rhumb_tests::Failure;
use rhumb_tests::rig::peer::ResolverSoftware;

use crate::running::softwares;

/// One attack: its title, the heading of its table, and what prints the lines of one resolver.
type Attack = (&'static str, fn() -> String, fn(Option<ResolverSoftware>) -> Result<(), Failure>);

const ATTACKS: [Attack; 4] = [
    ("39 public names with addresses of private networks", rebinding::heading, rebinding::run),
    (
        "41 random names of a dead domain, 1,000 a second for 10 s or FLOOD_SECONDS",
        dead_domain::heading,
        dead_domain::run,
    ),
    ("42 3,000 queries of one source, answered at one instant", release::heading, release::run),
    ("70 1,000 TCP clients before 128 descriptors", descriptors::heading, descriptors::run),
];

/// Runs the attacks whose title contains a word, and prints a table of each.
pub(crate) fn run(word: &str) -> Result<(), Failure> {
    for (title, heading, attack) in ATTACKS.iter().filter(|(title, ..)| title.contains(word)) {
        println!("{title}\n{}", heading());
        for software in softwares() {
            attack(software)?;
        }
        println!();
    }
    Ok(())
}
