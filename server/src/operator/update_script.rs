//! Scripts for nsupdate(1), read into messages that nobody sends.

use rhumb_wire::compress::NameCompression;
use rhumb_wire::{BufferFull, Class, DomainName, MessageSection, MessageWriter, NameRef, Opcode, Type};
use rhumb_zones::file::parse_rdata;

/// The longest message.
const LONGEST: usize = 65_535;

/// What a script has up to one `send`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ScriptMessage {
    /// The zone, if the script names one.
    pub(super) zone: Option<DomainName>,
    /// The key, if the script names one.
    pub(super) key: Option<DomainName>,
    prerequisites: Vec<ScriptRecord>,
    updates: Vec<ScriptRecord>,
}

/// A record as the message has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ScriptRecord {
    owner: DomainName,
    class: Class,
    ttl: u32,
    rtype: Type,
    rdata: Vec<u8>,
}

impl ScriptMessage {
    const fn is_empty(&self) -> bool {
        self.prerequisites.is_empty() && self.updates.is_empty()
    }

    /// The first name that it is about.
    pub(super) fn first_owner(&self) -> Option<NameRef<'_>> {
        self.prerequisites.iter().chain(&self.updates).next().map(|record| record.owner.as_ref())
    }

    /// The message, for this zone. Errors: it is too long.
    pub(super) fn to_wire(&self, zone: NameRef<'_>) -> Result<Vec<u8>, String> {
        let mut buffer = vec![0; LONGEST];
        let mut compression = NameCompression::default();
        let mut w = MessageWriter::new(&mut buffer, LONGEST, &mut compression);
        let written = w.question(zone, Type::SOA, Class::IN).and_then(|()| {
            let sections =
                [(MessageSection::Answer, &self.prerequisites), (MessageSection::Authority, &self.updates)];
            for (section, records) in sections {
                for ScriptRecord { owner, class, ttl, rtype, rdata } in records {
                    w.record(section, owner.as_ref(), *rtype, *class, *ttl, |w| w.bytes(rdata))?;
                }
            }
            Ok(())
        });
        written.map_err(|BufferFull| format!("a message of more than {LONGEST} bytes"))?;
        let length = w.finish(1, u16::from(Opcode::UPDATE.0) << 11);
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// Reads a script: `zone`, `key`, `ttl`, `class`, `prereq`, `update` and their short forms count; what says where to send it, or shows
/// something, does not.
///
/// Errors: what is wrong, with its line.
pub(super) fn parse_script(text: &str) -> Result<Vec<ScriptMessage>, String> {
    let mut reader = ScriptReader::default();
    for (number, line) in (1..).zip(text.lines()) {
        reader.line(line).map_err(|wrong| format!("line {number}: {wrong}"))?;
    }
    reader.send();
    if reader.messages.is_empty() { Err("the file has no update".to_owned()) } else { Ok(reader.messages) }
}

#[derive(Default)]
struct ScriptReader {
    messages: Vec<ScriptMessage>,
    message: ScriptMessage,
    /// The TTL of records that have none.
    ttl: Option<u32>,
}

impl ScriptReader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let mut rest = LineWords(line);
        let Some(word) = rest.word().filter(|word| !word.starts_with(';')) else {
            // A line of blanks sends, as nsupdate does; a comment does not.
            if line.trim().is_empty() {
                self.send();
            }
            return Ok(());
        };
        match word.to_ascii_lowercase().as_str() {
            "zone" => self.message.zone = Some(rest.name("the zone")?),
            "key" => self.message.key = Some(key_name(&mut rest)?),
            "ttl" => self.ttl = Some(rest.number("a TTL")?),
            "class" if !rest.word().is_some_and(|class| class.eq_ignore_ascii_case("in")) => {
                return Err("no class but IN".to_owned());
            }
            "prereq" => {
                let word = rest.word().unwrap_or_default();
                self.prerequisite(&word.to_ascii_lowercase(), &mut rest)?;
            }
            word @ ("nxdomain" | "yxdomain" | "nxrrset" | "yxrrset") => self.prerequisite(word, &mut rest)?,
            "update" => {
                let word = rest.word().unwrap_or_default();
                self.update(&word.to_ascii_lowercase(), &mut rest)?;
            }
            word @ ("add" | "del" | "delete") => self.update(word, &mut rest)?,
            "send" => self.send(),
            "class" | "server" | "local" | "realm" | "gsstsig" | "oldgsstsig" | "check-names" | "show"
            | "answer" | "debug" | "version" | "help" => {}
            "quit" => {}
            word => return Err(format!("`{word}` is no command of nsupdate")),
        }
        Ok(())
    }

    /// What comes now is for another message to the same zone.
    fn send(&mut self) {
        let next = ScriptMessage {
            zone: self.message.zone.clone(),
            key: self.message.key.clone(),
            ..Default::default()
        };
        let message = std::mem::replace(&mut self.message, next);
        if !message.is_empty() {
            self.messages.push(message);
        }
    }

    fn prerequisite(&mut self, word: &str, rest: &mut LineWords<'_>) -> Result<(), String> {
        let owner = rest.name("a name")?;
        let class = match word {
            "nxdomain" | "nxrrset" => Class::NONE,
            "yxdomain" | "yxrrset" => Class::ANY,
            _ => {
                return Err(format!("`{word}` is no prerequisite: nxdomain, yxdomain, nxrrset, yxrrset are"));
            }
        };
        let record = if matches!(word, "nxdomain" | "yxdomain") {
            ScriptRecord { owner, class, ttl: 0, rtype: Type::ANY, rdata: Vec::new() }
        } else {
            rest.class()?;
            let rtype = rest.rtype()?;
            match rest.rdata(rtype).filter(|_| word == "yxrrset") {
                Some(rdata) => ScriptRecord { owner, class: Class::IN, ttl: 0, rtype, rdata: rdata? },
                None => ScriptRecord { owner, class, ttl: 0, rtype, rdata: Vec::new() },
            }
        };
        self.message.prerequisites.push(record);
        Ok(())
    }

    fn update(&mut self, word: &str, rest: &mut LineWords<'_>) -> Result<(), String> {
        let owner = rest.name("a name")?;
        let ttl = rest.ttl();
        rest.class()?;
        let record = match word {
            "add" => {
                let ttl = ttl.or(self.ttl).ok_or("no TTL")?;
                let rtype = rest.rtype()?;
                let rdata = rest.rdata(rtype).ok_or("no RDATA")??;
                ScriptRecord { owner, class: Class::IN, ttl, rtype, rdata }
            }
            "del" | "delete" if rest.is_empty() => {
                ScriptRecord { owner, class: Class::ANY, ttl: 0, rtype: Type::ANY, rdata: Vec::new() }
            }
            "del" | "delete" => {
                let rtype = rest.rtype()?;
                match rest.rdata(rtype) {
                    Some(rdata) => ScriptRecord { owner, class: Class::NONE, ttl: 0, rtype, rdata: rdata? },
                    None => ScriptRecord { owner, class: Class::ANY, ttl: 0, rtype, rdata: Vec::new() },
                }
            }
            _ => return Err(format!("`{word}` is no update: add and delete are")),
        };
        self.message.updates.push(record);
        Ok(())
    }
}

/// `[hmac:]name secret`; the secret is not looked at.
fn key_name(rest: &mut LineWords<'_>) -> Result<DomainName, String> {
    let word = rest.word().unwrap_or_default();
    let name = word.rsplit_once(':').map_or(word, |(_, name)| name);
    name.parse().map_err(|error| format!("`{name}` is no name of a key: {error}"))
}

/// What is left of a line.
struct LineWords<'l>(&'l str);

impl<'l> LineWords<'l> {
    fn word(&mut self) -> Option<&'l str> {
        let rest = self.0.trim_start();
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, rest) = rest.split_at_checked(end)?;
        self.0 = rest;
        Some(word).filter(|word| !word.is_empty())
    }

    fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }

    fn name(&mut self, what: &str) -> Result<DomainName, String> {
        let word = self.word().ok_or_else(|| format!("{what} is missing"))?;
        word.parse().map_err(|error| format!("`{word}` is no domain name: {error}"))
    }

    fn number(&mut self, what: &str) -> Result<u32, String> {
        self.ttl().ok_or_else(|| format!("{what} is missing"))
    }

    /// A number, if the next word is one.
    fn ttl(&mut self) -> Option<u32> {
        let mut ahead = LineWords(self.0);
        let number = ahead.word()?.parse().ok()?;
        self.0 = ahead.0;
        Some(number)
    }

    /// Passes over IN. Errors: another class.
    fn class(&mut self) -> Result<(), String> {
        let mut ahead = LineWords(self.0);
        let word = ahead.word().unwrap_or_default();
        if word.eq_ignore_ascii_case("in") {
            self.0 = ahead.0;
        } else if ["any", "none", "ch", "hs"].iter().any(|class| word.eq_ignore_ascii_case(class)) {
            return Err("no class but IN".to_owned());
        }
        Ok(())
    }

    fn rtype(&mut self) -> Result<Type, String> {
        let word = self.word().ok_or("the type is missing")?;
        word.parse().map_err(|_| format!("`{word}` is no type"))
    }

    /// The RDATA that stands to the end of the line, if any does.
    fn rdata(&mut self, rtype: Type) -> Option<Result<Vec<u8>, String>> {
        let text = std::mem::take(&mut self.0).trim();
        (!text.is_empty()).then(|| parse_rdata(rtype, text, NameRef::ROOT))
    }
}

#[cfg(test)]
mod tests {
    use rhumb_zones::UpdateMessage;

    use super::*;

    #[test]
    fn a_script_is_read_as_nsupdate_does() {
        let text = "; a comment\nserver 192.0.2.1\nkey hmac-sha256:acme.test MDEy\nzone zone.test\nttl 60\n\
                    prereq nxdomain a.zone.test\nprereq yxrrset b.zone.test IN A 192.0.2.1\nnxrrset c.zone.test TXT\n\
                    update add www.zone.test 300 IN A 192.0.2.9\nadd t.zone.test TXT \"a b\"\nshow\nsend\n\
                    update delete www.zone.test\ndel www.zone.test A\ndelete www.zone.test 0 A 192.0.2.9\n\n";
        let messages = parse_script(text).unwrap();
        let told = |message: &ScriptMessage| {
            let wire = message.to_wire(message.zone.as_ref().unwrap().as_ref()).unwrap();
            let message = UpdateMessage::parse(&wire).unwrap();
            let conditions = message.prerequisites().iter().map(ToString::to_string);
            conditions.chain(message.operations().iter().map(ToString::to_string)).collect::<Vec<_>>()
        };
        assert!(messages.iter().all(|message| message.key == Some("acme.test.".parse().unwrap())));
        assert_eq!(
            messages.iter().map(told).collect::<Vec<_>>(),
            [
                vec![
                    "a.zone.test. owns no record",
                    "c.zone.test. has no record of type TXT",
                    "b.zone.test. has these records of type A and no other: 192.0.2.1",
                    "add A of www.zone.test.",
                    "add TXT of t.zone.test.",
                ],
                vec![
                    "delete all records of www.zone.test.",
                    "delete all A of www.zone.test.",
                    "delete one A of www.zone.test.",
                ],
            ]
        );
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, words) in [
            ("", "no update"),
            ("zone zone.test\nsend", "no update"),
            ("zone", "line 1: the zone is missing"),
            ("zone zone.test\nupdat add a 1 A 192.0.2.1", "line 2: `updat` is no command"),
            ("update ad a 1 A 192.0.2.1", "line 1: `ad` is no update"),
            ("update add a A 192.0.2.1", "no TTL"),
            ("update add a 1 A", "no RDATA"),
            ("update add a 1 A 192.0.2", "line 1: "),
            ("update add a 1 WHAT 192.0.2.1", "`WHAT` is no type"),
            ("update add a 1 CH A 192.0.2.1", "no class but IN"),
            ("class ch", "no class but IN"),
            ("prereq a b", "`a` is no prerequisite"),
            ("prereq nxrrset a", "the type is missing"),
            ("update add a..b 1 A 192.0.2.1", "`a..b` is no domain name"),
        ] {
            let wrong = parse_script(text).unwrap_err();
            assert!(wrong.contains(words), "{text}: {wrong}");
        }
    }
}
