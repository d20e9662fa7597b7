//! Registries of numbers that may be given by a word.

/// A registry of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MnemonicTable {
    Algorithm,
    /// Digest types of DS (RFC 4509, RFC 5933, RFC 6605).
    Digest,
    /// Protocols of WKS, by their IP numbers.
    Protocol,
    /// Types of certificates (RFC 4398 section 2.1).
    Certificate,
    /// Schemes of DSYNC (RFC 9859 section 6.2).
    Scheme,
}

impl MnemonicTable {
    pub(super) const fn words(self) -> &'static [(&'static str, u16)] {
        match self {
            Self::Algorithm => &[
                ("RSAMD5", 1),
                ("DH", 2),
                ("DSA", 3),
                ("RSASHA1", 5),
                ("DSA-NSEC3-SHA1", 6),
                ("NSEC3DSA", 6),
                ("RSASHA1-NSEC3-SHA1", 7),
                ("NSEC3RSASHA1", 7),
                ("RSASHA256", 8),
                ("RSASHA512", 10),
                ("ECC-GOST", 12),
                ("ECDSAP256SHA256", 13),
                ("ECDSAP384SHA384", 14),
                ("ED25519", 15),
                ("ED448", 16),
                ("INDIRECT", 252),
                ("PRIVATEDNS", 253),
                ("PRIVATEOID", 254),
            ],
            Self::Digest => &[
                ("SHA-1", 1),
                ("SHA1", 1),
                ("SHA-256", 2),
                ("SHA256", 2),
                ("GOST", 3),
                ("SHA-384", 4),
                ("SHA384", 4),
            ],
            Self::Protocol => &[("ICMP", 1), ("TCP", 6), ("UDP", 17)],
            Self::Scheme => &[("NOTIFY", 1)],
            Self::Certificate => &[
                ("PKIX", 1),
                ("SPKI", 2),
                ("PGP", 3),
                ("IPKIX", 4),
                ("ISPKI", 5),
                ("IPGP", 6),
                ("ACPKIX", 7),
                ("IACPKIX", 8),
                ("URI", 253),
                ("OID", 254),
            ],
        }
    }
}
