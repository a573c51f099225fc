//! What the data folder promises, seen from outside.

mod common;

mod append;
mod crash;
mod damage;
mod keeps;
mod opening;
mod writers;
