//! A configuration file.

use std::path::Path;

/// Reads the input as a configuration. What is refused is refused in words, with places, in their order.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let file = Path::new("/etc/rhumb/rhumb.yaml");
    match rhumb_config::parse(text, file) {
        Ok(config) => {
            assert_eq!(config.folder, Path::new("/etc/rhumb"));
            assert!(!format!("{config:?}").is_empty());
        }
        Err(errors) => {
            assert!(!errors.errors.is_empty(), "refused without an error");
            assert!(errors.errors.is_sorted_by_key(|error| &error.place), "{errors}");
            // YAML 1.1 has more line breaks than editors have.
            let breaks = text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
            let last = u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(2);
            for error in &errors.errors {
                let place = &error.place;
                assert!(
                    *place.file == *file && (1..=last).contains(&place.line) && place.column >= 1,
                    "{error}"
                );
                assert!(!error.message.is_empty(), "{error}");
            }
        }
    }
}
