//! Which names are resolved here, and which of them are asked of others.

use std::sync::Arc;

use rhumb_wire::{DomainName, NameRef};

use super::root_copy::RootCopy;
use crate::forward::UpstreamPool;

/// Says whether a name is resolved here; a chain of aliases ends at the first that is not.
pub type OwnNames<'h> = dyn Fn(NameRef<'_>) -> bool + Send + Sync + 'h;

/// The forwarded domain that holds a name; none where the name is in a stub zone that is closer.
pub type ForwardedNames<'h> = dyn Fn(NameRef<'_>) -> Option<ForwardZone> + Send + Sync + 'h;

/// What the configuration in force says of names.
#[derive(Clone, Copy)]
pub struct ResolutionScope<'h> {
    /// The names that are resolved here.
    pub own: &'h OwnNames<'h>,
    /// The domains that are asked of recursive servers.
    pub forwards: &'h ForwardedNames<'h>,
    /// The root zone, where it is at hand.
    pub root: &'h dyn RootCopy,
}

/// A domain that is asked of recursive servers.
#[derive(Clone, Debug)]
pub struct ForwardZone {
    /// The domain.
    pub domain: DomainName,
    /// These servers, and in which order they are asked.
    pub pool: Arc<UpstreamPool>,
}

impl ResolutionScope<'static> {
    /// All names are resolved here, none of others.
    pub fn whole() -> Self {
        Self { own: &|_| true, forwards: &|_| None, root: &() }
    }
}
