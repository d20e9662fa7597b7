//! `$ORIGIN`, `$TTL`, `$INCLUDE` and `$GENERATE`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rhumb_wire::NameBuf;
use rhumb_wire::name::unescape;

use super::disk::FileSource;
use super::generate::{NumberRange, TextTemplate};
use super::head::RecordHead;
use super::rdata::RdataReader;
use super::reader::{DEEPEST, SourceText, ZoneReader};
use super::scanner::{FileWord, SyntaxError, WordScanner};
use crate::fault::FaultSeverity;

impl<F: FileSource> ZoneReader<'_, F> {
    pub(super) fn directive<'t>(
        &mut self,
        scanner: &mut WordScanner<'t>,
        source: &mut SourceText<'t>,
        depth: usize,
    ) -> Result<(), SyntaxError> {
        let name = scanner.expect("the directive")?;
        match name.bytes.to_ascii_uppercase().as_slice() {
            b"$ORIGIN" => {
                let word = scanner.expect("the origin")?;
                let origin = self.name(word)?;
                self.set_origin(&origin);
                end(scanner)
            }
            b"$TTL" => {
                let word = scanner.expect("the TTL")?;
                let seconds = self.ttl(word);
                let wrong =
                    || word.wrong(format!("{} is no TTL; accepted: seconds, or as in 1h30m", word.shown()));
                self.default_ttl = Some(seconds.ok_or_else(wrong)?);
                end(scanner)
            }
            b"$INCLUDE" => self.include(scanner, source, depth),
            b"$GENERATE" => self.generate(scanner, source),
            _ => Err(name.wrong(format!(
                "{} is no directive; accepted: $ORIGIN, $TTL, $INCLUDE, $GENERATE",
                name.shown()
            ))),
        }
    }

    fn name(&self, word: FileWord<'_>) -> Result<NameBuf, SyntaxError> {
        let mut name = NameBuf::new();
        name.set_text(word.bytes, self.origin().as_ref())
            .map_err(|error| word.wrong(format!("{}: {error}", word.shown())))?;
        Ok(name)
    }

    /// `$INCLUDE file [origin]`: the origin holds for the file alone (RFC 1035 section 5.1).
    fn include<'t>(
        &mut self,
        scanner: &mut WordScanner<'t>,
        source: &mut SourceText<'t>,
        depth: usize,
    ) -> Result<(), SyntaxError> {
        let word = scanner.expect("the file to include")?;
        let origin = match scanner.word()? {
            Some(word) => {
                let origin = self.name(word)?;
                end(scanner)?;
                origin
            }
            None => *self.origin(),
        };
        if depth + 1 >= DEEPEST {
            return Err(word.wrong(format!("files are included {DEEPEST} deep at most")));
        }
        let name = path_text(word.bytes);
        let wrong = |error: String| word.wrong(format!("{}: {error}", word.shown()));
        self.budget.include().map_err(wrong)?;
        let name = Path::new(OsStr::from_bytes(&name));
        let file = match self.files.open(name, Some(&source.file)) {
            Ok(file) => file,
            Err(error) => {
                self.read.extend(self.files.places(name, &source.file));
                return Err(wrong(error));
            }
        };
        if self.open.contains(&Some(file.identity)) {
            return Err(word.wrong(format!("{} includes itself", word.shown())));
        }
        let (path, identity) = (file.path.clone(), file.identity);
        let text = self.budget.read(file).map_err(|error| {
            self.read.push(path.clone());
            wrong(error)
        })?;
        let outer = *self.origin();
        let owner = (self.owner, self.has_owner, self.owner_below);
        self.set_origin(&origin);
        self.pause(source, scanner);
        self.source(&path, Some(identity), &text, depth + 1);
        self.set_origin(&outer);
        (self.owner, self.has_owner, self.owner_below) = owner;
        *source = self.begin(&Arc::clone(&source.file), source.text, scanner.line());
        Ok(())
    }

    /// `$GENERATE range owner [ttl] [class] type rdata`, with `$` for the number (BIND's directive).
    fn generate<'t>(
        &mut self,
        scanner: &mut WordScanner<'t>,
        source: &SourceText<'t>,
    ) -> Result<(), SyntaxError> {
        let word = scanner.expect("the range")?;
        // Every record of it stands, for messages, at the line of the range.
        let line = source.number_of(scanner.line());
        let wrong = |message: String| word.wrong(message);
        let range = NumberRange::parse(word.bytes).map_err(wrong)?;
        let owner = TextTemplate::parse(scanner.expect("the owner")?.bytes).map_err(wrong)?;
        let (ttl, rtype) = self.ttl_and_type(scanner.expect("the type")?, scanner)?;
        let rdata = TextTemplate::parse(&template_text(scanner)?).map_err(wrong)?;
        self.budget.generate(range.count()).map_err(wrong)?;
        let head = RecordHead { first: word, ttl, rtype };
        let kept = (self.owner, self.owner_below);
        let mut numbers = range.numbers();
        let made = numbers.try_for_each(|number| {
            let Err(wrong) = self.generated(number, &owner, &rdata, &head, line) else { return Ok(()) };
            let message = format!("for {number}: {}", wrong.message);
            let wrong = SyntaxError { at: word.at, message, ..wrong };
            if wrong.severity == FaultSeverity::Error {
                return Err(wrong);
            }
            self.report(source, wrong);
            Ok(())
        });
        (self.owner, self.owner_below) = kept;
        made
    }

    /// The record for one number.
    fn generated(
        &mut self,
        number: u32,
        owner: &TextTemplate,
        rdata: &TextTemplate,
        head: &RecordHead<'_>,
        line: u32,
    ) -> Result<(), SyntaxError> {
        let mut text = Vec::new();
        let wrong = |message: String| head.first.wrong(message);
        owner.write(number, &mut text).map_err(wrong)?;
        self.owner_below = None;
        self.owner
            .set_text(&text, self.origin.as_ref())
            .map_err(|error| head.first.wrong(format!("the owner: {error}")))?;
        text.clear();
        rdata.write(number, &mut text).map_err(wrong)?;
        let mut words = WordScanner::new(&text);
        self.rdata.clear();
        RdataReader::new(&mut words, self.origin.as_ref(), &mut self.rdata, &mut self.scratch)
            .read(head.rtype)?;
        if words.at() < text.len() {
            return Err(head.first.wrong("a line break in the record"));
        }
        self.add(head, line)
    }
}

/// What is left of the record, as one text. A single quoted word is the whole of RDATA and loses its quotes, as BIND reads
/// it: `"10 mail$"` is a number and a name, `"\"a b\""` one text with a blank.
fn template_text(scanner: &mut WordScanner<'_>) -> Result<Vec<u8>, SyntaxError> {
    let Some(first) = scanner.word()? else { return Ok(Vec::new()) };
    let mut text = Vec::new();
    let mut next = scanner.word()?;
    if first.quoted && next.is_none() {
        let mut bytes = first.bytes.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            match bytes.peek() {
                Some(b'"') if byte == b'\\' => {}
                Some(&next) if byte == b'\\' => {
                    text.extend([byte, next]);
                    bytes.next();
                }
                _ => text.push(byte),
            }
        }
        return Ok(text);
    }
    append(&mut text, first);
    let mut end = first.end();
    while let Some(word) = next {
        if word.at > end {
            text.push(b' ');
        }
        append(&mut text, word);
        end = word.end();
        next = scanner.word()?;
    }
    Ok(text)
}

/// Appends a word as it stands.
fn append(text: &mut Vec<u8>, word: FileWord<'_>) {
    let quote: &[u8] = if word.quoted { b"\"" } else { b"" };
    for part in [quote, word.bytes, quote] {
        text.extend_from_slice(part);
    }
}

fn end(scanner: &mut WordScanner<'_>) -> Result<(), SyntaxError> {
    match scanner.word()? {
        None => Ok(()),
        Some(word) => Err(word.wrong(format!("{} is more than the directive takes", word.shown()))),
    }
}

fn path_text(word: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match unescape(tail).filter(|_| byte == b'\\') {
            Some((value, after)) => {
                path.push(value);
                rest = after;
            }
            None => path.push(byte),
        }
    }
    path
}
