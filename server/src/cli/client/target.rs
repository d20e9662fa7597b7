//! Which server is meant, and how it is reached.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rhumb_config::ServerConfig;

use super::exchange::{self, ServerReply};
use crate::cli::server_target::ServerTarget;
use crate::control::place::{self, SocketPlace};

/// The section of a configuration that says where the control socket is.
const CONTROL: &[&str] = &["control"];
/// The sections that say where the server is to be found at all.
const LISTEN: &[&str] = &["control", "listen"];
/// The most of a file that is searched for them, the most that a configuration may have.
const MOST_BYTES: u64 = 16 << 20;

/// The places to look for the server at, in order.
#[derive(Debug)]
pub(super) struct ControlTarget {
    places: Vec<SocketPlace>,
    /// What is wrong with the rest of the configuration, one line each: for the server to tell, if there is one.
    pub(super) mistakes: Vec<String>,
}

/// Why there is no response.
#[derive(Debug)]
pub(super) enum AskError {
    /// None of the places has a server that this account can reach; what each said.
    Unreachable(Vec<io::Error>),
    /// There is a server, but no response that makes sense.
    NoReply(io::Error),
}

impl AskError {
    /// What to tell, one line each.
    pub(super) fn lines(&self, channel: &ControlTarget, within: Duration) -> Vec<String> {
        match self {
            AskError::NoReply(error) if error.kind() == io::ErrorKind::TimedOut => {
                vec![format!("the server did not answer within {} s", within.as_secs_f32())]
            }
            AskError::NoReply(error) => vec![format!("no answer from the server: {error}")],
            AskError::Unreachable(errors) => {
                let at = channel.places.iter().zip(errors);
                let lines = at.map(|(place, error)| format!("  {}: {}", place.path.display(), why(error)));
                ["no server answers on its control socket; looked for at".to_owned()]
                    .into_iter()
                    .chain(lines)
                    .collect()
            }
        }
    }
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "is not there".to_owned(),
        io::ErrorKind::ConnectionRefused => "its server is gone".to_owned(),
        // One from the system alone: one of ours says more.
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_some() => {
            "this account may not; try as root or as the server's own".to_owned()
        }
        io::ErrorKind::TimedOut => "its server does not answer".to_owned(),
        _ => error.to_string(),
    }
}

/// Finds out where the server is to be looked for. Errors: those of the configuration, one line each.
pub(super) fn channel(target: &ServerTarget) -> Result<ControlTarget, Vec<String>> {
    if let Some(socket) = &target.socket {
        let place = SocketPlace { path: socket.clone(), private: false };
        return Ok(ControlTarget { places: vec![place], mistakes: Vec::new() });
    }
    let (config, mistakes) = read(target.config.as_deref(), CONTROL)?;
    Ok(ControlTarget { places: place::candidates(&config), mistakes })
}

impl ControlTarget {
    /// Asks the first server that is reached. Errors: see [`AskError`].
    pub(super) fn ask(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
        within: Duration,
    ) -> Result<ServerReply, AskError> {
        let deadline = Instant::now() + within;
        let mut errors = Vec::new();
        for place in &self.places {
            match place.check().and_then(|()| exchange::connect(&place.path, deadline)) {
                Ok(stream) => {
                    return exchange::exchange(stream, method, path, body, deadline)
                        .map_err(AskError::NoReply);
                }
                Err(error) => errors.push(error),
            }
        }
        Err(AskError::Unreachable(errors))
    }
}

/// The configuration in which to look up the listeners; the built-in default without a file. Mistakes elsewhere in it do
/// not matter. Errors: all that is wrong with the file, one line each.
pub(super) fn listeners(file: Option<&Path>) -> Result<ServerConfig, Vec<String>> {
    read(file, LISTEN).map(|(config, _)| config)
}

/// Reads the whole configuration, or, if there are mistakes in it, those sections alone. A mistake elsewhere is for the
/// server to tell, which goes on with what it had. Gives the mistakes too.
///
/// Errors: all that is wrong with the file, one line each.
fn read(file: Option<&Path>, sections: &[&str]) -> Result<(ServerConfig, Vec<String>), Vec<String>> {
    let Some(file) = file else { return Ok((rhumb_config::built_in(), Vec::new())) };
    let mistakes: Vec<String> = match rhumb_config::load(file) {
        Ok(config) => return Ok((config, Vec::new())),
        Err(errors) => errors.into_iter().map(|error| error.to_string()).collect(),
    };
    let needed = text_of(file).ok().flatten().and_then(|text| cut_out(&text, sections));
    match needed.and_then(|needed| rhumb_config::parse(&needed, file).ok()) {
        Some(config) => Ok((config, mistakes)),
        None => Err(mistakes),
    }
}

fn text_of(file: &Path) -> io::Result<Option<String>> {
    if !fs::metadata(file)?.is_file() {
        return Ok(None);
    }
    let mut text = String::new();
    File::open(file)?.take(MOST_BYTES).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// The lines of these sections, by their key at the start of a line; `{}` if they are not there. `None` for a text in
/// which that cannot tell sections apart.
fn cut_out(text: &str, sections: &[&str]) -> Option<String> {
    if text.trim_start().starts_with(['{', '%', '?']) {
        return None;
    }
    let (mut found, mut keep) = (String::new(), false);
    for line in text.lines() {
        if line.starts_with(|first: char| first.is_alphanumeric() || first == '"' || first == '\'') {
            let key = line.split(':').next().unwrap_or_default().trim_matches(['"', '\'', ' ']);
            keep = sections.contains(&key);
        }
        if keep {
            found.push_str(line);
            found.push('\n');
        }
    }
    Some(if found.is_empty() { "{}".to_owned() } else { found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_cut_out() {
        let text = "# control: no\nzones:\n- name: [\n\"listen\":\n- address: 127.0.0.1\n  port: 53\n\
                    forward: {\n  control: 1\n}\ncontrol:\n  # here\n  socket: /x\n\nworkers: -1\n";
        let listen = "\"listen\":\n- address: 127.0.0.1\n  port: 53\n";
        let control = "control:\n  # here\n  socket: /x\n\n";
        assert_eq!(cut_out(text, LISTEN), Some(format!("{listen}{control}")));
        assert_eq!(cut_out(text, CONTROL).as_deref(), Some(control));
        assert_eq!(cut_out("zones: []\n", LISTEN).as_deref(), Some("{}"));
        assert_eq!(cut_out(" {control: {socket: /x}, zones: 1}", CONTROL), None);
    }

    #[test]
    fn only_mistakes_in_needed_sections_matter() {
        let folder = crate::operator::fake::ScratchFolder::new("target");
        let file = folder.path().join("rhumb.yaml");
        let found = |text: &str| {
            fs::write(&file, text).unwrap();
            read(Some(&file), CONTROL)
        };
        let (config, mistakes) = found("control: { socket: x.sock }\nzones: 7\nlisten: [\n").unwrap();
        assert_eq!(config.control.socket, Some(folder.path().join("x.sock")));
        assert_eq!(config.file.as_deref(), Some(&*file));
        assert!(!mistakes.is_empty() && listeners(Some(&file)).is_err());
        let (config, mistakes) = found("zones: 7\n").unwrap();
        assert_eq!((config.control.socket, mistakes.len()), (None, 1));
        let mistakes = found("zones: 7\ncontrol: { socket: 7 }\n").unwrap_err();
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert!(mistakes[0].contains("rhumb.yaml:1:8: zones"), "{mistakes:?}");
        assert!(read(Some(&folder.path().join("none.yaml")), CONTROL).is_err());
        assert_eq!(listeners(None).unwrap().file, None);
    }
}
