//! `parquet` of ../src/lib.rs on the bytes that libFuzzer makes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    unhat_fuzz::parquet(bytes);
});
