//! How clients find the encrypted listeners (RFC 9462), and what a DHCP server is told of them (RFC 9463).

use std::process::Command;

use rhumb_tests::rig::{Config, Message, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::authoritative::{Lab, lab};
use crate::encrypted::{Issued, TIME_LIMIT};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("discovering::a_client_verifies_what_it_is_told_of", verified),
    Test::beside("discovering::a_client_of_others_verifies_it_too", dnspython),
    Test::beside("discovering::a_reload_changes_what_is_told", reloaded),
    Test::beside("discovering::self_signed_ones_are_told_of_by_a_configured_name_alone", self_signed),
    Test::beside("discovering::a_profile_is_a_property_list", profile),
    Test::beside("discovering::other_names_have_no_records_and_nobody_else_is_asked", others),
];

const NAME: &str = "_dns.resolver.arpa.";

fn config(issued: &Issued, more: &str) -> Config {
    let listen = issued.keys("udp, tcp, tls, https, quic");
    Config::new()
        .listen_with("::", &listen)
        .zone("zone.test", "@ SOA ns h 1 1h 15m 1w 1h\n@ NS ns\nns A 192.0.2.1\n")
        .allow_all()
        .more(more)
}

/// The records that dig shows of a server, each in words.
fn told(lab: &Lab, server: &str) -> Result<Vec<Vec<String>>, Failure> {
    let dig = program::find("dig").context("no dig")?;
    let mut command = lab.client.host().command(dig);
    let output = program::run(command.args([server, "+short", "+tries=2", "SVCB", NAME]), TIME_LIMIT)?;
    ensure_eq!(output.code, Some(0), "dig {server}: {}{}", output.out, output.err);
    let words = |line: &str| line.replace('"', "").split(' ').map(str::to_owned).collect();
    Ok(output.out.lines().map(words).collect())
}

fn rows(found: &[Vec<String>]) -> Vec<String> {
    found.iter().map(|words| words.join(" ")).collect()
}

/// As section 4.2 says: the client goes to the address that it asked before, and the certificate has to be for that address.
fn verified() -> Verdict {
    if program::find("dig").is_none() || program::find("openssl").is_none() {
        skip!("no dig or no openssl here");
    }
    let issued = Issued::new()?;
    let lab = lab(&config(&issued, ""))?;
    let chain = issued.folder.at("chain.pem").display().to_string();
    for (server, ip, hint) in [
        ("@192.0.2.1", "192.0.2.1", "ipv4hint=192.0.2.1"),
        ("@2001:db8::1", "2001:db8::1", "ipv6hint=2001:db8::1"),
    ] {
        let found = told(&lab, server)?;
        let expected = [
            format!("1 dns.test. alpn=dot port=853 {hint}"),
            format!("2 dns.test. alpn=doq port=853 {hint}"),
            format!("3 dns.test. alpn=h2 port=443 {hint} key7=/dns-query{{?dns}}"),
        ];
        // Newer ones know the last parameter by its name.
        let found: Vec<String> = rows(&found).iter().map(|row| row.replace("dohpath=", "key7=")).collect();
        ensure_eq!(found, expected, "{server}");
        for (port, protocol) in [("853", "dot"), ("443", "h2")] {
            let to = if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") };
            let mut command = lab.client.host().command(program::find("openssl").context("no openssl")?);
            command.args(["s_client", "-connect", &to, "-alpn", protocol, "-CAfile", &chain]);
            let output = program::run(command.args(["-verify_ip", ip, "-verify_return_error"]), TIME_LIMIT)?;
            let agreed = output.out.contains(&format!("ALPN protocol: {protocol}"));
            ensure!(output.code == Some(0) && agreed, "{to}: {}{}", output.out, output.err);
        }
    }
    Ok(Outcome::Passed)
}

/// Asks a server for its designated resolvers, verifies them, and prints those that it will use from now on, and what the first one says.
const CLIENT: &str = "\
import sys
import dns.resolver
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = [sys.argv[1]]
resolver.try_ddr(lifetime=15)
used = resolver.nameservers
print(*used)
if not isinstance(used[0], str):
    resolver.nameservers = used[:1]
    print(*resolver.resolve('ns.zone.test', 'A'))
";

/// dnspython follows section 4.2: it believes a certificate for the address that it has asked, and no other.
fn dnspython() -> Verdict {
    let Some(python) = program::python_with("dns.resolver; dns.resolver.Resolver.try_ddr") else {
        skip!("no Python with a dnspython that knows DDR here (RHUMB_PYTHON names an interpreter)");
    };
    let issued = Issued::new()?;
    let lab = lab(&config(&issued, ""))?;
    // The certificate is not for this one.
    lab.server.host().address("eth0", "192.0.2.7/24")?;
    let script = issued.folder.write("ddr.py", CLIENT)?;
    let ask = |server: &str| {
        let mut command = lab.client.host().command(&python);
        command.env("SSL_CERT_FILE", issued.folder.at("chain.pem"));
        program::run(command.arg(&script).arg(server), TIME_LIMIT)
    };
    for server in ["192.0.2.1", "2001:db8::1"] {
        let output = ask(server)?;
        let used = format!("DoT:{server}@853 DoQ:{server}@853 https://dns.test:443/dns-query\n192.0.2.1\n");
        ensure_eq!(output.out, used, "what is used of {server}: {}", output.err);
    }
    let output = ask("192.0.2.7")?;
    ensure_eq!(output.out, "192.0.2.7\n", "a certificate for other addresses is believed: {}", output.err);
    Ok(Outcome::Passed)
}

fn reloaded() -> Verdict {
    if program::find("dig").is_none() {
        skip!("no dig here");
    }
    let issued = Issued::new()?;
    let lab = lab(&config(&issued, ""))?;
    ensure_eq!(told(&lab, "@192.0.2.1")?.len(), 3, "records at first");
    let status = lab.server.tell(&["status", "--ddr"])?.out;
    for words in ["_dns.resolver.arpa. IN SVCB 1 dns.test. alpn=dot port=853", "option 162", "option 144"] {
        ensure!(status.contains(words), "status --ddr lacks {words}: {status}");
    }
    let json = lab.server.tell(&["status", "--ddr", "--json"])?.out;
    // Priority 1, the name of 10 bytes, the address of 4, then the parameters.
    let option = "00010a03646e73047465737400";
    ensure!(json.contains(option) && json.contains("04c0000201"), "status --ddr --json: {json}");
    lab.server.rewrite(&config(&issued, "server: { discovery: other.test }"))?;
    lab.server.reload()?;
    let found = rows(&told(&lab, "@192.0.2.1")?);
    ensure!(found.len() == 3 && found.iter().all(|row| row.contains(" other.test. ")), "by name: {found:?}");
    lab.server.rewrite(&config(&issued, "server: { discovery: off }"))?;
    lab.server.reload()?;
    let answer = lab.client.udp(lab.to, &Message::query(NAME, "SVCB"))?.message;
    ensure_eq!((answer.rcode(), answer.answer.len()), (rcode::NOERROR, 0), "where it is off");
    ensure_eq!(answer.authority.len(), 1, "the SOA where it is off");
    let status = lab.server.tell(&["status", "--ddr"])?.out;
    ensure!(status.contains("no encrypted listener"), "status --ddr: {status}");
    Ok(Outcome::Passed)
}

fn self_signed() -> Verdict {
    let Some(openssl) = program::find("openssl") else { skip!("no openssl here") };
    let config = |more: &str| {
        let listen = "transports: [udp, tcp, tls, https], certificate: self-signed";
        Config::new().listen_with("::", listen).allow_all().more(more)
    };
    let lab = lab(&config(""))?;
    let records =
        || Ok::<_, Failure>(lab.client.udp(lab.to, &Message::query(NAME, "SVCB"))?.message.answer.len());
    let names = || {
        let mut command = lab.client.host().command(&openssl);
        let output = program::run(command.args(["s_client", "-connect", "192.0.2.1:853"]), TIME_LIMIT)?;
        let (_, rest) = output.out.split_once("-----BEGIN").context("no certificate")?;
        let (pem, _) = rest.split_once("-----END").context("no end of a certificate")?;
        let file = lab.server.folder().at("shown.pem");
        std::fs::write(&file, format!("-----BEGIN{pem}-----END CERTIFICATE-----\n"))?;
        let mut command = Command::new(&openssl);
        command.args(["x509", "-noout", "-ext", "subjectAltName", "-in"]).arg(&file);
        Ok::<_, Failure>(program::run(&mut command, TIME_LIMIT)?.out)
    };
    ensure_eq!(records()?, 0, "records of a certificate that nobody can verify");
    let shown = names()?;
    for name in ["DNS:localhost", "IP Address:192.0.2.1", "IP Address:2001:DB8:0:0:0:0:0:1"] {
        ensure!(shown.contains(name), "the certificate is not for {name}: {shown}");
    }
    lab.server.rewrite(&config("server: { discovery: own.test }"))?;
    lab.server.reload()?;
    ensure_eq!(records()?, 2, "records by a configured name");
    let shown = names()?;
    ensure!(shown.contains("DNS:own.test"), "the certificate is not for the name that is told: {shown}");
    Ok(Outcome::Passed)
}

fn profile() -> Verdict {
    let Some(python) = program::find("python3") else { skip!("no python3 here") };
    let issued = Issued::new()?;
    let lab = lab(&config(&issued, ""))?;
    let script = "import plistlib, sys, json; p = plistlib.load(open(sys.argv[1], 'rb')); d = p['PayloadContent'][0]; \
                  print(d['PayloadType'], json.dumps(d['DNSSettings'], sort_keys=True))";
    for (transport, expected) in [
        ("https", r#""DNSProtocol": "HTTPS", "ServerAddresses": ["192.0.2.1", "#),
        ("tls", r#""DNSProtocol": "TLS", "ServerAddresses": ["192.0.2.1", "#),
    ] {
        let made = lab.server.tell(&["profile", "dns.test", "--transport", transport])?;
        ensure_eq!(made.code, Some(0), "profile: {}", made.err);
        ensure!(made.err.contains("Private DNS: dns.test"), "for Android: {}", made.err);
        let file = lab.server.folder().at("made.mobileconfig");
        std::fs::write(&file, made.out)?;
        let mut command = Command::new(&python);
        let read = program::run(command.args(["-c", script]).arg(&file), TIME_LIMIT)?;
        ensure!(
            read.out.starts_with("com.apple.dnsSettings.managed {") && read.out.contains(expected),
            "{transport}: {}{}",
            read.out,
            read.err
        );
    }
    Ok(Outcome::Passed)
}

fn others() -> Verdict {
    let issued = Issued::new()?;
    // A name that went to the upstream would wait for it, and fail.
    let lab = lab(&config(&issued, "").forward(".", &["192.0.2.2"]))?;
    for (name, kind) in
        [(NAME, "A"), ("resolver.arpa.", "SVCB"), ("www.resolver.arpa.", "A"), ("_DNS.Resolver.ARPA.", "TXT")]
    {
        let answer = lab.client.udp(lab.to, &Message::query(name, kind))?.message;
        ensure_eq!((answer.rcode(), answer.answer.len()), (rcode::NOERROR, 0), "{name} {kind}");
        ensure_eq!(answer.authority.len(), 1, "the SOA beside {name} {kind}");
    }
    let answer = lab.client.udp(lab.to, &Message::query("_DNS.Resolver.ARPA.", "SVCB"))?.message;
    ensure_eq!((answer.rcode(), answer.answer.len()), (rcode::NOERROR, 3), "in other letters");
    Ok(Outcome::Passed)
}
