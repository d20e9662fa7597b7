//! What is known of the keys of a zone.

use std::sync::Arc;

use crate::validate::{ValidationFailure, ZoneKey};

/// Whether answers of a zone are to be signed, and by which keys.
#[derive(Clone, Debug)]
pub(super) enum ZoneTrust {
    /// By these.
    Secure(Arc<[ZoneKey]>),
    /// It is proven that they need not be.
    Insecure,
    /// They are to be, and cannot be checked.
    Bogus(ValidationFailure),
}
