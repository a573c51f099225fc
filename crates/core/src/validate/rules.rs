//! The rules, one file each.

mod body;
mod clear_secret;
mod configuration;
mod cycle;
mod dangling;
mod duplicate;
mod duration;
mod edge_end;
mod empty;
mod error_path;
mod exclusive_join;
mod expression_syntax;
mod join;
mod kind;
mod limits;
mod reference;
mod retry;
mod slug;
mod trigger;
mod undo;
mod unhandled_port;
mod unreachable;
mod unused_output;

use super::Rule;

/// All rules, by name.
pub const RULES: &[Rule] = &[
    body::RULE,
    clear_secret::RULE,
    configuration::RULE,
    cycle::RULE,
    dangling::RULE,
    duplicate::RULE,
    duration::RULE,
    edge_end::RULE,
    empty::RULE,
    error_path::RULE,
    exclusive_join::RULE,
    expression_syntax::RULE,
    join::RULE,
    kind::RULE,
    limits::RULE,
    reference::RULE,
    retry::RULE,
    slug::RULE,
    trigger::RULE,
    undo::RULE,
    unhandled_port::RULE,
    unreachable::RULE,
    unused_output::RULE,
];
