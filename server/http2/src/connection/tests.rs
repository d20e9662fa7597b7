//! Frames of a client, written by hand, and what comes of them.

mod client;
mod control;
mod floods;
mod requests;
mod responses;
mod splitting;
