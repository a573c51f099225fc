//! One owner for a data folder, and everybody else its client.
//!
//! Window, browser server and command line each [`join`](Member::join) a data folder. The first one owns it: it opens
//! the database and carries runs out. The others find it through a socket that only this account can reach, and ask
//! it. When the owner ends, also by being killed, one of its clients becomes the owner and the others follow.
//!
//! ```text
//!   join ─► does an owner answer? ─ yes ─► client ──── the owner ends ────┐
//!              ▲      │ no                                                │
//!              │      ▼                                                   │
//!              │   is the lock free? ─ yes ─► owner (socket, owner.json)  │
//!              └──────┴ no: it is just starting or ending ◄───────────────┘
//! ```
//!
//! * [`frame`]: what is said, and how long it may be. * [`socket`]: where the owner is, and who may talk to it.
//! * [`serve`]: the side of the owner. * [`line`]: the side of a client. * [`member`]: who is what, and changes of it.
//!
//! # Invariants
//!
//! * Whether somebody owns the folder is decided by the lock of the store alone, never by a file that says so.
//! * A request is repeated at the next owner only if it was not begun, or does no harm twice.
//! * A process of another account, or of another build, is turned away before it has asked anything.

mod frame;
mod line;
mod member;
mod repeat;
mod serve;
mod socket;

pub use member::Member;
pub(crate) use repeat::is_repeatable;
pub use socket::Owner;

use std::path::Path;

use baton_store::Store;

use crate::app::AppConfig;
use crate::error::ApiError;

/// The Baton that owns a data folder now and answers; `None` if nobody owns it.
///
/// # Errors
///
/// If somebody owns it who does not answer, or does not answer this account or build.
pub async fn owner_of(data_dir: &Path) -> Result<Option<Owner>, ApiError> {
    let config = AppConfig::new(data_dir, data_dir);
    match line::Line::open(&config, frame::Wants::Calls).await {
        Ok(line) => Ok(Some(line.owner().clone())),
        Err(line::NoLine::Refused(error)) => Err(error),
        Err(line::NoLine::Nobody) => {
            Store::is_free(data_dir)?;
            Ok(None)
        }
    }
}
