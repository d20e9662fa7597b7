//! What a run found, in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rhumb_tests::rig::record::type_text;

use super::generator::Family;
use super::known::TABLE;
use super::name;
use super::normal::Normal;
use super::questions::Question;
use super::round::Round;
use super::setting;

/// How often a kind of difference was met, and the first few.
type Kinds = BTreeMap<String, (usize, Vec<String>)>;

/// Counts and differences of all rounds.
#[derive(Default)]
pub(super) struct Report {
    questions: usize,
    /// Answers of peers that are those of rhumb.
    same: usize,
    /// Questions to which every peer has another answer, each explained by itself.
    alone: usize,
    /// How often each entry of the table was needed.
    used: Vec<usize>,
    /// Differences nothing explains, by kind: how many, and the first one.
    unexplained: Kinds,
    /// Answers in which one peer stands against rhumb and at least one other, likewise.
    outvoted: Kinds,
    /// By peer: families served, families in all.
    loaded: BTreeMap<&'static str, (usize, usize)>,
    /// Answers to short queries that were looked at, and those that a validator was content with.
    pub(super) short: usize,
    pub(super) truncated: usize,
    pub(super) validated: usize,
}

impl Report {
    /// Notes what the peers said; with three of them that differ and no entry for all, rhumb stands alone.
    pub(super) fn count(&mut self, same: usize, explained: &[usize]) {
        let for_all = |entry: &usize| TABLE[*entry].who.len() == 3;
        self.alone += usize::from(same == 0 && explained.len() == 3 && !explained.iter().any(for_all));
        self.used.resize(TABLE.len(), 0);
        self.questions += 1;
        self.same += same;
        for &entry in explained {
            self.used[entry] += 1;
        }
    }

    pub(super) fn loaded(&mut self, peer: &'static str, served: usize, all: usize) {
        let entry = self.loaded.entry(peer).or_default();
        *entry = (entry.0 + served, entry.1 + all);
    }

    /// Notes an answer that is wrong by itself.
    pub(super) fn wrong(&mut self, round: &Round, question: &Question, problem: &str) {
        note(
            &mut self.unexplained,
            problem.split(':').next().unwrap_or("").to_owned(),
            format!("{}: {problem}", title(round, question)),
        );
    }

    /// Notes a difference that nothing explains; `same` peers answer as rhumb does.
    pub(super) fn differ(
        &mut self,
        round: &Round,
        question: &Question,
        ours: &Normal,
        theirs: &[(&str, Normal)],
        same: usize,
    ) {
        let mut kind = String::new();
        let mut text = format!("{}\n    rhumb: {ours:?}", title(round, question));
        for (name, normal) in theirs {
            let _ = write!(kind, "{name} in {}; ", ours.parts(normal).join(", "));
            let _ = write!(text, "\n    {name}: {normal:?}");
        }
        let kinds = if theirs.len() <= same { &mut self.outvoted } else { &mut self.unexplained };
        note(kinds, kind, text);
    }

    pub(super) fn differences(&self) -> usize {
        self.unexplained.values().map(|(count, _)| count).sum()
    }

    pub(super) fn is_clean(&self) -> bool {
        self.unexplained.is_empty() && self.questions > 0
    }

    pub(super) fn first(&self) -> &str {
        self.unexplained.values().flat_map(|(_, texts)| texts).next().map_or("", String::as_str)
    }

    pub(super) fn print(&self, rounds: u64) {
        println!(
            "differential: {rounds} rounds, {} questions, {} answers of peers the same, {} explained ({} times nobody \
             answers as rhumb does), {} not; {} short queries, {} of them truncated; {} answers validated",
            self.questions,
            self.same,
            self.used.iter().sum::<usize>(),
            self.alone,
            self.differences(),
            self.short,
            self.truncated,
            self.validated
        );
        for (peer, (served, all)) in &self.loaded {
            println!("  {peer} serves {served} of {all} families");
        }
        for (known, used) in TABLE.iter().zip(&self.used) {
            println!("  {used} times: {} ({}; not {})", known.what, known.section, known.who.join(", "));
        }
        for (kind, (count, texts)) in &self.outvoted {
            println!("  {count} times one stands against rhumb and others: {kind}");
            for text in texts {
                println!("    {text}");
            }
        }
        for (kind, (count, texts)) in &self.unexplained {
            println!("  {count} differences: {kind}");
            for text in texts {
                println!("    {text}");
            }
        }
    }
}

fn note(kinds: &mut Kinds, kind: String, text: String) {
    let entry = kinds.entry(kind).or_default();
    entry.0 += 1;
    if entry.1.len() < setting("RHUMB_DIFF_SHOW").unwrap_or(1) as usize {
        entry.1.push(text);
    }
}

fn title(round: &Round, question: &Question) -> String {
    format!(
        "seed {} {} {} {:?}, {}",
        round.seed,
        question.query.name(),
        type_text(question.kind),
        question.mode,
        around(&round.families[question.family], &question.name)
    )
}

/// The zone of a name, and what stands on the way to it.
fn around(family: &Family, name: &str) -> String {
    let Some(zone) = family.zone_of(name) else { return "outside".to_owned() };
    let mut text = format!("zone {} {:?}", zone.origin, zone.signing);
    for line in &zone.lines {
        let owner = name::lower(&line.owner);
        let wildcard = owner.strip_prefix("*.").is_some_and(|above| name::at_or_below(name, above));
        let near = name::at_or_below(name, &owner) || name::parent(&owner) == Some(name) || wildcard;
        if owner != zone.origin && near && line.kind != "TXT" {
            let _ = write!(text, "; {owner} {} {}", line.kind, line.data);
        }
    }
    text
}
