//! What must hold for Baton as a whole: the shape of the project, and journeys across all of its crates.

mod crash;
mod pages;
mod samples;
mod stopped;
mod targets;
mod tidy;
