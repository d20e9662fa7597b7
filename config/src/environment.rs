//! `${NAME}` in values: the environment of the process.

use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;

/// Fills in every value of the tree; an error for each that cannot be.
pub(crate) fn fill_in_tree(node: &mut YamlNode, reader: &mut ConfigReader) {
    match &mut node.value {
        YamlContent::Text(text) => match fill_in(text, |name| std::env::var(name).ok()) {
            Ok(None) => {}
            Ok(Some(filled)) => {
                node.value = YamlContent::Text(filled);
                node.filled = true;
            }
            Err(error) => {
                reader.error(node.spot, error.message());
                node.value = YamlContent::Unfilled;
            }
        },
        YamlContent::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                reader.at_index(index, |reader| fill_in_tree(item, reader));
            }
        }
        YamlContent::Section(entries) => {
            for entry in entries {
                reader.at_key(&entry.key, |reader| fill_in_tree(&mut entry.value, reader));
            }
        }
        _ => {}
    }
}

/// Why a text cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EnvironmentError {
    /// There is no such variable.
    Unset(String),
    /// What stands behind `${` is no name, or has no closing brace.
    Form,
}

impl EnvironmentError {
    fn message(&self) -> String {
        match self {
            EnvironmentError::Unset(name) => format!(
                "the environment has no {name}; set it, or write ${{{name}:-VALUE}} for a value without it, $${{ for a plain ${{"
            ),
            EnvironmentError::Form => {
                "`${` is not followed by a name and `}`; accepted: ${NAME} or ${NAME:-VALUE}; $${ for a plain ${".to_owned()
            }
        }
    }
}

/// The text with each `${NAME}` replaced by what `variable` has of that name, `${NAME:-text}` by the text where it has none, and
/// `$${` by `${`. `None`: there is nothing to replace. What is filled in is not looked at again.
pub(crate) fn fill_in(
    text: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, EnvironmentError> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            filled.extend([before, "${"]);
            rest = after;
            continue;
        }
        filled.push_str(before);
        let (inside, after) = after.split_once('}').ok_or(EnvironmentError::Form)?;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_name(name) {
            return Err(EnvironmentError::Form);
        }
        match variable(name).or_else(|| default.map(str::to_owned)) {
            Some(value) => filled.push_str(&value),
            None => return Err(EnvironmentError::Unset(name.to_owned())),
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(Some(filled))
}

/// A name as shells have it (POSIX 3.231).
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<Option<String>, EnvironmentError> {
        fill_in(text, |name| match name {
            "PORT" => Some("5300".to_owned()),
            "EMPTY" => Some(String::new()),
            "DEEP" => Some("${PORT}".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn variables_are_filled_in_once() {
        for (text, result) in [
            ("plain $PORT", None),
            ("${PORT}", Some("5300")),
            ("127.0.0.1:${PORT}/${PORT}", Some("127.0.0.1:5300/5300")),
            ("${EMPTY}", Some("")),
            ("${EMPTY:-x}", Some("")),
            ("${MISSING:-x y}", Some("x y")),
            ("${MISSING:-}", Some("")),
            ("${DEEP}", Some("${PORT}")),
            ("a$${PORT}", Some("a${PORT}")),
            ("$$ ${PORT}", Some("$$ 5300")),
        ] {
            assert_eq!(filled(text), Ok(result.map(str::to_owned)), "{text}");
        }
        assert_eq!(filled("${MISSING}"), Err(EnvironmentError::Unset("MISSING".to_owned())));
        for wrong in ["${", "${}", "${PORT", "${1A}", "${A B}", "${:-x}"] {
            assert_eq!(filled(wrong), Err(EnvironmentError::Form), "{wrong}");
        }
    }
}
