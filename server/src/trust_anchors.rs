//! Trust anchors that are followed as their zones change them (RFC 5011): which the configuration asks for, and where they are kept.
//!
//! The keys of the configuration are where an anchor begins, and are never written to. What became of them stands in the folder of the
//! state: written under another name, synced, renamed, its folder synced, so that there is always one whole file or none. It is read with
//! suspicion; without it the anchors begin with the keys of the configuration.

mod configured;
mod file_error;
mod state_file;
mod stored_form;

pub use configured::follow_configured;
pub use state_file::{keep_anchors, restore_anchors};
