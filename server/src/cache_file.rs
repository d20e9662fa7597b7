//! What was learnt of authoritative servers, kept in the folder of the state over a restart.
//!
//! One thread of low priority writes the file every few minutes and at the end: under another name, synced, renamed, its folder synced.
//! So there is always one whole file or none. At the start it is read with suspicion: checksums first, then each entry as if it came
//! from the network. How old an entry is comes from the clock of the host, and a clock that went back makes the file useless. What was
//! learnt of servers that the configuration no longer names is left out, and what validation found counts only where it would validate
//! as it did.

mod file_error;
mod file_head;
mod file_thread;
mod frames;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use file_thread::CacheFile;
