//! `$GENERATE`: the numbers of a range, and the templates that they are put into (BIND 9 Administrator Reference Manual, section
//! "Primary file extension").

/// Records made by one directive at most.
const MOST: u64 = 65_536;
/// The widest number, in characters.
const WIDEST: usize = 127;
/// The longest text made of a template.
const LONGEST: usize = 4096;

/// The numbers of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberRange {
    start: u32,
    stop: u32,
    step: u32,
}

impl NumberRange {
    /// Errors: a sentence; it is no range, or too long.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        const FORM: &str = "the range has the form START-STOP or START-STOP/STEP";
        let number =
            |text: &[u8]| super::number::decimal(text, u64::from(u32::MAX)).map(|n| n as u32).ok_or(FORM);
        let mut halves = text.splitn(2, |&byte| byte == b'/');
        let mut ends = halves.next().unwrap_or(&[]).splitn(2, |&byte| byte == b'-');
        let start = number(ends.next().unwrap_or(&[]))?;
        let stop = number(ends.next().unwrap_or(&[]))?;
        let step = halves.next().map_or(Ok(1), number)?;
        if stop < start || step == 0 {
            return Err(FORM.to_owned());
        }
        let range = Self { start, stop, step };
        if range.count() > MOST {
            return Err(format!("the range has more than {MOST} numbers"));
        }
        Ok(range)
    }

    /// How many there are.
    pub(super) fn count(self) -> u64 {
        u64::from((self.stop - self.start) / self.step) + 1
    }

    /// All in order.
    pub(super) fn numbers(self) -> impl Iterator<Item = u32> {
        (self.start..=self.stop).step_by(self.step as usize)
    }
}

/// A text with places for a number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextTemplate(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Number(NumberForm),
}

impl TextTemplate {
    /// `$` stands for the number, `${offset,width,base}` for a changed form of it, `$$` for a dollar sign; a backslash and
    /// what follows it stay as they are. Errors: a sentence; a form that is none.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = Vec::new();
        let mut rest = text;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            match (byte, tail.split_first()) {
                (b'\\', Some((&next, after))) => {
                    plain.extend([byte, next]);
                    rest = after;
                }
                (b'$', Some((b'$', after))) => {
                    plain.push(byte);
                    rest = after;
                }
                (b'$', next) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    let form = match next {
                        Some((b'{', after)) => {
                            let end = after.iter().position(|&byte| byte == b'}');
                            let end = end.ok_or("`${` is never closed")?;
                            rest = after.get(end + 1..).unwrap_or(&[]);
                            NumberForm::parse(after.get(..end).unwrap_or(&[]))?
                        }
                        _ => NumberForm::PLAIN,
                    };
                    pieces.push(Piece::Number(form));
                }
                _ => plain.push(byte),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// Appends the text for a number. Errors: a sentence; the text is too long.
    pub(super) fn write(&self, number: u32, into: &mut Vec<u8>) -> Result<(), String> {
        let before = into.len();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => into.extend_from_slice(text),
                Piece::Number(form) => form.write(number, into),
            }
            if into.len() - before > LONGEST {
                return Err(format!("a generated record has more than {LONGEST} bytes"));
            }
        }
        Ok(())
    }
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NumberForm {
    offset: i32,
    width: usize,
    base: NumberBase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumberBase {
    Decimal,
    Octal,
    Hexadecimal {
        capitals: bool,
    },
    /// Hexadecimal digits from the last to the first, a dot behind each but the last.
    Nibbles {
        capitals: bool,
    },
}

impl NumberForm {
    const PLAIN: Self = Self { offset: 0, width: 0, base: NumberBase::Decimal };

    /// `offset`, `offset,width` or `offset,width,base`. Errors: a sentence.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let wrong = || {
            let text = String::from_utf8_lossy(text.get(..40).unwrap_or(text)).escape_debug().to_string();
            format!(
                "`${{{text}}}`: the form is ${{offset}}, ${{offset,width}} or ${{offset,width,base}} with width up to \
                 {WIDEST} and base d, o, x, X, n or N"
            )
        };
        let mut parts = std::str::from_utf8(text).map_err(|_| wrong())?.split(',');
        let offset = parts.next().unwrap_or("").parse().map_err(|_| wrong())?;
        let width = parts.next().map_or(Ok(0), str::parse).map_err(|_| wrong())?;
        let base = match parts.next() {
            None | Some("d") => NumberBase::Decimal,
            Some("o") => NumberBase::Octal,
            Some("x") => NumberBase::Hexadecimal { capitals: false },
            Some("X") => NumberBase::Hexadecimal { capitals: true },
            Some("n") => NumberBase::Nibbles { capitals: false },
            Some("N") => NumberBase::Nibbles { capitals: true },
            Some(_) => return Err(wrong()),
        };
        if width > WIDEST || parts.next().is_some() {
            return Err(wrong());
        }
        Ok(Self { offset, width, base })
    }

    fn write(self, number: u32, into: &mut Vec<u8>) {
        let value = i64::from(number) + i64::from(self.offset);
        // BIND takes it as a C int: below zero, digits of other bases show its 32 bits.
        let bits = value.cast_unsigned() as u32;
        let width = self.width;
        let text = match self.base {
            NumberBase::Decimal => format!("{value:0width$}"),
            NumberBase::Octal => format!("{bits:0width$o}"),
            NumberBase::Hexadecimal { capitals: false } => format!("{bits:0width$x}"),
            NumberBase::Hexadecimal { capitals: true } => format!("{bits:0width$X}"),
            NumberBase::Nibbles { capitals: false } => nibbles(&format!("{bits:x}"), width),
            NumberBase::Nibbles { capitals: true } => nibbles(&format!("{bits:X}"), width),
        };
        into.extend_from_slice(text.as_bytes());
    }
}

/// Digits from the last to the first with dots between, zeros behind them up to `width` characters, dots counted. An even
/// width ends in a dot.
fn nibbles(digits: &str, width: usize) -> String {
    let mut text = String::new();
    for digit in digits.chars().rev() {
        if !text.is_empty() {
            text.push('.');
        }
        text.push(digit);
    }
    while text.len() < width {
        text.push(if text.ends_with('.') { '0' } else { '.' });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(template: &str, number: u32) -> Result<String, String> {
        let mut text = Vec::new();
        TextTemplate::parse(template.as_bytes())?.write(number, &mut text)?;
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn ranges() {
        let numbers =
            |text: &str| NumberRange::parse(text.as_bytes()).map(|r| r.numbers().collect::<Vec<_>>());
        assert_eq!(numbers("1-3"), Ok(vec![1, 2, 3]));
        assert_eq!(numbers("1-6/2"), Ok(vec![1, 3, 5]));
        assert_eq!(numbers("5-5"), Ok(vec![5]));
        assert_eq!(numbers("0-4294967295/4294967295"), Ok(vec![0, u32::MAX]));
        assert_eq!(NumberRange::parse(b"0-65535").unwrap().count(), 65_536);
        for (text, part) in [
            ("0-65536", "more than 65536"),
            ("0-4294967295", "more than 65536"),
            ("3-1", "the form"),
            ("1-3/0", "the form"),
            ("1", "the form"),
            ("1-", "the form"),
            ("-1", "the form"),
            ("1-2-3", "the form"),
            ("1-2/", "the form"),
            ("1-2/1/1", "the form"),
            ("1-4294967296", "the form"),
            ("", "the form"),
        ] {
            let error = numbers(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    /// As BIND 9.18 writes them.
    #[test]
    fn forms_of_numbers() {
        for (template, number, text) in [
            ("h$", 7, "h7"),
            ("$$", 7, "$"),
            ("\\$", 7, "\\$"),
            ("\\\\$", 7, "\\\\7"),
            ("\\036$", 7, "\\0367"),
            ("$$$", 7, "$7"),
            ("$\\", 7, "7\\"),
            ("${3}", 7, "10"),
            ("${+3}", 7, "10"),
            ("${-8}", 7, "-1"),
            ("${-9,4}", 7, "-002"),
            ("${0,3,d}", 7, "007"),
            ("${0,3,o}", 8, "010"),
            ("${0,0,x}${0,4,X}", 254, "fe00FE"),
            ("${0,3,n}", 18, "2.1"),
            ("${0,4,n}rev", 18, "2.1.rev"),
            ("${0,5,N}", 0x1a, "A.1.0"),
            ("${0,10,n}x", 256, "0.0.1.0.0.x"),
            ("${0,0,n}", 256, "0.0.1"),
            ("${0,1,n}", 0, "0"),
            ("${0,2,n}", 0, "0."),
            ("${-2,4,n}", 0, "e.f.f.f.f.f.f.f"),
            ("${-1,0,x}", 0, "ffffffff"),
        ] {
            assert_eq!(made(template, number).as_deref(), Ok(text), "{template}");
        }
        for template in [
            "${",
            "${1",
            "${}",
            "${a}",
            "${1,}",
            "${1,2,}",
            "${1,2,q}",
            "${1,2,dd}",
            "${1,2,d,}",
            "${1,128}",
            "${1,-1}",
        ] {
            assert!(made(template, 1).is_err(), "{template}");
        }
        assert!(made(&"x".repeat(4097), 1).unwrap_err().contains("4096"));
    }
}
