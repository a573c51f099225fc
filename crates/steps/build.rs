//! Puts DuckDB's shared library beside the programs of this build, where their run paths look.
include!("rpath.rs");

use std::path::{Path, PathBuf};

fn main() {
    link_duckdb_at_run_time();
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let name = match os.as_str() {
        "windows" => "duckdb.dll",
        "macos" => "libduckdb.dylib",
        _ => "libduckdb.so",
    };
    let (Ok(from), Ok(out)) = (std::env::var("DUCKDB_LIB_DIR"), std::env::var("OUT_DIR")) else {
        return;
    };
    let from = Path::new(&from).join(name);
    if !from.exists() {
        println!(
            "cargo:warning=`{}` is missing: run `npm install` to get DuckDB's library",
            from.display()
        );
        return;
    }
    // <target>/<profile>/build/<package>/out
    let Some(profile) = Path::new(&out).ancestors().nth(3).map(PathBuf::from) else {
        return;
    };
    let to = profile.join(name);
    println!("cargo:rerun-if-changed={}", to.display());
    let put = remove(&to).and_then(|()| place(&from, &to));
    if let Err(error) = put {
        println!("cargo:warning=could not put `{name}` beside the programs: {error}");
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A link costs nothing; where links are not possible, a copy of 70 MB.
#[cfg(unix)]
fn place(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(std::fs::canonicalize(from)?, to)
}

#[cfg(not(unix))]
fn place(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::copy(from, to).map(|_| ())
}
