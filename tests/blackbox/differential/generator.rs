//! Zones made by chance: families of zones that lie in one another, with few labels, so that names collide.

use super::chance::Chance;
use super::name;
use super::name::prepend;
use super::zone::{Signing, Zone};

/// Labels. Few and often alike, some in capitals or with bytes that have to be escaped, one as long as can be.
const LABELS: [&str; 14] =
    ["a", "a", "a", "b", "b", "c", "A", "B", "*", "*", "\\000", "\\255\\032", "_x", LONGEST];
const LONGEST: &str = "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll";

/// Zones in one another; chains of aliases stay among them.
pub(super) struct Family {
    pub(super) zones: Vec<Zone>,
    /// There may be NS records at wildcards, which BIND does not load.
    wild_cuts: bool,
    /// There may be names below DNAMEs, which NSD and Knot do not load.
    below_dnames: bool,
    /// Nothing points from one zone into another: what follows no chains across zones can be compared too.
    apart: bool,
}

impl Family {
    /// A family at and below `top`, in lower case with its final dot.
    pub(super) fn new(top: &str, chance: &mut Chance) -> Self {
        let mut family = Self {
            zones: Vec::new(),
            wild_cuts: chance.percent(12),
            below_dnames: chance.percent(6),
            apart: chance.percent(60),
        };
        let mut origins = vec![top.to_owned()];
        for _ in 0..chance.below(4) {
            let above = chance.pick(&origins).clone();
            let below =
                (0..=chance.below(2)).fold(above, |above, _| prepend(chance.label(&["a", "b", "c"]), &above));
            if !origins.contains(&below) {
                origins.push(below);
            }
        }
        for origin in origins {
            let signing = signing(chance);
            family.zones.push(Zone::new(origin, signing));
        }
        for index in 0..family.zones.len() {
            family.fill(index, chance);
        }
        for index in 1..family.zones.len() {
            if chance.percent(75) {
                let origin = family.zones[index].origin.clone();
                family.cut(family.above(index), &origin, chance);
            }
        }
        family
    }

    /// The zone that a zone other than the first lies in.
    fn above(&self, index: usize) -> usize {
        let origin = &self.zones[index].origin;
        let above = |zone: &Zone| zone.origin != *origin && name::at_or_below(origin, &zone.origin);
        let mut candidates: Vec<usize> = (0..self.zones.len()).filter(|&at| above(&self.zones[at])).collect();
        candidates.sort_by_key(|&at| self.zones[at].origin.len());
        candidates.pop().unwrap_or(0)
    }

    /// The zone responsible for a name.
    pub(super) fn zone_of(&self, name: &str) -> Option<&Zone> {
        let above = self.zones.iter().filter(|zone| name::at_or_below(name, &zone.origin));
        above.max_by_key(|zone| zone.origin.len())
    }

    fn add(&mut self, zone: usize, owner: &str, kind: &'static str, data: impl Into<String>) -> bool {
        self.zones[zone].add(owner, kind, data.into(), self.below_dnames)
    }

    fn fill(&mut self, zone: usize, chance: &mut Chance) {
        let origin = self.zones[zone].origin.clone();
        self.add(zone, &origin, "SOA", "ns.invalid. host.invalid. 1 3600 600 86400 60");
        self.add(zone, &origin, "NS", prepend("ns", &origin));
        self.add(zone, &prepend("ns", &origin), "A", "192.0.2.53");
        if chance.percent(30) {
            let target = self.target(zone, chance);
            self.add(zone, &origin, "MX", format!("10 {target}"));
        }
        for _ in 0..5 + chance.below(25) {
            let owner = self.owner(zone, chance);
            self.name(zone, &owner, chance);
        }
        if chance.percent(25) {
            let owner = self.owner(zone, chance);
            let long = "t".repeat(200);
            for number in 0..3 + chance.below(60) {
                self.add(zone, &owner, "TXT", format!("\"{number}\" \"{long}\""));
            }
        }
    }

    /// A name in the zone: new, or below one that is there, or that one itself.
    fn owner(&self, zone: usize, chance: &mut Chance) -> String {
        let zone = &self.zones[zone];
        let mut name =
            if chance.percent(50) { zone.origin.clone() } else { chance.pick(&zone.lines).owner.clone() };
        for _ in 0..chance.below(4) {
            name = prepend(chance.label(&LABELS), &name);
        }
        name
    }

    /// What an alias or another record may point at.
    fn target(&self, zone: usize, chance: &mut Chance) -> String {
        if chance.percent(4) {
            return "x.invalid.".to_owned();
        }
        let zone = if self.apart { zone } else { chance.below(self.zones.len()) };
        match chance.percent(60) && !self.zones[zone].lines.is_empty() {
            true => chance.pick(&self.zones[zone].lines).owner.clone(),
            false if chance.percent(50) => {
                let lines = &self.zones[zone].lines;
                let base =
                    if lines.is_empty() { &self.zones[zone].origin } else { &chance.pick(lines).owner };
                prepend(chance.label(&LABELS), base)
            }
            false => prepend(chance.label(&LABELS), &self.zones[zone].origin.clone()),
        }
    }

    fn name(&mut self, zone: usize, owner: &str, chance: &mut Chance) {
        let target = self.target(zone, chance);
        let number = chance.below(250) + 1;
        match chance.below(100) {
            0..20 => self.add(zone, owner, "A", format!("192.0.2.{number}")),
            20..28 => {
                self.add(zone, owner, "A", format!("192.0.2.{number}"));
                self.add(zone, owner, "AAAA", format!("2001:db8::{number}"))
            }
            28..36 => self.add(zone, owner, "TXT", format!("\"text {number}\"")),
            36..54 => self.add(zone, owner, "CNAME", target),
            54..63 => {
                if chance.percent(30) {
                    self.add(zone, owner, "A", format!("192.0.2.{number}"));
                }
                let label = LONGEST;
                let target =
                    if chance.percent(10) { format!("{label}.{label}.{label}.{target}") } else { target };
                name::wire_length(&target) <= 250 && self.add(zone, owner, "DNAME", target)
            }
            63..78 => {
                self.cut(zone, owner, chance);
                true
            }
            78..84 => self.add(zone, owner, "MX", format!("{number} {target}")),
            84..88 => self.add(zone, owner, "SRV", format!("{number} 0 53 {target}")),
            88..92 => self.add(zone, owner, "HTTPS", format!("1 {target} port=53")),
            92..95 => self.add(zone, owner, "SVCB", "1 . alpn=h2"),
            95..97 => self.add(zone, owner, "NAPTR", format!("1 {number} \"S\" \"x\" \"\" {target}")),
            _ => self.add(zone, owner, "TYPE65400", format!("\\# 2 {number:04x}")),
        };
    }

    /// Delegates a name, with glue of every sort, sometimes securely, sometimes with names that the cut occludes.
    fn cut(&mut self, zone: usize, owner: &str, chance: &mut Chance) {
        let key = name::lower(owner);
        let wild = key.starts_with("*.") && !self.wild_cuts;
        if key == self.zones[zone].origin || wild {
            return;
        }
        for index in 0..=chance.below(3) {
            let target = match chance.below(4) {
                0 => owner.to_owned(),
                1 | 2 => prepend(chance.label(&["ns", "a", "NS.b"]), owner),
                _ => self.target(zone, chance),
            };
            if !self.add(zone, owner, "NS", target.clone()) {
                return;
            }
            if name::at_or_below(&name::lower(&target), &key) {
                self.add(zone, &target, "A", format!("198.51.100.{index}"));
                if chance.percent(40) {
                    self.add(zone, &target, "AAAA", format!("2001:db8:1::{index}"));
                }
            }
        }
        if chance.percent(40) {
            self.add(zone, owner, "DS", format!("{} 13 2 {}", chance.below(60_000), "5a".repeat(32)));
        }
        if chance.percent(25) {
            self.add(zone, &prepend(chance.label(&LABELS), owner), "TXT", "\"occluded\"");
        }
    }
}

fn signing(chance: &mut Chance) -> Option<Signing> {
    if chance.percent(40) {
        return None;
    }
    let hashed = chance.percent(55).then(|| {
        let iterations = *chance.pick(&[0, 0, 0, 1, 10]);
        (iterations, *chance.pick(&["-", "-", "aabbccdd"]), chance.percent(40))
    });
    Some(Signing { ldns: chance.percent(50), hashed })
}
