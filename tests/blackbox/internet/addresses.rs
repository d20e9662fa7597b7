//! The nameservers of the internet: their names, their addresses, and which program is behind them.

use crate::nameservers::Software;

/// The zone that has the names of all nameservers.
pub(super) const NAMES: &str = "hosting.net.";
/// Nothing answers here.
pub(super) const DEAD_FOUR: &str = "198.18.9.9";
const DEAD_SIX: &str = "2001:db8:18::909";

/// What answers at the addresses of a nameserver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// A program; those with the same word are one process.
    Program(Software, &'static str),
    /// What NSD of the hosting says, later.
    Slow,
    /// What BIND of the hosting says, over UDP only that it is too long.
    Truncating,
    /// Nobody.
    Silence,
}

/// One nameserver.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nameserver {
    /// The first label of its name.
    pub(super) label: &'static str,
    /// The addresses its name has.
    pub(super) addresses: &'static [&'static str],
    pub(super) behind: Behind,
}

impl Nameserver {
    /// The nameserver with this label. Panics where there is none: a mistake in the table.
    pub(super) fn of(label: &str) -> &'static Self {
        let found = NAMESERVERS.iter().find(|server| server.label == label);
        found.unwrap_or_else(|| panic!("no nameserver {label}"))
    }

    /// Its name, with the final dot.
    pub(super) fn name(&self) -> String {
        format!("{}.{NAMES}", self.label)
    }

    /// Those of its addresses at which it answers.
    pub(super) fn alive(&self) -> impl Iterator<Item = &'static str> {
        self.addresses.iter().copied().filter(|address| ![DEAD_FOUR, DEAD_SIX].contains(address))
    }

    /// Its addresses as records, the owner included.
    pub(super) fn records(&self) -> impl Iterator<Item = String> {
        let name = self.name();
        self.addresses.iter().map(move |address| {
            format!("{name} 3600 IN {} {address}\n", if address.contains(':') { "AAAA" } else { "A" })
        })
    }
}

const fn server(label: &'static str, addresses: &'static [&'static str], behind: Behind) -> Nameserver {
    Nameserver { label, addresses, behind }
}

const HOSTING_NSD: Behind = Behind::Program(Software::Nsd, "hosting");
const HOSTING_KNOT: Behind = Behind::Program(Software::Knot, "hosting");
const HOSTING_BIND: Behind = Behind::Program(Software::Bind, "hosting");

/// All of them. Each has addresses of its own.
pub(super) const NAMESERVERS: &[Nameserver] = &[
    server("root-nsd", &["198.18.0.1", "2001:db8:18::1"], Behind::Program(Software::Nsd, "root")),
    server("root-knot", &["198.18.0.2", "2001:db8:18::2"], Behind::Program(Software::Knot, "root")),
    server("tld-nsd", &["198.18.1.1", "2001:db8:18::101"], Behind::Program(Software::Nsd, "tld")),
    server("tld-knot", &["198.18.1.2", "2001:db8:18::102"], Behind::Program(Software::Knot, "tld")),
    server("tld-bind", &["198.18.1.3", "2001:db8:18::103"], Behind::Program(Software::Bind, "tld")),
    server("nsd", &["198.18.2.1", "2001:db8:18::201"], HOSTING_NSD),
    server("knot", &["198.18.2.2", "2001:db8:18::202"], HOSTING_KNOT),
    server("bind", &["198.18.2.3", "2001:db8:18::203"], HOSTING_BIND),
    server("nsd-four", &["198.18.2.11"], HOSTING_NSD),
    server("knot-four", &["198.18.2.12"], HOSTING_KNOT),
    server("knot-six", &["2001:db8:18::212"], HOSTING_KNOT),
    server("bind-six", &["2001:db8:18::213"], HOSTING_BIND),
    server("nsd-dead-four", &[DEAD_FOUR, "2001:db8:18::221"], HOSTING_NSD),
    server("bind-dead-six", &["198.18.2.23", DEAD_SIX], HOSTING_BIND),
    server("slow", &["198.18.3.1"], Behind::Slow),
    server("tcp", &["198.18.3.2"], Behind::Truncating),
    server("silent", &["198.18.3.3"], Behind::Silence),
    // A name that does not exist.
    server("missing", &[], Behind::Silence),
];
