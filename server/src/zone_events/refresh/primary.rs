//! What one primary has of a zone: its SOA, then what differs, or the whole zone.

use std::sync::Arc;
use std::time::Instant;

use rhumb_wire::tsig::TsigKey;
use rhumb_wire::{DomainName, MessageSection, MessageView, Rcode, Type, header, serial};
use rhumb_zones::verify::DigestPolicy;
use rhumb_zones::{
    InboundLimits, InboundProgress, InboundResult, InboundTransfer, ZoneContents, ZoneDifference,
};

use super::connection::PrimaryConnections;
use super::datagram::ask_by_datagram;
use super::exchange::{ask, expire_option};
use super::failure::RefreshFailure;
use super::line::PrimaryLine;
use super::signed_zone::check_signed_zone;
use crate::metrics::{TransferKind, TransferResult};
use crate::snapshot::{PrimaryServer, ServerState};
use crate::zone_events::load::{LoadedZone, load_contents};
use crate::zone_events::wall_clock::unix_time;

/// Records of a zone, at most.
const MOST_RECORDS: u64 = 10_000_000;
/// A zone that is not there yet may have so many bytes; one that is, twice as many as it has.
const LEAST_BYTES: u64 = 64 << 20;

/// What is wanted of a primary.
#[derive(Debug, Clone)]
pub(super) struct WantedZone {
    pub(super) name: DomainName,
    /// What is served now.
    pub(super) base: Option<Arc<ZoneContents>>,
    /// Whether the whole zone is taken, whatever its serial.
    pub(super) retransfer: bool,
    /// Whether a lower serial is taken.
    pub(super) accepts_decrease: bool,
    /// The most bytes of a transfer, if that is set.
    pub(super) max_size: Option<u64>,
    /// Whether records of differences that do not fit are passed over.
    pub(super) passes_misfits: bool,
    /// What is made of ZONEMD.
    pub(super) digest: DigestPolicy,
    /// Whether the keys of a signed version have to prove all of it.
    pub(super) validates: bool,
    /// Whether the SOA is asked for by UDP.
    pub(super) asks_by_udp: bool,
}

/// What a primary has.
#[derive(Debug)]
pub(super) enum PrimaryVersion {
    /// The version that is served.
    Same,
    /// Another one.
    New(Box<ReceivedVersion>),
}

/// A version that was transferred and checked.
#[derive(Debug)]
pub(super) struct ReceivedVersion {
    pub(super) loaded: LoadedZone,
    /// How it differs from what is served, where that is known.
    pub(super) difference: Option<Arc<ZoneDifference>>,
    pub(super) kind: TransferKind,
    pub(super) bytes: u64,
}

/// What came of asking one primary.
#[derive(Debug)]
pub(super) struct PrimaryReport {
    pub(super) version: PrimaryVersion,
    /// The serial that it has.
    pub(super) serial: u32,
    /// Seconds until the zone expires there.
    pub(super) expire: Option<u32>,
}

/// The serial that a primary has, and seconds until the zone expires there.
type PrimarySerial = (u32, Option<u32>);

/// What an answer to the question for the SOA of `zone` says.
fn serial_of(message: &[u8], zone: &DomainName) -> Result<PrimarySerial, RefreshFailure> {
    let view = MessageView::parse(message).map_err(|_| RefreshFailure::Answer)?;
    match view.rcode() {
        Ok(Rcode::NOERROR) => {}
        Ok(rcode) => return Err(RefreshFailure::Rcode(rcode)),
        Err(_) => return Err(RefreshFailure::Answer),
    }
    if view.header().flags & header::AA == 0 {
        return Err(RefreshFailure::NotAuthoritative);
    }
    let mut records = view.records().map_while(Result::ok);
    let soa = records.find(|record| {
        record.section == MessageSection::Answer && record.rtype == Type::SOA && {
            let mut owner = rhumb_wire::NameBuf::new();
            record.owner(&mut owner).is_ok() && owner.as_ref() == zone.as_ref()
        }
    });
    let numbers = soa.and_then(|soa| soa.rdata.last_chunk::<20>()).ok_or(RefreshFailure::Answer)?;
    let serial = numbers.first_chunk().map_or(0, |serial| u32::from_be_bytes(*serial));
    Ok((serial, expire_option(message)))
}

/// A primary, and what is needed to ask it.
pub(super) struct PrimaryAccess<'a> {
    pub(super) live: &'a ServerState,
    pub(super) connections: &'a PrimaryConnections,
    pub(super) server: &'a PrimaryServer,
    pub(super) key: Option<Arc<TsigKey>>,
}

impl PrimaryAccess<'_> {
    /// Asks for the SOA and takes what is newer; where there is nothing yet, the whole zone at once. Unless `whole_only` says so, for
    /// the difference first; `ixfr_failed` says that this was not to be had, whatever comes of the rest.
    ///
    /// Errors: see [`RefreshFailure`].
    pub(super) async fn fetch(
        &self,
        wanted: &WantedZone,
        whole_only: bool,
        ixfr_failed: &mut bool,
    ) -> Result<PrimaryReport, RefreshFailure> {
        let known = self.soa_by_datagram(wanted).await?;
        if let (Some((serial, expire)), Some(base)) = (known, &wanted.base)
            && serial == base.serial()
        {
            let version = PrimaryVersion::Same;
            return Ok(PrimaryReport { version, serial, expire });
        }
        let (connection, was_kept) = self.connections.take(self.server).await?;
        let mut line = PrimaryLine::new(connection, was_kept);
        let report = self.fetch_by(&mut line, wanted, known, whole_only, ixfr_failed).await;
        if report.is_ok() || report.as_ref().is_err_and(RefreshFailure::leaves_connection) {
            self.connections.keep(self.server, line.connection);
        }
        report
    }

    async fn fetch_by(
        &self,
        line: &mut PrimaryLine,
        wanted: &WantedZone,
        known: Option<PrimarySerial>,
        whole_only: bool,
        ixfr_failed: &mut bool,
    ) -> Result<PrimaryReport, RefreshFailure> {
        let base = wanted.base.as_ref().filter(|_| !wanted.retransfer);
        let Some(base) = base else {
            return self.transfer(line, TransferKind::Axfr, wanted, None, true).await;
        };
        let (theirs, expire) = match known {
            Some(known) => known,
            None => self.soa(line, &wanted.name).await?,
        };
        let ours = base.serial();
        let is_newer = serial::is_newer(theirs, ours);
        match (theirs == ours, is_newer, wanted.accepts_decrease) {
            (true, ..) => {
                let (version, serial) = (PrimaryVersion::Same, theirs);
                return Ok(PrimaryReport { version, serial, expire });
            }
            (_, true, _) => {}
            (_, false, true) => return self.transfer(line, TransferKind::Axfr, wanted, None, true).await,
            (_, false, false) => return Err(RefreshFailure::Older { theirs, ours }),
        }
        if whole_only {
            return self.transfer(line, TransferKind::Axfr, wanted, Some(theirs), true).await;
        }
        // One that was asked for its SOA a moment ago may close the connection for the request: that is a failure.
        let is_first = known.is_some();
        match self.transfer(line, TransferKind::Ixfr, wanted, Some(theirs), is_first).await {
            Ok(report) => Ok(report),
            // One that leaves the request unanswered has just answered another one.
            Err(failure) => {
                let (zone, primary) = (&wanted.name, self.server.address);
                tracing::info!(%zone, %primary, "no difference, the whole zone is asked for: {failure}");
                *ixfr_failed = true;
                if !failure.leaves_connection() {
                    line.renew(self.connections, self.server).await?;
                }
                self.transfer(line, TransferKind::Axfr, wanted, Some(theirs), true).await
            }
        }
    }

    /// Its serial, and when the zone expires there.
    async fn soa(&self, line: &mut PrimaryLine, zone: &DomainName) -> Result<PrimarySerial, RefreshFailure> {
        match self.soa_once(line, zone).await {
            Err(failure) if line.was_unusable(&failure) => {
                line.renew(self.connections, self.server).await?;
                self.soa_once(line, zone).await
            }
            done => done,
        }
    }

    async fn soa_once(
        &self,
        line: &mut PrimaryLine,
        zone: &DomainName,
    ) -> Result<PrimarySerial, RefreshFailure> {
        line.note_question();
        let connection = &mut line.connection;
        let mut answer = ask(connection, zone.as_ref(), Type::SOA, None, self.key.as_ref()).await?;
        let message = answer.next().await?;
        line.is_answered = true;
        answer.end()?;
        serial_of(&message, zone)
    }

    /// The same by UDP, where that is wanted and a version is served that it can be compared with. None where a datagram does not hold
    /// the answer.
    async fn soa_by_datagram(&self, wanted: &WantedZone) -> Result<Option<PrimarySerial>, RefreshFailure> {
        let by_udp = wanted.asks_by_udp && !wanted.retransfer && wanted.base.is_some();
        if !by_udp || self.server.tls.is_some() {
            return Ok(None);
        }
        let answer = ask_by_datagram(self.server, wanted.name.as_ref(), self.key.as_ref()).await?;
        answer.map(|message| serial_of(&message, &wanted.name)).transpose()
    }

    /// Takes a version whole, or not at all. `said` is the serial of its SOA; `again`: once more on another connection where this one had
    /// been closed.
    async fn transfer(
        &self,
        line: &mut PrimaryLine,
        kind: TransferKind,
        wanted: &WantedZone,
        said: Option<u32>,
        again: bool,
    ) -> Result<PrimaryReport, RefreshFailure> {
        let begun = Instant::now();
        let mut taken = self.take(line, kind, wanted, said).await;
        if again && taken.as_ref().is_err_and(|failure| line.was_unusable(failure)) {
            line.renew(self.connections, self.server).await?;
            taken = self.take(line, kind, wanted, said).await;
        }
        let result = if taken.is_ok() { TransferResult::Complete } else { TransferResult::Aborted };
        self.live.metrics.received().ended(kind, result, begun.elapsed());
        taken
    }

    async fn take(
        &self,
        line: &mut PrimaryLine,
        kind: TransferKind,
        wanted: &WantedZone,
        said: Option<u32>,
    ) -> Result<PrimaryReport, RefreshFailure> {
        let base = wanted.base.clone().filter(|_| kind == TransferKind::Ixfr);
        let qtype = if kind == TransferKind::Ixfr { Type::IXFR } else { Type::AXFR };
        let present = wanted.base.as_ref().map_or(0, |base| base.memory() as u64);
        let bytes = wanted.max_size.unwrap_or((2 * present).max(LEAST_BYTES));
        let limits = InboundLimits { records: MOST_RECORDS, bytes };
        let mut transfer = InboundTransfer::new(wanted.name.as_ref(), base.clone(), limits);
        if wanted.passes_misfits {
            transfer.pass_misfits();
        }
        line.note_question();
        let (connection, key) = (&mut line.connection, self.key.as_ref());
        let mut answer = ask(connection, wanted.name.as_ref(), qtype, base.as_deref(), key).await?;
        let mut expire = None;
        loop {
            let message = answer.next().await?;
            line.is_answered = true;
            self.live.metrics.received().passed(kind, message.len() as u64);
            expire = expire.or_else(|| expire_option(&message));
            if transfer.message(&message)? == InboundProgress::Complete {
                break;
            }
        }
        answer.end()?;
        let (bytes, sent) = (answer.bytes, transfer.serial());
        let is_older = |said: u32| said != sent && !serial::is_newer(sent, said);
        if let Some(said) = said.filter(|said| is_older(*said)) {
            return Err(RefreshFailure::Serial { sent, said });
        }
        let (before, digest, validates) = (wanted.base.clone(), wanted.digest, wanted.validates);
        // A large zone takes seconds.
        let finish = move || finish(transfer, before.as_deref(), (digest, validates), kind, bytes);
        let finished = tokio::task::spawn_blocking(finish).await;
        let finished = finished.map_err(|error| RefreshFailure::Zone(error.to_string()))?;
        if let Err(RefreshFailure::Unproven(_)) = &finished {
            self.live.metrics.refused_invalid();
        }
        let (version, misfits) = finished?;
        if misfits > 0 {
            let (zone, primary) = (&wanted.name, self.server.address);
            tracing::warn!(%zone, %primary, misfits, "records of the difference do not fit and are passed over");
            self.live.metrics.passed_misfits(misfits);
        }
        Ok(PrimaryReport { version, serial: sent, expire })
    }
}

/// Checks what was transferred, and finds how it differs from what is served; with the number of records that did not fit.
fn finish(
    transfer: InboundTransfer,
    before: Option<&ZoneContents>,
    (digest, validates): (DigestPolicy, bool),
    kind: TransferKind,
    bytes: u64,
) -> Result<(PrimaryVersion, u64), RefreshFailure> {
    let (contents, difference, misfits) = match transfer.finish()? {
        InboundResult::UpToDate => return Ok((PrimaryVersion::Same, 0)),
        InboundResult::Contents { contents, difference, misfits } => (*contents, difference, misfits),
    };
    let loaded = load_contents(contents, digest);
    let loaded = loaded.map_err(|problems| RefreshFailure::Zone(problems.join("; ")))?;
    if validates {
        // Times of signatures have 32 bits.
        check_signed_zone(&loaded.contents, unix_time() as u32)?;
    }
    let difference = difference.or_else(|| ZoneDifference::between(before?, &loaded.contents));
    let difference = difference.map(Arc::new);
    let received = ReceivedVersion { loaded, difference, kind, bytes };
    Ok((PrimaryVersion::New(Box::new(received)), misfits))
}
