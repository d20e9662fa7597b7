use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn secret(hex: &str) -> CookieSecret {
    CookieSecret::new(bytes(hex).try_into().unwrap())
}

fn cookies(secrets: &[&str]) -> ServerCookies {
    let secrets: Vec<_> = secrets.iter().map(|hex| secret(hex)).collect();
    ServerCookies::new(&secrets).unwrap()
}

const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
const OLD: &str = "dd3bdf9344b678b185a6f5cb60fca715";
const NEW: &str = "445536bcd2513298075a5d379663c962";

/// The examples of RFC 9018 appendix A.
#[test]
fn the_examples_of_the_standard() {
    for (secrets, client, sent, now, back) in [
        (
            &[SECRET][..],
            "198.51.100.100",
            "2464c4abcf10c957",
            1_559_731_985,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
        ),
        (
            &[SECRET],
            "198.51.100.100",
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
            1_559_734_385,
            "2464c4abcf10c957010000005cf7a871d4a564a1442aca77",
        ),
        (
            &[SECRET],
            "203.0.113.203",
            "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
            1_559_727_985,
            "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
        ),
        (
            &[NEW, OLD],
            "2001:db8:220:1:59de:d0f4:8769:82b8",
            "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
            1_559_741_961,
            "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
        ),
    ] {
        let client = client.parse().unwrap();
        let checked = cookies(secrets).check(&bytes(sent), client, now).unwrap();
        assert_eq!(checked.valid, sent.len() > 16, "{sent}");
        assert_eq!(checked.reply.to_vec(), bytes(back), "{sent}");
    }
}

#[test]
fn lengths_are_those_of_the_standard() {
    let cookies = cookies(&[SECRET]);
    let client = "192.0.2.1".parse().unwrap();
    for length in 0..=64 {
        let good = length == 8 || (16..=40).contains(&length);
        let checked = cookies.check(&vec![1; length], client, 5);
        assert_eq!(checked.is_ok(), good, "{length}");
        assert!(!checked.is_ok_and(|checked| checked.valid), "{length}");
    }
}

#[test]
fn a_cookie_is_good_for_its_client_and_its_time() {
    let cookies = cookies(&[SECRET]);
    let client: IpAddr = "192.0.2.1".parse().unwrap();
    for made in [1_800_000_000_u32, 100, u32::MAX - 1000] {
        let sent = cookies.check(&[7; 8], client, made).unwrap().reply;
        for (age, valid, kept) in [
            (0, true, true),
            (1800, true, true),
            (1801, true, false),
            (3600, true, false),
            (3601, false, false),
            (-300, true, true),
            (-301, false, false),
            (86_400 * 365, false, false),
        ] {
            let checked = cookies.check(&sent, client, made.wrapping_add_signed(age)).unwrap();
            assert_eq!((checked.valid, checked.reply == sent), (valid, kept), "age {age} from {made}");
        }
        let others = ["192.0.2.2", "::ffff:192.0.2.2", "::192.0.2.1"];
        assert!(others.iter().all(|ip| !cookies.check(&sent, ip.parse().unwrap(), made).unwrap().valid));
        assert!(cookies.check(&sent, "::ffff:192.0.2.1".parse().unwrap(), made).unwrap().valid);
        for at in 0..sent.len() {
            let mut forged = sent;
            forged[at] ^= 1;
            // The version and the time are looked at, and all of it is under the hash.
            assert!(!cookies.check(&forged, client, made).unwrap().valid, "byte {at}");
        }
    }
}

#[test]
fn secrets_roll_over() {
    let client = "192.0.2.1".parse().unwrap();
    let (old, both, new) = (cookies(&[OLD]), cookies(&[NEW, OLD]), cookies(&[NEW]));
    let first = old.check(&[7; 8], client, 1000).unwrap().reply;
    let second = both.check(&first, client, 1001).unwrap();
    assert!(second.valid && second.reply != first);
    let third = new.check(&second.reply, client, 1002).unwrap();
    assert!(third.valid && third.reply == second.reply);
    assert!(!new.check(&first, client, 1002).unwrap().valid);
    assert!(ServerCookies::new(&[]).is_none());
}
