//! What would become of updates, as text.

use std::io;

use serde_json::Value;

use super::answer::{AnswerStreams, read};
use super::table::plain;
use crate::control::command::CommandArguments;
use crate::operator::update_explanation::{ExplainedOperation, ExplainedUpdate, UpdateExplanation};

pub(in crate::operator) fn updates(
    _: &CommandArguments,
    answer: Value,
    to: &mut AnswerStreams<'_>,
) -> io::Result<()> {
    let UpdateExplanation { messages } = read(answer)?;
    for (number, message) in messages.iter().enumerate() {
        let ExplainedUpdate { zone, client, key, tls_name, prerequisites, records, rcode, verdict } = message;
        if number > 0 {
            writeln!(to.out)?;
        }
        let signed = key.as_ref().map_or_else(|| "unsigned".to_owned(), |key| format!("signed with {key}"));
        let shown =
            tls_name.as_ref().map(|name| format!(", with a certificate for {name}")).unwrap_or_default();
        writeln!(to.out, "{}", plain(&format!("zone {zone}, from {client}, {signed}{shown}")))?;
        for condition in prerequisites {
            let holds = if condition.holds { "holds" } else { "does not hold" };
            writeln!(to.out, "  {}", plain(&format!("prerequisite: {}: {holds}", condition.what)))?;
        }
        for record in records {
            writeln!(to.out, "  {}", plain(&of_record(record)))?;
        }
        writeln!(to.out, "{}", plain(&format!("{rcode}, {verdict}")))?;
    }
    Ok(())
}

fn of_record(record: &ExplainedOperation) -> String {
    let ExplainedOperation { what, admitted, rule, why } = record;
    let judged = if *admitted { "admitted" } else { "denied" };
    let by = rule.as_ref().map(|rule| format!(" by {rule}")).unwrap_or_default();
    let why = why.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
    format!("{what}: {judged}{by}{why}")
}
