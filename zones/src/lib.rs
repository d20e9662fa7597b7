//! Zone contents, zone files, lookup and answers.
