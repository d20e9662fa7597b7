//! Asks the resolver of this server whom the parent of a zone wants to be told (RFC 9859 section 4.1). What it validates is not said to
//! be valid again here: an answer that is bogus is none.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use rhumb_wire::{Class, DomainName, MessageRecord, MessageSection, MessageView, NameRef, Rcode, Type};

use super::endpoint_search::{EndpointAnswer, EndpointSearch, ParentEndpoint};
use crate::snapshot::OwnLookups;

/// Look-ups of one search: a parent that is far above takes three, and more are made only where answers contradict each other.
const MOST_LOOKUPS: usize = 8;
/// Addresses of a server that are used.
const MOST_ADDRESSES: usize = 8;

/// Where messages about the records `rtype` of a zone go; none where its parent wants none.
///
/// Errors: a look-up has failed, in words.
pub(super) async fn find_endpoint(
    lookups: &OwnLookups,
    zone: NameRef<'_>,
    rtype: Type,
) -> Result<Option<ParentEndpoint>, String> {
    let Some(mut search) = EndpointSearch::new(zone) else { return Ok(None) };
    for _ in 0..MOST_LOOKUPS {
        let Some(name) = search.name() else { return Ok(None) };
        let response = ask(lookups, &name, Type::DSYNC).await?;
        match EndpointAnswer::read(&response, rtype) {
            EndpointAnswer::Found(endpoint) => return Ok(endpoint),
            EndpointAnswer::Failed(rcode) => return Err(format!("{name} DSYNC: {rcode}")),
            EndpointAnswer::Denied(soa) => {
                if !search.denied(soa.as_ref().map(DomainName::as_ref)) {
                    return Ok(None);
                }
            }
        }
    }
    Err(format!("the answers for DSYNC records of the parent of {zone} contradict each other"))
}

/// The addresses of the server that a parent names, one at least. Where those of one family cannot be had, the others are enough.
///
/// Errors: there is none, in words.
pub(super) async fn find_addresses(
    lookups: &OwnLookups,
    endpoint: &ParentEndpoint,
) -> Result<Vec<SocketAddr>, String> {
    let target = &endpoint.target;
    let (v6, v4) = tokio::join!(ask(lookups, target, Type::AAAA), ask(lookups, target, Type::A));
    let (mut found, mut failure) = (Vec::new(), None);
    for response in [v6, v4] {
        match response.and_then(|response| addresses(target, &response)) {
            Ok(addresses) => found.extend(addresses),
            Err(why) => failure = Some(why),
        }
    }
    found.truncate(MOST_ADDRESSES);
    if found.is_empty() {
        return Err(failure.unwrap_or_else(|| format!("{target} has no address that can be used")));
    }
    Ok(found.into_iter().map(|ip| SocketAddr::new(ip, endpoint.port)).collect())
}

async fn ask(lookups: &OwnLookups, name: &DomainName, rtype: Type) -> Result<Vec<u8>, String> {
    lookups.ask(name.clone(), rtype).await.ok_or_else(|| format!("{name} {rtype}: no answer"))
}

fn addresses(target: &DomainName, response: &[u8]) -> Result<Vec<IpAddr>, String> {
    let message = MessageView::parse(response).map_err(|error| format!("{target}: {error}"))?;
    let rcode = message.rcode().unwrap_or(Rcode::FORMERR);
    if rcode != Rcode::NOERROR {
        return Err(format!("the addresses of {target}: {rcode}"));
    }
    let address = |record: MessageRecord<'_>| {
        if record.section != MessageSection::Answer || record.class != Class::IN {
            return None;
        }
        match record.rtype {
            Type::A => <[u8; 4]>::try_from(record.rdata).ok().map(|octets| Ipv4Addr::from(octets).into()),
            Type::AAAA => <[u8; 16]>::try_from(record.rdata).ok().map(IpAddr::from),
            _ => None,
        }
    };
    let records = message.records().map_while(Result::ok);
    Ok(records.filter_map(address).filter(is_usable).collect())
}

/// A parent has no business with what listens on this host alone, nor with more than one server at a time.
fn is_usable(ip: &IpAddr) -> bool {
    let ip = ip.to_canonical();
    !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::V4(Ipv4Addr::BROADCAST)
}
