use super::*;
use proptest::prelude::*;

fn table(names: &[&str]) -> NameTable<usize> {
    NameTable::build(names.iter().enumerate().map(|(i, name)| (name.parse().unwrap(), i)))
}

#[test]
fn the_longest_name_wins() {
    let table = table(&["example.com.", "sub.example.com.", "com.", "EXAMPLE.com.", "arpa."]);
    let found = |name: &str| table.find(name.parse::<DomainName>().unwrap().as_ref()).copied();
    assert_eq!(table.len(), 4);
    assert_eq!(found("www.example.com."), Some(3));
    assert_eq!(found("a.b.SUB.example.com."), Some(1));
    assert_eq!(found("xsub.example.com."), Some(3));
    assert_eq!(found("other.com."), Some(2));
    assert_eq!((found("net."), found(".")), (None, None));
    let name: DomainName = "sub.example.com.".parse().unwrap();
    assert_eq!((table.find_exact(name.as_ref()), table.find_above(name.as_ref())), (Some(&1), Some(&3)));
    let asked: DomainName = "x.eXample.com.".parse().unwrap();
    assert_eq!(table.find_entry(asked.as_ref()).unwrap().0.to_string(), "example.com.");
}

#[test]
fn the_root_is_above_all() {
    let table = table(&[".", "a.b.c.d.e."]);
    for name in [".", "net.", "b.c.d.e.", "x.y.z.a.b.c.d.f."] {
        assert_eq!(table.find(name.parse::<DomainName>().unwrap().as_ref()), Some(&0), "{name}");
    }
    assert_eq!(table.find("x.a.b.c.d.e.".parse::<DomainName>().unwrap().as_ref()), Some(&1));
    assert_eq!(table.find_above(NameRef::ROOT), None);
    assert_eq!(NameTable::<u8>::build([]).find(NameRef::ROOT), None);
}

#[test]
fn a_changed_table_has_what_stayed_and_what_came() {
    let table = table(&["a.example.", "b.example.", "c.example.", "deep.d.example."]);
    let name = |text: &str| text.parse::<DomainName>().unwrap();
    let changes = [("b.example.", Some(10)), ("DEEP.d.example.", None), ("new.", Some(11)), ("no.", None)];
    let changed = table.with(changes.map(|(text, value)| (name(text), value)).into());
    let all: Vec<(String, usize)> = changed.iter().map(|(name, &i)| (name.to_string(), i)).collect();
    let wanted = [("a.example.", 0), ("b.example.", 10), ("c.example.", 2), ("new.", 11)];
    assert_eq!(all, wanted.map(|(name, i)| (name.to_owned(), i)));
    for (text, value) in wanted {
        assert_eq!(changed.find(name(&format!("www.{text}")).as_ref()), Some(&value));
    }
    assert_eq!(changed.find(name("deep.d.example.").as_ref()), None);
    assert_eq!(table.find(name("deep.d.example.").as_ref()), Some(&3), "the first is what it was");
}

proptest! {
    #[test]
    fn changed_as_built_anew(
        names in proptest::collection::vec("([ab]\\.){0,4}[ab]\\.", 0..40),
        puts in proptest::collection::vec("([abc]\\.){0,4}[abc]\\.", 0..10),
        gone in proptest::collection::vec("([abc]\\.){0,4}[abc]\\.", 0..10),
    ) {
        let list: Vec<DomainName> = names.iter().map(|name| name.parse().unwrap()).collect();
        let mut changes: HashMap<DomainName, Option<usize>> =
            puts.iter().zip(100..).map(|(name, i)| (name.parse().unwrap(), Some(i))).collect();
        changes.extend(gone.iter().map(|name| (name.parse().unwrap(), None)));
        let first = NameTable::build(list.iter().cloned().zip(0..));
        let changed = first.with(changes.clone());
        let mut wanted: HashMap<DomainName, usize> = list.into_iter().zip(0..).collect();
        for (name, value) in changes {
            match value {
                Some(value) => drop(wanted.insert(name, value)),
                None => drop(wanted.remove(&name)),
            }
        }
        prop_assert_eq!(changed.len(), wanted.len());
        for (name, value) in &wanted {
            prop_assert_eq!(changed.find_exact(name.as_ref()), Some(value));
        }
    }

    #[test]
    fn as_a_list_searched_by_the_book(
        names in proptest::collection::vec("([ab]\\.){0,5}[AB]\\.", 0..40),
        asked in "([aB]\\.){0,7}[Ab]\\.",
    ) {
        let list: Vec<DomainName> = names.iter().map(|name| name.parse().unwrap()).collect();
        let table = NameTable::build(list.iter().cloned().zip(0..));
        let asked: DomainName = asked.parse().unwrap();
        let above = list.iter().zip(0..).filter(|(name, _)| asked.as_ref().is_at_or_below(name.as_ref()));
        let wanted = above.max_by_key(|(name, i)| (name.as_ref().label_count(), *i)).map(|(_, i)| i);
        prop_assert_eq!(table.find(asked.as_ref()).copied(), wanted);
        for name in &list {
            prop_assert!(table.find_exact(name.as_ref()).is_some());
        }
    }
}
