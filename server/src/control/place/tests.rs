use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::operator::fake::ScratchFolder;

fn paths(places: &[SocketPlace]) -> Vec<&str> {
    places.iter().map(|place| place.path.to_str().unwrap()).collect()
}

#[test]
fn the_configuration_decides() {
    let file = Path::new("/etc/rhumb/rhumb.yaml");
    let named = rhumb_config::parse("control: { socket: a.sock }", file).unwrap();
    assert_eq!(paths(&candidates(&named)), ["/etc/rhumb/a.sock"]);
    let unnamed = rhumb_config::parse("{}", file).unwrap();
    assert!(candidates(&unnamed).len() >= 2);
    assert_eq!(candidates(&unnamed), candidates(&rhumb_config::built_in()));
}

#[test]
fn without_it_the_usual_places() {
    let all = well_known(Some("/run/user/7".into()), 7);
    assert_eq!(
        paths(&all),
        ["/run/rhumb/control.sock", "/run/user/7/rhumb/control.sock", "/tmp/rhumb-7/control.sock"]
    );
    assert_eq!(all.iter().map(|place| place.private).collect::<Vec<_>>(), [false, true, true]);
    for none in [None, Some(PathBuf::from("run"))] {
        assert_eq!(paths(&well_known(none, 7)), ["/run/rhumb/control.sock", "/tmp/rhumb-7/control.sock"]);
    }
}

#[test]
fn a_private_folder_is_private() {
    let folder = ScratchFolder::new("place");
    let uid = geteuid().as_raw();
    let (own, link, file) =
        (folder.path().join("own"), folder.path().join("link"), folder.path().join("file"));
    let place = SocketPlace { path: own.join(FILE), private: true };
    assert_eq!(place.check().unwrap_err().kind(), io::ErrorKind::NotFound);
    assert!(place.prepare().unwrap());
    assert!(!place.prepare().unwrap());
    assert_eq!(fs::metadata(&own).unwrap().mode() & 0o7777, 0o700);
    assert!(place.check().is_ok());
    assert!(check_private(&own, uid + 1).unwrap_err().to_string().contains("belongs to user"));
    std::os::unix::fs::symlink(&own, &link).unwrap();
    fs::write(&file, "").unwrap();
    for path in [&link, &file] {
        assert!(check_private(path, uid).unwrap_err().to_string().contains("is not a folder"));
    }
    for mode in [0o750, 0o701, 0o1777] {
        fs::set_permissions(&own, fs::Permissions::from_mode(mode)).unwrap();
        let error = place.prepare().unwrap_err().to_string();
        assert!(error.contains(&format!("(mode {mode:04o})")), "{error}");
        assert!(bind_at(&place, 0o600).is_err());
    }
}

#[test]
fn the_first_place_that_will_have_it() {
    let folder = ScratchFolder::new("place");
    let at = |path: &str| SocketPlace { path: folder.path().join(path), private: true };
    let places = || vec![at("a/b/s"), at("c/s"), at("d/s")];
    let listener = bind_first(places(), 0o600).unwrap();
    assert_eq!(listener.path(), folder.path().join("c/s"));
    assert!(matches!(bind_first(places(), 0o600), Err(ControlBindError::ServerState { .. })));
    drop(listener);
    assert!(matches!(bind_first(vec![at("a/b/s")], 0o600), Err(ControlBindError::Folder { .. })));
    let error = bind_first(vec![at("a/b/s"), at("e/f/s")], 0o600).unwrap_err();
    assert!(matches!(&error, ControlBindError::Nowhere(both) if both.len() == 2), "{error:?}");
    assert!(error.to_string().contains("a/b/s: its folder: ") && error.to_string().contains("; "), "{error}");
}
