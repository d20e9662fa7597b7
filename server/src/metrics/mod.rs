//! Counters of the server and the page they are read from.
//!
//! The query path counts into a [`CounterBlock`] that belongs to its thread alone; everything slower counts through the
//! handles of [`ServerMetrics`], and what others already know (sizes, serials) is asked of them at scrape time through
//! [`SampleSource`]. Nothing is ever labelled by client or query name, and every label has a bounded number of values.

pub mod block;
mod cache_file_figures;
pub mod client_counters;
pub mod figures;
pub mod handles;
mod histogram;
pub mod http;
pub mod labelled_handles;
mod labels;
pub mod names;
pub mod registry;
pub mod samples;
mod scrape;
mod sizes;
#[cfg(test)]
mod text;
mod transfer_figures;

pub use block::CounterBlock;
pub use cache_file_figures::{CacheFileFigures, CacheFileReading};
pub use figures::TrafficFigures;
pub use handles::{
    CertificateFigures, ForwardedDomain, GaugeUnit, ListMetrics, StateLogFigures, UpstreamMetrics,
};
pub use labels::{
    AccessList, AnswerSecurity, CacheEvent, ClientFamily, DisplacedState, DomainSource, DropReason,
    HandshakeResult, KeyExchangeLabel, LookupResult, NotifyInResult, NotifyResult, ProxyHeaderResult,
    RefuseReason, ReloadResult, ResponseSource, StreamFault, SuspiciousReply, TlsVersionLabel, TransferKind,
    TransferResult, TsigReason, UpdateResult, UpstreamFailure, WorkBound, ZoneState,
};
pub use registry::ServerMetrics;
pub use samples::{MetricSamples, SampleSource, SecondarySample, ZoneSample};
pub use transfer_figures::TransferFigures;
