//! When a change of a key counts.

/// When a changed value of a key is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InForce {
    /// With the reload that reads it.
    AtReload,
    /// With the next start of the server.
    AtRestart,
}
