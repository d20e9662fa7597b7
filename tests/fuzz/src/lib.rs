//! What the fuzz targets do with their input: read it as the server would, and look whether what comes out keeps its
//! promises. A broken promise is a panic.
//!
//! Plain functions, so that an ordinary test can replay the corpus through them.
#![allow(unreachable_pub, reason = "a module of the test that replays the corpus, a library for the targets")]

pub mod answer;
pub mod config;
pub mod denial_proofs;
pub mod doq_stream;
pub mod hostile_network;
pub mod hostile_reply;
pub mod http2_connection;
pub mod http_request;
pub mod input_script;
pub mod journal;
pub mod proof_chain;
pub mod proxy_header;
pub mod query;
pub mod resolv_conf;
pub mod resolver_steps;
pub mod signature_sets;
pub mod tsig;
pub mod update;
pub mod upstream_answer;
pub mod walk;
pub mod zone_file;
pub mod zone_model;
