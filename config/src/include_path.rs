//! The files that an entry of `include:` stands for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::kind::Kind;
use crate::node::{Node, Value, shown};
use crate::reader::Reader;

const WILD: [char; 2] = ['*', '?'];

/// One file, or those of a folder whose names are of a form.
pub(crate) enum IncludePath {
    /// This file.
    File(PathBuf),
    /// The files of a folder that a pattern covers.
    Pattern(PathBuf, IncludePattern),
}

impl IncludePath {
    /// Reads a path; a relative one starts at `folder`. Errors: what is wrong with it, in words.
    pub(crate) fn read(text: &str, folder: &Path) -> Result<Self, &'static str> {
        let path = Path::new(text);
        let name = path.file_name().and_then(OsStr::to_str).filter(|_| !text.contains('\0'));
        let (Some(name), Some(above)) = (name, path.parent()) else { return Err("is no path of a file") };
        if above.as_os_str().to_string_lossy().contains(WILD) {
            return Err(
                "has a `*` or `?` in the name of a folder; they may stand in the name of the file alone",
            );
        }
        if name.contains(WILD) {
            return Ok(Self::Pattern(folder.join(above), IncludePattern(name.to_owned())));
        }
        Ok(Self::File(folder.join(path)))
    }
}

/// An entry of `include:`.
pub(crate) struct IncludeFile;

impl Kind for IncludeFile {
    type Out = PathBuf;

    fn read(&self, node: &Node, reader: &mut Reader) -> Option<PathBuf> {
        let Value::Text(text) = &node.value else {
            reader.wrong(node, "a path, or one with `*` in the file name");
            return None;
        };
        match IncludePath::read(text, reader.folder_of(node.spot)) {
            Ok(IncludePath::File(path)) => Some(path),
            Ok(IncludePath::Pattern(folder, pattern)) => Some(folder.join(pattern.0)),
            Err(error) => {
                reader.error(node.spot, format!("{} {error}", shown(text)));
                None
            }
        }
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "minLength": 1 })
    }

    fn show(&self, value: &PathBuf) -> Option<Json> {
        Some(json!(value.display().to_string()))
    }
}

/// Which files of a folder are included: `*` stands for any text, `?` for one character. Hidden files are covered only where the
/// pattern begins with a dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IncludePattern(String);

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

    #[test]
    fn paths_are_of_files_and_patterns() {
        let read = |text: &str| match IncludePath::read(text, Path::new("/etc/rhumb")) {
            Ok(IncludePath::File(path)) => path.display().to_string(),
            Ok(IncludePath::Pattern(folder, pattern)) => format!("{} in {}", pattern.0, folder.display()),
            Err(error) => error.to_owned(),
        };
        for (text, words) in [
            ("a.yaml", "/etc/rhumb/a.yaml"),
            ("/x/a.yaml", "/x/a.yaml"),
            ("conf.d/*.yaml", "*.yaml in /etc/rhumb/conf.d"),
            ("*", "* in /etc/rhumb/"),
            ("/x/?.yaml", "?.yaml in /x"),
            ("*/a.yaml", "has a `*`"),
            ("", "is no path"),
            ("..", "is no path"),
            ("/", "is no path"),
            ("a\0b", "is no path"),
        ] {
            assert!(read(text).starts_with(words), "{text:?}: {}", read(text));
        }
    }
}
