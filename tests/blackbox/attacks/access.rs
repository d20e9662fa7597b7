//! Who is turned away, and that it costs nothing.

use std::time::Duration;

use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::{Act, Asked, Message, Upstream, rcode};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

use super::Crowd;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("attacks::row54_strangers_take_no_slot", strangers)];

/// Strangers ask for thousands of names that would wait; those who may ask are served as if they were alone.
fn strangers() -> Verdict {
    let config = Crowd::config()
        .allow(&["192.0.2.0/24"])
        .forward("dead.example", &["10.9.0.1"])
        .forward("up.example", &["10.9.0.2"]);
    let crowd = Crowd::new(&config, &[])?;
    let dead = Upstream::start(&crowd.people, "10.9.0.1", script(|_| Act::Silent))?;
    let _good = Upstream::start(&crowd.people, "10.9.0.2", every_name("198.18.0.2"))?;
    let stranger = crowd.client(77);
    let socket = stranger.udp_socket(crowd.to)?;
    let mut refused = 0;
    for number in 0..5000_u16 {
        let name = format!("n{number}.dead.example.");
        socket.send_to(&Message { id: number, ..Message::query(&name, "A") }.to_wire(), crowd.to)?;
        if number % 8 == 7 {
            while refused <= usize::from(number) {
                let Some((wire, _)) = receive(&socket, Duration::from_secs(1))? else { break };
                ensure_eq!(
                    Message::from_wire(&wire)?.rcode(),
                    rcode::REFUSED,
                    "response code for a stranger"
                );
                refused += 1;
            }
        }
        if number % 500 == 0 {
            let name = format!("n{number}.up.example.");
            let reply = crowd.honest().udp(crowd.to, &Message::query(&name, "A"))?;
            ensure_eq!(reply.message.data("A"), ["198.18.0.2"], "answer for one who may ask");
            ensure!(reply.took < Duration::from_millis(500), "it took {:?} beside strangers", reply.took);
        }
    }
    ensure_eq!(refused, 5000, "REFUSED for strangers");
    let seen = dead.seen();
    ensure!(seen.is_empty(), "went upstream for a stranger: {:?}", seen.iter().map(Asked::name).next());
    Ok(Outcome::Passed)
}
