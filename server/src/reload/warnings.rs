//! What a configuration and its files may be, and most likely were not meant to be.

use std::collections::{HashMap, HashSet};

use rhumb_config::{ForwardEntry, ServerConfig};
use rhumb_wire::NameRef;

/// Warnings of one kind that are given one by one.
const MOST: usize = 100;

/// Zones below `forward` domains, and `forward` domains below zones: which of the two answers what.
pub fn overlaps<'a>(zones: impl Iterator<Item = NameRef<'a>>, config: &ServerConfig) -> Vec<String> {
    let forward: HashMap<NameRef<'_>, &ForwardEntry> = config
        .forward
        .iter()
        .filter(|forward| !forward.domain.as_ref().is_root())
        .map(|forward| (forward.domain.as_ref(), forward))
        .collect();
    if forward.is_empty() {
        return Vec::new();
    }
    let mut above: HashSet<NameRef<'_>> = forward.keys().flat_map(|domain| ancestors(*domain)).collect();
    above.insert(NameRef::ROOT);
    let mut warnings = Vec::new();
    let mut enclosing: HashSet<NameRef<'_>> = HashSet::new();
    for zone in zones {
        if let Some(entry) = ancestors(zone).find_map(|name| forward.get(&name)) {
            warnings.push(zone_below(zone, entry));
        }
        if above.contains(&zone) {
            enclosing.insert(zone);
        }
    }
    warnings.extend(config.forward.iter().filter_map(|entry| {
        let parent = entry.domain.as_ref().parent()?;
        let mut parents = ancestors(parent).chain([NameRef::ROOT]);
        parents.find(|name| enclosing.contains(name)).map(|zone| forward_below(entry, zone))
    }));
    bounded(warnings)
}

/// The name and all above it, but for the root.
fn ancestors(name: NameRef<'_>) -> impl Iterator<Item = NameRef<'_>> {
    std::iter::successors(Some(name), |name| name.parent()).filter(|name| !name.is_root())
}

fn zone_below(zone: NameRef<'_>, entry: &ForwardEntry) -> String {
    let ForwardEntry { domain, place, .. } = entry;
    if *domain.as_ref().as_bytes() == *zone.as_bytes() {
        return format!(
            "{place}: forward: {domain} is a zone that is served here too: the zone answers, the upstreams are not asked"
        );
    }
    format!(
        "{place}: forward: the zone {zone} lies below {domain}: names in the zone are answered from it, the upstreams \
         answer for the rest of {domain}"
    )
}

fn forward_below(entry: &ForwardEntry, zone: NameRef<'_>) -> String {
    let ForwardEntry { domain, place, .. } = entry;
    format!(
        "{place}: forward: {domain} lies below the zone {zone}: clients in recursion.allow get its names from the \
         upstreams, all others a referral or what else the zone says"
    )
}

fn bounded(mut warnings: Vec<String>) -> Vec<String> {
    let more = warnings.len().saturating_sub(MOST);
    if more > 0 {
        warnings.truncate(MOST);
        warnings.push(format!("and {more} warnings more of this kind"));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rhumb_wire::DomainName;

    use super::*;

    fn config(text: &str) -> ServerConfig {
        rhumb_config::parse(text, Path::new("x.yaml")).unwrap()
    }

    fn forward(domains: &[&str]) -> ServerConfig {
        let entry = |domain: &&str| format!("{{ domain: {domain}, upstreams: [192.0.2.1] }}");
        config(&format!("forward: [{}]", domains.iter().map(entry).collect::<Vec<_>>().join(", ")))
    }

    #[test]
    fn overlaps_are_named_once_with_the_nearest() {
        for (zones, domains, words) in [
            (&["example."][..], &["."][..], &[][..]),
            (&["example."], &["corp.test"], &[]),
            (&["a.corp.test."], &["corp.test"], &["the zone a.corp.test. lies below corp.test."]),
            (&["a.b.test."], &["test", "b.test"], &["the zone a.b.test. lies below b.test."]),
            (&["b.test."], &["b.test"], &["b.test. is a zone that is served here too"]),
            (&["test."], &["b.test"], &["b.test. lies below the zone test."]),
            (&["test.", "b.test."], &["a.b.test"], &["a.b.test. lies below the zone b.test."]),
            (&["."], &["test"], &["test. lies below the zone ."]),
            (&["b.test."], &["ab.test", "test"], &["the zone b.test. lies below test."]),
        ] {
            let names: Vec<DomainName> = zones.iter().map(|zone| zone.parse().unwrap()).collect();
            let found = overlaps(names.iter().map(DomainName::as_ref), &forward(domains));
            assert_eq!(found.len(), words.len(), "{zones:?} {domains:?}: {found:?}");
            for (found, word) in found.iter().zip(words) {
                assert!(found.starts_with("x.yaml:1:") && found.contains(word), "{found}");
            }
        }
    }

    #[test]
    fn many_warnings_are_counted() {
        let names: Vec<DomainName> = (0..300).map(|n| format!("z{n}.corp.test.").parse().unwrap()).collect();
        let found = overlaps(names.iter().map(DomainName::as_ref), &forward(&["corp.test"]));
        assert_eq!((found.len(), found[100].as_str()), (101, "and 200 warnings more of this kind"));
    }
}
