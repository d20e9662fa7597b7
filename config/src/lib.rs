//! The configuration: YAML in, one immutable Config out.
