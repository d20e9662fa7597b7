//! What is seen of a resolution while it goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rhumb_wire::DomainName;
use tokio::time::Instant;

use super::failure::IterationFailure;
use super::last_heard::LastHeard;
use super::limits;

/// Whether the servers that a resolution waits for have said anything yet. Shared with whoever watches it.
#[derive(Debug, Default)]
pub struct ResolutionProgress(Mutex<ProgressState>);

#[derive(Debug, Default)]
struct ProgressState {
    awaited: Option<AwaitedServers>,
    /// When the first server was waited for.
    begun: Option<Instant>,
    /// When the last message came.
    heard: Option<Instant>,
}

/// The servers whose reply is waited for.
#[derive(Debug)]
struct AwaitedServers {
    zone: DomainName,
    servers: usize,
    asked: usize,
    usual: Duration,
    /// Whether there is one among them that may answer.
    may_answer: bool,
    /// What is heard by anyone.
    anyone: Arc<LastHeard>,
}

/// What the silence of servers comes to.
struct SeenSilence {
    failure: IterationFailure,
    /// From when on it lasts long enough.
    silent: Instant,
    /// From when on clients are told.
    due: Instant,
}

impl ResolutionProgress {
    /// What it comes to if the servers that are waited for go on to be silent, and from when on they are taken to be so: nothing was heard
    /// for [`limits::SILENCE`] then, and for longer than they usually need. Where anything was heard by anyone since the question came, the
    /// network is there, and servers may be slow or datagrams lost: then not before [`limits::SLOW_SERVER_WAIT`] is over. None while no server is
    /// waited for.
    pub fn silence(&self) -> Option<(IterationFailure, Instant)> {
        self.seen().map(|seen| (seen.failure, seen.due))
    }

    /// The same where nothing was heard for so long that they may be silent, however long clients wait.
    pub(super) fn failure(&self) -> Option<IterationFailure> {
        self.seen().filter(|seen| seen.silent <= Instant::now()).map(|seen| seen.failure)
    }

    fn seen(&self) -> Option<SeenSilence> {
        let state = self.lock();
        let (awaited, begun) = (state.awaited.as_ref()?, state.begun?);
        let (zone, servers, asked) = (awaited.zone.clone(), awaited.servers, awaited.asked);
        let silent = state.heard.unwrap_or(begun) + limits::SILENCE.max(awaited.usual + awaited.usual / 4);
        let connected = state.heard.is_some() || awaited.anyone.last().is_some_and(|last| last >= begun);
        let due = if connected && awaited.may_answer {
            silent.max(begun + limits::SLOW_SERVER_WAIT)
        } else {
            silent
        };
        let failure = if asked < servers {
            IterationFailure::SilenceSoFar { zone, asked, servers }
        } else {
            IterationFailure::Silence { zone, servers }
        };
        Some(SeenSilence { failure, silent, due })
    }

    /// So many servers of `zone` are waited for, or somebody else who asks them. `usual` is how long the first of them needs as a rule;
    /// `may_answer` says that not all of them are known to be silent.
    pub(super) fn await_servers(
        &self,
        (zone, servers): (&DomainName, usize),
        (usual, may_answer): (Duration, bool),
        anyone: &Arc<LastHeard>,
    ) {
        let mut state = self.lock();
        state.begun.get_or_insert_with(Instant::now);
        let (zone, anyone) = (zone.clone(), Arc::clone(anyone));
        state.awaited = Some(AwaitedServers { zone, servers, asked: servers, usual, may_answer, anyone });
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
    async fn servers_are_waited_for_longer_where_the_network_is_there() {
        let (progress, zone) = (ResolutionProgress::default(), "example.com".parse::<DomainName>().unwrap());
        let ms = Duration::from_millis;
        let due = || progress.silence().unwrap().1.saturating_duration_since(Instant::now());
        let anyone = Arc::new(LastHeard::default());
        anyone.hear();
        tokio::time::advance(ms(1000)).await;
        progress.await_servers((&zone, 2), (Duration::ZERO, true), &anyone);
        assert_eq!(due(), ms(1500), "a reply of before counts for nothing");
        tokio::time::advance(ms(1000)).await;
        anyone.hear();
        assert_eq!(due(), ms(3500), "four and a half seconds after it came");
        progress.await_servers((&zone, 2), (Duration::ZERO, false), &anyone);
        assert_eq!(due(), ms(500), "nothing is hoped of those that are known to be silent");
        tokio::time::advance(ms(3000)).await;
        progress.hear();
        progress.await_servers((&zone, 2), (Duration::ZERO, true), &anyone);
        assert_eq!(due(), ms(1500), "what was heard late is followed by the same silence");
    }

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
        progress.await_servers((&zone, 4), (Duration::ZERO, false), &Arc::default());
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
        progress.await_servers((&zone, 1), (ms(400), false), &Arc::default());
        assert_eq!(told(), Some((one(), ms(1000))));
        // One that is known to be slow has its time.
        progress.await_servers((&zone, 1), (ms(2400), false), &Arc::default());
        assert_eq!(told(), Some((one(), ms(2500))));
    }
}
