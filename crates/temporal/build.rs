//! Lets the programs and tests of this package find DuckDB's shared library.
include!("../steps/rpath.rs");

fn main() {
    link_duckdb_at_run_time();
}
