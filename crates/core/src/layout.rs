//! Places for steps that have none.
