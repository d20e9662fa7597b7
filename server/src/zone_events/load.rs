//! Reading a zone from its file.

use std::path::Path;
use std::sync::Arc;

use rhumb_wire::Name;
use rhumb_zones::Contents;
use rhumb_zones::file::{Problem, read_zone, read_zone_bytes};

use crate::snapshot::FileRead;

/// A zone that was read well.
#[derive(Debug)]
pub struct Ready {
    /// What is to be served.
    pub contents: Arc<Contents>,
    /// The files that were read.
    pub files: Arc<[FileRead]>,
    /// What should be looked at, but does not keep the zone from being served.
    pub warnings: Vec<String>,
}

/// A zone that could not be read.
#[derive(Debug)]
pub struct Refused {
    /// What is wrong, each with its place.
    pub problems: Vec<String>,
    /// The zone's own file.
    pub files: Arc<[FileRead]>,
}

/// Reads the zone `name` from `file`; without a file, the zone of the built-in default.
///
/// Errors: what is wrong with the file or the zone.
pub fn load(name: &Name, file: Option<&Path>) -> Result<Ready, Refused> {
    let Some(file) = file else {
        let text = rhumb_config::DEFAULT_ZONE.as_bytes();
        return match read_zone_bytes(name.as_ref(), Path::new("built-in"), text) {
            Ok(loaded) => Ok(ready(loaded.contents, Vec::new(), &loaded.warnings)),
            Err(problems) => Err(Refused { problems: tell(&problems), files: Arc::default() }),
        };
    };
    let mut files = vec![FileRead::now(file.to_owned())];
    match read_zone(name.as_ref(), file) {
        Ok(loaded) => {
            let included = loaded.files.into_iter().filter(|path| path != file);
            files.extend(included.map(FileRead::now));
            Ok(ready(loaded.contents, files, &loaded.warnings))
        }
        Err(problems) => Err(Refused { problems: tell(&problems), files: files.into() }),
    }
}

fn ready(contents: Contents, files: Vec<FileRead>, warnings: &[Problem]) -> Ready {
    Ready { contents: Arc::new(contents), files: files.into(), warnings: tell(warnings) }
}

fn tell(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}
