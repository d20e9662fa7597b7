//! `rhumb explain --update`: which rule admits or denies each record of an update, and which prerequisites hold. Nothing is changed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use rhumb_wire::header::MessageHeader;
use rhumb_wire::tsig::TsigRecord;
use rhumb_wire::{DomainName, NameRef, Opcode, Rcode};
use rhumb_zones::file::rdata_text;
use rhumb_zones::{
    UpdateBatch, UpdateGrant, UpdateMessage, UpdateOperation, UpdatePermission, UpdateRefusal, UpdateSummary,
    ZoneContents,
};

use super::update_explanation::{
    ExplainedOperation, ExplainedPrerequisite, ExplainedUpdate, UpdateExplanation,
};
use super::update_script::parse_script;
use crate::snapshot::{ServerSnapshot, ServerState, ZoneEntry};
use crate::zone_events::UPDATE_LIMITS;

/// A message, and what is said of its sender.
struct AskedUpdate {
    zone: DomainName,
    key: Option<DomainName>,
    wire: Vec<u8>,
}

/// Whom updates are taken to come from.
pub(super) struct UpdateSender {
    /// Its address.
    pub(super) client: IpAddr,
    /// What it signs with, where the file says nothing else.
    pub(super) key: Option<DomainName>,
    /// A name of the certificate that it shows, if it shows one.
    pub(super) tls_name: Option<DomainName>,
}

/// Tells what would become of the messages of a file, each seeing what those before it would do: an nsupdate script, or one message as
/// bytes.
///
/// Errors: the file cannot be read, in words.
pub(super) fn explain_updates(
    live: &ServerState,
    file: &[u8],
    sender: &UpdateSender,
) -> Result<UpdateExplanation, String> {
    let snapshot = live.snapshot.load_full();
    let asked = messages(file, sender.key.as_ref(), &snapshot)?;
    // What the messages are about, which has to outlive what they make of it.
    let zones: Vec<Option<(&ZoneEntry, Arc<ZoneContents>)>> = asked
        .iter()
        .map(|update| {
            let entry = snapshot.view.zone_at(&update.zone)?;
            Some((entry, entry.zone.contents()?))
        })
        .collect();
    let mut batches: HashMap<&DomainName, UpdateBatch<'_>> = HashMap::new();
    let mut told = UpdateExplanation::default();
    for (update, zone) in asked.iter().zip(&zones) {
        let zone = zone.as_ref().map(|(entry, contents)| (*entry, &**contents));
        let begun = ExplainedUpdate {
            zone: update.zone.to_string(),
            client: sender.client.to_string(),
            key: update.key.as_ref().map(ToString::to_string),
            tls_name: sender.tls_name.as_ref().map(ToString::to_string),
            ..ExplainedUpdate::default()
        };
        told.messages.push(match unfit(live, &snapshot, update, zone) {
            Err((rcode, verdict)) => ExplainedUpdate { rcode: rcode.to_string(), verdict, ..begun },
            Ok((entry, contents)) => {
                let batch =
                    batches.entry(&update.zone).or_insert_with(|| UpdateBatch::new(contents, UPDATE_LIMITS));
                judge(batch, &snapshot, entry, (update, sender), begun)
            }
        });
    }
    Ok(told)
}

/// The messages of a file, each with its zone: where the script names none, the one that holds the first name.
fn messages(
    file: &[u8],
    key: Option<&DomainName>,
    snapshot: &ServerSnapshot,
) -> Result<Vec<AskedUpdate>, String> {
    let head = MessageHeader::parse(file).filter(|_| file.contains(&0));
    if head.is_some_and(|head| head.opcode() == Opcode::UPDATE && !head.is_response()) {
        let message = UpdateMessage::parse(file).map_err(|refusal| refusal.to_string())?;
        let signed = TsigRecord::find(file).ok().flatten().map(|tsig| tsig.key_name().to_name());
        let (zone, key) = (message.zone().to_name(), signed.or_else(|| key.cloned()));
        return Ok(vec![AskedUpdate { zone, key, wire: file.to_vec() }]);
    }
    let text = str::from_utf8(file).map_err(|_| "the file is neither a script nor an UPDATE message")?;
    let asked = parse_script(text)?.into_iter().map(|message| {
        let zone = message.zone.clone().or_else(|| zone_of(message.first_owner()?, snapshot));
        let zone = zone.ok_or("no zone here has the names of the file; `zone` says which is meant")?;
        let wire = message.to_wire(zone.as_ref())?;
        Ok(AskedUpdate { zone, key: message.key.or_else(|| key.cloned()), wire })
    });
    asked.collect()
}

/// The zone with the longest name that this one lies in.
fn zone_of(name: NameRef<'_>, snapshot: &ServerSnapshot) -> Option<DomainName> {
    let mut above = std::iter::successors(Some(name), |name| name.parent());
    above.find_map(|name| Some(snapshot.view.zone_at(&name.to_name())?.zone.name().clone()))
}

/// The zone that a message is for, if it could change it. Errors: what it would be answered, and why.
fn unfit<'z>(
    live: &ServerState,
    snapshot: &ServerSnapshot,
    update: &AskedUpdate,
    zone: Option<(&'z ZoneEntry, &'z ZoneContents)>,
) -> Result<(&'z ZoneEntry, &'z ZoneContents), (Rcode, String)> {
    let name = &update.zone;
    let Some(entry) = snapshot.view.zone_at(name) else {
        return Err((Rcode::NOTAUTH, format!("no zone here is called {name}")));
    };
    if let Some(secondary) = &entry.origin.secondary {
        return Err(if secondary.terms.forwards_updates {
            (Rcode::NOERROR, "it is passed on to a primary, whose rules decide".to_owned())
        } else {
            (Rcode::NOTAUTH, "the zone comes from other servers, and `forward-updates` is false".to_owned())
        });
    }
    if let Some(key) = &update.key
        && snapshot.settings.keys.find(key.as_ref()).is_none()
    {
        return Err((Rcode::NOTAUTH, format!("no key in `keys` is called {key}")));
    }
    if live.frozen.has(name) {
        return Err((Rcode::REFUSED, "the zone is frozen: `rhumb zone thaw` takes updates again".to_owned()));
    }
    zone.ok_or_else(|| (Rcode::SERVFAIL, "the zone is not loaded".to_owned()))
}

/// What rules and prerequisites say of a message, and what it would do.
fn judge(
    batch: &mut UpdateBatch<'_>,
    snapshot: &ServerSnapshot,
    entry: &ZoneEntry,
    (update, sender): (&AskedUpdate, &UpdateSender),
    begun: ExplainedUpdate,
) -> ExplainedUpdate {
    let refused = |refusal: &UpdateRefusal, told: ExplainedUpdate| ExplainedUpdate {
        rcode: refusal.rcode().to_string(),
        verdict: format!("it is refused: {refusal}"),
        ..told
    };
    let message = match UpdateMessage::parse(&update.wire) {
        Ok(message) => message,
        Err(refusal) => return refused(&refusal, begun),
    };
    let key = update.key.as_ref().and_then(|name| snapshot.settings.keys.find(name.as_ref()));
    let key = key.map(|key| &**key);
    // The rules that are for the client, with their places among all.
    let rules: Vec<(usize, &UpdateGrant)> = (1..)
        .zip(&entry.origin.update)
        .filter_map(|(number, rule)| {
            Some((number, rule.grant(sender.client, key, sender.tls_name.as_slice())?))
        })
        .collect();
    let grants: Vec<&UpdateGrant> = rules.iter().map(|(_, grant)| *grant).collect();
    let permission = UpdatePermission { grants: &grants, key: key.map(|key| key.name()) };
    let place = entry.place();
    let rule = |at: usize| Some(format!("{place}, rule {} of `update`", rules.get(at)?.0));
    let mut told = ExplainedUpdate {
        prerequisites: message
            .prerequisites()
            .iter()
            .map(|condition| ExplainedPrerequisite {
                what: condition.to_string(),
                holds: batch.check(condition).is_ok(),
            })
            .collect(),
        ..begun
    };
    told.records = message
        .operations()
        .iter()
        .map(|operation| {
            let what = in_words(operation);
            match batch.permits(operation, &permission) {
                Ok(at) => ExplainedOperation { what, admitted: true, rule: rule(at), why: None },
                Err(refusal) => {
                    let why =
                        if grants.is_empty() { UpdateRefusal::NoRule.to_string() } else { why(&refusal) };
                    ExplainedOperation { what, admitted: false, rule: None, why: Some(why) }
                }
            }
        })
        .collect();
    match batch.apply(&message, &permission) {
        Err(refusal) => refused(&refusal, told),
        Ok(UpdateSummary { added, removed, ignored }) => {
            for left_out in ignored {
                if let Some(record) = told.records.get_mut(left_out.index) {
                    record.why = Some(format!("left out: {}", left_out.reason));
                }
            }
            let verdict = format!("it would be carried out: {added} added, {removed} removed");
            ExplainedUpdate { rcode: Rcode::NOERROR.to_string(), verdict, ..told }
        }
    }
}

/// Why a record is denied, without the record.
fn why(refusal: &UpdateRefusal) -> String {
    match refusal {
        UpdateRefusal::Denied(_) => "no rule of the zone allows it".to_owned(),
        other => other.to_string(),
    }
}

fn in_words(operation: &UpdateOperation) -> String {
    match operation {
        UpdateOperation::Add { owner, rtype, ttl, rdata } => {
            format!("add {owner} {ttl} {rtype} {}", rdata_text(*rtype, rdata))
        }
        UpdateOperation::RemoveRecord { owner, rtype, rdata } => {
            format!("delete {owner} {rtype} {}", rdata_text(*rtype, rdata))
        }
        other => other.to_string(),
    }
}
