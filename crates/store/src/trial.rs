//! Where `npm run soak` reaches in: points at which it ends the process, and bugs that it plants to see whether it
//! finds them.
//!
//! Both exist only with the features `fail-points` and `planted-bugs`, which nothing but the soak switches on. In
//! every other build these functions are empty and constant, and the compiler takes them away.

/// Names the point to end at, as `NAME:N` for the N-th time it is passed; `list` prints every one that is passed.
#[cfg(feature = "fail-points")]
const POINT: &str = "BATON_FAIL_POINT";

/// Names the bug to have.
#[cfg(feature = "planted-bugs")]
const BUG: &str = "BATON_PLANTED_BUG";

/// Ends the process here, at once and without any last act, if this is the point that was chosen.
#[cfg(feature = "fail-points")]
pub fn point(name: &'static str) {
    use std::collections::BTreeMap;
    use std::io::Write;
    use std::sync::{LazyLock, Mutex, PoisonError};

    static CHOSEN: LazyLock<Option<String>> = LazyLock::new(|| std::env::var(POINT).ok());
    static PASSED: Mutex<BTreeMap<&str, u32>> = Mutex::new(BTreeMap::new());
    let Some(chosen) = CHOSEN.as_deref() else {
        return;
    };
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    let times = passed.entry(name).or_default();
    *times += 1;
    if chosen == "list" {
        // Whoever asked for the list reads it; if that one has gone, there is nobody to tell.
        writeln!(std::io::stderr(), "point {name} {times}").ok();
    } else if chosen
        .rsplit_once(':')
        .is_some_and(|(at, n)| at == name && n.parse() == Ok(*times))
    {
        std::process::abort();
    }
}

/// Nothing: this build has no points to end at.
#[cfg(not(feature = "fail-points"))]
#[inline(always)]
pub const fn point(_name: &'static str) {}

/// Whether the bug of this name was planted.
#[cfg(feature = "planted-bugs")]
pub fn has_bug(name: &'static str) -> bool {
    use std::sync::LazyLock;

    static PLANTED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var(BUG).ok());
    PLANTED.as_deref() == Some(name)
}

/// No: this build has no bugs to plant.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub const fn has_bug(_name: &'static str) -> bool {
    false
}
