//! What rules allow.

use rhumb_wire::{NameRef, Type};

use super::name_pattern::UpdateNamePattern;
use super::operation::UpdateOperation;

/// Whether a rule is for additions, deletions or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateActions {
    /// Records may be added.
    pub add: bool,
    /// Records may be deleted.
    pub delete: bool,
}

/// What one rule allows to the clients that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateGrant {
    /// Owners; any where it is empty.
    pub names: Vec<UpdateNamePattern>,
    /// Types; any where it is empty.
    pub types: Vec<Type>,
    /// What may be done.
    pub actions: UpdateActions,
    /// The most records that a set may have after an addition.
    pub max_records: Option<u32>,
}

impl UpdateGrant {
    /// Whether it is for this owner, type and action. The type ANY, of a deletion of all that a name owns, is every type here: each set
    /// that goes is looked at when it goes.
    fn allows(&self, operation: &AskedOperation<'_>) -> bool {
        let AskedOperation { owner, rtype, addition, apex, key } = *operation;
        let action = if addition { self.actions.add } else { self.actions.delete };
        action
            && (self.types.is_empty() || rtype == Type::ANY || self.types.contains(&rtype))
            && (self.names.is_empty() || self.names.iter().any(|names| names.matches(owner, apex, key)))
    }
}

/// What a rule is asked about.
#[derive(Clone, Copy)]
struct AskedOperation<'a> {
    owner: NameRef<'a>,
    rtype: Type,
    addition: bool,
    apex: NameRef<'a>,
    key: Option<NameRef<'a>>,
}

/// What the client of a message may do: the rules that are for it, in their order. The first that allows a record decides.
#[derive(Debug, Clone, Copy)]
pub struct UpdatePermission<'r> {
    /// What the rules allow.
    pub grants: &'r [&'r UpdateGrant],
    /// The key that the message was signed with.
    pub key: Option<NameRef<'r>>,
}

impl UpdatePermission<'_> {
    /// The place of the rule that allows an operation in the zone `apex`.
    pub fn rule_for(&self, operation: &UpdateOperation, apex: NameRef<'_>) -> Option<usize> {
        let (owner, rtype) = (operation.owner(), operation.rtype());
        self.place(&AskedOperation { owner, rtype, addition: operation.is_addition(), apex, key: self.key })
    }

    /// Whether a set may be deleted.
    pub(super) fn allows_removal(&self, owner: NameRef<'_>, rtype: Type, apex: NameRef<'_>) -> bool {
        self.place(&AskedOperation { owner, rtype, addition: false, apex, key: self.key }).is_some()
    }

    /// The most records that the rule allows to a set to which one is added.
    pub(super) fn most_records(&self, operation: &UpdateOperation, apex: NameRef<'_>) -> Option<usize> {
        let grant = self.grants.get(self.rule_for(operation, apex)?)?;
        grant.max_records.map(|most| most as usize)
    }

    fn place(&self, asked: &AskedOperation<'_>) -> Option<usize> {
        self.grants.iter().position(|grant| grant.allows(asked))
    }
}
