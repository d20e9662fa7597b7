//! What a test expects of the errors of a configuration.
#![allow(unreachable_pub, reason = "a module of each test")]

use std::path::Path;

use rhumb_config::{ConfigFinding, parse};

/// All errors of a configuration.
pub fn errors(text: &str) -> Vec<ConfigFinding> {
    parse(text, Path::new("rhumb.yaml")).err().map(|errors| errors.errors).unwrap_or_default()
}

/// One error at `line:column`, for `key`, whose message has all of `words`.
#[track_caller]
pub fn one(text: &str, place: (u32, u32), key: &str, words: &[&str]) {
    let errors = errors(text);
    let [error] = errors.as_slice() else { panic!("{text}\nnot one error: {errors:#?}") };
    assert_eq!((error.place.line, error.place.column), place, "{text}\n{error}");
    assert_eq!(error.key, key, "{text}\n{error}");
    for word in words {
        assert!(error.message.contains(word), "{text}\n{error}\nlacks {word:?}");
    }
}
