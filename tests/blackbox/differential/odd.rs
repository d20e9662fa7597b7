//! Questions that no zone answers: other classes, types that are none. At least one peer must do as rhumb does.

use std::net::SocketAddr;

use rhumb_tests::rig::Message;
use rhumb_tests::rig::message::AA;

use super::exchange::ask_all;
use super::questions::{Mode, Question};
use super::report::Report;
use super::round::Round;

/// A name outside, or the first origin; type, class. Class ANY and TKEY are not among them: everyone has an answer of his own.
const ODD: [(&str, bool, u16, u16); 11] = [
    ("", false, 1, 3),
    ("", false, 1, 4),
    ("", false, 1, 254),
    ("", false, 0, 1),
    ("", false, 41, 1),
    ("", false, 128, 1),
    ("", false, 253, 1),
    ("", false, 254, 1),
    ("", false, 65_535, 1),
    ("nothing.elsewhere.", true, 1, 1),
    ("nothing.elsewhere.", true, 43, 1),
];

impl Round {
    /// Asks everyone these questions, and compares response code and AA.
    pub(super) fn ask_oddly(&self, report: &mut Report) {
        for (name, outside, kind, class) in ODD {
            let name = if outside { name } else { &self.families[0].zones[0].origin };
            let mut query = Message::query(".", "A").no_recursion();
            query.questions = vec![(name.to_owned(), kind, class)];
            let ask = |to: SocketAddr| -> Option<(u16, bool)> {
                let answers = ask_all(&self.client, to, std::slice::from_ref(&query)).ok()?;
                answers.first().map(|answered| (answered.message.rcode(), answered.message.has(AA)))
            };
            let ours = ask(self.rhumb);
            let theirs: Vec<_> = self.peers().iter().map(|peer| (peer.name, ask(peer.to))).collect();
            if !theirs.iter().any(|(_, answer)| *answer == ours) {
                let question = Question {
                    family: 0,
                    name: name.to_owned(),
                    kind,
                    mode: Mode::Plain,
                    query: query.clone(),
                };
                let problem = format!("an odd question, class {class}: rcode and AA {ours:?}, {theirs:?}");
                report.wrong(self, &question, &problem);
            }
        }
    }
}
