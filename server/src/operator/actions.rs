//! What the control socket can have done.

use std::path::PathBuf;

use rhumb_wire::{Name, NameRef};
use tokio::sync::oneshot;

use super::admin::Admin;
use super::status;
use crate::change::Change;
use crate::change::Strictness;
use crate::control::explanation::Explanation;
use crate::control::status::{Status, ZoneStatus};
use crate::control::{Actions, Explain, Failure, Later, Report};
use crate::reload::ReloadRequest;

impl Actions for Admin {
    fn reload(&self) -> Later<'_, Result<Report, Failure>> {
        Box::pin(async {
            let (reply, answer) = oneshot::channel();
            self.requests.send(ReloadRequest::Reload(Strictness::Lenient, reply));
            match answer.await {
                Ok(Ok(report)) => Ok(Report { changes: words(&report.changes), serial: report.serial }),
                Ok(Err(failure)) => Err(Failure { errors: failure.errors }),
                Err(_) => Err(gone()),
            }
        })
    }

    fn diff(&self, config: Option<PathBuf>) -> Later<'_, Result<Vec<String>, Failure>> {
        Box::pin(async {
            let (reply, answer) = oneshot::channel();
            self.requests.send(ReloadRequest::Diff(config, reply));
            match answer.await {
                Ok(Ok(difference)) => Ok(words(&difference.changes)),
                Ok(Err(failure)) => Err(Failure { errors: failure.errors }),
                Err(_) => Err(gone()),
            }
        })
    }

    fn status(&self) -> Status {
        status::whole(self)
    }

    fn stats(&self) -> Vec<(String, f64)> {
        status::counters(&self.live.metrics.render())
    }

    fn flush(&self, name: Option<&str>, subtree: bool) -> Result<usize, String> {
        match name {
            None => Ok(self.live.cache.flush(NameRef::ROOT, true)),
            Some(text) => {
                let name: Name =
                    text.parse().map_err(|error| format!("`{text}` is no domain name: {error}"))?;
                Ok(self.live.cache.flush(name.as_ref(), subtree))
            }
        }
    }

    fn zones(&self) -> Vec<ZoneStatus> {
        status::zones(&self.live)
    }

    fn explain(&self, ask: Explain) -> Later<'_, Result<Explanation, String>> {
        Box::pin(self.explained(ask))
    }

    fn healthy(&self) -> Result<(), Vec<String>> {
        Self::healthy(self)
    }
}

fn words(changes: &[Change]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

fn gone() -> Failure {
    Failure { errors: vec!["the server is about to end, or failed; its log has more".to_owned()] }
}
