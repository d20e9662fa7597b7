//! Plain numbers in text.

/// A number of decimal digits alone: no sign, no blank, no point.
pub(crate) fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}
