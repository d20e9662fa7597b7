//! Random lives of a trust anchor, against what RFC 5011 promises.

use super::*;

/// Keys there are.
const COUNT: u8 = 5;

/// One look: seconds since the last one, which of the keys are there, which of these are revoked, and which sign.
#[derive(Clone, Debug)]
struct Look {
    after: i64,
    there: u8,
    revoked: u8,
    signs: u8,
}

fn looks() -> impl Strategy<Value = Vec<Look>> {
    let days = |days: i64| days * 86_400;
    let after = prop_oneof![8 => 0..days(20), 1 => days(-40)..0, 1 => days(20)..days(90)];
    // Most looks are at the keys of most others, so that some key waits long enough.
    let there = prop_oneof![3 => Just(0b1_1111_u8), 2 => Just(0b111), 1 => any::<u8>()];
    let revoked = prop_oneof![12 => Just(0_u8), 1 => any::<u8>()];
    let look = (after, there, revoked, any::<u8>()).prop_map(|(after, there, revoked, signs)| Look {
        after,
        there,
        revoked,
        signs,
    });
    proptest::collection::vec(look, 0..60)
}

impl Look {
    fn reading(&self) -> KeySetReading {
        let there = (0..COUNT).filter(|number| self.there >> number & 1 == 1);
        let form = |number: u8| if self.revoked >> number & 1 == 1 { revoked(number) } else { key(number) };
        let keys: Vec<ZoneKey> = there.clone().map(form).collect();
        let by: Vec<ZoneKey> = there.filter(|number| self.signs >> number & 1 == 1).map(form).collect();
        signed(&keys, &by)
    }
}

fn is_trusted(states: &BTreeMap<u8, &str>, number: u8) -> bool {
    matches!(states.get(&number), Some(&("valid" | "missing")))
}

/// Since when each key was in every trusted set, as a second, plain account keeps it, and which keys were revoked.
#[derive(Default)]
struct Account {
    since: BTreeMap<u8, u64>,
    gone: Vec<u8>,
}

impl Account {
    fn note(&mut self, found: &KeySetReading, now: u64) {
        for number in 0..COUNT {
            if found.keys.contains(&key(number)) {
                self.since.entry(number).or_insert(now);
            } else {
                self.since.remove(&number);
            }
        }
    }

    /// What must hold of a key from one look to the next.
    fn check(&mut self, number: u8, (before, after): (bool, bool), found: &KeySetReading, now: u64) {
        match (before, after) {
            (false, true) => {
                let since = self.since.get(&number).copied();
                assert!(since.is_some_and(|since| now - since >= 30 * DAY), "key {number} too early");
                assert!(!self.gone.contains(&number), "key {number} is back");
            }
            (true, false) => {
                assert!(found.signed_by.contains(&revoked(number)), "key {number} was lost");
                self.gone.push(number);
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A key that is not configured is trusted only if every trusted set of 30 days had it; what was revoked is never trusted again; and
    /// there is a trusted key as long as not all of them were revoked.
    #[test]
    fn no_key_is_trusted_too_early_or_again(looks in looks()) {
        let mut anchor = anchor(&[0, 1]);
        let (mut now, mut account) = (START, Account::default());
        for look in looks {
            now = now.saturating_add_signed(look.after);
            for since in account.since.values_mut() {
                *since = (*since).min(now);
            }
            let (before, found) = (states(&anchor), look.reading());
            let verdict = anchor.observe(&found, now, &TERMS);
            let after = states(&anchor);
            let vouches = |by: &ZoneKey| {
                let number = by.public_key()[0];
                !by.is_revoked() && is_trusted(&before, number)
            };
            prop_assert_eq!(verdict.is_trusted, found.signed_by.iter().any(vouches));
            if verdict.is_trusted {
                account.note(&found, now);
            }
            for number in 0..COUNT {
                account.check(number, (is_trusted(&before, number), is_trusted(&after, number)), &found, now);
            }
            prop_assert_eq!(anchor.trusted().is_some(), (0..COUNT).any(|number| is_trusted(&after, number)));
        }
    }
}

/// The random lives are long enough that keys come and go.
#[test]
fn random_lives_have_rolls() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let (mut runner, mut added, mut revoked) = (TestRunner::deterministic(), 0, 0);
    for _ in 0..200 {
        let (mut anchor, mut now) = (anchor(&[0, 1]), START);
        for look in looks().new_tree(&mut runner).unwrap().current() {
            now = now.saturating_add_signed(look.after);
            for change in anchor.observe(&look.reading(), now, &TERMS).changes {
                added += u32::from(
                    change.from == Some(AnchorKeyState::Pending) && change.to == Some(AnchorKeyState::Valid),
                );
                revoked += u32::from(change.to == Some(AnchorKeyState::Revoked));
            }
        }
    }
    assert!(added > 20 && revoked > 20, "{added} keys were added, {revoked} revoked");
}
