//! An explained answer as text: the steps as a tree, then the answer.

use std::io::{self, Write};

use serde_json::Value;

use super::amount::took;
use super::answer::{AnswerStreams, read};
use super::table::{TextTable, list, plain};
use crate::control::command::CommandArguments;
use crate::operator::explanation::{AnswerExplanation, ExplanationStep, RecordSource};

pub(in crate::operator) fn explanation(
    given: &CommandArguments,
    answer: Value,
    to: &mut AnswerStreams<'_>,
) -> io::Result<()> {
    let found: AnswerExplanation = read(answer)?;
    let out = &mut *to.out;
    let name = given.name("name").map(ToString::to_string).unwrap_or_default();
    let rtype = given.record_type("type").map(|rtype| rtype.to_string()).unwrap_or_default();
    let from = given.address("from").map(|from| format!(" from {from}")).unwrap_or_default();
    let to = given.address("to").map(|to| format!(" to {to}")).unwrap_or_default();
    writeln!(out, "{} {rtype}{from}{to}\n", plain(&name))?;
    steps(out, &found.steps)?;
    if !found.tried.is_empty() && !found.steps.iter().any(ExplanationStep::has_queries) {
        writeln!(out)?;
        let mut tried = TextTable::with_head(["UPSTREAM", "TRANSPORT", "OUTCOME", "TIME"]);
        for one in &found.tried {
            tried.row([&*one.upstream, &one.transport, &one.outcome, &format!("{:.1} ms", one.ms)]);
        }
        tried.write(out)?;
    }
    let flags = if found.flags.is_empty() { "none".to_owned() } else { found.flags.join(" ") };
    writeln!(out, "\n{}", plain(&format!("{}, flags {flags}, {}", found.rcode, took(found.took_us))))?;
    list(out, "extended errors", &found.ede)?;
    records(out, "answer", &found.answer, &found.sources)?;
    records(out, "authority", &found.authority, &found.sources)?;
    records(out, "additional", &found.additional, &found.sources)
}

/// Records below a title, each with where it comes from; nothing without records.
fn records(out: &mut dyn Write, title: &str, records: &[String], sources: &[RecordSource]) -> io::Result<()> {
    let told = |record: &String| {
        let source = sources.iter().find(|source| source.record == *record);
        let from = source.map(|source| format!("  from {}", source.what));
        std::iter::once(record.clone()).chain(from).collect::<Vec<_>>()
    };
    list(out, title, &records.iter().flat_map(told).collect::<Vec<_>>())
}

/// The steps in two columns, below each the tree of those within it.
fn steps(out: &mut dyn Write, steps: &[ExplanationStep]) -> io::Result<()> {
    let width = steps.iter().map(|step| step.step.chars().count()).max().unwrap_or(0);
    for step in steps {
        writeln!(out, "{:width$}  {}", plain(&step.step), plain(&step.what))?;
        branches(out, &step.children, &" ".repeat(width + 2))?;
    }
    Ok(())
}

/// A step a line. Steps within steps are as deep as the reader of JSON lets them be.
fn branches(out: &mut dyn Write, steps: &[ExplanationStep], before: &str) -> io::Result<()> {
    for (index, step) in steps.iter().enumerate() {
        let (branch, below) =
            if index + 1 == steps.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        writeln!(out, "{before}{branch}{}", plain(&step.what))?;
        branches(out, &step.children, &format!("{before}{below}"))?;
    }
    Ok(())
}
