//! An answer with its reasons.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a question was answered and why so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AnswerExplanation {
    /// The way of the query through the server, in order.
    pub steps: Vec<ExplanationStep>,
    /// The response code's mnemonic, such as `NXDOMAIN`.
    pub rcode: String,
    /// The header's flags that are set, in the lower-case words of dig: `qr`, `aa`, `tc`, `rd`, `ra`, `ad`, `cd`.
    pub flags: Vec<String>,
    /// The records of the answer section in presentation form.
    pub answer: Vec<String>,
    /// The records of the authority section in presentation form.
    pub authority: Vec<String>,
    /// The records of the additional section in presentation form, without OPT.
    pub additional: Vec<String>,
    /// Where the records come from that zones of the server have.
    #[serde(default)]
    pub sources: Vec<RecordSource>,
    /// The upstreams that were asked, in order.
    pub tried: Vec<UpstreamAttempt>,
    /// The Extended DNS Errors of the answer (RFC 8914): number, name and text of each.
    pub ede: Vec<String>,
    /// From the question to its answer, in microseconds.
    pub took_us: u64,
}

/// One step of the way of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExplanationStep {
    /// The step's name, such as `route` or `cached`.
    pub step: String,
    /// What was found or decided there, with the rule's place in the configuration.
    pub what: String,
    /// The same as single facts, such as `server`, `key_tag` or `security`; steps of look-ups have them.
    #[serde(flatten)]
    pub facts: Map<String, Value>,
    /// What was done within it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ExplanationStep>,
}

impl ExplanationStep {
    /// A step without facts.
    pub(crate) fn new(step: &str, what: String) -> Self {
        Self { step: step.to_owned(), what, facts: Map::new(), children: Vec::new() }
    }

    /// The same with one fact more.
    pub(crate) fn with(mut self, fact: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(fact.to_owned(), value.into());
        self
    }

    /// The same in other words.
    pub(crate) fn saying(self, what: String) -> Self {
        Self { what, ..self }
    }

    /// Whether a query is among the steps within.
    pub(crate) fn has_queries(&self) -> bool {
        self.step == "query" || self.children.iter().any(Self::has_queries)
    }
}

/// Where a record of an answer comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordSource {
    /// The record, as the answer has it.
    pub record: String,
    /// The zone.
    pub zone: String,
    /// All of it in words.
    pub what: String,
    /// What brought it in: `file`, `transfer`, `update` or `command`.
    pub cause: String,
    /// Who did: a key, the name of a certificate, and an address; a primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// When, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<u64>,
    /// The serial of the version that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<u32>,
    /// The file that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line there, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// One question to an upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UpstreamAttempt {
    /// The upstream's address.
    pub upstream: String,
    /// How it was asked, such as `udp`.
    pub transport: String,
    /// What came of it, such as `NOERROR` or `timed out`.
    pub outcome: String,
    /// How long it took, in milliseconds.
    pub ms: f64,
}
