//! The types of NSEC and NSEC3 (RFC 4034 section 4.1.2).

use rhumb_wire::Type;

/// A bitmap of types.
#[derive(Clone, Copy, Debug)]
pub(super) struct TypeBitmap<'b>(pub(super) &'b [u8]);

impl TypeBitmap<'_> {
    pub(super) fn holds(self, rtype: Type) -> bool {
        let [window, low] = rtype.0.to_be_bytes();
        let mut rest = self.0;
        while let Some((&[number, length], tail)) = rest.split_first_chunk::<2>() {
            let Some((bits, tail)) = tail.split_at_checked(usize::from(length)) else { return false };
            if number == window {
                let byte = bits.get(usize::from(low / 8)).copied().unwrap_or(0);
                return byte & (0x80 >> (low % 8)) != 0;
            }
            rest = tail;
        }
        false
    }

    /// Whether it is that of a delegation as its parent has it: names below are not the zone's.
    pub(super) fn is_delegation(self) -> bool {
        self.holds(Type::NS) && !self.holds(Type::SOA)
    }

    /// Whether there are neither records of `rtype` nor an alias, by a record that may say so: for DS the parent's, else the zone's own.
    pub(super) fn denies(self, rtype: Type, at_root: bool) -> bool {
        let own_side = match rtype {
            Type::DS => at_root || !self.holds(Type::SOA),
            _ => !self.is_delegation(),
        };
        own_side && !self.holds(rtype) && !self.holds(Type::CNAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_in_their_windows() {
        // A, MX, RRSIG, NSEC and TYPE1234, as RFC 4034 section 4.3 has them.
        let mut bytes = vec![0, 6, 0x40, 1, 0, 0, 0, 3, 4, 27];
        bytes.extend([0; 26]);
        bytes.push(0x20);
        let types = TypeBitmap(&bytes);
        for rtype in [Type::A, Type::MX, Type::RRSIG, Type::NSEC, Type(1234)] {
            assert!(types.holds(rtype), "{rtype}");
        }
        for rtype in [Type::NS, Type::AAAA, Type(1235), Type(256), Type(4000)] {
            assert!(!types.holds(rtype), "{rtype}");
        }
        assert!(!TypeBitmap(&[0, 200, 1]).holds(Type::A) && !TypeBitmap(&[]).holds(Type::A));
    }

    /// RFC 6840 section 4.1: the NSEC of a delegation says nothing of the child but that there is no DS, and that of the
    /// child's apex nothing of DS.
    #[test]
    fn a_type_is_denied_by_the_side_that_has_it() {
        let bitmap = |types: &[Type]| {
            let mut bytes = vec![0, 7, 0, 0, 0, 0, 0, 0, 0];
            for rtype in types {
                bytes[2 + usize::from(rtype.0 / 8)] |= 0x80 >> (rtype.0 % 8);
            }
            bytes
        };
        for (case, types, delegation, [a, ds, ds_at_root]) in [
            ("a host", &[Type::AAAA][..], false, [true, true, true]),
            ("a host with the type", &[Type::A], false, [false, true, true]),
            ("an alias", &[Type::CNAME], false, [false, false, false]),
            ("a delegation", &[Type::NS], true, [false, true, true]),
            ("a signed delegation", &[Type::NS, Type::DS], true, [false, false, false]),
            ("an apex", &[Type::NS, Type::SOA], false, [true, false, true]),
            ("nothing", &[], false, [true, true, true]),
        ] {
            let bytes = bitmap(types);
            let types = TypeBitmap(&bytes);
            let denied =
                [types.denies(Type::A, false), types.denies(Type::DS, false), types.denies(Type::DS, true)];
            assert_eq!((types.is_delegation(), denied), (delegation, [a, ds, ds_at_root]), "{case}");
        }
    }

    /// RFC 6840 section 4.3 excepts no type: also those that may stand beside a CNAME are not denied by its name.
    #[test]
    fn nothing_is_denied_at_an_alias() {
        // CNAME and RRSIG, as NSEC3 has them.
        let alias = TypeBitmap(&[0, 6, 0x04, 0, 0, 0, 0, 2]);
        assert!(alias.holds(Type::CNAME) && alias.holds(Type::RRSIG) && !alias.holds(Type::NSEC));
        for rtype in [Type::NSEC, Type::KEY, Type::RRSIG, Type::CNAME, Type::A, Type::DS] {
            assert!(!alias.denies(rtype, false), "{rtype}");
        }
    }
}
