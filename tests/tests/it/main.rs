//! What must hold for Baton as a whole: the shape of the project, and journeys across all of its crates.

mod pages;
mod tidy;
