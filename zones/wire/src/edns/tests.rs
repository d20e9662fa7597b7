use super::*;

#[test]
fn every_info_code_that_is_assigned_has_a_name_of_its_own() {
    let names: Vec<&str> = (0..=30).filter_map(ExtendedError::name).collect();
    assert_eq!(names.len(), 31);
    assert!(names.iter().enumerate().all(|(at, name)| !names[..at].contains(name)));
    assert_eq!((ExtendedError::name(31), ExtendedError::name(u16::MAX)), (None, None));
    for (error, name) in [
        (ExtendedError::Other, "Other Error"),
        (ExtendedError::StaleAnswer, "Stale Answer"),
        (ExtendedError::CachedError, "Cached Error"),
        (ExtendedError::Blocked, "Blocked"),
        (ExtendedError::StaleNxdomain, "Stale NXDOMAIN Answer"),
        (ExtendedError::NoReachableAuthority, "No Reachable Authority"),
        (ExtendedError::InvalidQueryType, "Invalid Query Type"),
    ] {
        assert_eq!(ExtendedError::name(error.code()), Some(name));
    }
}

#[test]
fn options_are_written_whole_or_the_record_is_not() {
    let write = |limit: usize| {
        let (mut buffer, mut compression) = ([0; 64], crate::compress::NameCompression::default());
        let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
        let at = w.len();
        let done = write_opt(&mut w, 1232, 1, DO, |w| {
            write_option(w, NSID, b"ab")?;
            write_extended_error(w, ExtendedError::Blocked, "no")
        });
        (done.is_ok(), w.written()[at..].to_vec(), at)
    };
    let opt = b"\0\0\x29\x04\xd0\x01\0\x80\0\0\x0e\0\x03\0\x02ab\0\x0f\0\x04\0\x0fno";
    let (_, _, at) = write(64);
    assert_eq!(write(at + opt.len()), (true, opt.to_vec(), at));
    assert_eq!(write(at + opt.len() - 1), (false, Vec::new(), at));
}

#[test]
fn options_are_empty_without_bytes() {
    assert!(EdnsOptions::default().is_empty() && EdnsOptions(b"").well_formed());
    assert!(!EdnsOptions(&[0, 3, 0, 0]).is_empty());
}

#[test]
fn the_parts_of_an_opt_record_are_told_apart() {
    let opt = OptRecord::new(0x1234, 0x5678_9abc, b"\0\x03\0\0");
    let fields = (opt.udp_size, opt.rcode_high, opt.version, opt.flags);
    assert_eq!(fields, (0x1234, 0x56, 0x78, 0x9abc));
    assert_eq!(opt.options.find(NSID), Some(&b""[..]));
    for (name, flags, wanted) in [("none", 0, false), ("DO", DO, true), ("all but DO", !DO, false)] {
        assert_eq!(OptRecord { flags, ..opt }.dnssec_ok(), wanted, "{name}");
    }
    for (asked, fits) in [(0, 512), (511, 512), (512, 512), (513, 513), (1232, 1232), (u16::MAX, 65_535)] {
        assert_eq!(OptRecord { udp_size: asked, ..opt }.payload(), fits, "{asked}");
    }
}

/// Options of these codes, each with its code as its value.
fn options(codes: &[u8]) -> Vec<u8> {
    codes.iter().flat_map(|&code| [0, code, 0, 1, code]).collect()
}

#[test]
fn options_are_walked_in_order_and_the_first_of_a_code_is_found() {
    let bytes = [&options(&[3, 10])[..], b"\0\x03\0\x02ab", b"\x12\x34\x01\0", &[7; 256]].concat();
    let options = EdnsOptions(&bytes);
    assert!(options.well_formed());
    let walked: Vec<(u16, usize)> = options.into_iter().map(|(code, value)| (code, value.len())).collect();
    assert_eq!(walked, [(3, 1), (10, 1), (3, 2), (0x1234, 256)]);
    for (code, value) in [(3, Some(&[3][..])), (10, Some(&[10])), (0x1234, Some(&[7; 256])), (12, None)] {
        assert_eq!(options.find(code), value, "{code}");
    }
}

#[test]
fn options_that_do_not_fit_are_noticed() {
    for (name, bytes, well_formed, walked) in [
        ("none", &b""[..], true, 0),
        ("a cut head", b"\0\x03\0", false, 0),
        ("a cut value", b"\0\x03\0\x02a", false, 0),
        ("a value that just fits", b"\0\x03\0\x02ab", true, 1),
        ("a byte behind an option", b"\0\x03\0\0x", false, 1),
        ("a cut option behind a whole one", b"\0\x03\0\x01a\0\x0a\0\x09", false, 1),
    ] {
        let options = EdnsOptions(bytes);
        assert_eq!((options.well_formed(), options.into_iter().count()), (well_formed, walked), "{name}");
    }
}

#[test]
fn so_many_options_are_read_and_no_more() {
    for (before, sound, found) in [(31, true, true), (32, true, false), (40, true, false)] {
        let bytes = [options(&vec![3; before]), options(&[10])].concat();
        let options = EdnsOptions(&bytes);
        assert_eq!(options.find(COOKIE).is_some(), found, "{before} before");
        assert_eq!(options.into_iter().count(), MAX_OPTIONS.min(before + 1), "{before} before");
        assert_eq!(options.well_formed(), sound, "{before} before");
    }
    // What is not read may be anything.
    for (before, sound) in [(31, false), (32, true)] {
        let bytes = [&options(&vec![3; before])[..], b"\0\x0a\0\xff"].concat();
        assert_eq!(EdnsOptions(&bytes).well_formed(), sound, "{before} before");
    }
}
