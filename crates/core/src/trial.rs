//! Where `npm run soak` plants bugs in the machine, to see whether it finds them.
//!
//! They exist only with the feature `planted-bugs`, which nothing but the soak switches on. Which one is there is said
//! once, by the program: the core reads no environment. In every other build [`has_bug`] is constant, and the compiler
//! takes it away.

#[cfg(feature = "planted-bugs")]
static PLANTED: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Has this bug from now on. The first one counts.
#[cfg(feature = "planted-bugs")]
pub fn plant(name: String) {
    PLANTED.get_or_init(|| name);
}

/// Whether the bug of this name was planted.
#[cfg(feature = "planted-bugs")]
pub fn has_bug(name: &'static str) -> bool {
    PLANTED.get().is_some_and(|planted| planted == name)
}

/// No: this build has no bugs to plant.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub const fn has_bug(_name: &'static str) -> bool {
    false
}
