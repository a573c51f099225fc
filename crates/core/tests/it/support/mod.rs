//! What the tests share.

pub(crate) mod catalog;
pub(crate) mod generate;
