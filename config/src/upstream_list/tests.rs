use proptest::prelude::*;

use super::*;

fn upstreams(parsed: &ParsedUpstreams) -> Vec<(String, u32)> {
    parsed.0.iter().map(|(upstream, line)| (upstream.to_string(), *line)).collect()
}

fn wrong_lines(parsed: &ParsedUpstreams) -> Vec<u32> {
    parsed.1.iter().map(|(line, _)| *line).collect()
}

#[test]
fn reads_a_list() {
    let text = "# servers\r\n192.0.2.53\r\n\r\n  192.0.2.54:5353  # other port\n;x\n[2001:db8::53]:53;no comment\n\
                fe80::53%eth0\t; link-local\n192.0.2.53:53\nfe80::53\r";
    let parsed = parse_list(text);
    assert_eq!(
        upstreams(&parsed),
        [("192.0.2.53".into(), 2), ("192.0.2.54:5353".into(), 4), ("fe80::53%eth0".into(), 7)]
    );
    assert_eq!(wrong_lines(&parsed), [6, 9]);
    assert!(parsed.1[1].1.contains("needs its interface"), "{:?}", parsed.1);
}

#[test]
fn reads_a_resolv_conf() {
    let text = "; written by a client\nsearch example.com\noptions edns0\nnameserver 192.0.2.53 # first\n\
                nameserver\t2001:db8::53\nnameserver 192.0.2.54 192.0.2.55\n#nameserver 192.0.2.1\n\
                nameserver fe80::53%eth0\nnameservers 192.0.2.2\nnameserver\nnameserver dns.example\n";
    let parsed = parse_resolv_conf(text);
    assert_eq!(
        upstreams(&parsed),
        [
            ("192.0.2.53".into(), 4),
            ("2001:db8::53".into(), 5),
            ("192.0.2.54".into(), 6),
            ("fe80::53%eth0".into(), 8)
        ]
    );
    assert_eq!(wrong_lines(&parsed), [10, 11]);
}

/// The C library asks the first three.
#[test]
fn all_nameservers_of_a_resolv_conf_count() {
    for count in [1, 3, 4, 20, MOST_ENTRIES] {
        let lines = (0..count).map(|n| format!("nameserver 10.0.{}.{}\n", n / 250, n % 250 + 1));
        let text = lines.collect::<Vec<_>>().concat();
        let (found, wrong) = parse_resolv_conf(&text);
        assert_eq!((found.len(), wrong.len()), (count, 0));
        assert!(found.iter().map(|(_, line)| *line as usize).eq(1..=count), "{count}");
    }
}

#[test]
fn garbage_is_told_by_line() {
    let text = "192.0.2.53\n\0\0\0\nplain garbage\n\u{fffd}\u{fffd}\ntls://dns.example\n";
    let parsed = parse_list(text);
    assert_eq!(parsed.0.len(), 1);
    assert_eq!(wrong_lines(&parsed), [2, 3, 4, 5]);
    assert!(parsed.1[3].1.contains("without its address"), "{:?}", parsed.1);
    assert_eq!(wrong_lines(&parse_resolv_conf("nameserver 192.0.2.53\nx\0y\n")), [2]);
    assert_eq!(parse_list(""), (Vec::new(), Vec::new()));
}

#[test]
fn work_and_results_are_bounded() {
    let many: String =
        (0..2000).flat_map(|n| ["10.0.".to_owned(), format!("{}.{}\n", n / 250, n % 250 + 1)]).collect();
    let parsed = parse_list(&many);
    assert_eq!(parsed.0.len(), MOST_ENTRIES);
    assert_eq!(wrong_lines(&parsed), [MOST_ENTRIES as u32 + 1]);

    let same = "192.0.2.53\n".repeat(90_000);
    assert_eq!(upstreams(&parse_list(&same)), [("192.0.2.53".to_owned(), 1)]);

    let large = "192.0.2.53\n".repeat(100_000);
    assert!(large.len() > MOST_BYTES);
    let parsed = parse_list(&large);
    assert!(parsed.0.is_empty());
    assert_eq!(wrong_lines(&parsed), [1]);

    assert_eq!(parse_list(&"x\n".repeat(1000)).1.len(), MOST_COMPLAINTS);
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        parse_list(&text);
        parse_resolv_conf(&text);
    }

    #[test]
    fn every_line_is_an_upstream_a_complaint_or_a_repetition(
        lines in proptest::collection::vec("[0-9a-f.:%\\[\\]]{1,12}", 0..40),
    ) {
        let (entries, complaints) = parse_list(&lines.join("\n"));
        for (line, number) in lines.iter().zip(1_u32..) {
            let complained = complaints.iter().any(|(at, _)| *at == number);
            match line.parse::<UpstreamServer>() {
                Ok(address) => prop_assert!(!complained && entries.iter().any(|(known, _)| *known == address)),
                Err(_) => prop_assert!(complained),
            }
        }
    }

    #[test]
    fn what_is_shown_can_be_read(
        v6 in any::<bool>(), bits in any::<u128>(), port in 1_u16..,
    ) {
        let ip = if v6 { format!("[{}]:{port}", std::net::Ipv6Addr::from_bits(bits)) }
            else { format!("{}:{port}", std::net::Ipv4Addr::from_bits(bits as u32)) };
        if let Ok(address) = ip.parse::<UpstreamServer>() {
            prop_assert_eq!(address.to_string().parse::<UpstreamServer>().unwrap(), address);
        }
    }
}
