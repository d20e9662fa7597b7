use super::*;

/// Keys of 512 to 1024 bits with exponent 65537 and their signatures over `rhumb`, made with a program of a few lines: the number of
/// the algorithm, the modulus, the signature.
#[rustfmt::skip]
const SIGNED: [(u8, &str, &str); 7] = [
    (5, "d7109fcbc000ec442b054c45297cc75df38c6f4d0b5f12356dcd07fb60218629219c3bfdd460a9776222f4fdf7da04ab4e95df8e3e7bf801788e56bc194bbc91",
     "47f62890c6f36b00f1877d601c3dac2c6694fdfcb07584acf22001d0f292d42a5061b37042ee328687d0924faaaeb611735af4314ac402b121e13f85d540f342"),
    (8, "9d8e51dbb96a53825c474ec19123881750e5c99d080b9d05a0423d9c23e4b5b4595222cd7d8bee52fa00e25fb7f4e2c74d24f4659254d89c7fa846901ba9199b",
     "97c35a9db8459d4e1baf4d609b596aa4f32fcb006d1169bb6356e49f2d356c38c595d063eb0ff85488a663a7c53b1eacc47770d10a4b9521dc9b6771df2c89f0"),
    (10, "b5dd597cd3069c96cacc11f60fd1487f91b5bddd74087ffdaf199026426ed520f92af1513ff2793a438a448babdea7b034c320e7bae082f08c4a8ef4a1f8790ca53ff56887419d42593a2eaf77fdd3ee100e4ee5c5029709c413ea85984b",
     "7130d759399b97f5058d6d6f4e0ccf9e3e8df0e4fbc58d41ea29528a0f511af6312667f06b965cf3eb6c7e344c91059fd234d44c8e21c501bb1e6bc2b0af53571c05605d1809d27d29abe80af560280aa5c043563061b6e3ecd6c3b3dbde"),
    (8, "b47689ea17d875a7a2a155693cb0d38ea94dc357be10d09295497bc8b7f239ddfdbd6b9adba92f9ea2e12f77f66033d052b4be07a227d59ca77c819b62f678977333d8f2af5f8137beaa3b5232a8a3b7e052386b6abdd39f6d354e24af",
     "1a03e6ad5a187f2210fb432998e100e7307d3dc03f1513d4d9f85aba5196bd7fb57c50871427daf673cff201a07f6d6f97c412c1ed52cfd9ab2860067b9283e6f6144f9f7f8d0a8d5a3515af2022c37531b950c4a9c51d850bfd29f673"),
    (5, "ac299b74471b2807a5b256dd2996c8c594a3b61e18a94b0279b072ba09b0c38922c009d0bad5946f8a53455ffa2c372819f2e4da22b3a51abe7b6137c281cd890ce6083113e2267706f7f519394eb00a2b7e31147384325223f84c9e88e25b225d0faa791f21fdc30b1dc3e950bb628c8811f12083e317c4598a374f26fe22a5",
     "45550f1036525c96c9f4f9bc9eb2d88b097c18b4334ca0688286e96ccb6d87195e71472990bd726a48ad977e7267a15004b8ea6edaa39f21826a0a46a12fd8fa49882afecad8ccb863affc8cef30c69ad349a41e69eec201e33269609ddfe14d510df4b96881a8f89699861dfb7a9e43f87efce71d6f774679cdf31a27da08ef"),
    (8, "975f932a1aa49085d44302f197950f23b55e6a891f85e6bce0b22ff3e7e73bc38f6b24668b5106929c26f5618083dc0481926ce1cf718d674636cc5ac94f783f0c6daa8e422a4091f0d01c3a935db18c155bf58a7c08324731340df7abbe00cc10a71cb44f88588082b3cf2dfd5c7bd1c4ceeeb97074f8254e4d2d68bc67e5ab",
     "662ff729d24993dffe138700e098ede5beebca299c7c9b8513cc11d36e82edd7adf0ccc502c3711410c745073a53fc1033c9224e6790a370705a543d0a40bee1ca83b1e3eaf005efee380771060240c2e5c9b810799c6e83d0db151ed97352a5e3edccb81b78e5871a84f19abff2cb87e0887aee779290f57bc09b2493bbcc64"),
    (10, "be694b57966e6db564813e607dc4c5df049d96adc413518ceff0a66755c49f176ad8d9a1179d2b98c57eae74831f338602974d8636fbf316af9f005f248fea2c42458bca01dc1f1acdadb71b10633be3373f617596f203aaa44a9e7d11716cc7977b0cdbf463bd86a4a5247e18788af0b2047789d065e96659977524ad88e965",
     "a4e4d24ff9dba8158c7f7b126bb66a63e9db1dce2b9b0a0dc350cbe32c6f17a43cbdd50fb54e0e1d836d1d4e30e720c892a245d9cfd24dc4ada57747998cb2f68546dc78cb48e16cd4b46c4c44179d2c34db9dff0a8ecf78aba2d06e31d2fb2a2d9d6d53f58446b12a21a07cfe4507198f6cb1343720e3b71040a5339304354d"),
];
/// An Ed448 key and its signature over `rhumb`, made by OpenSSL from the secret 0, 1, 2 …
#[rustfmt::skip]
const ED448_SIGNED: (&str, &str) =
    ("18d0a70e42a742dfb561279893385061d7b4dad8f6feed4791eaab66b2f4a4f02fc09462a8bfb1842d0bac60e8a1b3e55ba2407f33226f3800",
     "cc00cbac4ff2e0785e7c045e313202d1c7108dffc91650b9a1b822458ffae8d18e2d5758081a3a3a7ef70407623c0932c8eeffd6a52fb105809e62c5c47f375a517497eb26d1907f008e8dde67e253eaf6e6bae398e0ac65e0252cfa43fca394f9239c0ce9f5a42b7e07760dbefcd9be0800");
const EXPONENT: [u8; 4] = [3, 1, 0, 1];

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn check(algorithm: u8, key: &[&[u8]], signature: &[u8]) -> SignatureCheck {
    SignatureCheck {
        algorithm,
        key: key.concat().into(),
        data: b"rhumb"[..].into(),
        signature: signature.into(),
    }
}

#[test]
fn rsa_of_every_length_is_right_only_where_nothing_was_changed() {
    for (algorithm, modulus, signature) in SIGNED {
        let case = format!("algorithm {algorithm}, {} bits", 4 * modulus.len());
        let (modulus, signature) = (hex(modulus), hex(signature));
        let right = check(algorithm, &[&EXPONENT, &modulus], &signature);
        assert!(right.is_right(), "{case}");
        // The exponent's length may take three bytes, and zeros may stand before both numbers.
        assert!(check(algorithm, &[&[0, 0, 3, 1, 0, 1], &modulus], &signature).is_right(), "{case}");
        assert!(check(algorithm, &[&[4, 0, 1, 0, 1, 0], &modulus], &signature).is_right(), "{case}");
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut other = signature.clone();
            other[at] ^= 1;
            assert!(!check(algorithm, &[&EXPONENT, &modulus], &other).is_right(), "{case}, byte {at}");
        }
        let others = [
            SignatureCheck { data: b"rhumB"[..].into(), ..right.clone() },
            SignatureCheck { signature: signature[1..].into(), ..right.clone() },
            SignatureCheck { signature: [&[0], signature.as_slice()].concat().into(), ..right.clone() },
            SignatureCheck { signature: Box::default(), ..right.clone() },
            SignatureCheck { algorithm: if algorithm == 8 { 10 } else { 8 }, ..right.clone() },
            SignatureCheck { algorithm: 13, ..right.clone() },
            SignatureCheck { key: [&[3, 1, 0, 3], modulus.as_slice()].concat().into(), ..right },
        ];
        for (number, other) in others.iter().enumerate() {
            assert!(!other.is_right(), "{case}, change {number}");
        }
    }
}

/// The same number plus the modulus is the same to the arithmetic, and no signature (RFC 8017 section 5.2.2).
#[test]
fn a_signature_is_less_than_the_modulus() {
    let (algorithm, modulus, signature) = SIGNED[1];
    let (modulus, signature) = (hex(modulus), hex(signature));
    let sum = BigUint::from_bytes_be(&modulus) + BigUint::from_bytes_be(&signature);
    let sum = sum.to_bytes_be();
    assert!(!check(algorithm, &[&EXPONENT, &modulus], &sum).is_right());
    let nothing = vec![0; modulus.len()];
    assert!(!check(algorithm, &[&EXPONENT, &modulus], &nothing).is_right());
    assert!(!check(algorithm, &[&EXPONENT, &modulus], &modulus).is_right());
}

#[test]
fn parts_of_rsa_keys_are_read_or_refused() {
    for (case, key, parts) in [
        ("as usual", &[1, 3, 0x81][..], Some((&[3][..], &[0x81][..]))),
        ("zeros before both", &[3, 0, 0, 3, 0, 0x81, 0x83], Some((&[3], &[0x81, 0x83]))),
        ("a long form of the length", &[0, 0, 2, 1, 1, 0x81], Some((&[1, 1], &[0x81]))),
        ("an even modulus", &[1, 3, 0x82], None),
        ("an even exponent, which is the zone's fault", &[1, 4, 0x81], Some((&[4], &[0x81]))),
        ("no exponent", &[0, 0, 0, 0x81], None),
        ("an exponent of zeros", &[2, 0, 0, 0x81], None),
        ("no modulus", &[1, 3], None),
        ("a modulus of zeros", &[1, 3, 0, 0], None),
        ("an exponent that is cut", &[4, 1, 0, 1], None),
        ("a length that is cut", &[0, 1], None),
        ("nothing", &[], None),
    ] {
        assert_eq!(rsa_parts(key), parts, "{case}");
    }
}

/// Longer exponents make a check cost as much as signing, and moduli have their bounds.
#[test]
fn keys_out_of_bounds_are_refused() {
    let (algorithm, modulus, signature) = SIGNED[1];
    let (modulus, signature) = (hex(modulus), hex(signature));
    let with = |exponent: &[u8], modulus: &[u8]| {
        check(algorithm, &[&[exponent.len() as u8], exponent, modulus], &signature).is_right()
    };
    assert!(with(&[1, 0, 1], &modulus));
    assert!(!with(&[2, 0, 0, 0, 1], &modulus) && !with(&[0x7f; 20], &modulus));
    assert!(!with(&[1, 0, 1], &modulus[1..]) && !with(&[1, 0, 1], &[0xff; 513]));
}

#[test]
fn ed448_is_right_only_where_nothing_was_changed() {
    let (key, signature) = (hex(ED448_SIGNED.0), hex(ED448_SIGNED.1));
    assert!(check(ED448, &[&key], &signature).is_right());
    for at in 0..signature.len() {
        let mut other = signature.clone();
        other[at] ^= 1;
        assert!(!check(ED448, &[&key], &other).is_right(), "byte {at}");
    }
    assert!(!SignatureCheck { data: b"rhumc"[..].into(), ..check(ED448, &[&key], &signature) }.is_right());
    for (key, signature) in
        [(&key[1..], &signature[..]), (&key[..], &signature[1..]), (&[], &[]), (&[0xff; 57], &[0; 114])]
    {
        assert!(!check(ED448, &[key], signature).is_right(), "{key:?}");
    }
}

#[test]
fn algorithms_that_can_be_checked() {
    let supported: Vec<u8> = (0..=255).filter(|algorithm| is_supported(*algorithm)).collect();
    assert_eq!(supported, [5, 7, 8, 10, 13, 14, 15, 16]);
}
