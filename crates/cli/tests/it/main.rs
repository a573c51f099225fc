//! The `baton` program from outside: every command, every exit code, every shape of `--json`.

mod bad_input;
mod data_folder;
mod files;
mod history;
mod interrupts;
mod runs;
mod serving;
mod support;
