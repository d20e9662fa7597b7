//! The order of the addresses of an answer.

use rhumb_wire::Type;

/// Bytes of a record whose owner is a pointer, before its RDATA.
const FIXED: usize = 12;

/// Lets each set of addresses in the answer section begin with another of its records, which `seed` chooses. Other sets keep
/// their order: names are compressed into each other there, and those who read MX and SRV choose by preference.
///
/// `question_end` is where the answer section begins. A message that cannot be read stays as it is from there on.
#[inline]
pub(super) fn rotate_addresses(message: &mut [u8], question_end: usize, seed: u16) {
    let answers =
        message.get(6..8).and_then(<[u8]>::first_chunk).map_or(0, |count| u16::from_be_bytes(*count));
    if answers > 1 {
        rotate_sets(message, question_end, answers, seed);
    }
}

fn rotate_sets(message: &mut [u8], mut at: usize, answers: u16, seed: u16) -> Option<()> {
    let mut left = usize::from(answers);
    while left > 1 {
        let size = record_size(message, at)?;
        let records = same_set(message, at, size, left);
        if records > 1 {
            let first = first_of(seed, records);
            message.get_mut(at..at + records * size)?.rotate_left(first * size);
        }
        at += records * size;
        left -= records;
    }
    Some(())
}

/// How many records from `at` on are addresses of one set; 1 for a record that is no address.
fn same_set(message: &[u8], at: usize, size: usize, left: usize) -> usize {
    // Owner, type and class.
    let Some(head) = message.get(at..at + 6) else { return 1 };
    let is_address = [Type::A, Type::AAAA].iter().any(|kind| head.get(2..4) == Some(&kind.0.to_be_bytes()));
    // A name that is written out is longer, and others may point into it.
    if !is_address || head.first().is_none_or(|first| *first < 0xc0) {
        return 1;
    }
    let is_next = |index: &usize| {
        let next = at + index * size;
        message.get(next..next + 6) == Some(head) && record_size(message, next) == Some(size)
    };
    1 + (1..left).take_while(is_next).count()
}

/// Bytes of the record at `at`.
fn record_size(message: &[u8], at: usize) -> Option<usize> {
    let owner_end = match *message.get(at)? {
        0xc0.. => at + 2,
        _ => rhumb_wire::name::skip(message, at).ok()?,
    };
    let length = message.get(owner_end + FIXED - 4..)?.first_chunk::<2>()?;
    Some(owner_end + FIXED - 2 + usize::from(u16::from_be_bytes(*length)) - at)
}

/// The record that comes first: ids that follow each other choose others evenly, random ones choose at random.
fn first_of(seed: u16, records: usize) -> usize {
    // By the golden ratio, neighbours are far apart.
    const GOLDEN: u16 = 40_503;
    (usize::from(seed.wrapping_mul(GOLDEN)) * records) >> 16
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// A record whose owner is a pointer to the question.
    fn record(kind: Type, rdata: &[u8]) -> Vec<u8> {
        let mut record = vec![0xc0, 12];
        record.extend(kind.0.to_be_bytes());
        record.extend([0, 1, 0, 0, 0, 60]);
        record.extend((rdata.len() as u16).to_be_bytes());
        record.extend(rdata);
        record
    }

    /// A message with the question `a. A` and these answers.
    fn message(records: &[Vec<u8>]) -> (Vec<u8>, usize) {
        let mut message =
            vec![0, 1, 0x80, 0, 0, 1, 0, records.len() as u8, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1];
        let end = message.len();
        message.extend(records.concat());
        (message, end)
    }

    fn addresses(count: u8) -> Vec<Vec<u8>> {
        (0..count).map(|last| record(Type::A, &[192, 0, 2, last])).collect()
    }

    #[test]
    fn each_address_comes_first_as_often() {
        for count in [2, 3, 4, 7, 16] {
            let mut first: HashMap<u8, usize> = HashMap::new();
            for seed in 0..=u16::MAX {
                let (mut message, end) = message(&addresses(count));
                let before = message.clone();
                rotate_addresses(&mut message, end, seed);
                *first.entry(message[end + 15]).or_default() += 1;
                // In the order of the set, from the first on.
                let order: Vec<u8> = message[end..].chunks(16).map(|record| record[15]).collect();
                let expected: Vec<u8> = (0..count).map(|n| (order[0] + n) % count).collect();
                assert_eq!(order, expected);
                assert_eq!(message[..end], before[..end]);
            }
            assert!(
                first.len() == usize::from(count)
                    && first.values().all(|times| { times.abs_diff(65_536 / usize::from(count)) < 700 }),
                "{count}: {first:?}"
            );
            // Of ids that follow each other as well.
            let near: std::collections::HashSet<usize> =
                (1000..1000 + 4 * u16::from(count)).map(|seed| first_of(seed, count.into())).collect();
            assert_eq!(near.len(), usize::from(count));
        }
    }

    #[test]
    fn other_records_stay_where_they_are() {
        let signature = record(Type::RRSIG, &[7; 40]);
        let alias = record(Type::CNAME, &[1, b'b', 0xc0, 12]);
        let address6 =
            |last: u8| record(Type::AAAA, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        let mail = |last: u8| record(Type::MX, &[0, last, 0xc0, 12]);
        let records = [
            alias.clone(),
            record(Type::A, &[192, 0, 2, 1]),
            record(Type::A, &[192, 0, 2, 2]),
            signature.clone(),
            address6(1),
            address6(2),
            address6(3),
            mail(1),
            mail(2),
        ];
        let sizes: Vec<usize> = records.iter().map(Vec::len).collect();
        let mut moved = false;
        for seed in 0..1000 {
            let (mut message, end) = message(&records);
            rotate_addresses(&mut message, end, seed);
            let mut at = end;
            let found: Vec<Vec<u8>> = sizes
                .iter()
                .map(|size| {
                    at += size;
                    message[at - size..at].to_vec()
                })
                .collect();
            for place in [0, 3, 7, 8] {
                assert_eq!(found[place], records[place], "{seed}");
            }
            let mut sorted = found.clone();
            sorted.sort();
            let mut all = records.to_vec();
            all.sort();
            assert_eq!(sorted, all, "nothing is lost");
            moved |= found[1] != records[1];
        }
        assert!(moved);
    }

    #[test]
    fn messages_that_are_cut_or_odd_are_left_alone() {
        let (whole, end) = message(&addresses(5));
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            rotate_addresses(&mut cut, end, 3);
            assert_eq!(cut.len(), length);
        }
        // An owner that is written out, which others may point to.
        let mut written = vec![1, b'b', 0];
        written.extend(&record(Type::A, &[192, 0, 2, 9])[2..]);
        let (mut odd, end) = message(&[written, record(Type::A, &[192, 0, 2, 1])]);
        let before = odd.clone();
        for seed in 0..100 {
            rotate_addresses(&mut odd, end, seed);
        }
        assert_eq!(odd, before);
    }
}
