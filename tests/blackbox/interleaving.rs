//! Edits of zone files in every way that editors have, updates, freezes and restarts, in any order: the zones are what a model says, and
//! nobody but the editor writes the files.

mod model;
mod saving;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Record, Server, rcode, rng};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use self::model::{Kind, Operation, Records, ZoneModel, insert};
use self::saving::{WAYS, WriterWatch};
use crate::differential::chance::Chance;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("interleaving::of_edits_updates_and_restarts", interleaved)
    .lasting(|| Duration::from_mins(3) + Duration::from_secs(5) * interleavings())];

const TO: &str = "192.0.2.1:53";
const TIME_LIMIT: Duration = Duration::from_secs(40);
/// Opcode 5 (RFC 2136).
const UPDATE: u16 = 5 << 11;
const NONE: u16 = 254;
const ANY: u16 = 255;
/// How many zones a server has, each with an interleaving of its own.
const ZONES: usize = 25;
/// How long one is.
const STEPS: usize = 8;

fn interleavings() -> u32 {
    std::env::var("RHUMB_TEST_INTERLEAVINGS").ok().and_then(|text| text.parse().ok()).unwrap_or(50)
}

/// A zone, and what has been done to it.
struct TestZone {
    name: String,
    path: PathBuf,
    model: ZoneModel,
    /// What stands in the file.
    file: Records,
    text: String,
    edits: u32,
    serial: u32,
    /// What was done, for the report.
    story: Vec<String>,
}

impl TestZone {
    fn new(number: usize, folder: &Folder) -> Result<Self, Failure> {
        let name = format!("z{number}.test");
        let path = folder.at(&format!("zones/{name}.zone"));
        let mut zone = Self {
            name,
            path,
            model: ZoneModel::default(),
            file: Records::new(),
            text: String::new(),
            edits: 0,
            serial: 0,
            story: Vec::new(),
        };
        zone.text = zone.file_text();
        fs::write(&zone.path, &zone.text)?;
        Ok(zone)
    }

    /// What the file has to say: a text that marks the edit, behind what a zone needs.
    fn file_text(&self) -> String {
        let mut text = format!(
            "$TTL 300\n@ SOA ns admin 7 86400 86400 864000 60\n@ NS ns\nns A 192.0.2.1\nedit TXT \"{}\"\n",
            self.edits
        );
        for ((owner, kind), set) in &self.file {
            text.extend(set.iter().map(|data| format!("{owner} {} {data}\n", kind.name())));
        }
        text
    }

    /// Saves the file with some other records.
    fn edit(&mut self, chance: &mut Chance, watch: &WriterWatch) -> Result<(), Failure> {
        for _ in 0..=chance.below(5) {
            let (owner, kind, data) = record(chance, &self.name);
            if chance.below(3) == 0 {
                self.file.remove(&(owner, kind));
                continue;
            }
            // A file with an alias and more at a name is none.
            let clashes = |other: Kind| other != kind && (kind == Kind::Cname || other == Kind::Cname);
            self.file.retain(|(name, other), _| *name != owner || !clashes(*other));
            if kind == Kind::Cname {
                self.file.remove(&(owner.clone(), kind));
            }
            insert(&mut self.file, &owner, kind, &data);
        }
        self.edits += 1;
        self.text = self.file_text();
        let way = chance.below(WAYS.len());
        self.story.push(format!("edit {} by way {way}: {:?}", self.edits, self.file));
        watch.save(WAYS[way], &self.path, &self.text)
    }

    /// The model's zone, with what every zone has.
    fn expected(&self, model: &ZoneModel) -> BTreeSet<String> {
        let zone = &self.name;
        let mut lines = model.lines(zone);
        lines.insert(format!("{zone}. ns ns.{zone}."));
        lines.insert(format!("ns.{zone}. a 192.0.2.1"));
        lines.insert(format!("edit.{zone}. txt \"{}\"", self.edits));
        lines
    }
}

/// A record of a few names, so that file and updates meet.
fn record(chance: &mut Chance, zone: &str) -> (String, Kind, String) {
    let owner = chance.label(&["a", "b", "c", "*.w"]).to_owned();
    match chance.below(7) {
        0 => (owner, Kind::Cname, format!("t{}.{zone}.", chance.below(3))),
        1 | 2 => (owner, Kind::Txt, format!("\"text {}\"", chance.below(3))),
        _ => (owner, Kind::A, format!("192.0.2.{}", chance.below(4) + 10)),
    }
}

fn operations(chance: &mut Chance, zone: &str) -> Vec<Operation> {
    let one = |chance: &mut Chance| {
        let (owner, kind, data) = record(chance, zone);
        match chance.below(8) {
            0 => Operation::Delete(owner, kind, data),
            1 => Operation::DeleteSet(owner, kind),
            2 => Operation::DeleteName(owner),
            _ => Operation::Add(owner, kind, data),
        }
    };
    (0..=chance.below(4)).map(|_| one(chance)).collect()
}

/// The message of an update.
fn message(operations: &[Operation], zone: &str) -> Message {
    let mut message = Message::query(&format!("{zone}."), "SOA").no_recursion();
    message.flags = UPDATE;
    let whole = |owner: &str, kind: Kind, data: &str| {
        // The texts of this test are of one string.
        match data.strip_prefix('"') {
            Some(text) => {
                let text = text.trim_end_matches('"');
                let rdata = [&[text.len() as u8], text.as_bytes()].concat();
                Record { owner: format!("{owner}.{zone}."), kind: 16, class: 1, ttl: 300, rdata }
            }
            None => Record::from_text(&format!("{owner}.{zone}. 300 IN {} {data}", kind.name())),
        }
    };
    let number = |kind: Kind| whole("a", kind, if kind == Kind::Txt { "\"\"" } else { "192.0.2.1" }).kind;
    let all = |owner: &str, kind: u16| Record {
        owner: format!("{owner}.{zone}."),
        kind,
        class: ANY,
        ttl: 0,
        rdata: Vec::new(),
    };
    message.authority.extend(operations.iter().map(|operation| match operation {
        Operation::Add(owner, kind, data) => whole(owner, *kind, data),
        Operation::Delete(owner, kind, data) => Record { class: NONE, ttl: 0, ..whole(owner, *kind, data) },
        Operation::DeleteSet(owner, Kind::Cname) => all(owner, 5),
        Operation::DeleteSet(owner, kind) => all(owner, number(*kind)),
        Operation::DeleteName(owner) => all(owner, ANY),
    }));
    message
}

/// A server with its zones.
struct Scene {
    host: Host,
    client: Client,
    _folder: Folder,
    config: Config,
    server: Server,
    watch: WriterWatch,
    zones: Vec<TestZone>,
}

impl Scene {
    fn new() -> Result<Self, Failure> {
        let (host, client) = Host::pair()?;
        let folder = Folder::new()?;
        fs::create_dir_all(folder.at("zones"))?;
        let zones: Vec<TestZone> =
            (0..ZONES).map(|number| TestZone::new(number, &folder)).collect::<Result<_, _>>()?;
        let watch = WriterWatch::new(&folder.at("zones"))?;
        let state = folder.at("state").display().to_string();
        let mut config = Config::new().listen("::").more(&format!("state: \"{state}\""));
        for zone in &zones {
            let (name, path) = (&zone.name, zone.path.display());
            config = config.zone_raw(&format!(
                "name: {name}, file: \"{path}\", update: [{{ network: 192.0.2.0/24 }}], transfer-to: [{{ network: 192.0.2.0/24 }}]"
            ));
        }
        let server = Server::start(&host, &config)?;
        let client = Client::new(&client).time_limit(Duration::from_secs(20));
        Ok(Self { host, client, _folder: folder, config, server, watch, zones })
    }

    /// What is served of a zone, without SOA, and its serial.
    fn served(&self, zone: &str) -> Result<(BTreeSet<String>, u32), Failure> {
        let mut stream = self.client.tcp(TO.parse()?)?;
        let axfr = Message::query(&format!("{zone}."), "AXFR").no_recursion();
        let answer = stream.ask(&axfr, TIME_LIMIT)?;
        ensure_eq!(answer.rcode(), rcode::NOERROR, "AXFR of {zone}");
        let soas = answer.data("SOA");
        ensure_eq!(soas.len(), 2, "SOA records of {zone}");
        let serial = soas[0].split(' ').nth(2).and_then(|word| word.parse().ok()).context("a serial")?;
        let others = answer.answer.iter().filter(|record| record.kind != 6);
        Ok((others.map(Record::key).collect(), serial))
    }

    /// Does something to each zone, and perhaps to the server; then looks at all of them.
    fn step(&mut self, chance: &mut Chance) -> Result<(), Failure> {
        // Killed, ended, or neither; and with the files edited before, while it is away, or afterwards.
        let end = [None, None, None, Some(Signal::SIGKILL), Some(Signal::SIGTERM)][chance.below(5)];
        let mut possible: Vec<Vec<ZoneModel>> = Vec::new();
        for number in 0..self.zones.len() {
            possible.push(self.change(number, chance)?);
        }
        if let Some(signal) = end {
            self.restart(signal, &mut possible, chance)?;
        }
        for (number, models) in possible.into_iter().enumerate() {
            self.settle(number, models)?;
        }
        self.watch.nobody()
    }

    /// Edits, updates, or freezes a zone; what it may be afterwards.
    fn change(&mut self, number: usize, chance: &mut Chance) -> Result<Vec<ZoneModel>, Failure> {
        let zone = &mut self.zones[number];
        let before = zone.model.clone();
        let mut after = before.clone();
        let what = chance.below(10);
        if what == 0 {
            let command = if before.is_frozen { "thaw" } else { "freeze" };
            let told = self.server.tell(&["zone", command, &zone.name])?;
            ensure_eq!(told.code, Some(0), "{command}: {}{}", told.out, told.err);
            zone.story.push(command.to_owned());
            after.is_frozen = !before.is_frozen;
            return Ok(vec![after]);
        }
        let edits = what % 3 != 1;
        if edits {
            zone.edit(chance, &self.watch)?;
            after.edit(&zone.file);
        }
        if what.is_multiple_of(3) {
            return Ok(vec![after]);
        }
        let operations = operations(chance, &zone.name);
        zone.story.push(format!("update, frozen {}: {operations:?}", before.is_frozen));
        let answer = self.client.udp(TO.parse()?, &message(&operations, &zone.name))?.message;
        let expected = if before.is_frozen { rcode::REFUSED } else { rcode::NOERROR };
        ensure_eq!(answer.rcode(), expected, "{} {:?}", zone.name, zone.story);
        if before.is_frozen {
            return Ok(vec![after]);
        }
        // The server sees the file sooner or later than the message.
        after.update(&operations);
        let mut other = before;
        other.update(&operations);
        if edits {
            other.edit(&zone.file);
        }
        Ok(vec![after, other])
    }

    /// Ends the server and starts it again. Some of the files are edited meanwhile.
    fn restart(
        &mut self,
        signal: Signal,
        possible: &mut [Vec<ZoneModel>],
        chance: &mut Chance,
    ) -> Result<(), Failure> {
        // An edit that the server has not seen yet is one with the next, and no other: only zones without one are edited here.
        let merged: Vec<bool> = self.zones.iter().map(|zone| zone.file == zone.model.file).collect();
        self.server.signal(signal)?;
        self.server.wait(TIME_LIMIT)?;
        for (number, is_merged) in merged.into_iter().enumerate() {
            let zone = &mut self.zones[number];
            zone.story.push(format!("{signal}"));
            if is_merged && chance.percent(40) {
                zone.edit(chance, &self.watch)?;
                for model in &mut possible[number] {
                    model.edit(&zone.file);
                }
            }
        }
        self.server = Server::start(&self.host, &self.config)?;
        Ok(())
    }

    /// A zone comes to be what it may be, its file is what the editor has saved, and its serial does not go back.
    fn settle(&mut self, number: usize, models: Vec<ZoneModel>) -> Result<(), Failure> {
        let zone = &self.zones[number];
        let mut last = None;
        let mut chosen = None;
        let settled = until(TIME_LIMIT, || {
            let Ok((found, serial)) = self.served(&zone.name) else { return false };
            chosen = models.iter().position(|model| zone.expected(model) == found);
            last = Some((found, serial));
            chosen.is_some()
        });
        let (found, serial) = last.context(format!("{} is not transferred", zone.name))?;
        let models_lines: Vec<_> = models.iter().map(|model| zone.expected(model)).collect();
        ensure!(
            settled,
            "{} is {found:#?}, and should be {models_lines:#?} after {:#?}; {}",
            zone.name,
            zone.story,
            self.server.log_tail()
        );
        ensure!(
            serial >= zone.serial,
            "{}: the serial went back from {} to {serial}",
            zone.name,
            zone.serial
        );
        ensure_eq!(fs::read_to_string(&zone.path)?, zone.text, "the file of {}", zone.name);
        let zone = &mut self.zones[number];
        zone.serial = serial;
        zone.model = models.into_iter().nth(chosen.unwrap_or(0)).context("a model")?;
        Ok(())
    }
}

fn interleaved() -> Verdict {
    let given = std::env::var("RHUMB_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| rng::bits() >> 16);
    let mut chance = Chance::new(seed);
    let servers = interleavings().div_ceil(ZONES as u32);
    println!("interleaving: seed {seed}, {} interleavings of {STEPS} steps", servers * ZONES as u32);
    for _ in 0..servers {
        let mut scene = Scene::new()?;
        for step in 0..STEPS {
            scene
                .step(&mut chance)
                .map_err(|failure| Failure::new(format!("seed {seed}, step {step}: {failure}")))?;
        }
    }
    Ok(Outcome::Passed)
}
