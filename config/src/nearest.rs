//! The known word that a mistyped one was most likely meant to be.

/// The candidate with the smallest edit distance from `word`, when it is near enough to be worth naming.
///
/// Case and the choice of `-` or `_` do not count as differences. The first of several equally near ones wins.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let plain: Vec<char> = word.chars().map(fold).collect();
    candidates
        .iter()
        .map(|candidate| (distance(&plain, &candidate.chars().map(fold).collect::<Vec<_>>()), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(plain.len()) / 2).clamp(1, 4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn fold(character: char) -> char {
    if character == '_' { '-' } else { character.to_ascii_lowercase() }
}

/// Edits (insert, delete, replace, swap of neighbours) from one word to the other, by the optimal-alignment method.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    for (line, &a) in from.iter().enumerate() {
        let mut next = vec![line + 1];
        let mut left = None;
        for (column, &b) in to.iter().enumerate() {
            let at = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = at(&row, column) + usize::from(a != b);
            best = best.min(at(&row, column + 1) + 1).min(at(&next, column) + 1);
            if previous == Some(b) && left == Some(a) && column > 0 {
                best = best.min(at(&before, column - 1).saturating_add(1));
            }
            next.push(best);
            left = Some(b);
        }
        previous = Some(a);
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(from.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(a: &str, b: &str) -> usize {
        distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
    }

    #[test]
    fn counts_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("port", "port", 0),
            ("prot", "port", 1),
            ("por", "port", 1),
            ("ports", "port", 1),
            ("pirt", "port", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(between(a, b), edits, "{a} {b}");
        }
    }

    #[test]
    fn names_the_nearest_or_none() {
        let keys = ["address", "port", "v6only", "transports"];
        assert_eq!(nearest("adress", &keys), Some("address"));
        assert_eq!(nearest("prot", &keys), Some("port"));
        assert_eq!(nearest("V6_only", &keys), Some("v6only"));
        assert_eq!(nearest("transport", &keys), Some("transports"));
        assert_eq!(nearest("zzzzzzzzzz", &keys), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
