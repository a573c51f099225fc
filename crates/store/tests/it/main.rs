//! What the data folder promises, seen from outside.

mod common;

mod append;
mod backup;
mod checkpoints;
mod crash;
mod damage;
mod keeps;
mod opening;
mod salvage;
mod starts;
mod triggers;
mod writers;
