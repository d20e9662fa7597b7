//! What a person asks a running server: its commands, its status, its pages.

mod actions;
mod admin;
mod anchor_status;
mod cached;
pub(crate) mod commands;
mod config_hash;
mod discovery;
mod explain;
mod explained_updates;
mod explanation;
#[cfg(test)]
pub(crate) mod fake;
mod load;
mod page;
mod pages;
mod record_sources;
mod resolution_tree;
mod resolution_words;
mod running;
mod server_status;
pub(crate) mod show;
mod status;
mod update_explanation;
mod update_script;
mod zone_actions;
mod zone_samples;
mod zone_trouble;
mod zone_versions;

pub(crate) use admin::{AdminServices, ProcessControls, ServerAdmin};
pub(crate) use pages::StatusPages;
