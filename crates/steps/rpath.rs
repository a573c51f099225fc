// Included by the build script of every package that has programs or tests: they find DuckDB's shared library beside
// themselves, one folder up (tests), or in `../lib/baton` (installed). Passing the flags here, not in `rustflags`, keeps
// the compiled dependencies valid. See docs/decisions/0003-duckdb-from-npm.md.
fn link_duckdb_at_run_time() {
    println!("cargo:rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let places = match os.as_str() {
        "windows" => return,
        "macos" => ["@loader_path", "@loader_path/..", "@loader_path/../Frameworks"],
        _ => ["$ORIGIN", "$ORIGIN/..", "$ORIGIN/../lib/baton"],
    };
    for place in places {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{place}");
    }
}
