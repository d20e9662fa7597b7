//! Why a question could not be answered.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{DomainName, Rcode, Type};

use crate::exchange::UnusableReply;
use crate::network::SpoofSignal;
use crate::validate::ValidationFailure;

/// Why there is no answer; the client gets SERVFAIL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IterationFailure {
    /// No server of the zone replied.
    #[error("{}", silence(zone, *servers))]
    Silence {
        /// The zone whose servers were asked.
        zone: DomainName,
        /// Servers asked.
        servers: usize,
    },
    /// Those servers of the zone that were asked so far have not replied.
    #[error("{asked} of {servers} servers of {zone} asked so far, all silent")]
    SilenceSoFar {
        /// The zone whose servers are asked.
        zone: DomainName,
        /// Servers that were asked.
        asked: usize,
        /// Servers that are to be asked.
        servers: usize,
    },
    /// The servers of the zone replied with this code, the last of them.
    #[error("servers of {zone} say {rcode}")]
    Refused {
        /// The zone whose servers were asked.
        zone: DomainName,
        /// The code.
        rcode: Rcode,
    },
    /// What the servers of the zone replied is not to be used.
    #[error("no usable reply from {zone}: {why}")]
    Unusable {
        /// The zone whose servers were asked.
        zone: DomainName,
        /// Why.
        why: UnusableReply,
    },
    /// Replies of the zone's servers may have been forged.
    #[error("no reply from {zone} that can be trusted: {why}")]
    Untrusted {
        /// The zone whose servers were asked.
        zone: DomainName,
        /// Why.
        why: SpoofSignal,
    },
    /// The reply is longer than a datagram, and no server of the zone replies over TCP.
    #[error("the reply from {0} does not fit a datagram, and none comes over TCP")]
    NoStream(DomainName),
    /// The zone has no server whose address can be found.
    #[error("no server of {zone} has an address that can be asked{}", because(why.as_deref()))]
    NoAddress {
        /// The zone.
        zone: DomainName,
        /// Why the first of its servers has none, as far as it was looked for.
        why: Option<Box<Self>>,
    },
    /// A nameserver is not there.
    #[error("{name} {}", if *.exists { "has no address" } else { "does not exist" })]
    NoServer {
        /// Its name.
        name: DomainName,
        /// Whether there is anything of this name.
        exists: bool,
    },
    /// So many addresses of nameservers were looked for in vain as may be.
    #[error("more addresses of nameservers were looked for in vain than one question may cost")]
    AddressBudget,
    /// The routing table knows no way to any server of the zone.
    #[error("no route to any server of {0}")]
    NoRoute(DomainName),
    /// So many queries to the servers of the zone are under way as may be.
    #[error("too many queries to the servers of {0} are under way")]
    Full(DomainName),
    /// The address of a nameserver is asked for to find that same address.
    #[error("the address of {0} leads to itself")]
    Circle(DomainName),
    /// It was tried a moment ago in vain.
    #[error("{name} {rtype} could not be found a moment ago")]
    Remembered {
        /// The name.
        name: DomainName,
        /// The type.
        rtype: Type,
    },
    /// Aliases lead back to where they were.
    #[error("the aliases of {0} form a loop")]
    Loop(DomainName),
    /// The chain of aliases is too long.
    #[error("more than {max} aliases in a row from {0}", max = super::limits::LINKS)]
    TooManyLinks(DomainName),
    /// What a DNAME makes of a name is too long (RFC 6672 section 2.2); the client gets YXDOMAIN.
    #[error("the DNAME of {dname} makes a name too long of {name}")]
    NameTooLong {
        /// The owner of the DNAME.
        dname: DomainName,
        /// The name.
        name: DomainName,
    },
    /// The time is over.
    #[error("no answer within the time for one question")]
    Deadline,
    /// So much as a question may cost was spent.
    #[error("more messages or bytes than one question may cost")]
    Budget,
    /// Nameservers whose addresses need other nameservers, too deep.
    #[error("addresses of nameservers lead too many questions deep")]
    Depth,
    /// The name says of a key of the root what is not so (RFC 8509).
    #[error("root key sentinel: key {tag} of the root is {}trusted", if *.trusted { "" } else { "not " })]
    Sentinel {
        /// The tag of the key.
        tag: u16,
        /// Whether it is trusted.
        trusted: bool,
    },
    /// It is bogus.
    #[error(transparent)]
    Bogus(#[from] ValidationFailure),
    /// The answer does not fit a message.
    #[error("the answer is longer than a message")]
    TooLong,
}

impl IterationFailure {
    /// The code that tells a client the cause (RFC 8914).
    pub const fn extended_error(&self) -> ExtendedError {
        match self {
            // RFC 8914 section 4.23: servers that refuse to answer are no more to be reached than silent ones.
            Self::Silence { .. }
            | Self::SilenceSoFar { .. }
            | Self::Refused { .. }
            | Self::NoStream(_)
            | Self::NoAddress { .. }
            | Self::NoServer { .. }
            | Self::Circle(_) => ExtendedError::NoReachableAuthority,
            Self::Bogus(failure) => failure.extended_error(),
            Self::Sentinel { .. } => ExtendedError::DnssecBogus,
            Self::NoRoute(_) => ExtendedError::NetworkError,
            Self::Unusable { .. } | Self::Untrusted { .. } => ExtendedError::InvalidData,
            Self::Remembered { .. } => ExtendedError::CachedError,
            Self::Loop(_)
            | Self::NameTooLong { .. }
            | Self::TooManyLinks(_)
            | Self::Deadline
            | Self::Budget
            | Self::AddressBudget
            | Self::Depth
            | Self::Full(_)
            | Self::TooLong => ExtendedError::Other,
        }
    }

    /// Whether it lies in the aliases or the name that was asked for, not in what one of the names has.
    pub(super) const fn is_of_the_chain(&self) -> bool {
        matches!(
            self,
            Self::Loop(_) | Self::TooManyLinks(_) | Self::NameTooLong { .. } | Self::Sentinel { .. }
        )
    }

    /// Whether the next question may well end otherwise: nothing was found out about the name itself.
    pub(super) const fn is_of_the_question(&self) -> bool {
        matches!(
            self,
            Self::Deadline
                | Self::Budget
                | Self::AddressBudget
                | Self::Depth
                | Self::Circle(_)
                | Self::Full(_)
        )
    }
}

/// Why, behind what it is the cause of.
fn because(why: Option<&IterationFailure>) -> String {
    why.map_or_else(String::new, |why| format!(": {why}"))
}

fn silence(zone: &DomainName, servers: usize) -> String {
    match servers {
        1 => format!("the only server of {zone} is silent"),
        _ => format!("all {servers} servers of {zone} silent"),
    }
}

#[cfg(test)]
mod tests {
    use rhumb_wire::edns::ExtendedError as Code;

    use super::*;

    fn name(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    fn zone() -> DomainName {
        name("example.com")
    }

    fn check<const N: usize>(rows: [(IterationFailure, Code, &str); N]) {
        for (failure, code, text) in rows {
            assert_eq!((failure.extended_error(), failure.to_string().as_str()), (code, text));
        }
    }

    /// Every cause of SERVFAIL that servers give, its code and its text.
    #[test]
    fn failures_of_servers_have_their_codes_and_name_their_cause() {
        let silence = |servers| IterationFailure::Silence { zone: zone(), servers };
        let so_far = IterationFailure::SilenceSoFar { zone: zone(), asked: 4, servers: 13 };
        let some = "4 of 13 servers of example.com. asked so far, all silent";
        let refused = IterationFailure::Refused { zone: zone(), rcode: Rcode::REFUSED };
        let unusable = IterationFailure::Unusable { zone: zone(), why: UnusableReply::Lame };
        let no_address = "no server of example.com. has an address that can be asked";
        let lame = "no usable reply from example.com.: neither an answer nor a referral downwards";
        let no_stream = "the reply from example.com. does not fit a datagram, and none comes over TCP";
        let untrusted = IterationFailure::Untrusted { zone: zone(), why: SpoofSignal::WrongCase };
        let not_trusted =
            "no reply from example.com. that can be trusted: the question came back in another case";
        let (ns, leads) = ("ns.example.com.", "the address of ns.example.com. leads to itself");
        let circle = || IterationFailure::Circle(name(ns));
        let nobody = |exists| IterationFailure::NoServer { name: name(ns), exists };
        let without = |why| IterationFailure::NoAddress { zone: zone(), why: Some(Box::new(why)) };
        let no_server_at_all = IterationFailure::NoAddress { zone: zone(), why: None };
        check([
            (silence(4), Code::NoReachableAuthority, "all 4 servers of example.com. silent"),
            (so_far, Code::NoReachableAuthority, some),
            (silence(1), Code::NoReachableAuthority, "the only server of example.com. is silent"),
            (refused, Code::NoReachableAuthority, "servers of example.com. say REFUSED"),
            (unusable, Code::InvalidData, lame),
            (no_server_at_all, Code::NoReachableAuthority, no_address),
            (without(circle()), Code::NoReachableAuthority, &format!("{no_address}: {leads}")),
            (
                without(nobody(true)),
                Code::NoReachableAuthority,
                &format!("{no_address}: {ns} has no address"),
            ),
            (nobody(false), Code::NoReachableAuthority, &format!("{ns} does not exist")),
            (IterationFailure::NoStream(zone()), Code::NoReachableAuthority, no_stream),
            (untrusted, Code::InvalidData, not_trusted),
            (IterationFailure::NoRoute(zone()), Code::NetworkError, "no route to any server of example.com."),
            (circle(), Code::NoReachableAuthority, leads),
        ]);
    }

    /// What lies in the chain, what in the question alone, and what in neither.
    #[test]
    fn what_a_failure_is_of() {
        let too_long = IterationFailure::NameTooLong { dname: zone(), name: zone() };
        let sentinel = IterationFailure::Sentinel { tag: 1, trusted: true };
        let silence = IterationFailure::Silence { zone: zone(), servers: 1 };
        for (failure, of_chain, of_question) in [
            (IterationFailure::Loop(zone()), true, false),
            (IterationFailure::TooManyLinks(zone()), true, false),
            (too_long, true, false),
            (sentinel, true, false),
            (IterationFailure::Deadline, false, true),
            (IterationFailure::Budget, false, true),
            (IterationFailure::AddressBudget, false, true),
            (IterationFailure::Depth, false, true),
            (IterationFailure::Circle(zone()), false, true),
            (IterationFailure::Full(zone()), false, true),
            (silence, false, false),
            (IterationFailure::NoRoute(zone()), false, false),
            (IterationFailure::TooLong, false, false),
        ] {
            let found = (failure.is_of_the_chain(), failure.is_of_the_question());
            assert_eq!(found, (of_chain, of_question), "{failure}");
        }
    }

    /// The causes that the test above has not.
    #[test]
    fn failures_of_bounds_have_their_codes_and_name_their_cause() {
        let remembered = IterationFailure::Remembered { name: zone(), rtype: Type::MX };
        let sentinel = IterationFailure::Sentinel { tag: 20_326, trusted: false };
        let bogus = IterationFailure::Bogus(ValidationFailure::NoKeys(zone()));
        let too_long = IterationFailure::NameTooLong { dname: zone(), name: name("www.example.com") };
        let links = "more than 11 aliases in a row from example.com.";
        let depth = "addresses of nameservers lead too many questions deep";
        let addresses = "more addresses of nameservers were looked for in vain than one question may cost";
        let not_trusted = "root key sentinel: key 20326 of the root is not trusted";
        check([
            (remembered, Code::CachedError, "example.com. MX could not be found a moment ago"),
            (IterationFailure::Loop(zone()), Code::Other, "the aliases of example.com. form a loop"),
            (IterationFailure::TooManyLinks(zone()), Code::Other, links),
            (too_long, Code::Other, "the DNAME of example.com. makes a name too long of www.example.com."),
            (IterationFailure::Deadline, Code::Other, "no answer within the time for one question"),
            (IterationFailure::Budget, Code::Other, "more messages or bytes than one question may cost"),
            (IterationFailure::AddressBudget, Code::Other, addresses),
            (IterationFailure::Depth, Code::Other, depth),
            (sentinel, Code::DnssecBogus, not_trusted),
            (bogus, Code::DnskeyMissing, "example.com. has no DNSKEY"),
            (IterationFailure::TooLong, Code::Other, "the answer is longer than a message"),
        ]);
    }
}
