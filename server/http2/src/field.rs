//! A field of a request: what its name means here, and whether name and value may stand in a message.

/// What the name of a field means to a server of DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldName {
    /// `:method`.
    Method,
    /// `:scheme`.
    Scheme,
    /// `:authority`.
    Authority,
    /// `:path`.
    Path,
    /// `content-type`.
    ContentType,
    /// `content-encoding`.
    ContentEncoding,
    /// `content-length`.
    ContentLength,
    /// `forwarded` (RFC 7239).
    Forwarded,
    /// `x-forwarded-for`.
    ForwardedFor,
    /// `te`, which may say `trailers` alone (RFC 9113, section 8.2.2).
    Te,
    /// One of no meaning here.
    Other,
    /// One that no request may have: of a connection, in upper case, or a pseudo-header that is not for requests.
    Forbidden,
}

impl FieldName {
    /// Classifies a name (RFC 9113, sections 8.2 and 8.3.1).
    pub(super) const fn of(name: &[u8]) -> Self {
        match name {
            b":method" => Self::Method,
            b":scheme" => Self::Scheme,
            b":authority" => Self::Authority,
            b":path" => Self::Path,
            b"content-type" => Self::ContentType,
            b"content-encoding" => Self::ContentEncoding,
            b"content-length" => Self::ContentLength,
            b"forwarded" => Self::Forwarded,
            b"x-forwarded-for" => Self::ForwardedFor,
            b"te" => Self::Te,
            b"connection" | b"proxy-connection" | b"keep-alive" | b"transfer-encoding" | b"upgrade" => {
                Self::Forbidden
            }
            _ if is_name(name) => Self::Other,
            _ => Self::Forbidden,
        }
    }

    /// Whether it stands for a part of what was the first line of a request.
    pub(super) const fn is_pseudo(self) -> bool {
        matches!(self, Self::Method | Self::Scheme | Self::Authority | Self::Path)
    }
}

/// Whether no byte of it is forbidden (RFC 9113, section 8.2.1).
const fn is_name(name: &[u8]) -> bool {
    let mut rest = name;
    while let [first, behind @ ..] = rest {
        if matches!(first, 0..=b' ' | b':' | b'A'..=b'Z' | 0x7f..) {
            return false;
        }
        rest = behind;
    }
    !name.is_empty()
}

/// Whether a value may stand in a message (RFC 9113, section 8.2.1).
pub(super) fn is_value(value: &[u8]) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    // Without an early end, which would keep it from being done many bytes at a time.
    let forbidden = value.iter().fold(false, |found, byte| found | matches!(byte, 0 | b'\n' | b'\r'));
    !forbidden && !is_blank(value.first()) && !is_blank(value.last())
}

/// A field as it was decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeaderField<'a> {
    pub(super) kind: FieldName,
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    /// Whether the value may stand in a message.
    pub(super) is_valid: bool,
}
