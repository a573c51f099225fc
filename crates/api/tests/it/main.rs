//! Behaviour of the commands with a real data folder, as one test program.

mod opening;
mod running;
mod saving;
mod support;
