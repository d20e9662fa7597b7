//! `rhumb keys tsig`: a new key, and how other programs are told of it.

use std::fmt::Write as _;

use data_encoding::BASE64;
use rhumb_wire::DomainName;
use rhumb_wire::tsig::TsigAlgorithm;
/// A new key in the forms of the programs that are to know it. The secret has as many bytes as the hash (RFC 8945 section 10).
///
/// Errors: there are no random numbers.
pub(super) fn new_key(name: &DomainName, algorithm: TsigAlgorithm) -> std::io::Result<String> {
    let mut secret = vec![0; algorithm.mac_length()];
    rhumb_net::random(&mut secret)?;
    Ok(in_all_forms(name, algorithm, &BASE64.encode(&secret)))
}

fn in_all_forms(name: &DomainName, algorithm: TsigAlgorithm, secret: &str) -> String {
    let full = name.to_string();
    let short = if full.len() > 1 { full.trim_end_matches('.') } else { &full };
    // Some programs have the name of the algorithm that messages have, others the short one.
    let in_messages =
        if algorithm == TsigAlgorithm::HmacMd5 { "hmac-md5.sig-alg.reg.int." } else { algorithm.name() };
    let mut text = String::new();
    let mut put = |title: &str, lines: &str| {
        let blank = if text.is_empty() { "" } else { "\n" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{blank}# {title}\n{lines}");
    };
    put("rhumb", &format!("keys:\n  - {{ name: {short}, algorithm: {algorithm}, secret: \"{secret}\" }}\n"));
    put(
        "BIND (also as the secret-file of rhumb, and for nsupdate -k and dig -k)",
        &format!("key \"{short}\" {{\n\talgorithm {algorithm};\n\tsecret \"{secret}\";\n}};\n"),
    );
    put("Knot", &format!("key:\n  - id: {short}\n    algorithm: {algorithm}\n    secret: {secret}\n"));
    put("NSD", &format!("key:\n  name: \"{short}\"\n  algorithm: {algorithm}\n  secret: \"{secret}\"\n"));
    put("PowerDNS", &format!("pdnsutil import-tsig-key {short} {algorithm} '{secret}'\n"));
    put(
        "lego",
        &format!(
            "RFC2136_TSIG_KEY={full}\nRFC2136_TSIG_ALGORITHM={}.\nRFC2136_TSIG_SECRET={secret}\n",
            in_messages.trim_end_matches('.')
        ),
    );
    put(
        "external-dns",
        &format!(
            "--rfc2136-tsig-keyname={short}\n--rfc2136-tsig-secret-alg={algorithm}\n--rfc2136-tsig-secret={secret}\n"
        ),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_for_a_configuration_is_read_by_it() {
        for algorithm in TsigAlgorithm::ALL {
            let name: DomainName = "xfr.example.".parse().unwrap();
            let text = new_key(&name, algorithm).unwrap();
            let own: String = text.lines().skip(1).take(2).map(|line| line.to_owned() + "\n").collect();
            let config = rhumb_config::parse(&own, std::path::Path::new("x.yaml")).unwrap();
            let key = config.keys[0].key().unwrap();
            assert_eq!((key.name(), key.algorithm()), (name.as_ref(), algorithm));
            let other = new_key(&name, algorithm).unwrap();
            assert_ne!(text, other, "a key of its own each time");
        }
    }
}
