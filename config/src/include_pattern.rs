//! Which files of a folder are included.

use std::ffi::OsStr;

/// What stands for other characters in a pattern.
pub(crate) const WILD: [char; 2] = ['*', '?'];

/// Which files of a folder are included: `*` stands for any text, `?` for one character. Hidden files are covered only where the
/// pattern begins with a dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IncludePattern(pub(crate) String);

impl IncludePattern {
    /// Whether a file of this name is included.
    pub fn covers(&self, name: &OsStr) -> bool {
        let Some(name) = name.to_str() else { return false };
        if name.starts_with('.') && !self.0.starts_with('.') {
            return false;
        }
        let [pattern, name] = [&self.0, name].map(|text| text.chars().collect::<Vec<_>>());
        covers(&pattern, &name)
    }

    /// What names that it covers begin with; may be empty.
    pub fn prefix(&self) -> &str {
        self.0.split(WILD).next().unwrap_or_default()
    }

    /// What names that it covers end in; may be empty.
    pub fn suffix(&self) -> &str {
        self.0.rsplit(WILD).next().unwrap_or_default()
    }
}

/// In time that grows with the product of the lengths: after a difference only the last `*` takes one character more.
fn covers(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Behind the last `*`, and the first character that it does not stand for.
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = name.get(from) {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, from));
            }
            Some(one) if *one == '?' || one == character => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((behind, taken)) = star else { return false };
                star = Some((behind, taken + 1));
                (at, from) = (behind, taken + 1);
            }
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_names() {
        for (pattern, yes, no) in [
            ("*.yaml", &["a.yaml", "10-b.yaml"][..], &["a.yml", ".a.yaml", "a.yaml~", ""][..]),
            ("*", &["a", "a.b"], &[".a"]),
            ("a*b*c", &["abc", "axbxc", "abbcc"], &["abcd", "ac", "xabc"]),
            ("??.yaml", &["ab.yaml", "äö.yaml"], &["a.yaml", "abc.yaml"]),
            (".*.yaml", &[".a.yaml"], &["a.yaml"]),
        ] {
            let pattern = IncludePattern(pattern.to_owned());
            assert!(yes.iter().all(|name| pattern.covers(OsStr::new(name))), "{pattern:?}");
            assert!(!no.iter().any(|name| pattern.covers(OsStr::new(name))), "{pattern:?}");
        }
        let many = IncludePattern("*a".repeat(30));
        assert!(!many.covers(OsStr::new(&"a".repeat(20))) && !many.covers(OsStr::new(&"b".repeat(200))));
        let ends = IncludePattern("10-*.d?.yaml".into());
        assert_eq!((ends.prefix(), ends.suffix()), ("10-", ".yaml"));
    }
}
