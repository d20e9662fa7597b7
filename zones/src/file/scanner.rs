//! Words of a zone file: blanks, comments, parentheses and quotes are dealt with here (RFC 1035 section 5.1).

use super::line::LineRest;
use crate::fault::FaultSeverity;

/// The most bytes of one record, over all its lines.
const LONGEST_RECORD: usize = 1 << 20;

/// Something wrong at an offset of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) at: usize,
    pub(super) message: String,
    /// Of a warning, the record is left out and the zone served without it.
    pub(super) severity: FaultSeverity,
}

impl SyntaxError {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), severity: FaultSeverity::Error }
    }

    /// The same as a warning.
    pub(super) fn into_warning(self) -> Self {
        Self { severity: FaultSeverity::Warning, ..self }
    }
}

/// A word, its escapes as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileWord<'t> {
    pub(super) bytes: &'t [u8],
    pub(super) quoted: bool,
    pub(super) at: usize,
}

impl FileWord<'_> {
    /// The offset behind it.
    pub(super) const fn end(&self) -> usize {
        self.at + self.bytes.len() + if self.quoted { 2 } else { 0 }
    }

    pub(super) fn wrong(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.at, message)
    }

    /// The word for a message, cut where it is long.
    pub(super) fn shown(&self) -> String {
        let mut text = String::new();
        for c in String::from_utf8_lossy(self.bytes.get(..40).unwrap_or(self.bytes)).chars() {
            // A message is one line, whatever stands in quotes.
            if c.is_control() {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        if self.bytes.len() > 40 { format!("`{text}…`") } else { format!("`{text}`") }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Blank,
    Newline,
    Comment,
    Open,
    Close,
    Quote,
    Escape,
    Control,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Plain; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "256 kinds for 256 bytes, worked out by the compiler")]
        {
            kinds[byte] = match byte as u8 {
                b' ' | b'\t' | b'\r' => Kind::Blank,
                b'\n' => Kind::Newline,
                b';' => Kind::Comment,
                b'(' => Kind::Open,
                b')' => Kind::Close,
                b'"' => Kind::Quote,
                b'\\' => Kind::Escape,
                0..=31 | 127 => Kind::Control,
                _ => Kind::Plain,
            };
        }
        byte += 1;
    }
    kinds
};

#[inline]
fn kind(byte: u8) -> Kind {
    KINDS.get(usize::from(byte)).copied().unwrap_or(Kind::Plain)
}

/// Walks a text word by word, record by record.
#[derive(Debug, Clone)]
pub(super) struct WordScanner<'t> {
    text: &'t [u8],
    at: usize,
    line: u32,
    open: Option<usize>,
    depth: u32,
    record: usize,
    ended: bool,
    /// Whether a quote behind `=` belongs to the word, as in `key="value"` (RFC 9460 section 2.1).
    pairs: bool,
    /// Where a quoted text with a line break in it began.
    broken_text: Option<usize>,
}

/// How a record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordStart {
    /// With a blank: its owner is left out.
    Blank,
    /// With a dollar sign.
    Directive,
    /// With its owner, or with nothing.
    Owner,
}

impl<'t> WordScanner<'t> {
    pub(super) const fn new(text: &'t [u8]) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            open: None,
            depth: 0,
            record: 0,
            ended: false,
            pairs: false,
            broken_text: None,
        }
    }

    /// Takes quotes behind `=` as parts of words, or as the beginning of words of their own.
    pub(super) const fn set_pairs(&mut self, pairs: bool) {
        self.pairs = pairs;
    }

    /// Where a quoted text with a line break in it began, since this was last asked.
    pub(super) const fn take_broken_text(&mut self) -> Option<usize> {
        self.broken_text.take()
    }

    /// Passes over a byte order mark, which some editors write. Gives whether there was one.
    pub(super) fn skip_byte_order_mark(&mut self) -> bool {
        let marked = self.at == 0 && self.text.starts_with(b"\xef\xbb\xbf");
        self.at += if marked { 3 } else { 0 };
        marked
    }

    /// The line at hand, from 1.
    pub(super) const fn line(&self) -> u32 {
        self.line
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// What the places in the record that begins here are counted from.
    pub(super) const fn mark(&self) -> RecordMark {
        RecordMark { at: self.at, line: self.line }
    }

    /// The text from here on.
    #[inline]
    pub(super) fn rest(&self) -> LineRest<'t> {
        LineRest(self.text.get(self.at..).unwrap_or(&[]))
    }

    /// Goes on with `rest`, which is of the line at hand.
    #[inline]
    pub(super) const fn go_to(&mut self, rest: LineRest<'t>) {
        self.at = self.text.len() - rest.0.len();
    }

    /// The record has ended with its line, and `rest` comes then.
    #[inline]
    pub(super) const fn go_behind(&mut self, rest: LineRest<'t>) {
        self.go_to(rest);
        self.line += 1;
        self.ended = true;
    }

    /// Begins a record. None at the end of the text.
    #[inline]
    pub(super) fn begin(&mut self) -> Option<RecordStart> {
        self.record = self.at;
        self.ended = false;
        self.text.get(self.at).map(|&byte| match kind(byte) {
            Kind::Blank => RecordStart::Blank,
            _ if byte == b'$' => RecordStart::Directive,
            _ => RecordStart::Owner,
        })
    }

    /// The next word of the record; none at its end, behind which the scanner then stands.
    ///
    /// Errors: a control character, a quote or parenthesis that does not match, a record beyond all length.
    #[inline]
    pub(super) fn word(&mut self) -> Result<Option<FileWord<'t>>, SyntaxError> {
        if self.ended {
            return Ok(None);
        }
        loop {
            let Some(&byte) = self.text.get(self.at) else { return self.end() };
            match kind(byte) {
                Kind::Plain | Kind::Escape => return self.plain().map(Some),
                Kind::Blank => self.at += 1,
                Kind::Newline => {
                    self.at += 1;
                    self.line += 1;
                    if self.depth == 0 {
                        self.ended = true;
                        return Ok(None);
                    }
                    if self.at - self.record > LONGEST_RECORD {
                        return Err(SyntaxError::new(self.record, "a record has at most 1 MiB"));
                    }
                }
                Kind::Comment => self.skip_comment(),
                Kind::Open => {
                    self.open.get_or_insert(self.at);
                    self.depth += 1;
                    self.at += 1;
                }
                Kind::Close => self.close()?,
                Kind::Quote => return self.quoted().map(Some),
                Kind::Control => return Err(self.control(self.at)),
            }
        }
    }

    /// The next word. Errors: as [`Self::word`], and there is none: `what` is missing.
    #[inline]
    pub(super) fn expect(&mut self, what: &str) -> Result<FileWord<'t>, SyntaxError> {
        let before = self.at;
        self.word()?
            .ok_or_else(|| SyntaxError::new(before.min(self.text.len()), format!("{what} is missing")))
    }

    /// Goes on behind the record at hand, whatever is left of it. Gives the error of a parenthesis in it that is never
    /// closed, for which all that follows belongs to the record.
    pub(super) fn skip_record(&mut self) -> Option<SyntaxError> {
        while !self.ended {
            match self.word() {
                Ok(None) => return None,
                Ok(Some(_)) => {}
                Err(unclosed) if self.ended => return Some(unclosed),
                Err(_) => {
                    // Whatever could not be read is passed over; at the end of the text that is the end.
                    self.at += usize::from(self.text.get(self.at) != Some(&b'\n'));
                    self.record = self.at;
                }
            }
        }
        None
    }

    fn end(&mut self) -> Result<Option<FileWord<'t>>, SyntaxError> {
        self.ended = true;
        match self.open.take() {
            Some(at) if self.depth > 0 => {
                self.depth = 0;
                Err(SyntaxError::new(at, "this parenthesis is never closed"))
            }
            _ => Ok(None),
        }
    }

    #[inline]
    fn plain(&mut self) -> Result<FileWord<'t>, SyntaxError> {
        let start = self.at;
        loop {
            match self.text.get(self.at).map(|&byte| kind(byte)) {
                Some(Kind::Plain) => self.at += 1,
                Some(Kind::Escape) => match self.text.get(self.at + 1) {
                    Some(&next) if kind(next) != Kind::Newline => self.at += 2,
                    _ => return Err(SyntaxError::new(self.at, "a backslash at the end of a line")),
                },
                // Elsewhere a quote behind a word begins another one.
                Some(Kind::Quote) if self.pairs && self.text.get(self.at.wrapping_sub(1)) == Some(&b'=') => {
                    self.pass_quoted(self.at)?;
                }
                Some(Kind::Control) => return Err(self.control(self.at)),
                _ => break,
            }
        }
        if self.at - start > LONGEST_RECORD {
            return Err(SyntaxError::new(start, "a record has at most 1 MiB"));
        }
        Ok(FileWord { bytes: self.text.get(start..self.at).unwrap_or(&[]), quoted: false, at: start })
    }

    fn quoted(&mut self) -> Result<FileWord<'t>, SyntaxError> {
        let start = self.at;
        self.pass_quoted(start)?;
        Ok(FileWord { bytes: self.text.get(start + 1..self.at - 1).unwrap_or(&[]), quoted: true, at: start })
    }

    /// Goes behind the quote that closes the one at `open`. A line break between them is part of the text.
    ///
    /// Errors: there is none within the record's length; then no quote at all stands in what was searched, so that the
    /// search for the next one begins behind it.
    fn pass_quoted(&mut self, open: usize) -> Result<(), SyntaxError> {
        let (mut at, mut breaks) = (open + 1, 0);
        let end = self.text.len().min(self.record.saturating_add(LONGEST_RECORD));
        loop {
            match self.text.get(at).copied().filter(|_| at < end) {
                Some(b'"') => break,
                Some(0) => return Err(self.control(at)),
                None if end < self.text.len() => {
                    let message = "this quote is not closed within the 1 MiB that a record may have";
                    return Err(SyntaxError::new(open, message));
                }
                None => return Err(SyntaxError::new(open, "this quote is never closed")),
                Some(byte) => {
                    // What a backslash escapes is no quote; it may be a line break.
                    at += usize::from(byte == b'\\');
                    breaks += u32::from(self.text.get(at) == Some(&b'\n'));
                    at += 1;
                }
            }
        }
        if breaks > 0 {
            self.line += breaks;
            self.broken_text.get_or_insert(open);
        }
        self.at = at + 1;
        Ok(())
    }

    fn skip_comment(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or(&[]);
        self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(SyntaxError::new(self.at, "this parenthesis was never opened"));
        };
        self.depth = depth;
        if depth == 0 {
            self.open = None;
        }
        self.at += 1;
        Ok(())
    }

    fn control(&self, at: usize) -> SyntaxError {
        let byte = self.text.get(at).copied().unwrap_or(0);
        SyntaxError::new(
            at,
            format!("the control character {byte:#04x}, which has to be written \\{byte:03}"),
        )
    }
}

/// Where a record begins, from which the places in it are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordMark {
    at: usize,
    line: u32,
}

impl RecordMark {
    /// The beginning of a text.
    pub(super) const START: Self = Self { at: 0, line: 1 };

    /// The line and column of an offset of the record in `text`, both from 1.
    pub(super) fn place_of(self, text: &[u8], at: usize) -> (u32, u32) {
        let before = text.get(self.at..at.min(text.len())).unwrap_or(&[]);
        let lines = before.split(|&byte| byte == b'\n').count() - 1;
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
        (self.line + lines as u32, column as u32)
    }
}
