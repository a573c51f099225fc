//! Which runs a build may carry on: those whose steps still mean what they meant when the run began.
//!
//! A kind of step keeps its version as long as older runs go on as they would have. Where that cannot be, its version
//! rises; a run remembers the versions that it began with, and is not carried on by a build that means something else.

use std::collections::BTreeMap;

/// The versions of a kind of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// What new runs begin with.
    pub now: u32,
    /// The oldest version whose runs this build carries on as they began.
    pub oldest: u32,
}

impl Versions {
    /// A kind that never changed its meaning.
    pub const FIRST: Self = Self { now: 1, oldest: 1 };
}

/// The versions that a run begins with; a kind that is not in it has the first one.
pub type Begun = BTreeMap<String, u32>;

/// The kinds, of those that a workflow uses, which do not have their first version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Used(BTreeMap<String, Versions>);

impl Used {
    /// Of these kinds.
    pub(crate) fn new<'a>(
        kinds: impl IntoIterator<Item = &'a str>,
        versions: impl Fn(&str) -> Versions,
    ) -> Self {
        Self(
            kinds
                .into_iter()
                .map(|kind| (kind.to_owned(), versions(kind)))
                .filter(|(_, versions)| *versions != Versions::FIRST)
                .collect(),
        )
    }

    /// What a run that begins now remembers.
    pub(crate) fn begun(&self) -> Begun {
        let now = self.0.iter().filter(|(_, versions)| versions.now != 1);
        now.map(|(kind, versions)| (kind.clone(), versions.now))
            .collect()
    }

    /// Why a run that began so cannot be carried on here, if it cannot.
    pub(crate) fn refusal(&self, begun: &Begun) -> Option<String> {
        let kinds = self.0.keys().chain(begun.keys());
        kinds.into_iter().find_map(|kind| {
            let Versions { now, oldest } = self.0.get(kind).copied().unwrap_or(Versions::FIRST);
            let began = begun.get(kind).copied().unwrap_or(1);
            if began > now {
                Some(format!(
                    "its steps of kind `{kind}` began with version {began}, and this Baton knows {now}: a newer Baton carries it on"
                ))
            } else if began < oldest {
                Some(format!(
                    "its steps of kind `{kind}` began with version {began}, and mean something else since version {oldest}: \
                     an older Baton carries it on, or cancel it and start it again"
                ))
            } else {
                None
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_where_its_kinds_mean_the_same() {
        let known = |kind: &str| match kind {
            "changed" => Versions { now: 3, oldest: 3 },
            "grown" => Versions { now: 2, oldest: 1 },
            _ => Versions::FIRST,
        };
        let used = Used::new(["changed", "grown", "same"], known);
        let begun = |pairs: &[(&str, u32)]| {
            pairs
                .iter()
                .map(|(kind, version)| ((*kind).to_owned(), *version))
                .collect::<Begun>()
        };
        assert_eq!(used.begun(), begun(&[("changed", 3), ("grown", 2)]));
        assert_eq!(used.refusal(&used.begun()), None);
        assert_eq!(
            used.refusal(&begun(&[("changed", 3)])),
            None,
            "grown carries on its first runs"
        );
        for (run, says) in [
            (begun(&[]), "mean something else since version 3"),
            (begun(&[("changed", 2)]), "began with version 2"),
            (begun(&[("changed", 4)]), "a newer Baton"),
            (begun(&[("changed", 3), ("same", 2)]), "a newer Baton"),
        ] {
            let refusal = used.refusal(&run).unwrap_or_default();
            assert!(refusal.contains(says), "{run:?}: {refusal}");
        }
    }
}
