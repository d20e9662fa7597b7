//! Records: owner, TTL, class, type, and what each leaves for the next.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhumb_wire::{Class, NameBuf, NameRef, Type};

use super::budget::ReadBudget;
use super::disk::FileSource;
use super::head::{RecordHead, is_frequent};
use super::lines::LineNumbers;
use super::mnemonic::{class_of, type_of};
use super::number;
use super::parsed::{ParsedZone, UnreadZone};
use super::problem::{FileProblem, ProblemList};
use super::rdata::RdataReader;
use super::scanner::{FileWord, RecordMark, RecordStart, SyntaxError, WordScanner};
use crate::builder::{LoggedRecord, ZoneBuilder};
use crate::fault::{AddError, FaultSeverity};
use crate::record_identity::RecordIdentity;
use crate::verify::RecordLocator;

/// Files inside files inside files.
pub(super) const DEEPEST: usize = 16;

/// Reads one zone, from one file or several.
pub(super) struct ZoneReader<'f, F> {
    pub(super) builder: ZoneBuilder,
    pub(super) files: &'f F,
    pub(super) origin: NameBuf,
    /// Whether the origin lies in the zone.
    pub(super) origin_inside: bool,
    pub(super) owner: NameBuf,
    pub(super) has_owner: bool,
    /// How many bytes of the owner stand before the apex, where that is known.
    pub(super) owner_below: Option<usize>,
    pub(super) default_ttl: Option<u32>,
    last_ttl: Option<u32>,
    pub(super) rdata: Vec<u8>,
    pub(super) scratch: NameBuf,
    problems: ProblemList,
    lines: LineNumbers,
    /// The number of the next line: numbers run on through all files.
    next_line: u32,
    /// The files read so far, and the paths of those that could not be.
    pub(super) read: Vec<PathBuf>,
    /// The files that are being read, the outermost first; none for a text that is no file.
    pub(super) open: Vec<Option<(u64, u64)>>,
    /// What may still be read and made.
    pub(super) budget: ReadBudget,
    /// Warnings about the record at hand, which is kept all the same.
    notes: Vec<SyntaxError>,
    left_out: u64,
}

/// The text at hand: which file, and from where its lines are numbered.
pub(super) struct SourceText<'t> {
    pub(super) file: Arc<Path>,
    pub(super) text: &'t [u8],
    first: u32,
    from_line: u32,
    /// Where the record at hand begins.
    mark: RecordMark,
}

impl SourceText<'_> {
    /// The number that a line has among those of all files.
    pub(super) const fn number_of(&self, line: u32) -> u32 {
        self.first + (line - self.from_line)
    }
}

impl<'f, F: FileSource> ZoneReader<'f, F> {
    pub(super) fn new(apex: NameRef<'_>, builder: ZoneBuilder, files: &'f F) -> Self {
        let mut origin = NameBuf::new();
        // A name fits the room for one.
        let _ = origin.finish(apex);
        Self {
            builder,
            files,
            origin,
            origin_inside: true,
            owner: origin,
            has_owner: false,
            owner_below: None,
            default_ttl: None,
            last_ttl: None,
            rdata: Vec::with_capacity(512),
            scratch: NameBuf::new(),
            problems: ProblemList::default(),
            lines: LineNumbers::default(),
            next_line: 1,
            read: Vec::new(),
            open: Vec::new(),
            budget: ReadBudget::default(),
            notes: Vec::new(),
            left_out: 0,
        }
    }

    /// Reads the file at `path`, with all that it includes. Errors: a sentence; there is nothing that could be read.
    pub(super) fn file(&mut self, path: &Path) -> Result<(), String> {
        let file = self.files.open(path, None)?;
        let identity = file.identity;
        let text = self.budget.read(file)?;
        self.source(path, Some(identity), &text, 0);
        Ok(())
    }

    /// Reads a whole text: that of the file with this identity, if it is a file. `depth` counts the files around it.
    pub(super) fn source(&mut self, path: &Path, identity: Option<(u64, u64)>, text: &[u8], depth: usize) {
        let file: Arc<Path> = path.into();
        self.read.push(path.to_owned());
        self.open.push(identity);
        let mut source = self.begin(&file, text, 1);
        let mut scanner = WordScanner::new(text);
        if scanner.skip_byte_order_mark() {
            self.note(SyntaxError::new(0, "the file begins with a byte order mark, which is passed over"));
        }
        while let Some(start) = scanner.begin() {
            source.mark = scanner.mark();
            let done = match start {
                RecordStart::Directive => self.directive(&mut scanner, &mut source, depth),
                RecordStart::Blank | RecordStart::Owner => {
                    self.record(&mut scanner, start == RecordStart::Blank, &source)
                }
            };
            if let Err(wrong) = done {
                self.refuse(&source, &mut scanner, wrong);
            }
            if let Some(at) = scanner.take_broken_text() {
                self.note(SyntaxError::new(at, "a line break within quotes, which is part of the text"));
            }
            if !self.notes.is_empty() {
                for note in std::mem::take(&mut self.notes) {
                    self.add_problem(&source, note);
                }
            }
        }
        self.next_line = source.number_of(scanner.line()) + 1;
        self.open.pop();
    }

    /// Numbers the lines of `file` from here on, the first being `line`.
    pub(super) fn begin<'t>(&mut self, file: &Arc<Path>, text: &'t [u8], line: u32) -> SourceText<'t> {
        self.lines.begin(self.next_line, file, line);
        SourceText {
            file: Arc::clone(file),
            text,
            first: self.next_line,
            from_line: line,
            mark: RecordMark::START,
        }
    }

    /// Before another file is read in between: where the numbers stand.
    pub(super) fn pause(&mut self, source: &SourceText<'_>, scanner: &WordScanner<'_>) {
        self.next_line = source.number_of(scanner.line()) + 1;
    }

    /// What names without a final dot are relative to.
    pub(super) const fn origin(&self) -> &NameBuf {
        &self.origin
    }

    /// Makes names relative to `origin`.
    pub(super) fn set_origin(&mut self, origin: &NameBuf) {
        self.origin = *origin;
        self.origin_inside = origin.as_ref().is_at_or_below(self.builder.apex());
    }

    /// One record, perhaps an empty one.
    pub(super) fn record(
        &mut self,
        scanner: &mut WordScanner<'_>,
        blank: bool,
        source: &SourceText<'_>,
    ) -> Result<(), SyntaxError> {
        let line = source.number_of(scanner.line());
        let head = match self.short_head(scanner, blank) {
            Some((head, rest)) => {
                if let Some(rest) = self.short_rdata(rest, head.rtype) {
                    scanner.go_behind(rest);
                    return self.add(&head, line);
                }
                scanner.go_to(rest);
                head
            }
            None => match self.head(scanner, blank)? {
                Some(head) => head,
                None => return Ok(()),
            },
        };
        self.rdata.clear();
        let fields = RdataReader::new(scanner, self.origin.as_ref(), &mut self.rdata, &mut self.scratch);
        fields.read(head.rtype)?;
        self.add(&head, line)
    }

    /// Hands a record to the builder.
    #[inline]
    pub(super) fn add(&mut self, head: &RecordHead<'_>, line: u32) -> Result<(), SyntaxError> {
        let rtype = head.rtype;
        let ttl = self.ttl_of(head.ttl, rtype, head.first)?;
        let (owner, rdata) = (self.owner.as_ref(), self.rdata.as_slice());
        let below = self.owner_below.and_then(|length| owner.as_bytes().get(..length));
        match below.filter(|_| is_frequent(rtype)) {
            Some(below) => self.builder.add_below(below, &LoggedRecord { rtype, ttl, line, rdata }),
            None => self.builder.add(owner, rtype, ttl, rdata, line),
        }
        .map_err(|error| {
            let wrong = head.first.wrong(error.to_string());
            match error {
                AddError::OutOfZone | AddError::SecondSoa => wrong.into_warning(),
                _ => wrong,
            }
        })
    }

    /// What stands before RDATA; none if nothing stands there.
    fn head<'t>(
        &mut self,
        scanner: &mut WordScanner<'t>,
        blank: bool,
    ) -> Result<Option<RecordHead<'t>>, SyntaxError> {
        let Some(first) = scanner.word()? else { return Ok(None) };
        let word = if blank {
            if !self.has_owner {
                self.has_owner = true;
                self.note(first.wrong("a record without an owner, and none before it: the origin is taken"));
            }
            first
        } else {
            self.has_owner = true;
            self.owner_below = None;
            self.owner
                .set_text(first.bytes, self.origin.as_ref())
                .map_err(|error| first.wrong(format!("the owner {}: {error}", first.shown())))?;
            scanner.expect("the type")?
        };
        let (ttl, rtype) = self.ttl_and_type(word, scanner)?;
        Ok(Some(RecordHead { first, ttl, rtype }))
    }

    /// TTL and class in either order, both optional, then the type (RFC 1035 section 5.1).
    #[inline]
    pub(super) fn ttl_and_type<'t>(
        &mut self,
        mut word: FileWord<'t>,
        scanner: &mut WordScanner<'t>,
    ) -> Result<(Option<u32>, Type), SyntaxError> {
        let mut ttl = None;
        let mut class = false;
        loop {
            if let Some(rtype) = type_of(word.bytes) {
                return Ok((ttl, rtype));
            }
            if ttl.is_none()
                && let Some(seconds) = self.ttl(word)
            {
                ttl = Some(seconds);
            } else if let (false, Some(found)) = (class, class_of(word.bytes)) {
                if found != Class::IN {
                    return Err(word.wrong(format!("class {found}; accepted: IN")));
                }
                class = true;
            } else {
                return Err(word.wrong(format!("{} is no type, class or TTL", word.shown())));
            }
            word = scanner.expect("the type")?;
        }
    }

    /// A TTL; one beyond the greatest counts as 0 (RFC 2181 section 8).
    pub(super) fn ttl(&mut self, word: FileWord<'_>) -> Option<u32> {
        let ttl = number::ttl(word.bytes);
        if ttl.is_none() {
            number::seconds(word.bytes)?;
            self.note(word.wrong(format!("the TTL {} is beyond 2147483647: 0 is taken", word.shown())));
            return Some(0);
        }
        ttl
    }

    /// RFC 2308 section 4: the record's own, else `$TTL`, else the last one given; for a SOA, its minimum.
    fn ttl_of(&mut self, own: Option<u32>, rtype: Type, first: FileWord<'_>) -> Result<u32, SyntaxError> {
        let minimum = || {
            let last = self.rdata.last_chunk::<4>().filter(|_| rtype == Type::SOA)?;
            Some(u32::from_be_bytes(*last).min(0x7fff_ffff))
        };
        let ttl = own
            .or(self.default_ttl)
            .or(self.last_ttl)
            .or_else(minimum)
            .ok_or_else(|| first.wrong("no TTL: neither here, nor by $TTL, nor of a record before"))?;
        if own.is_some() || self.last_ttl.is_none() {
            self.last_ttl = Some(ttl);
        }
        Ok(ttl)
    }

    /// Warns of the record at hand, once it is read.
    fn note(&mut self, wrong: SyntaxError) {
        self.notes.push(wrong.into_warning());
    }

    /// Reports what is wrong with the record at hand of `source`, which is left out.
    pub(super) fn report(&mut self, source: &SourceText<'_>, wrong: SyntaxError) {
        match wrong.severity {
            FaultSeverity::Error => self.add_problem(source, wrong),
            FaultSeverity::Warning => {
                self.left_out += 1;
                let message = wrong.message + "; the record is left out";
                self.add_problem(source, SyntaxError { message, ..wrong });
            }
        }
    }

    /// Reports what is wrong with the record at hand, and goes on behind it.
    fn refuse(&mut self, source: &SourceText<'_>, scanner: &mut WordScanner<'_>, wrong: SyntaxError) {
        // What ends a text on a later line may well be the beginning of another one, which then has no end.
        let is_error = wrong.severity == FaultSeverity::Error;
        if let Some(at) = is_error.then(|| scanner.take_broken_text()).flatten() {
            self.report(source, SyntaxError::new(at, "a quote opened here is closed on a later line"));
        }
        let unclosed = scanner.skip_record();
        // What seems wrong behind a parenthesis that is never closed is most likely a record of its own.
        if unclosed.as_ref().is_none_or(|unclosed| wrong.at <= unclosed.at) {
            self.report(source, wrong);
        }
        if let Some(unclosed) = unclosed {
            self.report(source, unclosed);
        }
    }

    fn add_problem(&mut self, source: &SourceText<'_>, wrong: SyntaxError) {
        let severity = wrong.severity;
        self.problems.add(severity, || {
            let (line, column) = source.mark.place_of(source.text, wrong.at);
            FileProblem { severity, file: Arc::clone(&source.file), line, column, message: wrong.message }
        });
    }

    /// The file and the line of a record that was read.
    pub(super) fn place_of(&self, record: &RecordLocator) -> Option<(Arc<Path>, u32)> {
        let (file, line) = self.lines.place(self.builder.line_of(record)?)?;
        Some((Arc::clone(file), line))
    }

    /// The file and the line of the first record that is this one.
    pub(super) fn place_of_record(&self, record: &RecordIdentity) -> Option<(Arc<Path>, u32)> {
        let (file, line) = self.lines.place(self.builder.line_of_record(record)?)?;
        Some((Arc::clone(file), line))
    }

    /// What was read, or what is wrong with it.
    pub(super) fn finish(self) -> Result<ParsedZone, UnreadZone> {
        let Self { builder, mut problems, lines, mut read, left_out, .. } = self;
        let mut named = HashSet::new();
        read.retain(|path| named.insert(path.clone()));
        let first: Arc<Path> =
            read.first().map_or_else(|| Path::new("").into(), |path| path.as_path().into());
        let (contents, faults) = match builder.finish() {
            Ok((contents, faults)) => (Some(contents), faults),
            Err(faults) => (None, faults),
        };
        // Warnings about what is missing would tell of records that had errors.
        let is_whole = problems.is_good() && contents.is_some();
        for fault in faults.into_iter().filter(|fault| is_whole || fault.severity == FaultSeverity::Error) {
            problems.add(fault.severity, || {
                let (file, line) = lines.place(fault.line).filter(|_| fault.line > 0).unwrap_or((&first, 0));
                let message = format!("{}: {}", fault.owner, fault.kind);
                FileProblem { severity: fault.severity, file: Arc::clone(file), line, column: 0, message }
            });
        }
        match contents {
            Some(contents) if problems.is_good() => {
                Ok(ParsedZone { contents, warnings: problems.warnings(), left_out, files: read })
            }
            _ => Err(UnreadZone { problems: problems.all(), files: read }),
        }
    }
}
