//! How the files in a folder of zones are called.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What stands for the name of the zone.
const PLACEHOLDER: &str = "NAME";
/// Endings of names that editors, packages and nameservers give to files beside a zone file.
const BESIDE: [&str; 8] = ["~", ".bak", ".old", ".orig", ".swp", ".tmp", ".jnl", ".journal"];

/// How the files of zones are called: what stands before and behind the name of the zone, as in `db.NAME` or `NAME.zone`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ZoneFilePattern {
    prefix: String,
    suffix: String,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ZoneFilePatternError {
    /// The name of the zone has to be in it, once.
    #[error("does not have NAME in it once")]
    Name,
    /// Only files of the folder itself are zones.
    #[error("has a `/` in it")]
    Slash,
    /// Hidden files are never zones: editors keep their lock files under such names.
    #[error("begins with a dot: hidden files are no zones")]
    Hidden,
}

impl Default for ZoneFilePattern {
    fn default() -> Self {
        Self { prefix: String::new(), suffix: ".zone".to_owned() }
    }
}

impl ZoneFilePattern {
    /// What stands before the name; may be empty.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What stands behind the name; may be empty.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// The file of the zone `name`, which is written without a dot at its end.
    pub fn file_name(&self, name: &str) -> String {
        [&self.prefix, name, &self.suffix].concat()
    }

    /// The name of the zone whose file is called `file`. `None` for other files: hidden ones, and where nothing stands behind
    /// the name, those that are beside a zone file, such as backups.
    pub fn zone_name<'f>(&self, file: &'f str) -> Option<&'f str> {
        let name = file.strip_prefix(&self.prefix)?.strip_suffix(&self.suffix)?;
        let beside = self.suffix.is_empty() && BESIDE.iter().any(|ending| name.ends_with(ending));
        (!name.is_empty() && !file.starts_with(['.', '#']) && !beside).then_some(name)
    }
}

impl FromStr for ZoneFilePattern {
    type Err = ZoneFilePatternError;

    fn from_str(text: &str) -> Result<Self, ZoneFilePatternError> {
        let (prefix, suffix) = text.split_once(PLACEHOLDER).ok_or(ZoneFilePatternError::Name)?;
        if suffix.contains(PLACEHOLDER) {
            return Err(ZoneFilePatternError::Name);
        }
        if text.contains(['/', '\0']) {
            return Err(ZoneFilePatternError::Slash);
        }
        if prefix.starts_with('.') {
            return Err(ZoneFilePatternError::Hidden);
        }
        Ok(Self { prefix: prefix.to_owned(), suffix: suffix.to_owned() })
    }
}

impl fmt::Display for ZoneFilePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{PLACEHOLDER}{}", self.prefix, self.suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_names_of_their_zones() {
        for (pattern, file, name) in [
            ("NAME.zone", "example.com.zone", Some("example.com")),
            ("NAME.zone", "db.example.com", None),
            ("NAME.zone", ".zone", None),
            ("NAME.zone", ".a.zone", None),
            ("NAME.zone", "a.zone~", None),
            ("NAME.zone", "#a.zone", None),
            ("NAME.zone", "a.bak.zone", Some("a.bak")),
            ("db.NAME", "db.example.com", Some("example.com")),
            ("db.NAME", "db.", None),
            ("db.NAME", "db.example.com.jnl", None),
            ("db.NAME", "example.com", None),
            ("NAME.db", "example.com.db", Some("example.com")),
            ("NAME", "example.com", Some("example.com")),
            ("NAME", "example.com.bak", None),
            ("NAME", "example.com~", None),
            ("master.NAME.txt", "master.a.txt", Some("a")),
            ("aNAMEa", "aa", None),
        ] {
            let read: ZoneFilePattern = pattern.parse().unwrap();
            assert_eq!(read.zone_name(file), name, "{pattern} {file}");
            assert_eq!(read.to_string(), pattern);
            if let Some(name) = name {
                assert_eq!(read.file_name(name), file);
            }
        }
        assert_eq!(ZoneFilePattern::default(), "NAME.zone".parse().unwrap());
    }

    #[test]
    fn texts_that_are_no_pattern() {
        for (text, error) in [
            ("", ZoneFilePatternError::Name),
            ("*.zone", ZoneFilePatternError::Name),
            ("name.zone", ZoneFilePatternError::Name),
            ("NAME.NAME", ZoneFilePatternError::Name),
            ("zones/NAME", ZoneFilePatternError::Slash),
            (".NAME", ZoneFilePatternError::Hidden),
        ] {
            assert_eq!(text.parse::<ZoneFilePattern>(), Err(error), "{text}");
        }
    }
}
