//! How much of a name the servers on the way are shown (RFC 9156).

use rhumb_wire::{DomainName, NameRef, Type};

use super::limits;
use super::settings::NameMinimisation;

/// A name that is shown bit by bit.
#[derive(Debug)]
pub(super) struct MinimisedName<'n> {
    name: &'n DomainName,
    labels: usize,
    /// Labels shown at the least.
    least: usize,
    /// Minimised names asked for so far.
    steps: usize,
    minimisation: NameMinimisation,
}

impl<'n> MinimisedName<'n> {
    pub(super) fn new(name: &'n DomainName, minimisation: NameMinimisation) -> Self {
        let labels = name.as_ref().label_count();
        let least = if minimisation == NameMinimisation::Off { labels } else { 0 };
        Self { name, labels, least, steps: 0, minimisation }
    }

    /// What servers of `zone` are shown: one label more than their zone at the least.
    pub(super) fn below(&mut self, zone: NameRef<'_>, rtype: Type) -> NameRef<'n> {
        let above = zone.label_count();
        if self.minimisation == NameMinimisation::Off {
            return self.name.as_ref();
        }
        // The parent answers for DS, so that a cut at the name itself is not looked for; there may be one right above.
        let most = if rtype == Type::DS { self.labels.saturating_sub(1) } else { self.labels };
        let shown = self.least.max(above + 1);
        if shown > most || shown == self.labels {
            return self.name.as_ref();
        }
        self.least = shown;
        self.name.as_ref().skip_labels(self.labels - shown)
    }

    /// There is no cut at what was shown: the first labels are added one by one, the others in as many steps as are left.
    pub(super) fn lengthen(&mut self) {
        self.steps += 1;
        let left = self.labels.saturating_sub(self.least);
        let more = if self.steps < limits::SINGLE_LABELS {
            1
        } else {
            left.div_ceil(limits::MINIMISED.saturating_sub(self.steps).max(1))
        };
        self.least += more.max(1);
    }

    /// From now on the whole name is shown.
    pub(super) fn show_all(&mut self) {
        self.least = self.labels;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_length_is_shown_in_ten_steps() {
        for labels in 1..=120 {
            let name: DomainName = "a.".repeat(labels).parse().unwrap();
            let mut minimised = MinimisedName::new(&name, NameMinimisation::Relaxed);
            let mut shown = vec![minimised.below(NameRef::ROOT, Type::A).label_count()];
            while shown.last() != Some(&labels) {
                minimised.lengthen();
                shown.push(minimised.below(NameRef::ROOT, Type::A).label_count());
            }
            assert!(shown.len() <= limits::MINIMISED + 1, "{labels}: {shown:?}");
            assert!(shown.is_sorted_by(|a, b| a < b) && shown[0] == 1);
        }
    }

    /// RFC 9156 section 2.3: the first labels one by one, then more at a time.
    #[test]
    fn the_first_labels_are_added_one_by_one() {
        for (labels, shown) in [
            (3, &[1, 2, 3][..]),
            (10, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            (34, &[1, 2, 3, 4, 9, 14, 19, 24, 29, 34]),
        ] {
            let name: DomainName = "a.".repeat(labels).parse().unwrap();
            let mut minimised = MinimisedName::new(&name, NameMinimisation::Relaxed);
            let found: Vec<usize> = std::iter::repeat_with(|| {
                let shown = minimised.below(NameRef::ROOT, Type::A).label_count();
                minimised.lengthen();
                shown
            })
            .take(shown.len())
            .collect();
            assert_eq!(found, shown, "{labels} labels");
        }
    }

    #[test]
    fn servers_are_shown_one_label_more_than_their_zone() {
        let name: DomainName = "www.example.com".parse().unwrap();
        let shown = |zone: &str, rtype, minimisation| {
            let zone: DomainName = zone.parse().unwrap();
            MinimisedName::new(&name, minimisation).below(zone.as_ref(), rtype).to_string()
        };
        let relaxed = NameMinimisation::Relaxed;
        assert_eq!(shown(".", Type::A, relaxed), "com.");
        assert_eq!(shown("com", Type::A, relaxed), "example.com.");
        assert_eq!(shown("example.com", Type::A, relaxed), "www.example.com.");
        assert_eq!(shown("com", Type::DS, relaxed), "example.com.");
        assert_eq!(shown("example.com", Type::DS, relaxed), "www.example.com.");
        assert_eq!(shown(".", Type::A, NameMinimisation::Off), "www.example.com.");
    }
}
