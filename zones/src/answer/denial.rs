//! Proofs of denial for zones signed offline.

use super::put::Current;
use super::{Assembly, Stop};
use crate::contents::node::Node;
use crate::lookup::Match;
impl<'z> Assembly<'z, '_, '_, '_, '_> {
    pub(super) fn prove_expansion(&mut self, _: &Current<'_>, _: &Match<'z>) -> Result<(), Stop> {
        Ok(())
    }
    pub(super) fn prove_no_data(&mut self, _: &Current<'_>, _: &Match<'z>) -> Result<(), Stop> {
        Ok(())
    }
    pub(super) fn prove_no_name(&mut self, _: &Current<'_>, _: &Match<'z>) -> Result<(), Stop> {
        Ok(())
    }
    pub(super) fn prove_no_ds(&mut self, _: Node<'z>) -> Result<(), Stop> {
        Ok(())
    }
}
