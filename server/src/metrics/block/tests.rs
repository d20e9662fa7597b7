use std::mem::{align_of, size_of};
use std::thread;

use super::*;

#[test]
fn every_label_has_its_own_counter() {
    let block = CounterBlock::new();
    let mut expected = 0;
    for transport in Transport::ALL {
        for family in ClientFamily::ALL {
            for qtype in [1, 28, 257, 255, 65535] {
                expected += 1;
                for _ in 0..expected {
                    block.request(transport, *family, qtype);
                }
                assert_eq!(block.read_request(transport, *family, TypeLabel::of(qtype)), expected);
            }
        }
    }
    assert_eq!(block.read_all_requests(), expected * (expected + 1) / 2);
    for (times, reason) in DropReason::ALL.iter().enumerate() {
        for _ in 0..times {
            block.dropped(*reason);
        }
    }
    for (times, reason) in DropReason::ALL.iter().enumerate() {
        assert_eq!(block.read_dropped(*reason), times as u64, "{reason:?}");
    }
    block.cache(CacheEvent::Stale);
    let seen: Vec<u64> = CacheEvent::ALL.iter().map(|event| block.read_cache(*event)).collect();
    assert_eq!(seen, [0, 0, 1, 0]);
}

#[test]
fn numbers_without_a_name_are_other() {
    for (code, label) in
        [(1, "A"), (28, "AAAA"), (65, "HTTPS"), (255, "ANY"), (3, "other"), (0, "other"), (65535, "other")]
    {
        assert_eq!(TypeLabel::of(code).as_str(), label);
    }
    for (code, label) in [(0, "NOERROR"), (3, "NXDOMAIN"), (23, "BADCOOKIE"), (12, "other"), (4095, "other")]
    {
        assert_eq!(RcodeLabel::of(code).as_str(), label);
    }
    let block = CounterBlock::new();
    for code in 0..=u16::MAX {
        block.request(Transport::Udp, ClientFamily::V6, code);
        block.response(code, ResponseSource::Cache);
    }
    assert_eq!(block.read_all_requests(), 65536);
    let named = (TypeLabel::COUNT - 1) as u64;
    assert_eq!(block.read_request(Transport::Udp, ClientFamily::V6, TypeLabel::Other), 65536 - named);
    assert_eq!(block.read_response(RcodeLabel::Other), 65536 - (RcodeLabel::COUNT as u64 - 1));
}

#[test]
fn labels_are_distinct_texts() {
    let texts = [
        Transport::ALL.iter().map(|v| v.name()).collect::<Vec<_>>(),
        DropReason::ALL.iter().map(|v| v.as_str()).collect(),
        TypeLabel::ALL.iter().map(|v| v.as_str()).collect(),
        RcodeLabel::ALL.iter().map(|v| v.as_str()).collect(),
    ];
    for mut of_one in texts {
        let all = of_one.len();
        of_one.sort_unstable();
        of_one.dedup();
        assert_eq!(of_one.len(), all);
        assert!(of_one.iter().all(|text| text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')));
    }
    for (position, reason) in DropReason::ALL.iter().enumerate() {
        assert_eq!(reason.index(), position);
    }
}

#[test]
fn durations_fall_in_the_bucket_that_includes_their_bound() {
    let block = CounterBlock::new();
    block.duration(Transport::Udp, Duration::ZERO, 3);
    block.duration(Transport::Udp, Duration::from_micros(10), 1);
    block.duration(Transport::Udp, Duration::from_nanos(10_001), 2);
    block.duration(Transport::Udp, Duration::from_secs(5), 1);
    block.duration(Transport::Udp, Duration::from_nanos(5_000_000_001), 1);
    block.duration(Transport::Udp, Duration::MAX, 0);
    let reading = block.read_duration(Transport::Udp).unwrap();
    assert_eq!(reading.buckets[..3], [4, 2, 0]);
    assert_eq!(reading.buckets[16..], [0, 1, 1]);
    assert!((reading.sum - 10.000_030_003).abs() < 1e-9, "{}", reading.sum);
    assert_eq!(block.read_duration(Transport::Tcp).unwrap().buckets, [0; 19]);
}

#[test]
fn a_block_shares_no_line_with_another() {
    assert_eq!(align_of::<CounterBlock>(), 128);
    assert_eq!(size_of::<CounterBlock>() % 128, 0);
    let blocks: Vec<std::sync::Arc<CounterBlock>> =
        (0..8).map(|_| std::sync::Arc::new(CounterBlock::new())).collect();
    for block in blocks {
        assert_eq!(std::sync::Arc::as_ptr(&block).addr() % 128, 0);
    }
}

#[test]
fn absorbing_adds_every_counter() {
    let (a, b) = (CounterBlock::new(), CounterBlock::new());
    for block in [&a, &b] {
        block.request(Transport::Tcp, ClientFamily::V4, 15);
        block.response(0, ResponseSource::Zone);
        block.edns(true);
        block.edns(false);
        block.truncated();
        block.panic();
        block.dropped(DropReason::TooOld);
        block.cache(CacheEvent::Hit);
        block.refused(AccessList::Transfer);
        block.request_size(Transport::Tcp, 40);
        block.response_size(Transport::Tcp, 512);
        block.duration(Transport::Tcp, Duration::from_millis(1), 2);
    }
    a.absorb(&b);
    assert_eq!(a.read_request(Transport::Tcp, ClientFamily::V4, TypeLabel::Mx), 2);
    assert_eq!(a.read_response(RcodeLabel::NoError), 2);
    assert_eq!((a.read_edns(), a.read_dnssec_ok(), a.read_truncated(), a.read_panics()), (4, 2, 2, 2));
    assert_eq!(a.read_dropped(DropReason::TooOld), 2);
    assert_eq!(a.read_cache(CacheEvent::Hit), 2);
    assert_eq!(a.read_source(ResponseSource::Zone), 2);
    assert_eq!(a.read_refused(AccessList::Transfer), 2);
    let (requests, responses) = a.read_sizes(Transport::Tcp).unwrap();
    assert_eq!((requests.sum, responses.sum), (80, 1024));
    let reading = a.read_duration(Transport::Tcp).unwrap();
    assert_eq!(reading.buckets.iter().sum::<u64>(), 4);
    assert!((reading.sum - 0.004).abs() < 1e-12);
}

#[test]
fn a_reader_sees_counts_only_grow() {
    let block = CounterBlock::new();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..200_000 {
                block.request(Transport::Udp, ClientFamily::V4, 1);
                block.duration(Transport::Udp, Duration::from_micros(1), 1);
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let now = block.read_all_requests();
            assert!(now >= last);
            last = now;
        }
    });
    assert_eq!(block.read_all_requests(), 200_000);
}
