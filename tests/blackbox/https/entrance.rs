//! What connections of DNS over HTTPS begin with.

use rhumb_tests::rig::{Config, program};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::{asked, base64url, curl};
use crate::authoritative::{config, lab};
use crate::encrypted::Issued;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("https::encryption_follows_the_configuration", encryption)];

fn encryption() -> Verdict {
    if program::find("curl").is_none() {
        skip!("no curl here");
    }
    let issued = Issued::new()?;
    let zone = config().files()[0].1.clone();
    let with = |keys: &str| {
        let encrypted = issued.keys("udp, tcp, tls, https");
        Config::new().listen_with("::", &format!("{encrypted}, {keys}")).zone("zone.test", &zone)
    };
    let (on, off) = ("tls: on", "tls: off, proxies: ['0.0.0.0/0']");
    let lab = lab(&with(on))?;
    let good = base64url(&asked("web.zone.test.", "A"));
    let status = |scheme: &str| {
        curl(&lab, &issued, &["--http1.1"], &format!("{scheme}://dns.test:443/dns-query?dns={good}"))
    };
    for (keys, served, other) in [(on, "https", "http"), (off, "http", "https"), (on, "https", "http")] {
        lab.server.folder().write("rhumb.yaml", with(keys).text())?;
        lab.server.reload()?;
        ensure_eq!(status(served)?.status, "1.1 200", "{served} with {keys}");
        ensure!(status(other)?.status.ends_with("000"), "{other} with {keys} is served");
    }
    Ok(Outcome::Passed)
}
