//! `$GENERATE`: a template and the numbers that are put into it (BIND 9 Administrator Reference Manual, section "Primary file
//! extension").

/// Records made by one directive at most.
const MOST: u64 = 65_536;
/// The widest number, in digits.
const WIDEST: usize = 64;
/// The longest record made.
const LONGEST: usize = 4096;

/// A directive.
#[derive(Debug)]
pub(super) struct Generate<'t> {
    start: u64,
    stop: u64,
    step: u64,
    template: &'t [u8],
}

impl<'t> Generate<'t> {
    /// Errors: the range is none, or too long.
    pub(super) fn new(range: &[u8], template: &'t [u8]) -> Result<Self, String> {
        const FORM: &str = "the range has the form START-STOP or START-STOP/STEP";
        let number = |text: &[u8]| super::number::decimal(text, u64::from(u32::MAX)).ok_or(FORM);
        let (ends, step) = match range.iter().position(|&byte| byte == b'/') {
            Some(at) => (range.get(..at).unwrap_or(&[]), number(range.get(at + 1..).unwrap_or(&[]))?),
            None => (range, 1),
        };
        let dash = ends.iter().position(|&byte| byte == b'-').ok_or(FORM)?;
        let start = number(ends.get(..dash).unwrap_or(&[]))?;
        let stop = number(ends.get(dash + 1..).unwrap_or(&[]))?;
        if stop < start || step == 0 {
            return Err(FORM.to_owned());
        }
        if (stop - start) / step >= MOST {
            return Err(format!("the range has more than {MOST} numbers"));
        }
        Ok(Self { start, stop, step, template })
    }

    /// The numbers in order.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> + use<> {
        (self.start..=self.stop).step_by(usize::try_from(self.step).unwrap_or(usize::MAX))
    }

    /// Writes the record for `number`: `$` becomes the number, `${offset,width,base}` a changed form of it, `$$` and `\$` a
    /// dollar sign. Errors: a form that is none, a record that is too long.
    pub(super) fn write(&self, number: u64, into: &mut Vec<u8>) -> Result<(), String> {
        // The owner stands at the start of the line.
        let mut rest = self.template.trim_ascii_start();
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            match (byte, tail.first()) {
                (b'\\' | b'$', Some(b'$')) => {
                    into.push(b'$');
                    rest = tail.get(1..).unwrap_or(&[]);
                }
                (b'\\', Some(&next)) => {
                    into.extend_from_slice(&[b'\\', next]);
                    rest = tail.get(1..).unwrap_or(&[]);
                }
                (b'$', Some(b'{')) => {
                    let end = tail.iter().position(|&byte| byte == b'}').ok_or("`${` is never closed")?;
                    put(number, tail.get(1..end).unwrap_or(&[]), into)?;
                    rest = tail.get(end + 1..).unwrap_or(&[]);
                }
                (b'$', _) => into.extend_from_slice(number.to_string().as_bytes()),
                _ => into.push(byte),
            }
            if into.len() > LONGEST {
                return Err(format!("a generated record has more than {LONGEST} bytes"));
            }
        }
        Ok(())
    }
}

fn put(number: u64, form: &[u8], into: &mut Vec<u8>) -> Result<(), String> {
    const FORM: &str =
        "the form is ${offset}, ${offset,width} or ${offset,width,base} with base d, o, x, X, n or N";
    let text = std::str::from_utf8(form).map_err(|_| FORM)?;
    let mut parts = text.split(',');
    let offset: i64 = parts.next().unwrap_or("0").parse().map_err(|_| FORM)?;
    let width: usize = parts.next().unwrap_or("0").parse().map_err(|_| FORM)?;
    let base = parts.next().unwrap_or("d");
    let value = number.checked_add_signed(offset).ok_or("the number becomes negative")?;
    if width > WIDEST || parts.next().is_some() {
        return Err(FORM.to_owned());
    }
    let text = match base {
        "d" => format!("{value:0width$}"),
        "o" => format!("{value:0width$o}"),
        "x" => format!("{value:0width$x}"),
        "X" => format!("{value:0width$X}"),
        "n" => nibbles(&format!("{value:x}"), width),
        "N" => nibbles(&format!("{value:X}"), width),
        _ => return Err(FORM.to_owned()),
    };
    into.extend_from_slice(text.as_bytes());
    Ok(())
}

/// Hexadecimal digits from the last to the first with dots between, `width` characters with the dots.
fn nibbles(digits: &str, width: usize) -> String {
    let mut text = String::new();
    for digit in digits.chars().rev() {
        if !text.is_empty() {
            text.push('.');
        }
        text.push(digit);
    }
    while text.len() + 1 < width {
        text.push_str(".0");
    }
    text
}
