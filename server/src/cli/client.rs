//! The client's side: what `rhumb reload`, `status` and the other commands do, and how they show it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use rhumb_wire::Name;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::control::Explain;
use crate::control::percent;
use crate::control::status::ZoneStatus;

mod exchange;
mod healthcheck;
#[cfg(test)]
mod hostile;
mod listeners;
mod question;
mod selftest;
mod show;
mod target;

pub use healthcheck::healthcheck;
pub use selftest::selftest;

use exchange::Reply;
use target::AskError;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what it should: exit status 0.
    Good,
    /// The operation failed: exit status 1.
    Failed,
    /// Wrong usage or a bad configuration: exit status 2.
    Wrong,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Where the running server is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The configuration file that says where the control socket is; `None` for the built-in default.
    pub config: Option<PathBuf>,
    /// The control socket itself.
    pub socket: Option<PathBuf>,
}

/// What the running server is asked or told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// To read its configuration again.
    Reload,
    /// What a reload would change; compared with the target's configuration file if there is one.
    Diff,
    /// How it is.
    Status,
    /// Its counters.
    Stats,
    /// To drop what the cache has of a name, or everything.
    Flush {
        /// The name; `None` for everything.
        name: Option<Name>,
        /// Whether names below it are meant too.
        subtree: bool,
    },
    /// Its zones, one line each.
    ZoneList,
    /// All that is known of a zone, or of every zone.
    ZoneStatus(Option<Name>),
    /// How a question is answered, and why so.
    Explain(Explain),
}

/// The two streams of a command.
pub struct Output<'a> {
    /// What was asked for.
    pub out: &'a mut dyn Write,
    /// What went wrong.
    pub err: &'a mut dyn Write,
}

impl Output<'_> {
    fn fail(&mut self, lines: impl IntoIterator<Item = impl AsRef<str>>) -> Exit {
        for line in lines {
            // There is nobody to tell of a failing standard error.
            let _ = writeln!(self.err, "{}", show::plain(line.as_ref()));
        }
        Exit::Failed
    }

    /// A reader that hung up has seen enough.
    fn written(&mut self, result: io::Result<()>) -> Exit {
        match result.and_then(|()| self.out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.fail([format!("standard output: {error}")])
            }
            _ => Exit::Good,
        }
    }

    fn json(&mut self, value: &impl Serialize) -> Exit {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        let written = writeln!(self.out, "{text}");
        self.written(written)
    }
}

/// Carries the order to the running server and shows what comes back, as text or, with `json`, as JSON.
///
/// A failure is told on `err` one line each; with `json` also as `{"errors": […]}` on `out`.
pub fn carry_out(order: &Order, target: &Target, json: bool, mut output: Output<'_>) -> Exit {
    let channel = match target::channel(target) {
        Ok(channel) => channel,
        Err(errors) => {
            output.fail(errors);
            return Exit::Wrong;
        }
    };
    let (reply, within) = match request(order, target) {
        Ok((method, path, body, seconds)) => {
            let within = Duration::from_secs(seconds);
            (channel.ask(method, &path, body.as_bytes(), within), within)
        }
        Err(error) => {
            output.fail([error]);
            return Exit::Wrong;
        }
    };
    match reply {
        Ok(Reply { status: 200, body }) => answered(order, &body, json, &mut output),
        Ok(reply) => {
            let errors = reply.errors();
            if json {
                output.json(&json!({ "errors": errors }));
            }
            output.fail(errors)
        }
        // As likely as not the server is where the configuration would say.
        Err(AskError::Unreachable(_)) if !channel.mistakes.is_empty() => {
            output.fail(&channel.mistakes);
            Exit::Wrong
        }
        Err(error) => output.fail(error.lines(&channel, within)),
    }
}

/// The request of an order: method, path, body, and the seconds to wait for its answer, a little longer than the server
/// does. Errors: a sentence.
fn request(order: &Order, target: &Target) -> Result<(&'static str, String, String, u64), String> {
    let get = |path: &str, seconds| ("GET", path.to_owned(), String::new(), seconds);
    Ok(match order {
        Order::Reload => ("POST", "/reload".to_owned(), String::new(), 65),
        Order::Diff => {
            let body = match &target.config {
                Some(file) => {
                    let path = std::path::absolute(file).map_err(|error| error.to_string())?;
                    let path = path.to_str().ok_or("the configuration's path is not UTF-8")?;
                    json!({ "config": path }).to_string()
                }
                None => String::new(),
            };
            ("POST", "/diff".to_owned(), body, 65)
        }
        Order::Status => get("/status", 10),
        Order::Stats => get("/stats", 10),
        Order::Flush { name, subtree } => {
            let name = name.as_ref().map(ToString::to_string);
            let body = json!({ "name": name, "subtree": subtree }).to_string();
            ("POST", "/flush".to_owned(), body, 10)
        }
        Order::ZoneList | Order::ZoneStatus(_) => get("/zones", 10),
        Order::Explain(ask) => get(&explain_path(ask), 20),
    })
}

fn explain_path(ask: &Explain) -> String {
    let mut path = format!(
        "/explain?name={}&type={}",
        percent::encode(&ask.name.to_string()),
        percent::encode(&ask.rtype.to_string())
    );
    for (key, address) in [("from", ask.from), ("to", ask.to)] {
        if let Some(address) = address {
            path.extend(["&", key, "=", &percent::encode(&address.to_string())]);
        }
    }
    path
}

fn answered(order: &Order, body: &[u8], json: bool, output: &mut Output<'_>) -> Exit {
    match order {
        Order::Reload => shown(body, json, output, show::reload),
        Order::Diff => shown(body, json, output, show::diff),
        Order::Status => shown(body, json, output, show::status),
        Order::Stats => shown(body, json, output, show::stats),
        Order::Flush { .. } => shown(body, json, output, show::flush),
        Order::ZoneList => shown(body, json, output, |out, zones: &Vec<_>| show::zone_list(out, zones)),
        Order::ZoneStatus(name) => zone_status(body, name.as_ref(), json, output),
        Order::Explain(ask) => shown(body, json, output, |out, found| show::explanation(out, ask, found)),
    }
}

/// Reads what the server said and shows it.
fn shown<T: DeserializeOwned + Serialize>(
    body: &[u8],
    json: bool,
    output: &mut Output<'_>,
    text: impl FnOnce(&mut dyn Write, &T) -> io::Result<()>,
) -> Exit {
    match serde_json::from_slice::<T>(body) {
        Ok(value) if json => output.json(&value),
        Ok(value) => {
            let written = text(output.out, &value);
            output.written(written)
        }
        Err(error) => output.fail([format!("the server's answer is not understood: {error}")]),
    }
}

fn zone_status(body: &[u8], name: Option<&Name>, json: bool, output: &mut Output<'_>) -> Exit {
    let zones = match serde_json::from_slice::<Vec<ZoneStatus>>(body) {
        Ok(zones) => zones,
        Err(error) => return output.fail([format!("the server's answer is not understood: {error}")]),
    };
    let Some(name) = name else {
        return shown(body, json, output, |out, zones: &Vec<_>| show::zone_status(out, zones));
    };
    // One spelling for one name: compared as names.
    let zone = zones.iter().find(|zone| zone.name.parse::<Name>().is_ok_and(|found| found == *name));
    match zone {
        None => output.fail([format!("the server has no zone {name}")]),
        Some(zone) if json => output.json(zone),
        Some(zone) => {
            let written = show::zone_status(output.out, std::slice::from_ref(zone));
            output.written(written)
        }
    }
}

#[cfg(test)]
mod tests;
