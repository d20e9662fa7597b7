//! What is seen of a resolution while it goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rhumb_wire::DomainName;
use tokio::time::Instant;

use super::failure::IterationFailure;
use super::limits;

/// Whether the servers that a resolution waits for have said anything yet. Shared with whoever watches it.
#[derive(Debug, Default)]
pub struct ResolutionProgress(Mutex<ProgressState>);

#[derive(Debug, Default)]
struct ProgressState {
    awaited: Option<AwaitedServers>,
    /// When the last message came; the begin before the first.
    heard: Option<Instant>,
}

/// The servers whose reply is waited for.
#[derive(Debug)]
struct AwaitedServers {
    zone: DomainName,
    servers: usize,
    asked: usize,
    usual: Duration,
}

impl ResolutionProgress {
    /// What it comes to if the servers that are waited for go on to be silent, and from when on they are taken to be so: nothing was heard
    /// from anywhere for [`limits::SILENCE`] then, and for longer than they usually need. None while no server is waited for.
    pub fn silence(&self) -> Option<(IterationFailure, Instant)> {
        let state = self.lock();
        let (AwaitedServers { zone, servers, asked, usual }, heard) = (state.awaited.as_ref()?, state.heard?);
        let (zone, servers, asked) = (zone.clone(), *servers, *asked);
        let due = heard + limits::SILENCE.max(*usual + *usual / 4);
        let failure = if asked < servers {
            IterationFailure::SilenceSoFar { zone, asked, servers }
        } else {
            IterationFailure::Silence { zone, servers }
        };
        Some((failure, due))
    }

    /// The same once they are taken to be silent.
    pub fn failure(&self) -> Option<IterationFailure> {
        self.silence().filter(|(_, due)| *due <= Instant::now()).map(|(failure, _)| failure)
    }

    /// So many servers of `zone` are waited for, or somebody else who asks them. `usual` is how long the first of them needs as a rule.
    pub(super) fn await_servers(&self, zone: &DomainName, servers: usize, usual: Duration) {
        let mut state = self.lock();
        state.heard.get_or_insert_with(Instant::now);
        state.awaited = Some(AwaitedServers { zone: zone.clone(), servers, asked: servers, usual });
    }

    /// The first `asked` of them were sent a message.
    pub(super) fn asked(&self, asked: usize) {
        if let Some(awaited) = &mut self.lock().awaited {
            awaited.asked = asked;
        }
    }

    /// A message came.
    pub(super) fn hear(&self) {
        self.lock().heard = Some(Instant::now());
    }

    /// No server is waited for any more.
    pub(super) fn end_wait(&self) {
        self.lock().awaited = None;
    }

    fn lock(&self) -> MutexGuard<'_, ProgressState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_begins_with_the_last_message() {
        let (progress, zone) = (ResolutionProgress::default(), "example.com".parse::<DomainName>().unwrap());
        let ms = Duration::from_millis;
        let advance = async |millis| tokio::time::advance(ms(millis)).await;
        let told = || {
            let silence = progress.silence();
            silence.map(|(failure, due)| (failure.to_string(), due.saturating_duration_since(Instant::now())))
        };
        assert_eq!(told(), None);
        progress.await_servers(&zone, 4, Duration::ZERO);
        progress.asked(1);
        advance(700).await;
        let some = "1 of 4 servers of example.com. asked so far, all silent".to_owned();
        assert_eq!(told(), Some((some, ms(800))));
        progress.asked(4);
        let all = || "all 4 servers of example.com. silent".to_owned();
        advance(799).await;
        assert_eq!((told(), progress.failure()), (Some((all(), ms(1))), None));
        advance(1).await;
        assert_eq!((told(), progress.failure().is_some()), (Some((all(), ms(0))), true));
        progress.hear();
        assert_eq!(told(), Some((all(), ms(1500))));
        // Servers of another zone that are silent go on with the same silence.
        advance(500).await;
        progress.end_wait();
        assert_eq!(told(), None);
        let one = || "the only server of example.com. is silent".to_owned();
        progress.await_servers(&zone, 1, ms(400));
        assert_eq!(told(), Some((one(), ms(1000))));
        // One that is known to be slow has its time.
        progress.await_servers(&zone, 1, ms(2400));
        assert_eq!(told(), Some((one(), ms(2500))));
    }
}
