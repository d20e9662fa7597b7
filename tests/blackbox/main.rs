//! The black-box tests: rhumb as a process, seen from other hosts.
//!
//! A new file registers here: one line `mod`, one line in the list.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test, reported with its name"
)]

use std::process::ExitCode;

use rhumb_tests::{Test, harness};

mod addresses;
mod aliases;
mod announcing;
mod attacks;
mod authoritative;
mod caching;
mod careless;
mod causes;
mod chaos;
mod checking;
mod circles;
mod clients;
mod conformance;
mod container;
mod cookies;
mod counting;
mod datagrams;
mod day;
mod differential;
mod discovering;
mod documents;
mod encrypted;
mod failover;
mod families;
mod following;
mod forgery;
mod forwarded;
mod forwarding;
mod glibc;
mod guarding;
mod https;
mod including;
mod interleaving;
mod internet;
mod interoperating;
mod limiting;
mod listening;
mod local_root;
mod logging;
mod nameservers;
mod operating;
mod outage;
mod parents;
mod passing;
mod peer;
mod primary;
mod proxied;
mod quic;
mod reading;
mod reasons;
mod refreshing;
mod reloading;
mod restarting;
mod rolling;
mod roots;
mod rotating;
mod running;
mod scenarios;
mod scraping;
mod secondary;
mod signatures;
mod sources;
mod steady;
mod storing;
mod supervising;
mod switches;
mod synthesising;
mod transfers;
mod unit;
mod updating;
mod upstreams;
mod versions;
mod zone_causes;
mod zone_folders;
mod zone_states;

/// Every test there is.
const TESTS: &[&[Test]] = &[
    listening::TESTS,
    addresses::TESTS,
    families::TESTS,
    authoritative::TESTS,
    clients::TESTS,
    careless::TESTS,
    chaos::TESTS,
    cookies::TESTS,
    datagrams::TESTS,
    limiting::TESTS,
    conformance::TESTS,
    scenarios::TESTS,
    differential::TESTS,
    internet::TESTS,
    reading::TESTS,
    reasons::TESTS,
    reading::special::TESTS,
    forwarding::TESTS,
    forwarded::TESTS,
    failover::TESTS,
    aliases::TESTS,
    forgery::TESTS,
    passing::TESTS,
    passing::links::TESTS,
    passing::referrals::TESTS,
    circles::TESTS,
    caching::TESTS,
    causes::TESTS,
    attacks::streams::TESTS,
    attacks::places::TESTS,
    attacks::waiting::TESTS,
    attacks::shares::TESTS,
    attacks::packets::TESTS,
    attacks::messages::TESTS,
    attacks::metrics::TESTS,
    attacks::access::TESTS,
    attacks::privileges::TESTS,
    attacks::resolving::servers::TESTS,
    attacks::resolving::chains::TESTS,
    attacks::resolving::cookies::TESTS,
    attacks::resolving::keys::TESTS,
    attacks::resolving::denials::TESTS,
    attacks::resolving::signatures::TESTS,
    attacks::resolving::poison::TESTS,
    attacks::resolving::spoofing::TESTS,
    attacks::resolving::slow::TESTS,
    attacks::secrets::TESTS,
    documents::TESTS,
    documents::encrypted::TESTS,
    encrypted::TESTS,
    discovering::TESTS,
    encrypted::certbot::TESTS,
    encrypted::renewal::TESTS,
    encrypted::renewal_load::TESTS,
    encrypted::transfers::TESTS,
    encrypted::tickets::TESTS,
    encrypted::stopping::TESTS,
    https::TESTS,
    https::entrance::TESTS,
    https::floods::TESTS,
    proxied::TESTS,
    upstreams::bootstrapped::TESTS,
    upstreams::resumed::TESTS,
    quic::TESTS,
    running::TESTS,
    following::TESTS,
    reloading::TESTS,
    restarting::TESTS,
    roots::TESTS,
    local_root::TESTS,
    supervising::TESTS,
    switches::TESTS,
    synthesising::TESTS,
    guarding::TESTS,
    steady::TESTS,
    storing::TESTS,
    storing::killed::TESTS,
    checking::TESTS,
    scraping::TESTS,
    counting::TESTS,
    logging::TESTS,
    operating::TESTS,
    zone_causes::TESTS,
    outage::TESTS,
    day::TESTS,
    transfers::TESTS,
    interleaving::TESTS,
    interoperating::TESTS,
    including::TESTS,
    signatures::TESTS,
    sources::TESTS,
    rolling::TESTS,
    rotating::TESTS,
    announcing::TESTS,
    parents::TESTS,
    refreshing::TESTS,
    refreshing::endless::TESTS,
    refreshing::gone::TESTS,
    refreshing::hostile::TESTS,
    refreshing::killed::TESTS,
    refreshing::lifetime::TESTS,
    refreshing::scripted::TESTS,
    refreshing::signing::TESTS,
    refreshing::validating::TESTS,
    unit::TESTS,
    updating::TESTS,
    updating::certificates::TESTS,
    updating::controllers::TESTS,
    updating::explained::TESTS,
    updating::forwarded::TESTS,
    updating::messages::TESTS,
    updating::programs::TESTS,
    updating::reconfigured::TESTS,
    updating::replayed::TESTS,
    upstreams::TESTS,
    versions::TESTS,
    zone_folders::TESTS,
    zone_states::TESTS,
    container::TESTS,
];

fn main() -> ExitCode {
    harness::main(TESTS)
}
