//! The contents of one zone: immutable, shared by reference count.

use rhumb_wire::{Name, NameRef};

/// The contents of one zone.
#[derive(Debug)]
pub struct Contents {
    apex: Name,
    serial: u32,
}

impl Contents {
    pub(crate) fn new(apex: Name, serial: u32) -> Self {
        Self { apex, serial }
    }

    /// The apex, in the case it was given.
    pub fn apex(&self) -> NameRef<'_> {
        self.apex.as_ref()
    }

    /// The serial of the SOA.
    pub fn serial(&self) -> u32 {
        self.serial
    }
}
