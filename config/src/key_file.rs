//! Files that hold the secret of a TSIG key: base64 alone, or a `key` statement in the form of named.conf.

use rhumb_wire::DomainName;
use rhumb_wire::tsig::TsigAlgorithm;
use thiserror::Error;

use crate::domain::read_domain;
use crate::sections::TsigSecret;

/// What a file says of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyFile {
    /// The name that its statement gives.
    pub(crate) name: Option<DomainName>,
    pub(crate) algorithm: Option<TsigAlgorithm>,
    pub(crate) secret: TsigSecret,
}

/// What is wrong with the contents of a file, without anything of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum KeyFileError {
    #[error("is not UTF-8")]
    NotText,
    #[error("holds no secret in base64")]
    Secret,
    #[error("does not have the form `key \"NAME\" {{ algorithm ALGORITHM; secret \"BASE64\"; }};`")]
    Statement,
    #[error("names an algorithm that is not known")]
    Algorithm,
    #[error("holds more than one key")]
    Several,
}

/// Reads the contents of a file.
pub(crate) fn parse(contents: &[u8]) -> Result<KeyFile, KeyFileError> {
    let text = std::str::from_utf8(contents).map_err(|_| KeyFileError::NotText)?;
    let words = words(text);
    match words.as_slice() {
        ["key", name, "{", rest @ ..] => statement(name, rest),
        [secret] => {
            let secret = TsigSecret::from_base64(secret).ok_or(KeyFileError::Secret)?;
            Ok(KeyFile { name: None, algorithm: None, secret })
        }
        words if words.contains(&"{") => Err(KeyFileError::Statement),
        _ => Err(KeyFileError::Secret),
    }
}

/// What stands behind `key NAME {`.
fn statement(name: &str, mut rest: &[&str]) -> Result<KeyFile, KeyFileError> {
    let name = read_domain(name).map_err(|_| KeyFileError::Statement)?;
    let (mut algorithm, mut secret) = (None, None);
    loop {
        rest = match rest {
            ["algorithm", word, ";", rest @ ..] if algorithm.is_none() => {
                algorithm = Some(word.parse().map_err(|_| KeyFileError::Algorithm)?);
                rest
            }
            ["secret", word, ";", rest @ ..] if secret.is_none() => {
                secret = Some(TsigSecret::from_base64(word).ok_or(KeyFileError::Secret)?);
                rest
            }
            ["}"] | ["}", ";"] => break,
            ["}", ";", "key", ..] => return Err(KeyFileError::Several),
            _ => return Err(KeyFileError::Statement),
        };
    }
    let secret = secret.ok_or(KeyFileError::Secret)?;
    Ok(KeyFile { name: Some(name), algorithm, secret })
}

/// Words, and `{`, `}`, `;` each by itself; quotes are taken off, comments (`#`, `//`, `/* */`) left out. In base64 a `//` is no
/// comment, and so one begins only where a word could.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = if rest.starts_with("/*") {
            (None, rest.split_once("*/").map_or("", |(_, after)| after))
        } else if first == '#' || rest.starts_with("//") {
            (None, rest.split_once('\n').map_or("", |(_, after)| after))
        } else if let Some(quoted) = rest.strip_prefix('"') {
            let (word, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            (Some(word), after)
        } else if matches!(first, '{' | '}' | ';') {
            let (word, after) = rest.split_at(1);
            (Some(word), after)
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"'));
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            (Some(word), after)
        };
        words.extend(word);
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Option<String>, Option<TsigAlgorithm>), KeyFileError> {
        parse(text.as_bytes()).map(|file| {
            assert_eq!(file.secret, TsigSecret::from_base64("c2VjcmV0").unwrap(), "{text}");
            (file.name.map(|name| name.to_string()), file.algorithm)
        })
    }

    #[test]
    fn what_others_write_is_read() {
        let named = |algorithm| Ok((Some("a.test.".to_owned()), algorithm));
        for (text, expected) in [
            ("c2VjcmV0", Ok((None, None))),
            ("  c2VjcmV0\n", Ok((None, None))),
            ("# made today\nc2VjcmV0\n", Ok((None, None))),
            (
                "key \"a.test\" {\n\talgorithm hmac-sha512;\n\tsecret \"c2VjcmV0\";\n};\n",
                named(Some(TsigAlgorithm::HmacSha512)),
            ),
            (
                "key a.test. { secret c2VjcmV0; algorithm HMAC-MD5.SIG-ALG.REG.INT; };",
                named(Some(TsigAlgorithm::HmacMd5)),
            ),
            ("/* two\nlines */ key A.test{secret \"c2VjcmV0\";} // end", named(None)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_told_without_showing_it() {
        for (text, error) in [
            ("", KeyFileError::Secret),
            ("two words", KeyFileError::Secret),
            ("c2VjcmV0?", KeyFileError::Secret),
            ("key a.test { secret \"\"; };", KeyFileError::Secret),
            ("key a.test { algorithm hmac-sha256; };", KeyFileError::Secret),
            ("key a.test { algorithm hmac-sha3; secret \"c2VjcmV0\"; };", KeyFileError::Algorithm),
            ("key a.test { secret \"c2VjcmV0\"; secret \"c2VjcmV0\"; };", KeyFileError::Statement),
            ("key a.test { secret \"c2VjcmV0\"", KeyFileError::Statement),
            ("key a..test { secret \"c2VjcmV0\"; };", KeyFileError::Statement),
            ("zone a.test { type primary; };", KeyFileError::Statement),
            ("key a { secret c2VjcmV0; }; key b { secret c2VjcmV0; };", KeyFileError::Several),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
        assert_eq!(parse(b"\xff"), Err(KeyFileError::NotText));
    }
}
