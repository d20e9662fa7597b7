//! Room for names that are being made.

use std::fmt;

use super::domain_name::{DomainName, NameRef};
use super::error::NameError;
use super::limits::{MAX_LABEL, MAX_LENGTH};

/// Room for one name on the stack, filled label by label.
#[derive(Clone, Copy)]
pub struct NameBuf {
    pub(super) bytes: [u8; MAX_LENGTH],
    pub(super) length: usize,
}

impl Default for NameBuf {
    fn default() -> Self {
        Self::new()
    }
}

impl NameBuf {
    /// Empty: no label yet, not even the root's.
    pub const fn new() -> Self {
        Self { bytes: [0; MAX_LENGTH], length: 0 }
    }

    /// Forgets what is there.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// Adds a label on the right. Errors: `EmptyLabel`, `LabelTooLong`, `TooLong` (room for the root label is kept).
    pub fn push_label(&mut self, label: &[u8]) -> Result<(), NameError> {
        if label.is_empty() {
            return Err(NameError::EmptyLabel);
        }
        if label.len() > MAX_LABEL {
            return Err(NameError::LabelTooLong);
        }
        let end = self.length + 1 + label.len();
        if end >= MAX_LENGTH {
            return Err(NameError::TooLong);
        }
        if let Some((head, tail)) = self.bytes.get_mut(self.length..end).and_then(<[u8]>::split_first_mut) {
            *head = label.len() as u8;
            tail.copy_from_slice(label);
        }
        self.length = end;
        Ok(())
    }

    /// Adds labels on the right that are in wire form and were checked. Errors: `TooLong`.
    pub(super) fn push_labels(&mut self, labels: &[u8]) -> Result<(), NameError> {
        let end = self.length + labels.len();
        if end >= MAX_LENGTH {
            return Err(NameError::TooLong);
        }
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(labels);
        }
        self.length = end;
        Ok(())
    }

    /// Ends the name with `suffix` (the root for an absolute name). Errors: `TooLong`.
    pub fn finish(&mut self, suffix: NameRef<'_>) -> Result<(), NameError> {
        let end = self.length + suffix.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(NameError::TooLong)?;
        room.copy_from_slice(suffix.as_bytes());
        self.length = end;
        Ok(())
    }

    /// Copies `name` in, in lower case.
    #[inline]
    pub fn set_lowercase(&mut self, name: NameRef<'_>) {
        self.length = name.len();
        if let Some(room) = self.bytes.get_mut(..name.len()) {
            room.copy_from_slice(name.as_bytes());
            room.make_ascii_lowercase();
        }
    }

    /// The finished name; the root if it was never finished.
    #[inline]
    pub fn as_ref(&self) -> NameRef<'_> {
        match self.bytes.get(..self.length) {
            Some(bytes) if bytes.last() == Some(&0) => NameRef(bytes),
            _ => NameRef::ROOT,
        }
    }
}

impl fmt::Debug for NameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_ref(), f)
    }
}

impl DomainName {
    /// `label` in front of `parent`. Errors: `LabelTooLong`, `EmptyLabel`, `TooLong`.
    pub fn prepend(label: &[u8], parent: NameRef<'_>) -> Result<Self, NameError> {
        let mut name = NameBuf::new();
        name.push_label(label)?;
        name.finish(parent)?;
        Ok(name.as_ref().to_name())
    }
}
