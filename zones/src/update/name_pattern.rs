//! Names that a rule is for.

use rhumb_wire::{DomainName, NameRef};

/// The label that stands for any one label.
const ANY_LABEL: &[u8] = b"*";

/// Names that a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateNamePattern {
    /// Names that end like this one. A label `*` stands for any one label.
    Labels {
        /// The labels; the root where there are none.
        name: DomainName,
        /// Whether they stand in front of the zone's own name; else they are all there is of the name.
        below_apex: bool,
        /// Whether the names below are meant too.
        subtree: bool,
    },
    /// The name of the key that the message is signed with.
    KeyName,
}

impl UpdateNamePattern {
    /// Whether it means `owner`, which lies in the zone `apex`, in a message that was signed with `key`.
    pub fn matches(&self, owner: NameRef<'_>, apex: NameRef<'_>, key: Option<NameRef<'_>>) -> bool {
        match self {
            Self::KeyName => key == Some(owner),
            Self::Labels { name, below_apex, subtree } => {
                let outside = if *below_apex { apex.label_count() } else { 0 };
                let Some(inside) = owner.label_count().checked_sub(outside) else { return false };
                let wanted = name.as_ref().label_count();
                let Some(further) = inside.checked_sub(wanted) else { return false };
                if further > 0 && !subtree {
                    return false;
                }
                let labels = owner.labels().skip(further);
                let is_meant = |(pattern, label): (&[u8], &[u8])| {
                    pattern == ANY_LABEL || pattern.eq_ignore_ascii_case(label)
                };
                name.as_ref().labels().zip(labels).all(is_meant)
            }
        }
    }
}
