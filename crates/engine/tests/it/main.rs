//! Behaviour of the engine with a real store, as one test program.

mod carrying_out;
mod interruption;
mod people;
mod support;
mod sub_workflows;
mod trouble;
