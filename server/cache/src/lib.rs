//! Answers learnt from others, with age and provenance.
