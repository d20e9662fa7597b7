//! Black-box tests of the rhumb binary, and the rig they run on.
