//! The files that an entry of `include:` stands for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::include_pattern::{IncludePattern, WILD};
use crate::kind::ValueKind;
use crate::node::{YamlContent, YamlNode, shown};
use crate::reader::ConfigReader;

/// One file, or those of a folder whose names are of a form.
pub(crate) enum IncludePath {
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

impl ValueKind for IncludeFile {
    type Out = PathBuf;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<PathBuf> {
        let YamlContent::Text(text) = &node.value else {
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

#[cfg(test)]
mod tests {
    use super::*;

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
