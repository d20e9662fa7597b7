//! Names as text with a final dot, in lower case, no label with a dot in it.

/// Lower case, the escapes of bytes untouched.
pub(super) fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Whether `name` is `origin` or lies below it.
pub(super) fn at_or_below(name: &str, origin: &str) -> bool {
    origin == "." || name == origin || name.strip_suffix(origin).is_some_and(|rest| rest.ends_with('.'))
}

/// Bytes of the name on the wire.
pub(super) fn wire_length(name: &str) -> usize {
    rhumb_tests::rig::name::to_wire(name).len()
}

/// The name without its first label; none of the root.
pub(super) fn parent(name: &str) -> Option<&str> {
    if name == "." {
        return None;
    }
    let rest = name.split_once('.')?.1;
    Some(if rest.is_empty() { "." } else { rest })
}

/// The name and all above it down to the root.
pub(super) fn upwards(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| parent(name))
}

/// A label before a name.
pub(super) fn prepend(label: &str, name: &str) -> String {
    if name == "." { format!("{label}.") } else { format!("{label}.{name}") }
}
