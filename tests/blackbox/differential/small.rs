//! The same questions with little room: TC is set exactly if something that belongs to the answer has no place.

use rhumb_tests::Failure;
use rhumb_tests::rig::message::{Message, TC};
use rhumb_tests::rig::record::Record;

use super::name;
use super::normal::keys;
use super::report::Report;
use super::round::Round;

/// Questions of a round that are put once more by UDP.
const SAMPLE: usize = 250;
/// Bytes a client takes.
const SIZES: [u16; 6] = [512, 512, 600, 800, 1100, 1400];

impl Round {
    /// Asks some questions again, by UDP with small buffers, and compares with the whole answers.
    pub(super) fn cut_short(&mut self, report: &mut Report) -> Result<(), Failure> {
        for _ in 0..SAMPLE {
            let index = self.chance.below(self.questions.len());
            let size = *self.chance.pick(&SIZES);
            let (question, whole) = (&self.questions[index], &self.answers[index]);
            let mut query = question.query.clone();
            let limit = query.edns.as_mut().map_or(512, |edns| {
                edns.size = size;
                usize::from(size)
            });
            let short = self.client.udp(self.rhumb, &query)?;
            report.short += 1;
            report.truncated += usize::from(short.message.has(TC));
            let problem = if short.wire.len() > limit {
                Some(format!("{} bytes, at most {limit}", short.wire.len()))
            } else if whole.length <= limit {
                let same = sections(&short.message) == sections(&whole.message) && !short.message.has(TC);
                (!same).then(|| "something is left out of an answer that has room".to_owned())
            } else {
                cut(&short.message, &whole.message)
            };
            if let Some(problem) = problem {
                let text =
                    format!("by UDP: {problem}; size {limit}, whole {}, {:?}", whole.length, short.message);
                report.wrong(self, question, &text);
            }
        }
        Ok(())
    }
}

fn sections(message: &Message) -> [Vec<String>; 3] {
    [&message.answer, &message.authority, &message.additional].map(|section| {
        let mut all: Vec<String> = section.iter().map(Record::key).collect();
        all.sort();
        all
    })
}

/// What is wrong with an answer that is shorter than the whole.
fn cut(short: &Message, whole: &Message) -> Option<String> {
    for (part, all) in [
        (&short.answer, &whole.answer),
        (&short.authority, &whole.authority),
        (&short.additional, &whole.additional),
    ] {
        if !keys(part).is_subset(&keys(all)) {
            return Some("records that the whole answer has not".to_owned());
        }
    }
    if short.has(TC) {
        return None;
    }
    if keys(&short.answer) != keys(&whole.answer) || keys(&short.authority) != keys(&whole.authority) {
        return Some("records of the answer are left out without TC".to_owned());
    }
    // RFC 9471 section 3: glue of the zone that is referred to is no extra.
    let cut = whole.authority.iter().find(|record| record.kind == 2 && whole.answer.is_empty())?;
    let missing = whole.additional.iter().find(|record| {
        name::at_or_below(&name::lower(&record.owner), &name::lower(&cut.owner))
            && !short.additional.contains(record)
    })?;
    Some(format!("glue left out without TC: {missing}"))
}
