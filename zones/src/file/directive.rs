//! `$ORIGIN`, `$TTL`, `$INCLUDE` and `$GENERATE`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rhumb_wire::NameBuf;
use rhumb_wire::name::unescape;

use super::disk::Files;
use super::generate::Generate;
use super::number;
use super::reader::{DEEPEST, Reader, Source};
use super::scanner::{Scanner, Word, Wrong, place_of};

impl<F: Files> Reader<'_, F> {
    pub(super) fn directive<'t>(
        &mut self,
        scanner: &mut Scanner<'t>,
        source: &mut Source<'t>,
        depth: usize,
    ) -> Result<(), Wrong> {
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
                let seconds = number::ttl(word.bytes);
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

    fn name(&self, word: Word<'_>) -> Result<NameBuf, Wrong> {
        let mut name = NameBuf::new();
        name.set_text(word.bytes, self.origin().as_ref())
            .map_err(|error| word.wrong(format!("{}: {error}", word.shown())))?;
        Ok(name)
    }

    /// `$INCLUDE file [origin]`: the origin holds for the file alone (RFC 1035 section 5.1).
    fn include<'t>(
        &mut self,
        scanner: &mut Scanner<'t>,
        source: &mut Source<'t>,
        depth: usize,
    ) -> Result<(), Wrong> {
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
        let (path, text) = self
            .files
            .read(Path::new(OsStr::from_bytes(&name)), Some(&source.file))
            .map_err(|error| word.wrong(format!("{}: {error}", word.shown())))?;
        let same = |open: &std::path::PathBuf| open.canonicalize().ok() == path.canonicalize().ok();
        if self.open.iter().any(same) {
            return Err(word.wrong(format!("{} includes itself", word.shown())));
        }
        let outer = *self.origin();
        self.set_origin(&origin);
        self.pause(source, scanner);
        self.source(&path, &text, depth + 1);
        self.set_origin(&outer);
        *source = self.begin(&Arc::clone(&source.file), source.text, scanner.line());
        Ok(())
    }

    /// `$GENERATE range owner [ttl] [class] type rdata`, with `$` for the number (BIND's directive).
    fn generate<'t>(&mut self, scanner: &mut Scanner<'t>, source: &Source<'t>) -> Result<(), Wrong> {
        let range = scanner.expect("the range")?;
        let start = scanner.at();
        let mut end = start;
        let line = scanner.line();
        while let Some(word) = scanner.word()? {
            end = word.at + word.bytes.len() + 2 * usize::from(word.quoted);
        }
        let template = source.text.get(start..end).unwrap_or(&[]);
        let generate = Generate::new(range.bytes, template).map_err(|message| range.wrong(message))?;
        let (file_line, column) = place_of(source.text, range.at);
        let file = Arc::clone(&source.file);
        let mut text = Vec::new();
        for number in generate.numbers() {
            text.clear();
            generate.write(number, &mut text).map_err(|message| range.wrong(message))?;
            // Every record of it stands, for messages, at the line of the directive.
            let inner = Self::at_line(source, &text, line);
            let mut words = Scanner::new(&text);
            if let Err(wrong) = words.begin().map_or(Ok(()), |_| self.record(&mut words, false, &inner)) {
                self.report_at(&file, file_line, column, format!("for {number}: {}", wrong.message));
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Nothing may follow.
fn end(scanner: &mut Scanner<'_>) -> Result<(), Wrong> {
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
