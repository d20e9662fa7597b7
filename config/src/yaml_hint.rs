//! What to type instead of what YAML takes for something else.

use std::net::IpAddr;

/// What is most likely meant in the line that the YAML reader stumbled over; `None` where nothing is known of it.
pub(crate) fn hint(text: &str, line: u32) -> Option<String> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let line = text.lines().nth(index)?;
    let indent = line.get(..line.len() - line.trim_start().len())?;
    if indent.contains('\t') {
        return Some("the line is indented with a tab; indent with blanks alone".to_owned());
    }
    let plain = without_quoted(line);
    if let Some(variable) = variable(&plain) {
        return Some(format!("within {{ }} and [ ], write \"{variable}\" in quotes"));
    }
    if let Some(server) = plain.split([' ', ',', '{', '}', '\t']).find_map(bracketed) {
        return Some(format!("write \"{server}\" in quotes"));
    }
    let words = plain.split([' ', ',', '{', '}', '[', ']', '\t']).filter(|word| !word.is_empty());
    words.filter(|word| !word.starts_with('#')).find_map(word_hint)
}

fn word_hint(word: &str) -> Option<String> {
    // Of files it is a pattern, of domains a wildcard.
    let is_file = [".yaml", ".yml", ".conf"].iter().any(|ending| word.ends_with(ending));
    if let Some(domain) = word.strip_prefix("*.").filter(|_| !is_file) {
        return Some(format!("write {domain}, which covers everything below it"));
    }
    if is_address(word) || word.starts_with(['*', '@', '`', '%', '&', '!']) {
        return Some(format!("write \"{word}\" in quotes"));
    }
    None
}

/// The line with what stands in quotes blanked out.
fn without_quoted(line: &str) -> String {
    let mut quote = None;
    let mut plain = String::with_capacity(line.len());
    for character in line.chars() {
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None => plain.push(character),
            Some(_) => {}
        }
    }
    plain
}

/// `${NAME}` out of a line.
fn variable(line: &str) -> Option<&str> {
    let rest = line.get(line.find("${")?..)?;
    rest.get(..=rest.find('}')?)
}

/// `[2001:db8::1]:53` out of a word, which may stand in brackets of a list.
fn bracketed(word: &str) -> Option<&str> {
    let from = word.rfind('[')?;
    let server = word.get(from..)?;
    let (address, port) = server.strip_prefix('[')?.split_once("]:")?;
    let digits = port.bytes().take_while(u8::is_ascii_digit).count();
    (is_address(address) && digits > 0).then(|| server.get(..address.len() + 3 + digits)).flatten()
}

/// An IPv6 address, perhaps with a prefix or a scope.
fn is_address(word: &str) -> bool {
    let address = word.split(['/', '%']).next().unwrap_or_default();
    address.contains(':') && address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stumble_has_its_words() {
        for (line, words) in [
            ("  - address: ::", Some("write \"::\" in quotes")),
            ("listen: [{address: ::}]", Some("write \"::\" in quotes")),
            ("listen: [{ address: ::1, port: 53 }]", Some("write \"::1\" in quotes")),
            ("  allow: [127.0.0.0/8, ::1/128]", Some("write \"::1/128\" in quotes")),
            ("    upstreams: [[2001:db8::1]:53]", Some("write \"[2001:db8::1]:53\" in quotes")),
            (
                "    upstreams: [192.0.2.1, [2001:db8::1]:53, 192.0.2.2]",
                Some("write \"[2001:db8::1]:53\" in quotes"),
            ),
            ("      - [fe80::1%eth0]:5353", Some("write \"[fe80::1%eth0]:5353\" in quotes")),
            ("  listen: [::1]:9153", Some("write \"[::1]:9153\" in quotes")),
            ("\tlevel: info", Some("the line is indented with a tab; indent with blanks alone")),
            ("  \tlevel: info", Some("the line is indented with a tab; indent with blanks alone")),
            ("  - domain: *.corp.example", Some("write corp.example, which covers everything below it")),
            ("user: @rhumb", Some("write \"@rhumb\" in quotes")),
            ("  - address: \"::\"", None),
            ("server: { version: ${X} }", Some("within { } and [ ], write \"${X}\" in quotes")),
            ("  version: a: b", None),
            ("", None),
        ] {
            assert_eq!(hint(line, 1).as_deref(), words, "{line}");
            assert_eq!(hint(&format!("a: b\n{line}"), 2).as_deref(), words, "{line}");
        }
        assert_eq!(hint("a", 9), None);
    }
}
