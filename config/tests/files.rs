//! Loading from disk: missing files, unreadable ones, and what is relative to what.

#![allow(clippy::unwrap_used, reason = "what panics in a test fails it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use rhumb_config::{
    ConfigFinding, ServerConfig, UpstreamSource, ZoneSource, load, load_with_zones, parse, upstream_list,
};

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
    assert_eq!(load_with_zones(&path).unwrap(), config);
}

type Told = (u32, u32, String);

fn places(findings: &[ConfigFinding]) -> Vec<Told> {
    findings.iter().map(|f| (f.place.line, f.place.column, f.key.clone())).collect()
}

#[test]
fn each_missing_file_is_told_with_its_own_line() {
    let folder = Folder::new();
    let path = folder.write("rhumb.yaml", NAMES_FILES);
    let zones = [(3, 11, "zones[0].file".to_owned()), (4, 16, "zones[1].directory".to_owned())];
    let errors = load_with_zones(&path).unwrap_err();
    assert_eq!(places(&errors.errors), zones);
    assert!(errors.errors[0].message.contains("No such file"), "{errors}");
    // Lists may come later, and a zone without a file is no reason not to serve the others.
    let config = load(&path).unwrap();
    let lists = [
        (9, 15, "forward[0].upstreams[1].list".to_owned()),
        (10, 22, "forward[0].upstreams[2].resolv-conf".to_owned()),
    ];
    let of_files = |config: &ServerConfig| -> Vec<_> {
        config.warnings.iter().filter(|warning| warning.key.starts_with("forward")).cloned().collect()
    };
    assert_eq!(places(&of_files(&config)), lists);
    assert!(
        of_files(&config)[0].message.contains("does not exist; it is waited for"),
        "{:?}",
        config.warnings
    );
    assert_eq!(of_files(&parse(NAMES_FILES, &path).unwrap()), []);
}

/// Pipes, devices, sockets and folders in the place of each kind of file are refused, and nobody waits for them.
#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let folder = Folder::new();
    let pipe = folder.0.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let socket = folder.0.join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    std::os::unix::fs::symlink(&pipe, folder.0.join("link")).unwrap();
    let start = Instant::now();
    for (file, word) in [
        ("pipe", "a pipe"),
        ("link", "a pipe"),
        ("socket", "a socket"),
        (".", "a folder"),
        ("/dev/zero", "a device"),
        ("/dev/tty", "a device"),
    ] {
        let path = folder.0.join(file);
        assert!(
            load(&path).unwrap_err().to_string().contains(&format!("is {word} and not a file")),
            "{file}"
        );
        let text = format!(
            "zones: [{{ name: a, file: {file} }}]\nforward: [{{ domain: ., upstreams: {{ list: {file} }} }}, {{ domain: a, upstreams: {{ resolv-conf: {file} }} }}]\n"
        );
        let written = folder.write("rhumb.yaml", text);
        // A server goes on with the last good list, and with the contents of the zone that it has.
        let config = load(&written).unwrap();
        let of_lists = config.warnings.iter().filter(|warning| warning.message.contains(word));
        assert_eq!(of_lists.count(), 2, "{:?}", config.warnings);
        let errors = load_with_zones(&written).unwrap_err();
        assert_eq!(errors.errors.len(), 3, "{errors}");
        assert!(errors.errors.iter().all(|error| error.message.contains(word)), "{errors}");
        assert!(upstream_list::read(&path).unwrap_err().to_string().contains(word), "{file}");
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

/// Files that are regular by name alone: endless, or to be waited for.
#[test]
fn files_of_the_kernel_are_bounded() {
    let start = Instant::now();
    for file in ["/proc/kmsg", "/proc/self/pagemap", "/proc/self/mem"] {
        assert!(upstream_list::read(Path::new(file)).is_err(), "{file}");
        assert!(load(Path::new(file)).is_err(), "{file}");
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn secrets_that_all_can_read_are_warned_of() {
    let folder = Folder::new();
    let secret =
        "server: { cookie-secrets: [\"000102030405060708090a0b0c0d0e0f\"] }\nzones: [{ directory: . }]\n";
    let path = folder.write("rhumb.yaml", secret);
    let warnings = |mode| {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        load(&path).unwrap().warnings
    };
    assert_eq!((warnings(0o600), warnings(0o640)), (Vec::new(), Vec::new()));
    let found = warnings(0o644);
    assert!(
        found.len() == 1
            && found[0].place.line == 1
            && found[0].message.contains("can be read by every user (mode 0644)"),
        "{found:?}"
    );
    fs::write(&path, "zones: [{ directory: . }]\n").unwrap();
    assert_eq!(warnings(0o644), []);
}

#[test]
fn secrets_of_keys_are_read_from_files_that_are_closed() {
    const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let folder = Folder::new();
    let statement = |name: &str, algorithm: &str| {
        format!("key \"{name}\" {{ algorithm {algorithm}; secret \"{SECRET}\"; }};\n")
    };
    let load_key = |entry: &str, contents: &str, mode: u32| {
        let key = folder.write("k.key", contents);
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let text = format!(
            "zones: [{{ directory: . }}]\nkeys:\n  - {{ name: k.test, secret-file: k.key{entry} }}\n"
        );
        load(&folder.write("rhumb.yaml", text))
    };
    for (entry, contents, algorithm) in [
        ("", SECRET.to_owned(), None),
        (", algorithm: hmac-sha512", format!("{SECRET}\n"), Some("hmac-sha512")),
        ("", statement("k.test", "hmac-sha384"), Some("hmac-sha384")),
        (", algorithm: hmac-sha256", statement("k.test.", "hmac-sha256"), Some("hmac-sha256")),
    ] {
        let config = load_key(entry, &contents, 0o640).unwrap();
        let key = &config.keys[0];
        assert!(key.secret.is_some() && key.key().is_some(), "{contents}");
        assert_eq!(key.algorithm.map(|algorithm| algorithm.to_string()).as_deref(), algorithm, "{contents}");
        assert_eq!(config.warnings, []);
    }
    for (entry, contents, mode, words) in [
        ("", SECRET.to_owned(), 0o644, "is open to every user (mode 0644)"),
        ("", SECRET.to_owned(), 0o602, "is open to every user (mode 0602)"),
        ("", SECRET[..43].to_owned() + "!", 0o600, "k.key`"),
        ("", statement("other.test", "hmac-sha256"), 0o600, "has the key other.test., not k.test."),
        (", algorithm: hmac-sha1", statement("k.test", "hmac-sha256"), 0o600, "the entry says hmac-sha1"),
    ] {
        let errors = load_key(entry, &contents, mode).unwrap_err();
        let told: Vec<String> = errors.errors.iter().map(ToString::to_string).collect();
        assert!(told.len() == 1 && told[0].contains(words), "{words}: {told:?}");
        assert!(told[0].contains("keys[0].secret-file") && !told[0].contains(&SECRET[..20]), "{told:?}");
    }
    let weak = load_key("", &statement("k.test", "hmac-md5"), 0o600).unwrap();
    assert!(weak.warnings.len() == 1 && weak.warnings[0].message.contains("k.key"), "{:?}", weak.warnings);
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
    let errors = load_with_zones(&folder.write("rhumb.yaml", text)).unwrap_err();
    let told: Vec<_> = errors.errors.iter().map(|e| (e.place.line, e.key.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, "workers"),
            (3, "zones[0].name"),
            (6, "zones[1].file"),
            (8, "forward[0].domain"),
            (11, "forward[1].upstreams[0]"),
        ]
    );
}

#[test]
fn a_folder_is_no_file_and_a_file_no_folder() {
    let folder = Folder::new();
    folder.write("file", "");
    fs::create_dir(folder.0.join("folder")).unwrap();
    let text = "zones: [{ name: a, file: folder }, { directory: file }]\n";
    let errors = load_with_zones(&folder.write("rhumb.yaml", text)).unwrap_err();
    assert_eq!(errors.errors.len(), 2, "{errors}");
    assert!(errors.errors[0].message.contains("is a folder and not a file"), "{errors}");
    assert!(errors.errors[1].message.contains("cannot be read"), "{errors}");
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
    assert!(load(&folder.0).unwrap_err().to_string().contains("a folder and not a file"));

    let latin = folder.write("latin.yaml", b"# good\nuser: \xc3\xbc\xfc\n");
    let errors = load(&latin).unwrap_err();
    assert_eq!((errors.errors[0].place.line, errors.errors[0].place.column), (2, 8), "{errors}");
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
