//! Names, borrowed and owned.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::error::NameError;
use super::limits::{MAX_LABEL, MAX_LABELS, MAX_LENGTH};

/// A borrowed name: uncompressed wire form, checked, ending in the root label.
///
/// Equality and hashing ignore ASCII case; the order is the canonical one.
#[derive(Clone, Copy)]
pub struct NameRef<'a>(pub(super) &'a [u8]);

impl<'a> NameRef<'a> {
    /// The root.
    pub const ROOT: NameRef<'static> = NameRef(&[0]);

    /// Reads an uncompressed name from the start of `bytes`.
    ///
    /// Errors: everything of [`NameError`] but the errors of text.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NameError> {
        let mut at = 0usize;
        loop {
            let length = usize::from(*bytes.get(at).ok_or(NameError::Short)?);
            if length > MAX_LABEL {
                return Err(if length >= 0xc0 { NameError::Pointer } else { NameError::LabelType });
            }
            at += 1 + length;
            if at > MAX_LENGTH {
                return Err(NameError::TooLong);
            }
            if length == 0 {
                return bytes.get(..at).map(Self).ok_or(NameError::Short);
            }
        }
    }

    /// The wire bytes, root label included.
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Bytes of the wire form: 1 to 255.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a name has at least the root label")]
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether this is the root.
    #[inline]
    pub const fn is_root(self) -> bool {
        self.0.len() == 1
    }

    /// The labels from the left, the root label left out.
    #[inline]
    pub const fn labels(self) -> LabelIter<'a> {
        LabelIter(self.0)
    }

    /// Number of labels, the root label not counted.
    pub fn label_count(self) -> usize {
        self.labels().count()
    }

    /// The first label; none for the root.
    pub fn first_label(self) -> Option<&'a [u8]> {
        self.labels().next()
    }

    /// Whether the first label is `*` (RFC 4592 section 2.1.1).
    pub fn is_wildcard(self) -> bool {
        self.0.starts_with(b"\x01*")
    }

    /// The name without its first label; none for the root.
    #[inline]
    pub fn parent(self) -> Option<NameRef<'a>> {
        let length = usize::from(*self.0.first()?);
        if length == 0 { None } else { self.0.get(1 + length..).map(NameRef) }
    }

    /// The name without its first `n` labels; the root once there are no more.
    pub fn skip_labels(self, n: usize) -> NameRef<'a> {
        let mut name = self;
        for _ in 0..n {
            match name.parent() {
                Some(parent) => name = parent,
                None => break,
            }
        }
        name
    }

    /// Whether this name is `other` or lies below it.
    pub fn is_at_or_below(self, other: NameRef<'_>) -> bool {
        let Some(start) = self.0.len().checked_sub(other.0.len()) else { return false };
        let Some(tail) = self.0.get(start..) else { return false };
        if !tail.eq_ignore_ascii_case(other.0) {
            return false;
        }
        // The same bytes may begin inside a label.
        let mut at = 0;
        while at < start {
            match self.0.get(at) {
                Some(&length) => at += 1 + usize::from(length),
                None => return false,
            }
        }
        at == start
    }

    /// Offsets of the labels from the left, the root label left out; the number of them comes with it.
    pub fn label_offsets(self) -> ([u8; MAX_LABELS], usize) {
        let mut offsets = [0u8; MAX_LABELS];
        let mut at = 0usize;
        let mut count = 0usize;
        for slot in &mut offsets {
            let length = self.0.get(at).copied().unwrap_or(0);
            if length == 0 {
                break;
            }
            *slot = at as u8;
            count += 1;
            at += 1 + usize::from(length);
        }
        (offsets, count)
    }

    /// Canonical order: label by label from the root, bytes in lower case (RFC 4034 section 6.1).
    pub fn canonical_cmp(self, other: NameRef<'_>) -> Ordering {
        let (a, an) = self.label_offsets();
        let (b, bn) = other.label_offsets();
        let left = a.get(..an).unwrap_or(&[]).iter().rev();
        let right = b.get(..bn).unwrap_or(&[]).iter().rev();
        for (&x, &y) in left.zip(right) {
            match cmp_labels(label_at(self.0, x), label_at(other.0, y)) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
        }
        an.cmp(&bn)
    }

    /// An owned copy, case kept.
    pub fn to_name(self) -> DomainName {
        DomainName(self.0.into())
    }

    /// An owned copy in lower case.
    pub fn to_lowercase(self) -> DomainName {
        let mut name = [0; MAX_LENGTH];
        let Some(name) = name.get_mut(..self.0.len()) else { return self.to_name() };
        name.copy_from_slice(self.0);
        name.make_ascii_lowercase();
        DomainName(Arc::from(&*name))
    }
}

fn label_at(name: &[u8], offset: u8) -> &[u8] {
    let tail = name.get(usize::from(offset)..).unwrap_or(&[]);
    match tail.split_first() {
        Some((&length, rest)) => rest.get(..usize::from(length)).unwrap_or(&[]),
        None => &[],
    }
}

fn cmp_labels(a: &[u8], b: &[u8]) -> Ordering {
    a.iter().map(u8::to_ascii_lowercase).cmp(b.iter().map(u8::to_ascii_lowercase))
}

impl PartialEq for NameRef<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // Length bytes are below 64 and so outside of what case folding touches.
        self.0.eq_ignore_ascii_case(other.0)
    }
}
impl Eq for NameRef<'_> {}
impl Hash for NameRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (words, rest) = self.0.as_chunks();
        for word in words {
            state.write_u64(lower_case_word(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        // The root label at its end tells a name from one that goes on with zeros.
        state.write_u64(lower_case_word(last));
    }
}
/// Eight bytes as one word, with letters in lower case.
#[inline]
fn lower_case_word(bytes: [u8; 8]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(bytes);
    // Seven bits a byte, so that no sum carries into the next one; its top bit tells on which side of the bound it is.
    let low = word & (0x7f * EACH);
    let from_a = low + (0x80 - u64::from(b'A')) * EACH;
    let beyond_z = low + (0x7f - u64::from(b'Z')) * EACH;
    let upper = from_a & !beyond_z & !word & (0x80 * EACH);
    word | upper >> 2
}

impl PartialOrd for NameRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for NameRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.canonical_cmp(*other)
    }
}
impl fmt::Debug for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The labels of a name from the left, without the root label.
#[derive(Clone, Debug)]
pub struct LabelIter<'a>(&'a [u8]);

impl<'a> Iterator for LabelIter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.0.split_first()?;
        if length == 0 {
            return None;
        }
        let (label, tail) = rest.split_at_checked(usize::from(length))?;
        self.0 = tail;
        Some(label)
    }
}

/// A name of its own, case kept; compared like [`NameRef`]. A clone shares its bytes.
#[derive(Clone)]
pub struct DomainName(Arc<[u8]>);

impl DomainName {
    /// The root.
    pub fn root() -> Self {
        Self(Arc::new([0]))
    }

    /// A view of it.
    #[inline]
    pub fn as_ref(&self) -> NameRef<'_> {
        NameRef(&self.0)
    }

    /// The same in lower case; where it is so already, its bytes are shared.
    pub fn to_lowercase(&self) -> Self {
        if self.0.iter().any(u8::is_ascii_uppercase) { self.as_ref().to_lowercase() } else { self.clone() }
    }
}

impl PartialEq for DomainName {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}
impl Eq for DomainName {}
impl Hash for DomainName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}
impl PartialOrd for DomainName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for DomainName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_ref().canonical_cmp(other.as_ref())
    }
}
impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_ref(), f)
    }
}
impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl<'a> From<NameRef<'a>> for DomainName {
    fn from(name: NameRef<'a>) -> Self {
        name.to_name()
    }
}
