#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rhumb_fuzz::http2_connection::run(input));
