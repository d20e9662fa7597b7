//! What a plan of zones changes, in words.

use super::outcome::BrokenZone;
use super::pairs::{PairedZones, ZonePair};
use crate::change::ChangeText;

/// What changes.
pub(super) fn changes(paired: &PairedZones) -> Vec<ChangeText> {
    let removed = paired.gone.iter().map(|name| ChangeText(format!("zone {name}: removed")));
    paired.pairs.iter().filter_map(change).chain(removed).collect()
}

fn change(pair: &ZonePair) -> Option<ChangeText> {
    let name = &pair.wanted.name;
    match (&pair.present, &pair.read) {
        (None, Some(Ok(loaded))) => {
            Some(ChangeText(format!("zone {name}: added, serial {}", loaded.contents.serial())))
        }
        (None, _) => Some(ChangeText(format!("zone {name}: added, but not loaded"))),
        (Some(old), Some(Ok(loaded))) => {
            let serial = old.zone.contents().map(|contents| contents.serial());
            Some(loaded_anew(name, serial, loaded.contents.serial()))
        }
        (Some(_), _) => None,
    }
}

/// That a zone has new contents.
pub(super) fn loaded_anew(name: &rhumb_wire::DomainName, old: Option<u32>, new: u32) -> ChangeText {
    let old = old.map_or_else(|| "none".to_owned(), |serial| serial.to_string());
    ChangeText(format!("zone {name}: loaded anew, serial {old} -> {new}"))
}

/// The zones that cannot be served as their files have them: those just read, and those found broken before.
pub(super) fn broken(paired: &PairedZones) -> Vec<BrokenZone> {
    let broken = paired.pairs.iter().filter_map(|pair| {
        let zone = pair.present.as_ref().map(|entry| &entry.zone);
        let problems = match &pair.read {
            Some(Ok(_)) => return None,
            Some(Err(refusal)) => refusal.problems.clone(),
            None => vec![zone?.trouble()?.0.to_string()],
        };
        let serial = zone.and_then(|zone| zone.contents()).map(|contents| contents.serial());
        Some(BrokenZone { name: pair.wanted.name.clone(), serial, problems })
    });
    broken.collect()
}
