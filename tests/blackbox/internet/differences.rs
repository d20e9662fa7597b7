//! The differences that are right: who differs from rhumb, when, and by which section of which RFC.

use rhumb_tests::rig::rcode;

use super::questions::{Answered, Question};
use super::zones::Fault;

/// One question, and what rhumb and another resolver say.
pub(super) struct Case<'a> {
    pub(super) question: &'a Question,
    pub(super) ours: &'a Answered,
    /// No answer where none came in time.
    pub(super) theirs: Option<&'a Answered>,
}

/// An explained difference.
pub(super) struct Known {
    /// What is right, and rhumb does.
    pub(super) what: &'static str,
    /// Where it is said.
    pub(super) section: &'static str,
    /// Who differs.
    pub(super) who: &'static [&'static str],
    /// Exactly when.
    pub(super) when: fn(&Case<'_>) -> bool,
}

/// The table.
pub(super) const TABLE: &[Known] = &[
    Known {
        what: "proofs with more than 50 iterations make a zone insecure; others do so above 150",
        section: "RFC 9276 section 3.2",
        who: &["Unbound", "BIND"],
        when: |case| {
            let through = case.question.zones().iter().any(|zone| zone.origin == "much-iterated.net.");
            through && case.is_the_same_but_for_ad() && !case.ours.secure
        },
    },
    Known {
        what: "that a signed zone has no DS record of a name is proven, and told with AD",
        section: "RFC 4035 section 3.2.3",
        who: &["BIND"],
        when: |case| {
            let denied = case.ours.records.is_empty() && case.question.kind == "DS";
            denied && case.is_the_same_but_for_ad() && case.ours.secure
        },
    },
    Known {
        what: "each set of a signed answer has its signature, that of an alias which was known before too",
        section: "RFC 4035 section 3.2.1",
        who: &["BIND"],
        when: |case| case.ours.secure && case.lacks_signatures_alone(),
    },
    Known {
        what: "a client is told in time that no server answers",
        section: "RFC 1034 section 5.3.3",
        who: &["Unbound", "BIND"],
        when: |case| {
            case.question.zone.fault == Fault::Unreachable
                && case.ours.code == rcode::SERVFAIL
                && case.theirs.is_none()
        },
    },
];

impl Case<'_> {
    /// Whether what they say is what we say, but for signatures that they leave out.
    fn lacks_signatures_alone(&self) -> bool {
        self.theirs.is_some_and(|theirs| {
            let same = (theirs.code, theirs.secure) == (self.ours.code, self.ours.secure);
            let there = |record: &String| theirs.records.contains(record);
            let lacking = self.ours.records.iter().filter(|record| !there(record));
            let more = theirs.records.iter().any(|record| !self.ours.records.contains(record));
            same && !more && lacking.into_iter().all(|record| record.contains(" rrsig "))
        })
    }

    fn is_the_same_but_for_ad(&self) -> bool {
        self.theirs
            .is_some_and(|theirs| (theirs.code, &theirs.records) == (self.ours.code, &self.ours.records))
    }
}
