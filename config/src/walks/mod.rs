//! What walks over the description of a section: one file for each purpose.

pub(crate) mod changes;
pub(crate) mod digest;
pub(crate) mod keys;
pub(crate) mod read;
pub(crate) mod schema;
pub(crate) mod show;
