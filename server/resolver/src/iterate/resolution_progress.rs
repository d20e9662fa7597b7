//! What is seen of a resolution while it goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rhumb_wire::DomainName;
use tokio::time::Instant;

use super::failure::IterationFailure;

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
}

impl ResolutionProgress {
    /// What it comes to if the servers that are waited for go on to be silent, and since when nothing was heard from anywhere; none
    /// while no server is waited for.
    pub fn silence(&self) -> Option<(IterationFailure, Instant)> {
        let state = self.lock();
        let (AwaitedServers { zone, servers, asked }, heard) = (state.awaited.as_ref()?, state.heard?);
        let (zone, servers, asked) = (zone.clone(), *servers, *asked);
        let failure = if asked < servers {
            IterationFailure::SilenceSoFar { zone, asked, servers }
        } else {
            IterationFailure::Silence { zone, servers }
        };
        Some((failure, heard))
    }

    /// The same once nothing was heard for `least`.
    pub(super) fn silent_for(&self, least: Duration) -> Option<IterationFailure> {
        self.silence().filter(|(_, since)| since.elapsed() >= least).map(|(failure, _)| failure)
    }

    /// So many servers of `zone` are waited for, or somebody else who asks them.
    pub(super) fn await_servers(&self, zone: &DomainName, servers: usize) {
        let mut state = self.lock();
        state.heard.get_or_insert_with(Instant::now);
        state.awaited = Some(AwaitedServers { zone: zone.clone(), servers, asked: servers });
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
        let advance = async |millis| tokio::time::advance(Duration::from_millis(millis)).await;
        let told = || progress.silence().map(|(failure, since)| (failure.to_string(), since.elapsed()));
        assert_eq!(told(), None);
        progress.await_servers(&zone, 4);
        progress.asked(1);
        advance(700).await;
        let some = "1 of 4 servers of example.com. asked so far, all silent".to_owned();
        assert_eq!(told(), Some((some, Duration::from_millis(700))));
        progress.asked(4);
        let all = || "all 4 servers of example.com. silent".to_owned();
        assert_eq!(told(), Some((all(), Duration::from_millis(700))));
        assert!(progress.silent_for(Duration::from_millis(701)).is_none());
        assert!(progress.silent_for(Duration::from_millis(700)).is_some());
        progress.hear();
        assert_eq!(told(), Some((all(), Duration::ZERO)));
        // Servers of another zone that are silent go on with the same silence.
        advance(500).await;
        progress.end_wait();
        assert_eq!(told(), None);
        progress.await_servers(&zone, 1);
        let one = "the only server of example.com. is silent".to_owned();
        assert_eq!(told(), Some((one, Duration::from_millis(500))));
    }
}
