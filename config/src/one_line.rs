//! A value in one line, as a file would have it.

use serde_json::Value as Json;

/// The value, `none` where there is none.
pub(crate) fn in_one_line(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => "none".to_owned(),
        Some(Json::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Some(Json::String(text)) => escaped(text),
        Some(Json::Array(items)) => {
            let items: Vec<_> = items.iter().map(|item| in_one_line(Some(item))).collect();
            format!("[{}]", items.join(", "))
        }
        Some(Json::Object(keys)) => {
            let keys: Vec<_> =
                keys.iter().map(|(key, value)| format!("{key}: {}", in_one_line(Some(value)))).collect();
            format!("{{ {} }}", keys.join(", "))
        }
        Some(other) => other.to_string(),
    }
}

/// The text with its control characters escaped.
fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_debug());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_in_one_line() {
        for (value, words) in [
            (json!(null), "none"),
            (json!(""), "\"\""),
            (json!("it's \"so\" \u{fc}"), "it's \"so\" \u{fc}"),
            (json!("two\nlines"), "two\\nlines"),
            (json!(12), "12"),
            (json!(false), "false"),
            (json!(["a", { "list": "b" }]), "[a, { list: b }]"),
        ] {
            assert_eq!(in_one_line(Some(&value)), words);
        }
    }
}
