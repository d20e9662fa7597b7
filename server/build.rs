//! Decides whether panics can be injected: in the profile `ci`, which the black-box tests run, and in no other.

use std::path::PathBuf;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(rhumb_test_hooks)");
    println!("cargo::rerun-if-changed=build.rs");
    // Cargo tells a build script nothing but the folder: target/PROFILE/build/PACKAGE/out.
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from);
    let profile = out.as_ref().and_then(|out| out.ancestors().nth(3)?.file_name());
    if profile.is_some_and(|profile| profile == "ci") {
        println!("cargo::rustc-cfg=rhumb_test_hooks");
    }
}
