//! The sections of a message (RFC 1035 section 4.1).

/// The four sections, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum MessageSection {
    /// What was asked.
    Question = 0,
    /// What answers it.
    Answer = 1,
    /// Who could tell more, or the SOA of a denial.
    Authority = 2,
    /// What else may help.
    Additional = 3,
}
