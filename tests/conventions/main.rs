//! What holds for the source tree as a whole.
