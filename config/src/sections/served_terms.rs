//! What zones of all kinds have alike.

use std::path::PathBuf;

use super::transfer_to::TransferRule;
use super::update_rule::UpdateRule;
use super::versions::VersionTerms;

/// What holds for a zone, wherever it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedTerms {
    /// Who may transfer it; no one where it is empty.
    pub transfer_to: Vec<TransferRule>,
    /// Which of `remotes` are told of new versions; those that may transfer it where none are named.
    pub notify: Option<Vec<String>>,
    /// Whether the parent is told of new CDS, CDNSKEY and CSYNC records.
    pub parent_notify: bool,
    /// Who may change it while it is served; no one where it is empty. Empty for a zone of other servers.
    pub update: Vec<UpdateRule>,
    /// Folders that it may include files from, besides that of its own file.
    pub include_folders: Vec<PathBuf>,
    /// How its versions are numbered and kept.
    pub versions: VersionTerms,
}
