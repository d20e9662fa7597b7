//! The text of a configuration before it is YAML: read from disk, bounded, its lines counted.

use std::fs::Metadata;
use std::path::Path;

use crate::node::YamlPlace;
use crate::regular_file::{FileError, read_regular_file};

/// The most bytes that the files of a configuration have together.
pub(crate) const MOST_BYTES: usize = 16 << 20;
/// Open brackets at one time beyond which the text is not given to the YAML reader: its work for each token grows
/// with them.
const MOST_OPEN: usize = 256;

/// Why a text could not be read as one YAML document.
#[derive(Debug)]
pub(crate) struct TextRefusal {
    pub(crate) spot: YamlPlace,
    pub(crate) message: String,
}

/// Why a file could not be read as text.
#[derive(Debug)]
pub(crate) enum TextError {
    /// The file itself is at fault.
    File(FileError),
    /// Something in it is.
    Text(TextRefusal),
}

impl From<TextError> for TextRefusal {
    fn from(error: TextError) -> Self {
        match error {
            TextError::File(FileError::TooLarge(_)) => too_large(),
            TextError::File(error) => TextRefusal { spot: YamlPlace::START, message: error.to_string() },
            TextError::Text(refusal) => refusal,
        }
    }
}

/// The content of a configuration file of at most `most` bytes, bounded before it is in memory, and what the file is.
pub(crate) fn of_file(path: &Path, most: usize) -> Result<(String, Metadata), TextError> {
    let (bytes, found) = read_regular_file(path, most).map_err(TextError::File)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let message = "not valid UTF-8; accepted: YAML in UTF-8".to_owned();
        TextError::Text(TextRefusal { spot: end(&String::from_utf8_lossy(good)), message })
    })?;
    Ok((text, found))
}

fn too_large() -> TextRefusal {
    TextRefusal {
        spot: YamlPlace::START,
        message: format!("the file is larger than {} MiB", MOST_BYTES >> 20),
    }
}

/// Refuses text whose size or bracket depth would cost the YAML reader too much, and control characters, whose
/// line it does not give.
pub(crate) fn bounded(text: &str) -> Result<(), TextRefusal> {
    if text.len() > MOST_BYTES {
        return Err(too_large());
    }
    let mut open = 0_usize;
    for (line, number) in text.lines().zip(1..) {
        for (character, column) in line.chars().zip(1..) {
            let message = match character {
                '[' | '{' if open == MOST_OPEN => format!("more than {MOST_OPEN} brackets are open here"),
                '[' | '{' => {
                    open += 1;
                    continue;
                }
                ']' | '}' => {
                    open = open.saturating_sub(1);
                    continue;
                }
                '\t' | '\r' | '\u{85}' => continue,
                control if control.is_control() => {
                    format!("the control character U+{:04X} is not accepted", u32::from(control))
                }
                _ => continue,
            };
            return Err(TextRefusal { spot: YamlPlace::new(number, column), message });
        }
    }
    Ok(())
}

/// Line breaks by YAML 1.1 section 4.1.4, as the YAML reader counts them.
const BREAKS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// The spot, or the end of the text when the spot lies behind it: a last line without a line feed has a mark below
/// itself.
pub(crate) fn within(text: &str, spot: YamlPlace) -> YamlPlace {
    let end = end(text);
    if spot.line <= end.line { spot } else { end }
}

/// Where the text ends.
fn end(text: &str) -> YamlPlace {
    let breaks = text.matches(BREAKS).count() - text.matches("\r\n").count();
    let column = text.rsplit(BREAKS).next().map_or(0, |last| last.chars().count()) + 1;
    YamlPlace::new(clamp(breaks + 1), clamp(column))
}

/// A line or column as a spot has it.
pub(crate) fn clamp(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
