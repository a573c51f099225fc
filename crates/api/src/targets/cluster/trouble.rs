//! What the program for clusters says went wrong, as callers of the api see it.

use baton_sidecar::Failure;

use crate::error::{ApiError, Code};

/// The words of a cluster, under the name of its target.
pub(super) fn of_failure(target: &str, failure: Failure) -> ApiError {
    let Failure {
        code,
        message,
        hint,
    } = failure;
    let kind = match code.as_str() {
        "run-unknown" | "step-unknown" | "run-foreign" | "blob-missing" | "artifact-missing" => {
            Code::NotFound
        }
        "refused" | "already-ended" => Code::AlreadyEnded,
        "run-exists" => Code::Conflict,
        "payload-limit" | "artifact" | "value-too-large" | "argument-unusable" => Code::BadRequest,
        "workflow-unusable" | "older-build" | "log-unusable" => Code::Invalid,
        "access-refused" => Code::TargetRefused,
        "server-too-old" | "line-unusable" | "payload-unreadable" => Code::TargetDiffers,
        "file-unreadable"
        | "folder-unusable"
        | "certificate-unreadable"
        | "keys-unusable"
        | "blob-not-kept"
        | "blob-damaged" => Code::Io,
        "no-answer" => Code::OwnerGone,
        _ => Code::TargetUnreachable,
    };
    let shown = match kind {
        Code::TargetUnreachable | Code::TargetRefused | Code::TargetDiffers => {
            ApiError::new(kind, format!("target `{target}`: {message}"))
        }
        _ => ApiError::new(kind, message),
    };
    if hint.is_empty() {
        return shown;
    }
    shown.hint(for_targets(&hint))
}

/// A way out in the words of targets, where the program speaks of its own options.
pub(super) fn for_targets(hint: &str) -> String {
    let mut words = hint.to_owned();
    for (option, field) in [
        (
            "with `--blobs`",
            "in the target, as the folder for large values",
        ),
        ("with `--keys`", "in the target, as the file of keys"),
        ("with `--tls-ca`", "in the target"),
        (
            "the key in `BATON_TEMPORAL_API_KEY`",
            "the key in the target",
        ),
        (
            "`baton-temporal list` shows the runs that it knows",
            "look at the list of its runs",
        ),
        (
            "`baton-temporal history` shows the steps by path",
            "look at the run again",
        ),
    ] {
        words = words.replace(option, field);
    }
    words
}

/// The program ended, or could not be used.
pub(super) fn gone(target: &str, why: &str) -> ApiError {
    ApiError::new(
        Code::TargetUnreachable,
        format!("target `{target}`: the program for clusters cannot be used: {why}"),
    )
    .hint("try again: it is started anew; `BATON_LOG=info` lets it say more")
}

/// The program ended before it answered, and it may have acted.
pub(super) fn lost(target: &str, why: &str) -> ApiError {
    ApiError::new(
        Code::OwnerGone,
        format!(
            "target `{target}`: the program for clusters ended before it answered, and whether this was done is not known: {why}"
        ),
    )
    .hint("look at the run there, then ask again if it is still needed; the program is started anew")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_way_out_in_the_words_of_targets() {
        let failure = |code: &str, hint: &str| Failure {
            code: code.to_owned(),
            message: "m".to_owned(),
            hint: hint.to_owned(),
        };
        let unreadable = of_failure(
            "Prod",
            failure(
                "payload-unreadable",
                "give the file of keys that the worker uses with `--keys`",
            ),
        );
        assert_eq!(unreadable.code, Code::TargetDiffers);
        assert!(unreadable.message.contains("`Prod`"));
        assert!(!unreadable.hint.unwrap().contains("--keys"));
        let unknown = of_failure("Prod", failure("run-unknown", "h"));
        assert_eq!(
            (unknown.code, unknown.message.as_str()),
            (Code::NotFound, "m")
        );
        assert_eq!(of_failure("Prod", failure("access-refused", "")).hint, None);
    }
}
