//! Loading from disk: missing files, unreadable ones, and what is relative to what.

#![allow(clippy::unwrap_used, reason = "what panics in a test fails it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rhumb_config::{UpstreamSource, ZoneSource, check_files, load, parse};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("rhumb-config-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const NAMES_FILES: &str = "\
zones:
  - name: example.com
    file: zones/example.com.zone
  - directory: zones
forward:
  - domain: .
    upstreams:
      - 192.0.2.53
      - list: upstreams.list
      - resolv-conf: resolv.conf
";

#[test]
fn a_file_with_all_it_names_is_loaded() {
    let folder = Folder::new();
    folder.write("zones/example.com.zone", "");
    folder.write("upstreams.list", "");
    folder.write("resolv.conf", "");
    let path = folder.write("rhumb.yaml", NAMES_FILES);
    let config = load(&path).unwrap();
    assert_eq!(config.file.as_deref(), Some(path.as_path()));
    assert_eq!(config.folder, folder.0);
    let [ZoneSource::File { file, .. }, ZoneSource::Directory { path: directory, .. }] =
        config.zones.as_slice()
    else {
        panic!("{:?}", config.zones)
    };
    assert_eq!(file, &folder.0.join("zones/example.com.zone"));
    assert_eq!(directory, &folder.0.join("zones"));
    let [_, UpstreamSource::List(list, place), UpstreamSource::ResolvConf(resolv_conf, _)] =
        config.forward[0].upstreams.as_slice()
    else {
        panic!("{:?}", config.forward)
    };
    assert_eq!(list, &folder.0.join("upstreams.list"));
    assert_eq!(resolv_conf, &folder.0.join("resolv.conf"));
    assert_eq!((place.line, place.column), (9, 9));
    assert_eq!(check_files(&config), []);
    assert_eq!(load(&path).unwrap(), config);
}

#[test]
fn each_missing_file_is_told_with_its_own_line() {
    let folder = Folder::new();
    let path = folder.write("rhumb.yaml", NAMES_FILES);
    let errors = load(&path).unwrap_err();
    let told: Vec<_> = errors.0.iter().map(|e| (e.place.line, e.place.column, e.key.as_str())).collect();
    assert_eq!(
        told,
        [
            (3, 11, "zones[0].file"),
            (4, 16, "zones[1].directory"),
            (9, 15, "forward[0].upstreams[1].list"),
            (10, 22, "forward[0].upstreams[2].resolv-conf")
        ]
    );
    assert!(errors.0[0].message.contains("No such file"), "{errors}");
    // Parsing alone does not look at the files; checking a parsed configuration finds the same entries.
    let config = parse(NAMES_FILES, &path).unwrap();
    let checked: Vec<_> = check_files(&config).iter().map(|e| (e.place.line, e.key.clone())).collect();
    assert_eq!(
        checked,
        [
            (2, "zones[0].file".to_owned()),
            (4, "zones[1].directory".to_owned()),
            (9, "forward[0].upstreams[1].list".to_owned()),
            (10, "forward[0].upstreams[2].resolv-conf".to_owned())
        ]
    );
}

#[test]
fn missing_files_are_told_beside_other_mistakes() {
    let folder = Folder::new();
    let text = "\
workers: none
zones:
  - name: a..b
    file: there
  - name: example.com
    file: missing
forward:
  - domain: x y
    upstreams: [192.0.2.1]
  - domain: example
    upstreams: [nonsense, { list: missing.list }]
";
    folder.write("there", "");
    let errors = load(&folder.write("rhumb.yaml", text)).unwrap_err();
    let told: Vec<_> = errors.0.iter().map(|e| (e.place.line, e.key.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, "workers"),
            (3, "zones[0].name"),
            (6, "zones[1].file"),
            (8, "forward[0].domain"),
            (11, "forward[1].upstreams[0]"),
            (11, "forward[1].upstreams[1].list")
        ]
    );
}

#[test]
fn a_folder_is_no_file_and_a_file_no_folder() {
    let folder = Folder::new();
    folder.write("file", "");
    fs::create_dir(folder.0.join("folder")).unwrap();
    let text = "zones: [{ name: a, file: folder }, { directory: file }]\n";
    let errors = load(&folder.write("rhumb.yaml", text)).unwrap_err();
    assert_eq!(errors.0.len(), 2, "{errors}");
    assert!(errors.0[0].message.contains("is not a file"), "{errors}");
    assert!(errors.0[1].message.contains("cannot be read"), "{errors}");
}

#[test]
fn the_configuration_itself_must_be_a_readable_file() {
    let folder = Folder::new();
    let missing = folder.0.join("missing.yaml");
    let errors = load(&missing).unwrap_err();
    assert!(
        errors.to_string().starts_with(&format!("{}:1:1: cannot be read: ", missing.display())),
        "{errors}"
    );
    assert!(load(&folder.0).unwrap_err().to_string().contains("not a file"));

    let latin = folder.write("latin.yaml", b"# good\nuser: \xc3\xbc\xfc\n");
    let errors = load(&latin).unwrap_err();
    assert_eq!((errors.0[0].place.line, errors.0[0].place.column), (2, 8), "{errors}");
    assert!(errors.to_string().contains("UTF-8"));

    let large = folder.write("large.yaml", vec![b'#'; (16 << 20) + 1]);
    assert!(load(&large).unwrap_err().to_string().contains("larger than 16 MiB"));
}

#[test]
fn a_file_without_a_folder_is_in_the_working_folder() {
    let config =
        parse("zones: [{ name: a, file: b }, { name: c, file: /d }]\n", Path::new("rhumb.yaml")).unwrap();
    let files: Vec<_> = config
        .zones
        .iter()
        .map(|zone| match zone {
            ZoneSource::File { file, .. } => file.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(files, [PathBuf::from("./b"), PathBuf::from("/d")]);
}
