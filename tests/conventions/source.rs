//! The Rust files of the tree, and their text without comments and strings.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// One file: its path from the root, with forward slashes, and its text.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The text with comments and the insides of strings blanked; lines stay where they are.
    pub(crate) fn code(&self) -> String {
        blank(&self.text)
    }
}

/// Every file of the tree whose name ends so, without build folders and hidden ones.
pub(crate) fn files(ending: &str) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the tree").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || name == "target" || name == "corpus" || name == "artifacts" {
                continue;
            }
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(ending) {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let path = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Whether a file holds tests alone.
pub(crate) fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = if rest.starts_with(b"//") {
            rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            find(rest, b"*/", 2)
        } else if let Some(length) = raw_string(rest, at.checked_sub(1).map(|before| bytes[before])) {
            length
        } else if rest[0] == b'"' {
            string(rest)
        } else if let Some(length) = character(rest) {
            length
        } else {
            code.push(char::from(rest[0]));
            at += 1;
            continue;
        };
        code.extend(rest[..length].iter().map(|&byte| if byte == b'\n' { '\n' } else { ' ' }));
        at += length;
    }
    code
}

/// Length up to and with the first `end` at or behind `from`.
fn find(rest: &[u8], end: &[u8], from: usize) -> usize {
    let position = rest.get(from..).and_then(|tail| tail.windows(end.len()).position(|window| window == end));
    position.map_or(rest.len(), |position| from + position + end.len())
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw_string(rest: &[u8], before: Option<u8>) -> Option<usize> {
    if rest[0] != b'r'
        || before.is_some_and(|byte| byte.is_ascii_alphanumeric() && byte != b'b' || byte == b'_')
    {
        return None;
    }
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    Some(find(rest, &end, hashes + 2))
}

/// A character literal; a lifetime is none.
fn character(rest: &[u8]) -> Option<usize> {
    if rest[0] != b'\'' {
        return None;
    }
    match rest.get(1)? {
        b'\\' => Some(find(rest, b"'", 3)),
        byte if byte.is_ascii() => (rest.get(2) == Some(&b'\'')).then_some(3),
        _ => rest.iter().skip(1).take(5).position(|&byte| byte == b'\'').map(|position| position + 2),
    }
}

#[test]
fn comments_and_strings_are_blanked() {
    let text = "a // b\n\"c\\\" d\" e /* f\ng */ h 'i' '\\'' r#\"j\"k\"# l<'m> \"\\\\\" n";
    let code: String = blank(text).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, "a e h l<'m> n");
    assert_eq!(blank(text).lines().count(), text.lines().count());
}
