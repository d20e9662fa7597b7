//! What a scripted upstream is asked and how it reacts.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::rig::message::{AA, Message, rcode};
use crate::rig::record::{Record, type_number};

/// How a message travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A stream.
    Tcp,
}

/// One query an upstream saw.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The query.
    pub message: Message,
    /// How it came.
    pub transport: Transport,
    /// From where, with the port its sender chose.
    pub from: SocketAddr,
    /// The address that was asked.
    pub to: IpAddr,
    /// When.
    pub at: Instant,
}

impl Asked {
    /// The name asked for in lower case, without the final dot.
    pub fn name(&self) -> String {
        self.message.name().trim_end_matches('.').to_ascii_lowercase()
    }

    /// An answer to this query with these records as text.
    pub fn answer(&self, lines: &[&str]) -> Act {
        Act::Reply(Message::reply_to(&self.message).answers(lines))
    }

    /// An answer to this query with this response code and nothing in it.
    pub fn code(&self, code: u16) -> Act {
        Act::Reply(Message::reply_to(&self.message).with_rcode(code))
    }
}

/// What an upstream does on a query.
#[derive(Debug, Clone)]
pub enum Act {
    /// Nothing.
    Silent,
    /// Sends a message.
    Reply(Message),
    /// Sends bytes as they are.
    Raw(Vec<u8>),
    /// Does something later; others are served meanwhile.
    After(Duration, Box<Act>),
    /// Does several things in this order.
    Each(Vec<Act>),
    /// Closes the stream; nothing over UDP.
    Close,
}

impl Act {
    /// The same, later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self::After(delay, Box::new(self))
    }

    /// Whether a part of it comes later than the rest.
    pub(super) fn waits(&self) -> bool {
        match self {
            Self::After(..) => true,
            Self::Each(acts) => acts.iter().any(Self::waits),
            Self::Silent | Self::Reply(_) | Self::Raw(_) | Self::Close => false,
        }
    }
}

/// The reaction to each query.
pub type Script = Arc<dyn Fn(&Asked) -> Act + Send + Sync>;

/// A script from a function.
pub fn script(reaction: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Script {
    Arc::new(reaction)
}

/// Answers every name that is asked for an A with this address (TTL 300), and other types with NODATA.
pub fn every_name(address: &str) -> Script {
    let address = address.to_owned();
    script(move |asked| {
        if asked.message.kind() != type_number("A") {
            return no_data(asked);
        }
        let line = format!("{} 300 IN A {address}", asked.message.name());
        asked.answer(&[&line])
    })
}

/// Answers from these records as text; names that have none get NXDOMAIN, types that have none NODATA.
pub fn records(lines: &[&str]) -> Script {
    let mut names: HashMap<String, Vec<Record>> = HashMap::new();
    for line in lines {
        let record = Record::from_text(line);
        names.entry(record.owner.trim_end_matches('.').to_ascii_lowercase()).or_default().push(record);
    }
    script(move |asked| {
        let Some(records) = names.get(&asked.name()) else {
            return match no_data(asked) {
                Act::Reply(message) => Act::Reply(message.with_rcode(rcode::NXDOMAIN)),
                other => other,
            };
        };
        let mut found: Vec<Record> = records
            .iter()
            .filter(|record| [asked.message.kind(), 5].contains(&record.kind))
            .cloned()
            .collect();
        if found.is_empty() {
            return no_data(asked);
        }
        // The owner is written as it was asked, as nameservers do.
        for record in &mut found {
            asked.message.name().clone_into(&mut record.owner);
        }
        Act::Reply(Message { answer: found, ..Message::reply_to(&asked.message) })
    })
}

/// A negative answer with the SOA of the top-level domain, whose negative TTL is 60 s.
pub fn no_data(asked: &Asked) -> Act {
    let name = asked.name();
    let top = name.rsplit('.').next().unwrap_or("");
    let soa = format!("{top}. 60 IN SOA ns.{top}. host.{top}. 1 3600 600 86400 60");
    let reply = Message::reply_to(&asked.message).authorities(&[&soa]);
    Act::Reply(Message { flags: reply.flags | AA, ..reply })
}
