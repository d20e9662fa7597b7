//! Which names in a followed folder matter.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Names that begin and end in a certain way, with at least one byte between. Hidden names never match: editors keep their
/// lock files under them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamePattern {
    /// What they begin with; may be empty.
    pub prefix: String,
    /// What they end in; may be empty.
    pub suffix: String,
}

impl NamePattern {
    /// Names that end in `suffix`.
    pub fn ending_in(suffix: &str) -> Self {
        Self { prefix: String::new(), suffix: suffix.to_owned() }
    }

    /// Whether `name` matters.
    pub(crate) fn covers(&self, name: &OsStr) -> bool {
        let name = name.as_bytes();
        let rest = name.strip_prefix(self.prefix.as_bytes());
        let middle = rest.and_then(|rest| rest.strip_suffix(self.suffix.as_bytes()));
        !name.starts_with(b".") && middle.is_some_and(|middle| !middle.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_by_both_ends() {
        let covers = |prefix: &str, suffix: &str, name: &str| {
            NamePattern { prefix: prefix.into(), suffix: suffix.into() }.covers(OsStr::new(name))
        };
        assert!(
            covers("", ".zone", "example.com.zone")
                && covers("db.", "", "db.example.com")
                && covers("", "", "a")
        );
        for (prefix, suffix, name) in [
            ("", ".zone", ".zone"),
            ("", ".zone", ".a.zone"),
            ("", ".zone", "a.zone~"),
            ("db.", "", "db."),
            ("aa", "aa", "aaa"),
        ] {
            assert!(!covers(prefix, suffix, name), "{prefix}*{suffix} {name}");
        }
    }
}
