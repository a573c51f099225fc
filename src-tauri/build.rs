//! Declares the two commands that the page may call, so that each needs a permission of its own.

include!("../crates/steps/rpath.rs");

fn main() {
    link_duckdb_at_run_time();
    // The page is compiled into the program: a new build of the UI must give a new program.
    println!("cargo:rerun-if-changed=../ui/dist");
    let manifest = tauri_build::AppManifest::new().commands(&["rpc", "subscribe"]);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    tauri_build::try_build(attributes).expect("the configuration beside this file is valid");
}
