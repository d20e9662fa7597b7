//! A validator of others looks at rhumb's signed answers: whether denials prove what they say.

use std::process::Command;
use std::time::Duration;

use rhumb_tests::Failure;
use rhumb_tests::rig::message::AA;
use rhumb_tests::rig::program;
use rhumb_tests::rig::record::type_text;

use super::questions::{Mode, Question};
use super::report::Report;
use super::round::Round;
use super::signing::Key;
use super::zone::Zone;

/// Answers of a round that are validated.
const SAMPLE: usize = 12;

/// What delv says of an answer it believes.
const CONTENT: [&str; 2] = ["; fully validated", "; negative response, fully validated"];
/// What it says where opt-out leaves open whether there is a delegation without signatures.
const OPEN: [&str; 2] = ["; unsigned answer", "; negative response, unsigned answer"];

impl Round {
    /// Has some answers from signed zones validated.
    pub(super) fn validate(&mut self, key: &Key, report: &mut Report) -> Result<(), Failure> {
        let Some(delv) = program::find("delv") else { return Ok(()) };
        let mut left = SAMPLE;
        for _ in 0..SAMPLE * 20 {
            let index = self.chance.below(self.questions.len());
            let question = &self.questions[index];
            let Some(zone) = self.answered_by(index) else { continue };
            if left == 0 {
                break;
            }
            left -= 1;
            let anchor =
                format!("trust-anchors {{ \"{}\" static-key {}; }};\n", zone.origin, quoted(key.public()));
            let anchor = self.folder.write("anchor", anchor)?;
            let mut command: Command = self.client.host().command(&delv);
            command.arg("@127.0.0.1").arg("-a").arg(anchor).arg(format!("+root={}", zone.origin));
            // A name that begins with an @ or a dash would be an option; there is none.
            command.arg(question.query.name()).arg(type_text(question.kind));
            let said = program::run(&mut command, Duration::from_secs(20))?;
            let all = format!("{}{}", said.out, said.err);
            let opt_out =
                zone.signing.is_some_and(|signing| signing.hashed.is_some_and(|(_, _, opt_out)| opt_out));
            let content = CONTENT.iter().chain(OPEN.iter().filter(|_| opt_out));
            if content.clone().any(|text| all.contains(text)) {
                report.validated += 1;
            } else {
                let answer = &self.answers[index].message;
                report.wrong(self, question, &format!("delv is not content: {} with {answer:?}", all.trim()));
            }
        }
        Ok(())
    }

    /// The signed zone that gave the whole of an answer by itself; a chain may lead elsewhere.
    fn answered_by(&self, index: usize) -> Option<&Zone> {
        let question: &Question = &self.questions[index];
        let answer = &self.answers[index].message;
        let zone = self.families[question.family].zone_of(&question.name)?;
        let aliases =
            answer.answer.iter().any(|record| matches!(type_text(record.kind).as_str(), "CNAME" | "DNAME"));
        let odd = ["ANY", "RRSIG"].contains(&type_text(question.kind).as_str());
        let parent = type_text(question.kind) == "DS" && question.name == zone.origin;
        let fits = question.mode == Mode::Dnssec && answer.has(AA) && !aliases && !odd && !parent;
        (fits && zone.signing.is_some()).then_some(zone)
    }
}

/// `257 3 13 KEY` with the key in quotes.
fn quoted(key: &str) -> String {
    let words: Vec<&str> = key.split_whitespace().collect();
    let (numbers, key) = words.split_at(3);
    format!("{} \"{}\"", numbers.join(" "), key.concat())
}
