//! `$INCLUDE`, and files that are no files.

use std::path::PathBuf;

use super::*;
use crate::verify::VerifyDepth;

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rhumb-include-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("zones/sub")).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join("zones").join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, tail: &str) -> Result<ParsedZone, Vec<FileProblem>> {
        let path = self.write("top", &format!("{HEAD}{tail}"));
        let origin: DomainName = "example".parse().unwrap();
        read_zone(origin.as_ref(), &path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_file_has_its_own_origin_and_its_own_lines() {
    let place = Place::new("good");
    place.write("sub/inner", "x A 192.0.2.1\n$ORIGIN deeper.example.\ny A 192.0.2.2\nsub NS ns.sub\n");
    let loaded = place.read("$INCLUDE sub/inner in\nz A 192.0.2.3\nzz NS ns.zz\n").unwrap();
    for name in ["x.in.example", "y.deeper.example", "z.example"] {
        assert!(has(&loaded, name, Type::A).is_some(), "{name}");
    }
    let places: Vec<_> = loaded.warnings.iter().map(|w| (w.file.ends_with("inner"), w.line)).collect();
    assert!(places.contains(&(true, 4)) && places.contains(&(false, 8)), "{places:?}");
    assert_eq!(loaded.files.len(), 2);
}

#[test]
fn traps() {
    let place = Place::new("traps");
    std::fs::write(place.0.join("outside"), "x A 192.0.2.1\n").unwrap();
    std::os::unix::fs::symlink(place.0.join("outside"), place.0.join("zones/link")).unwrap();
    place.write("loop", "$INCLUDE loop\n");
    for depth in 0..20 {
        place.write(&format!("deep{depth}"), &format!("$INCLUDE deep{}\n", depth + 1));
    }
    place.write("deep20", "x A 192.0.2.1\n");
    for (tail, part) in [
        ("$INCLUDE ../outside\n", "does not lie in the folder"),
        ("$INCLUDE link\n", "does not lie in the folder"),
        ("$INCLUDE missing\n", "cannot be read"),
        ("$INCLUDE sub\n", "is a directory, not a regular file"),
        ("$INCLUDE top\n", "includes itself"),
        ("$INCLUDE loop\n", "includes itself"),
        ("$INCLUDE deep0\n", "deep at most"),
    ] {
        let found = place.read(tail).expect_err(tail);
        assert!(found[0].message.contains(part), "{tail}: {found:?}");
    }
}

#[test]
fn origin_and_owner_are_as_before() {
    let place = Place::new("restored");
    place.write("sub/inner", "    TXT \"of www\"\nx A 192.0.2.1\n$ORIGIN far.example.\ny A 192.0.2.2\n");
    let loaded =
        place.read("www A 192.0.2.3\n$INCLUDE sub/inner in\n   TXT \"of www too\"\nz A 192.0.2.4\n").unwrap();
    let texts = ["\"of www\"", "\"of www too\""].map(ToOwned::to_owned);
    assert_eq!(has(&loaded, "www.example", Type::TXT), Some((3600, texts.to_vec())));
    for name in ["x.in.example", "y.far.example", "z.example"] {
        assert!(has(&loaded, name, Type::A).is_some(), "{name}");
    }
}

#[test]
fn an_error_behind_an_inclusion_has_its_line() {
    let place = Place::new("lines");
    place.write("inner", "x A 192.0.2.1\n\n\ny A bad\n");
    let found = place.read("$INCLUDE inner\nz A bad\n$INCLUDE inner\nz A bad\n").unwrap_err();
    let places: Vec<_> = found.iter().map(|p| (p.file.ends_with("inner"), p.line, p.column)).collect();
    assert_eq!(places, [(true, 4, 5), (false, 7, 5), (true, 4, 5), (false, 9, 5)]);
}

#[test]
fn inclusions_of_a_zone_are_bounded_together() {
    let place = Place::new("many");
    place.write("inner", "x A 192.0.2.1\n");
    let loaded = place.read(&"$INCLUDE inner\n".repeat(1000)).unwrap();
    assert_eq!(loaded.files.len(), 2, "a file is named once");
    let found = place.read(&"$INCLUDE inner\n".repeat(1002)).unwrap_err();
    assert_eq!((found[0].line, found.len()), (1006, 2), "{found:?}");
    assert!(found[0].message.contains("at most 1000 inclusions"), "{found:?}");
    // Three of each level would be three to the power of fourteen.
    for level in 0..14 {
        place.write(&format!("tree{level}"), &format!("$INCLUDE tree{}\n", level + 1).repeat(3));
    }
    place.write("tree14", "y A 192.0.2.1\n");
    let found = place.read("$INCLUDE tree0\n").unwrap_err();
    assert!(found.iter().any(|problem| problem.message.contains("at most 1000 inclusions")), "{found:?}");
}

#[test]
fn what_is_read_again_is_bounded() {
    let place = Place::new("again");
    place.write("large", &";".repeat(40 << 20));
    place.read("$INCLUDE large\n$INCLUDE large\n").unwrap();
    let found = place.read("$INCLUDE large\n$INCLUDE large\n$INCLUDE large\n").unwrap_err();
    assert!(
        found.len() == 1 && found[0].line == 8 && found[0].message.contains("at most 64 MiB"),
        "{found:?}"
    );
}

/// Paths that are no regular files, and what they are called.
fn special(place: &Place) -> Vec<(PathBuf, &'static str)> {
    let at = |name: &str| place.0.join("zones").join(name);
    nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let link = |name: &str, to: &str| std::os::unix::fs::symlink(to, at(name)).unwrap();
    link("link", "fifo");
    link("zero", "/dev/zero");
    vec![
        (at("fifo"), "is a FIFO, not a regular file"),
        (at("link"), "is a FIFO, not a regular file"),
        (at("socket"), "is a socket, not a regular file"),
        (at("sub"), "is a directory, not a regular file"),
        (at("zero"), "is a device, not a regular file"),
        (PathBuf::from("/dev/zero"), "is a device, not a regular file"),
        (PathBuf::from("/dev/tty"), "is a device, not a regular file"),
    ]
}

#[test]
fn nothing_but_regular_files_is_opened() {
    let place = Place::new("special");
    let origin: DomainName = "example".parse().unwrap();
    for (path, part) in special(&place) {
        let found = read_zone(origin.as_ref(), &path).unwrap_err();
        assert_eq!((found.len(), &*found[0].file, found[0].message.as_str()), (1, path.as_path(), part));
        if path.starts_with("/dev") || path.ends_with("zero") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let found = place.read(&format!("a A 192.0.2.1\n$INCLUDE {name}\n")).unwrap_err();
        assert_eq!((found[0].line, found[0].column), (7, 10), "{found:?}");
        assert!(found[0].message.contains(part), "{found:?}");
    }
}

/// Regular by name, and a reader of it waits for the kernel's next message.
#[test]
fn a_file_without_an_end_is_refused() {
    let path = Path::new("/proc/kmsg");
    let origin: DomainName = "example".parse().unwrap();
    let found = read_zone(origin.as_ref(), path).unwrap_err();
    // Without the right to read it, it is refused as well.
    assert!(found[0].message.starts_with("cannot be read"), "{found:?}");
}

#[test]
fn a_file_that_becomes_a_fifo_meanwhile_blocks_nothing() {
    let place = Place::new("race");
    let (zone, fifo) = (place.write("race", HEAD), place.0.join("zones/fifo"));
    let origin: DomainName = "example".parse().unwrap();
    std::thread::scope(|scope| {
        let swaps = scope.spawn(|| {
            for _ in 0..300 {
                nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
                std::fs::rename(&fifo, &zone).unwrap();
                let regular = place.write("regular", HEAD);
                std::fs::rename(regular, &zone).unwrap();
            }
        });
        while !swaps.is_finished() {
            if let Err(found) = read_zone(origin.as_ref(), &zone) {
                assert_eq!(found[0].message, "is a FIFO, not a regular file");
            }
        }
    });
}

#[test]
fn files_are_looked_for_beside_the_including_one_then_in_the_folder_of_the_zone() {
    let place = Place::new("beside");
    place.write("sub/common", "c1 A 192.0.2.1\n$INCLUDE sub/more\n$INCLUDE near\n");
    place.write("sub/more", "c2 A 192.0.2.2\n");
    place.write("sub/near", "c3 A 192.0.2.3\n");
    place.write("near", "c4 A 192.0.2.4\n");
    // A comment may begin right behind a word.
    let loaded = place.read("$INCLUDE sub/common;\n").unwrap();
    for (name, there) in [("c1", true), ("c2", true), ("c3", true), ("c4", false)] {
        assert_eq!(has(&loaded, &format!("{name}.example"), Type::A).is_some(), there, "{name}");
    }
    assert!(loaded.files.iter().any(|file| file.ends_with("zones/sub/more")), "{:?}", loaded.files);
    let found = place.read("$INCLUDE sub/common\n$INCLUDE nowhere\n").unwrap_err();
    assert!(found[0].message.contains("cannot be read"), "{found:?}");
}

#[test]
fn further_folders_are_named_by_an_option() {
    let place = Place::new("further");
    std::fs::create_dir_all(place.0.join("outside/deep")).unwrap();
    std::fs::write(place.0.join("outside/shared"), "shared A 192.0.2.24\n$INCLUDE deep/more\n").unwrap();
    std::fs::write(place.0.join("outside/deep/more"), "more A 192.0.2.25\n").unwrap();
    let shared = place.0.join("outside/shared");
    let path = place.write("top", &format!("{HEAD}$INCLUDE {}\nsub NS ns.sub\n", shared.display()));
    let origin: DomainName = "example".parse().unwrap();
    let found = read_zone(origin.as_ref(), &path).unwrap_err();
    assert!(found[0].message.contains("does not lie in the folder of the zone file"), "{found:?}");
    let options = ZoneReadOptions {
        include_folders: vec![place.0.join("none"), place.0.join("outside")],
        ..ZoneReadOptions::default()
    };
    let loaded = read_zone_with(origin.as_ref(), &path, &options).unwrap();
    assert!(
        has(&loaded, "shared.example", Type::A).is_some() && has(&loaded, "more.example", Type::A).is_some()
    );
    let elsewhere =
        ZoneReadOptions { include_folders: vec![place.0.join("outside/deep")], ..ZoneReadOptions::default() };
    assert!(read_zone_with(origin.as_ref(), &path, &elsewhere).is_err());
    // A record that is found wanting later has its line.
    let verified = verify_zone_with(&path, &loaded.contents, 0, VerifyDepth::Full, &options);
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
}

#[test]
fn a_zone_that_cannot_be_read_tells_its_files() {
    let place = Place::new("unread");
    let part = place.write("part", "x A bad\n");
    let inner = place.write("sub/inner", "$INCLUDE later\n");
    let names = ["part", "sub/inner", "missing", "sub/../gone", "../outside", "/etc/nothing", "new/part"];
    let tail: String = names.iter().flat_map(|name| ["$INCLUDE ", name, "\n"]).collect();
    let top = place.write("top", &format!("{HEAD}{tail}"));
    let origin: DomainName = "example".parse().unwrap();
    let unread = read_zone_with(origin.as_ref(), &top, &ZoneReadOptions::default()).unwrap_err();
    let zones = |name: &str| place.0.join("zones").join(name);
    let later =
        [zones("sub/later"), zones("later"), zones("missing"), zones("sub/../gone"), zones("new/part")];
    assert_eq!(unread.files, [[top, part, inner].as_slice(), &later].concat());
    assert_eq!(unread.problems.len(), 7, "{:?}", unread.problems);
    let gone = read_zone_with(origin.as_ref(), &zones("none"), &ZoneReadOptions::default()).unwrap_err();
    assert_eq!(gone.files, [zones("none")]);
}
