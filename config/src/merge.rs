//! The trees of several files put together.

use crate::node::{YamlContent, YamlEntry, YamlNode};

/// Sections with more keys than this hold unknown ones, which are refused: no more are compared, so that time does not grow with
/// the square of a hostile file.
const MOST_COMPARED: usize = 4096;

/// Puts the keys of `from` into `into`, both sections: the lists of both are joined, and so are sections, key by key. What is
/// neither stands in it twice then, which is refused where keys are read. One value alone under one of `lists`, keys of the first
/// level, is a list of one.
pub(crate) fn merge(into: &mut YamlNode, from: YamlNode, lists: &[String]) {
    if let (YamlContent::Section(into), YamlContent::Section(from)) = (&mut into.value, from.value) {
        sections(into, from, lists);
    }
}

fn sections(into: &mut Vec<YamlEntry>, from: Vec<YamlEntry>, lists: &[String]) {
    for entry in from {
        let known = into.iter_mut().take(MOST_COMPARED).find(|known| known.key == entry.key);
        let Some(known) = known else {
            into.push(entry);
            continue;
        };
        let is_list = |node: &YamlNode| matches!(node.value, YamlContent::List(_));
        let both = is_list(&known.value) && is_list(&entry.value);
        if both || lists.contains(&entry.key) {
            let before = std::mem::replace(&mut known.value.value, YamlContent::Null);
            let before = YamlNode { value: before, ..known.value.clone() };
            let mut items = into_items(before);
            items.extend(into_items(entry.value));
            known.value.value = YamlContent::List(items);
            continue;
        }
        match (&mut known.value.value, entry.value.value) {
            (YamlContent::Section(known), YamlContent::Section(more)) => sections(known, more, &[]),
            (_, value) => into.push(YamlEntry { value: YamlNode { value, ..entry.value }, ..entry }),
        }
    }
}

fn into_items(node: YamlNode) -> Vec<YamlNode> {
    match node.value {
        YamlContent::List(items) => items,
        _ => vec![node],
    }
}
