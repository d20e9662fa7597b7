//! Configurations of several files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what panics in a test fails it")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rhumb_config::{ServerConfig, ZoneSource, changes, load, load_with_zones, parse, sources};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("rhumb-include-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Folder(std::env::temp_dir().join(name));
        for (name, text) in files {
            let path = folder.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn load(&self) -> ServerConfig {
        load(&self.0.join("rhumb.yaml")).unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// What is wrong, one a line, without the folder.
    fn errors(&self) -> Vec<String> {
        let errors = load(&self.0.join("rhumb.yaml")).unwrap_err();
        let folder = format!("{}/", self.0.display());
        errors.errors.iter().map(|error| error.to_string().replace(&folder, "")).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn zones(config: &ServerConfig) -> Vec<String> {
    config
        .zones
        .iter()
        .map(|zone| match zone {
            ZoneSource::File { name, .. } => name.to_string(),
            ZoneSource::Directory { path, .. } => path.file_name().unwrap().to_str().unwrap().to_owned(),
            ZoneSource::Secondary(zone) => zone.name.to_string(),
            ZoneSource::BuiltIn { .. } => "built-in".to_owned(),
        })
        .collect()
}

#[test]
fn lists_are_joined_and_sections_are_joined_key_by_key() {
    let folder = Folder::new(&[
        (
            "rhumb.yaml",
            "include: [conf.d/*.yaml, more.yaml]\nzones: [{ name: a, file: a.zone }]\nserver: { nsid: n }\n",
        ),
        ("conf.d/20-c.yaml", "zones: { name: c, file: c.zone }\nserver: { cookies: false }\n"),
        (
            "conf.d/10-b.yaml",
            "zones:\n  - { name: b, file: b.zone }\nforward: [{ domain: x, upstreams: 192.0.2.1 }]\n",
        ),
        ("conf.d/README", "not: read\n"),
        ("conf.d/.hidden.yaml", "not: read\n"),
        ("conf.d/30-empty.yaml", "# nothing yet\n"),
        ("more.yaml", "include: deep/d.yaml\nlog: { level: debug }\nrecursion: { allow: [10.0.0.0/8] }\n"),
        (
            "deep/d.yaml",
            "zones: [{ directory: zones }]\nlog: { queries: true }\nrecursion: { allow: [\"::1\"] }\n",
        ),
    ]);
    let config = folder.load();
    assert_eq!(zones(&config), ["a.", "b.", "c.", "zones"]);
    let ZoneSource::File { file, place, .. } = &config.zones[1] else { panic!() };
    assert_eq!(file, &folder.0.join("conf.d/b.zone"), "relative to the file that it stands in");
    assert_eq!((&*place.file, place.line), (folder.0.join("conf.d/10-b.yaml").as_path(), 2));
    let ZoneSource::Directory { path, .. } = &config.zones[3] else { panic!() };
    assert_eq!(path, &folder.0.join("deep/zones"));
    assert!(config.server.nsid.is_some() && !config.server.cookies);
    assert!(config.log.queries && config.recursion.allow.len() == 2 && config.forward.len() == 1);
    assert_eq!(config.folder, folder.0);
    let files: Vec<_> = config
        .sources
        .files
        .iter()
        .map(|path| path.strip_prefix(&folder.0).unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        files,
        [
            "rhumb.yaml",
            "conf.d/10-b.yaml",
            "conf.d/20-c.yaml",
            "conf.d/30-empty.yaml",
            "more.yaml",
            "deep/d.yaml"
        ]
    );
    assert_eq!(config.sources, sources(&folder.0.join("rhumb.yaml")));
    let [(watched, pattern)] = config.sources.folders.as_slice() else { panic!() };
    assert_eq!((watched, pattern.prefix(), pattern.suffix()), (&folder.0.join("conf.d"), "", ".yaml"));
    let paths = ["conf.d/*.yaml", "more.yaml", "deep/d.yaml"].map(|path| folder.0.join(path));
    assert_eq!(config.include, paths);
}

#[test]
fn errors_name_the_file_and_its_own_lines() {
    let folder = Folder::new(&[
        (
            "rhumb.yaml",
            "include: [a.yaml, b.yaml]\nzones:\n  - { name: z, file: z }\nlog: { level: info }\nuser: x\n",
        ),
        ("a.yaml", "zones:\n  - { name: y, fil: y }\n  - { name: z, file: z }\nlog:\n  level: debug\n"),
        (
            "b.yaml",
            "# first\nlisten: [{ address: 192.0.2.300 }, { address: \"::\" }]\nnothing: here\nuser: y\n",
        ),
    ]);
    let errors = folder.errors();
    let words = [
        ("a.yaml:2:7: zones[0]: ", "`file`, or `primaries` is missing"),
        ("a.yaml:2:16: zones[0].fil: ", "did you mean `file`?"),
        ("a.yaml:3:7: zones[1]: ", "the zone `z` is given already, on rhumb.yaml line 3"),
        ("a.yaml:5:3: log.level: ", "given twice; the first is on rhumb.yaml line 4"),
        ("b.yaml:2:21: listen[0].address: ", "not an IP address"),
        ("b.yaml:3:1: nothing: ", "unknown key"),
        ("b.yaml:4:1: user: ", "given twice; the first is on rhumb.yaml line 5"),
    ];
    assert_eq!(errors.len(), words.len(), "{errors:#?}");
    for (error, (place, words)) in errors.iter().zip(words) {
        assert!(error.starts_with(place) && error.contains(words), "{error}");
    }
}

#[test]
fn files_that_cannot_be_included() {
    let folder = Folder::new(&[
        (
            "rhumb.yaml",
            "include:\n  - missing.yaml\n  - folder\n  - none/*.yaml\n  - '*/x.yaml'\n  - 7\n  - a.yaml\n  - link.yaml\n  - rhumb.yaml\n  - broken.yaml\n  - list.yaml\n  - latin.yaml\n",
        ),
        ("folder/x", ""),
        ("a.yaml", "include: [b.yaml]\n"),
        ("b.yaml", "include: [a.yaml]\n"),
        ("broken.yaml", "zones: [\n"),
        ("list.yaml", "- zones\n"),
    ]);
    fs::write(folder.0.join("latin.yaml"), b"# \xfc\n").unwrap();
    symlink("a.yaml", folder.0.join("link.yaml")).unwrap();
    let errors = folder.errors();
    let words = [
        ("b.yaml:1:11: include: ", "`a.yaml` is being read already"),
        ("broken.yaml:", "not valid YAML"),
        ("latin.yaml:1:3: ", "not valid UTF-8"),
        ("list.yaml:1:3: ", "a list is not accepted here; accepted: keys"),
        ("rhumb.yaml:2:5: include: ", "`missing.yaml` cannot be read: No such file"),
        ("rhumb.yaml:3:5: include: ", "`folder` is a folder and not a file"),
        ("rhumb.yaml:4:5: include: ", "cannot be read: No such file"),
        ("rhumb.yaml:5:5: include[3]: ", "has a `*` or `?` in the name of a folder"),
        ("rhumb.yaml:6:5: include[4]: ", "accepted: a path"),
        ("rhumb.yaml:8:5: include: ", "`link.yaml` is included twice; the first time at rhumb.yaml:7:5"),
        ("rhumb.yaml:9:5: include: ", "`rhumb.yaml` is being read already"),
    ];
    assert_eq!(errors.len(), words.len(), "{errors:#?}");
    for (error, (place, words)) in errors.iter().zip(words) {
        assert!(error.starts_with(place) && error.contains(words), "{error}");
    }
    // Those that are missing or wrong are followed all the same.
    let followed = sources(&folder.0.join("rhumb.yaml"));
    for name in ["missing.yaml", "broken.yaml", "b.yaml", "latin.yaml"] {
        assert!(followed.files.contains(&folder.0.join(name)), "{name}: {followed:?}");
    }
    assert_eq!(followed.folders.len(), 1);
}

#[test]
fn depth_number_and_size_are_bounded() {
    let deep: Vec<(String, String)> =
        (0..12).map(|n| (format!("{n}.yaml"), format!("include: {}.yaml\n", n + 1))).collect();
    let mut files: Vec<(&str, &str)> =
        deep.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("rhumb.yaml", "include: 0.yaml\n"));
    let errors = Folder::new(&files).errors();
    assert!(
        errors.len() == 1 && errors[0].starts_with("7.yaml:1:10: include: files may include"),
        "{errors:?}"
    );

    let many: Vec<String> = (0..1200).map(|n| format!("d/{n:04}.yaml")).collect();
    let mut files: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "{}\n")).collect();
    files.push(("rhumb.yaml", "include: [d/*]\n"));
    let errors = Folder::new(&files).errors();
    assert!(errors.iter().all(|error| error.contains("at most 1000 files")), "{errors:?}");

    let large = format!("# {}\n", "x".repeat(9 << 20));
    let files = [("rhumb.yaml", "include: [a.yaml, b.yaml]\n"), ("a.yaml", &large), ("b.yaml", &large)];
    let errors = Folder::new(&files).errors();
    assert!(errors.len() == 1 && errors[0].contains("`b.yaml` is larger than"), "{errors:?}");
}

#[test]
fn a_secret_in_a_file_that_all_can_read() {
    let folder = Folder::new(&[
        ("rhumb.yaml", "include: secrets.yaml\nzones: [{ directory: . }]\n"),
        ("secrets.yaml", "server:\n  cookie-secrets: [\"000102030405060708090a0b0c0d0e0f\"]\n"),
    ]);
    let warnings = |mode| {
        fs::set_permissions(folder.0.join("secrets.yaml"), fs::Permissions::from_mode(mode)).unwrap();
        folder.load().warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(warnings(0o640), Vec::<String>::new());
    let found = warnings(0o644);
    assert!(
        found.len() == 1 && found[0].contains("secrets.yaml:2:20: server.cookie-secrets[0]: this file"),
        "{found:?}"
    );
}

#[test]
fn what_is_wrong_with_files_that_included_ones_name() {
    let folder = Folder::new(&[
        ("rhumb.yaml", "include: a.yaml\nzones: [{ name: x, file: there }]\nrecursion: { allow: local }\n"),
        ("there", ""),
        (
            "a.yaml",
            "zones: [{ name: y, file: missing }]\nforward: [{ domain: ., upstreams: [{ list: later }] }]\n",
        ),
    ]);
    let errors = load_with_zones(&folder.0.join("rhumb.yaml")).unwrap_err();
    assert_eq!(errors.errors.len(), 1, "{errors}");
    assert!(errors.to_string().contains("a.yaml:1:26: zones[0].file: "), "{errors}");
    let warnings = folder.load().warnings;
    assert!(warnings[0].to_string().contains("a.yaml:2:44: forward[0].upstreams[0].list: "), "{warnings:?}");
}

#[test]
fn a_text_alone_includes_nothing_and_changes_are_compared() {
    let read = |text: &str| parse(text, Path::new("/x/rhumb.yaml")).unwrap();
    let (before, now) = (read("include: a.yaml\n"), read("include: [a.yaml, 'd/*.yaml']\n"));
    assert_eq!((before.zones.len(), before.include.len()), (0, 1));
    let changes: Vec<_> = changes(&before, &now).iter().map(ToString::to_string).collect();
    assert_eq!(changes, ["include: [/x/a.yaml] -> [/x/a.yaml, /x/d/*.yaml]"]);
}
