//! A dynamic update with what would become of it.

use serde::{Deserialize, Serialize};

/// What would become of the messages of a file, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpdateExplanation {
    /// Each of them.
    pub messages: Vec<ExplainedUpdate>,
}

/// What would become of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExplainedUpdate {
    /// The zone that it is for.
    pub zone: String,
    /// The client that it is taken to come from.
    pub client: String,
    /// The key that it is taken to be signed with.
    pub key: Option<String>,
    /// The name that it is taken to show a certificate for.
    pub tls_name: Option<String>,
    /// Its prerequisites, in the order they are looked at.
    pub prerequisites: Vec<ExplainedPrerequisite>,
    /// The records of its update section.
    pub records: Vec<ExplainedOperation>,
    /// The response code, such as `REFUSED`.
    pub rcode: String,
    /// What would become of it, in words.
    pub verdict: String,
}

/// A prerequisite, and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExplainedPrerequisite {
    /// What it asks for.
    pub what: String,
    /// Whether that is so.
    pub holds: bool,
}

/// A record of the update section, and what rules say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExplainedOperation {
    /// What it does.
    pub what: String,
    /// Whether a rule allows it.
    pub admitted: bool,
    /// The rule: the place of its zone in the configuration, and its number there.
    pub rule: Option<String>,
    /// Why it is denied, or admitted and left out all the same.
    pub why: Option<String>,
}
