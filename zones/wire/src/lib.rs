//! DNS messages as bytes: read views, and writing into a caller's buffer.
