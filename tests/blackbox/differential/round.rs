//! One round: families of zones on four servers, and questions to all of them.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::message::{AA, RD, TC};
use rhumb_tests::rig::record::type_text;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server};
use rhumb_tests::{Failure, fail};

use super::case::Case;
use super::chance::Chance;
use super::exchange::{Answered, ask_all};
use super::generator::Family;
use super::known;
use super::name;
use super::normal::{Normal, keys};
use super::peers::{self, Peer};
use super::questions::{self, Question};
use super::report::Report;
use super::signing::Key;

/// Families of a round, and questions about each of them.
const FAMILIES: usize = 8;
const QUESTIONS: usize = 500;
/// Every so many rounds there is but one family, at the root.
const ROOT_EVERY: u64 = 6;
/// How long servers may take until they answer.
const START: Duration = Duration::from_secs(30);

/// Zones served by everyone, and what rhumb answered.
pub(super) struct Round {
    pub(super) seed: u64,
    pub(super) families: Vec<Family>,
    pub(super) client: Client,
    pub(super) rhumb: SocketAddr,
    pub(super) questions: Vec<Question>,
    pub(super) answers: Vec<Answered>,
    pub(super) chance: Chance,
    peers: Vec<Peer>,
    /// By peer and family: whether all of its zones are served.
    served: Vec<Vec<bool>>,
    _server: Server,
    pub(super) folder: Folder,
}

impl Round {
    /// Makes the zones, signs them, and starts the servers.
    pub(super) fn new(seed: u64, key: &Key) -> Result<Self, Failure> {
        let mut chance = Chance::new(seed);
        let mut families: Vec<Family> = if seed.is_multiple_of(ROOT_EVERY) {
            vec![Family::new(".", &mut chance)]
        } else {
            (0..FAMILIES).map(|index| Family::new(&format!("f{index}."), &mut chance)).collect()
        };
        let (host, folder) = (Host::new()?, Folder::new()?);
        let mut config = Config::new().listen("127.0.0.1").more("workers: 1\nserver: { edns-size: 4096 }");
        let mut zones = Vec::new();
        for (number, zone) in families.iter_mut().flat_map(|family| &mut family.zones).enumerate() {
            let signed = match zone.signing {
                Some(signing) => key.sign(zone, signing, folder.path())?,
                None => None,
            };
            // dnssec-signzone refuses what BIND does not load.
            zone.signing = zone.signing.filter(|_| signed.is_some());
            let text = signed.unwrap_or_else(|| zone.text());
            config = config.zone(&zone.origin, &text);
            zones.push((zone.origin.clone(), folder.write(&format!("zones/{number}"), text)?));
        }
        let peers = peers::start(&host, &folder, &zones)?;
        let server = Server::start(&host, &config)?;
        let questions = families.iter().enumerate().flat_map(|(index, family)| {
            let count = if families.len() == 1 { FAMILIES * QUESTIONS } else { QUESTIONS };
            questions::about(index, family, count, &mut chance)
        });
        let questions: Vec<Question> = questions.collect();
        let mut round = Self {
            seed,
            client: Client::new(&host),
            rhumb: "127.0.0.1:53".parse()?,
            questions,
            answers: Vec::new(),
            served: Vec::new(),
            families,
            chance,
            peers,
            _server: server,
            folder,
        };
        round.wait()?;
        Ok(round)
    }

    /// Waits until every peer answers for the last zone or refuses it, and notes which families it serves.
    fn wait(&mut self) -> Result<(), Failure> {
        let probe = |origin: &str| Message::query(origin, "SOA").no_recursion();
        let origins =
            |family: &Family| family.zones.iter().map(|zone| probe(&zone.origin)).collect::<Vec<_>>();
        let begun = Instant::now();
        for peer in &self.peers {
            let client = self.client.clone().time_limit(Duration::from_millis(300));
            let mut last = Vec::new();
            loop {
                let all: Result<Vec<Vec<bool>>, Failure> = self
                    .families
                    .iter()
                    .map(|family| {
                        let answers = ask_all(&client, peer.to, &origins(family))?;
                        Ok(answers
                            .iter()
                            .map(|answered| answered.message.has(AA) && answered.message.rcode() == 0)
                            .collect())
                    })
                    .collect();
                // Loaded, and nothing has changed for a while: what is refused stays refused.
                match all {
                    Ok(now) if now.iter().flatten().all(|good| *good) || now == last => {
                        last = now;
                        break;
                    }
                    Ok(now) if now.iter().flatten().any(|good| *good) => last = now,
                    other if begun.elapsed() > START => {
                        fail!("{} is not ready: {:?}", peer.name, other.err())
                    }
                    _ => {}
                }
                thread::sleep(Duration::from_millis(100));
            }
            self.served.push(last.iter().map(|zones| zones.iter().all(|good| *good)).collect());
        }
        Ok(())
    }

    /// The other servers.
    pub(super) fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// Asks everyone everything, and compares.
    pub(super) fn compare(&mut self, report: &mut Report) -> Result<(), Failure> {
        let queries: Vec<Message> = self.questions.iter().map(|question| question.query.clone()).collect();
        let targets: Vec<SocketAddr> =
            std::iter::once(self.rhumb).chain(self.peers.iter().map(|peer| peer.to)).collect();
        let (client, queries) = (&self.client, &queries);
        let mut all: Vec<Vec<Answered>> = thread::scope(|scope| {
            let askers: Vec<_> =
                targets.iter().map(|&to| scope.spawn(move || ask_all(client, to, queries))).collect();
            askers
                .into_iter()
                .map(|asker| asker.join().unwrap_or_else(|_| fail!("an asker panicked")))
                .collect::<Result<_, _>>()
        })?;
        self.answers = all.remove(0);
        for (index, question) in self.questions.iter().enumerate() {
            let ours = &self.answers[index].message;
            if let Some(problem) = odd(question, ours) {
                report.wrong(self, question, &problem);
            }
            self.compare_one(question, ours, |peer: usize| &all[peer][index].message, report);
        }
        for (served, peer) in self.served.iter().zip(&self.peers) {
            report.loaded(peer.name, served.iter().filter(|served| **served).count(), served.len());
        }
        Ok(())
    }

    fn compare_one<'a>(
        &self,
        question: &Question,
        ours: &Message,
        of: impl Fn(usize) -> &'a Message,
        report: &mut Report,
    ) {
        let family = &self.families[question.family];
        let normal = Normal::of(ours, question.kind);
        let (mut same, mut explained, mut differing) = (0, Vec::new(), Vec::new());
        let mut glue = Vec::new();
        for (index, peer) in
            self.peers.iter().enumerate().filter(|(index, _)| self.served[*index][question.family])
        {
            let theirs = Normal::of(of(index), question.kind);
            if theirs == normal {
                same += 1;
                glue.push(keys(&of(index).additional));
                continue;
            }
            let case = Case { family, question, ours: &normal, theirs: &theirs };
            match known::explain(peer.name, &case) {
                Some(entry) => explained.push(entry),
                None => differing.push((peer.name, theirs)),
            }
        }
        report.count(same, &explained);
        if !differing.is_empty() {
            report.differ(self, question, &normal, &differing, same);
        } else if normal.is_referral() && glue.len() > 1 {
            let found = keys(&ours.additional);
            // What lies below the cut is required (RFC 9471 section 3); more may be made of wildcards, or not.
            let cut = ours.authority.iter().find(|record| type_text(record.kind) == "NS");
            let required = |key: &str| {
                cut.is_some_and(|cut| {
                    name::at_or_below(key.split(' ').next().unwrap_or(""), &name::lower(&cut.owner))
                })
            };
            let lacks = |key: &&String| {
                required(key) && !found.contains(*key) && glue.iter().all(|other| other.contains(*key))
            };
            let more = |key: &&String| glue.iter().all(|other| !other.contains(*key));
            if let Some(key) = glue[0].iter().find(lacks) {
                report.wrong(self, question, &format!("glue missing: {key}"));
            } else if let Some(key) = found.iter().find(more) {
                report.wrong(self, question, &format!("glue that nobody else has: {key}"));
            }
        }
    }
}

/// What is wrong with an answer of rhumb, whatever the others say.
fn odd(question: &Question, answer: &Message) -> Option<String> {
    if answer.flags & RD != question.query.flags & RD {
        return Some("RD is not repeated".to_owned());
    }
    if answer.has(TC) {
        return Some("truncated on a stream".to_owned());
    }
    if answer.edns.is_some() != question.query.edns.is_some() {
        return Some("OPT where none was asked, or none".to_owned());
    }
    let asked = question.query.edns.as_ref().is_some_and(|edns| edns.dnssec_ok);
    if answer.edns.as_ref().is_some_and(|edns| edns.dnssec_ok != asked) {
        return Some("DO is not repeated".to_owned());
    }
    let sections = [&answer.answer, &answer.authority, &answer.additional];
    sections.iter().any(|section| keys(section).len() != section.len()).then(|| "a record twice".to_owned())
}
