//! A time limit that is moved with every message and hardly ever reached.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is left alone while its limit moves away: it goes off at an earlier one, and is set anew then.
#[derive(Debug, Default)]
pub(super) struct DeadlineTimer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whom the timer wakes.
    waker: Option<Waker>,
}

impl DeadlineTimer {
    /// Ready once `deadline` has passed. Otherwise the task is woken by then, or before.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        let known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if known && sleep.deadline() <= deadline && !sleep.is_elapsed() {
            return Poll::Pending;
        }
        self.waker = None;
        if deadline < sleep.deadline() {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        // Without budget left the timer did not listen, and this will be polled again soon.
        self.waker = has_budget_remaining().then(|| cx.waker().clone());
        Poll::Pending
    }
}
