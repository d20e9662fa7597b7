#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rhumb_fuzz::signature_sets::run(input));
