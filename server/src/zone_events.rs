//! What happens to zones while they are served.

mod load;

pub use load::{Ready, Refused, load, load_to_check};
