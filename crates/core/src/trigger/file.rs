//! The settings of a `file` trigger: which files of which folder fire, and when a file counts as finished.

use serde_json::{Map, Value};

use super::pattern::FilePattern;
use super::spec::TriggerTrouble;
use crate::duration;

/// How long a file has to rest, where nothing is said.
const STABLE_FOR_MS: i64 = 2_000;
/// The longest that makes sense: a day.
const MOST_STABLE_MS: i64 = 86_400_000;
/// How often the whole folder is looked at, where nothing is said.
const POLL_MS: i64 = 10_000;
const LEAST_POLL_MS: i64 = 250;
const MOST_POLL_MS: i64 = 86_400_000;

/// What a `file` trigger watches.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSettings {
    /// The folder below the work folder, with `/` between its parts; `.` is the work folder itself.
    pub folder: String,
    /// Which names count.
    pub pattern: FilePattern,
    /// Whether folders in the folder count.
    pub is_recursive: bool,
    /// How long size and time of a file must not have changed.
    pub stable_for_ms: i64,
    /// Whether a file that was not there before fires.
    pub is_on_new: bool,
    /// Whether other content in a file that was there fires.
    pub is_on_changed: bool,
    /// How often the whole folder is looked at, whatever the watcher says.
    pub poll_ms: i64,
    /// Whether files fire that were there when the trigger was activated.
    pub is_for_existing: bool,
}

impl FileSettings {
    /// The settings that the kind knows.
    pub(super) const NAMES: [&'static str; 7] = [
        "folder",
        "pattern",
        "recursive",
        "stableFor",
        "events",
        "poll",
        "existing",
    ];

    /// Reads the settings of the trigger `id`; everything that is wrong goes to `troubles`.
    pub(super) fn read(
        id: &str,
        with: &Map<String, Value>,
        troubles: &mut Vec<TriggerTrouble>,
    ) -> Option<Self> {
        let mut read = Read { with, troubles };
        let folder = read.folder(id);
        let pattern = read.pattern();
        let is_recursive = read.switch("recursive");
        let stable = read.duration("stableFor", STABLE_FOR_MS, 0, MOST_STABLE_MS);
        let poll = read.duration("poll", POLL_MS, LEAST_POLL_MS, MOST_POLL_MS);
        let events = read.events();
        let existing = read.existing();
        let (is_on_new, is_on_changed) = events?;
        Some(Self {
            folder: folder?,
            pattern: pattern?,
            is_recursive: is_recursive?,
            stable_for_ms: stable?,
            is_on_new,
            is_on_changed,
            poll_ms: poll?,
            is_for_existing: existing?,
        })
    }
}

struct Read<'a> {
    with: &'a Map<String, Value>,
    troubles: &'a mut Vec<TriggerTrouble>,
}

impl Read<'_> {
    fn given(&self, name: &str) -> Option<&Value> {
        self.with.get(name).filter(|value| !value.is_null())
    }

    fn wrong<T>(&mut self, field: &str, message: impl Into<String>, hint: &str) -> Option<T> {
        self.troubles
            .push(TriggerTrouble::setting(field, message, hint));
        None
    }

    fn folder(&mut self, id: &str) -> Option<String> {
        let hint = "name a folder below the work folder, such as `inbox`";
        let text = self.given("folder").and_then(Value::as_str);
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            let message = format!("`{id}` does not say which folder it watches");
            return self.wrong("folder", message, hint);
        };
        let text = text.replace('\\', "/");
        let is_drive = text.as_bytes().get(1) == Some(&b':');
        if text.starts_with('/') || is_drive || text.contains('\0') {
            let message = format!("`{text}` is not below the work folder");
            return self.wrong("folder", message, hint);
        }
        let parts: Vec<&str> = text
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        if parts.contains(&"..") {
            let message = format!("`{text}` leaves the work folder by `..`");
            return self.wrong("folder", message, hint);
        }
        Some(if parts.is_empty() {
            ".".to_owned()
        } else {
            parts.join("/")
        })
    }

    fn pattern(&mut self) -> Option<FilePattern> {
        let text = match self.given("pattern") {
            None => "*",
            Some(Value::String(text)) => text,
            Some(other) => {
                let message = format!("`{other}` is no pattern");
                return self.wrong("pattern", message, "write a pattern such as `*.csv`");
            }
        };
        match FilePattern::parse(text) {
            Ok(pattern) => Some(pattern),
            Err(message) => self.wrong(
                "pattern",
                message,
                "write a pattern such as `*.csv`, `*.{csv,xlsx}` or `**/report-*.csv`",
            ),
        }
    }

    fn switch(&mut self, name: &str) -> Option<bool> {
        match self.given(name) {
            None => Some(false),
            Some(Value::Bool(is_on)) => Some(*is_on),
            Some(other) => {
                let message = format!("`{other}` is neither `true` nor `false`");
                self.wrong(name, message, "write `true` or `false`")
            }
        }
    }

    fn duration(&mut self, name: &str, default: i64, least: i64, most: i64) -> Option<i64> {
        let Some(value) = self.given(name) else {
            return Some(default);
        };
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        match duration::parse_ms(&text) {
            Ok(ms) if (least..=most).contains(&ms) => Some(ms),
            Ok(_) => {
                let (least, most) = (duration::format_ms(least), duration::format_ms(most));
                let message = format!("`{text}` is not between `{least}` and `{most}`");
                self.wrong(name, message, "write a duration such as `2s`")
            }
            Err(message) => self.wrong(name, message, "write a duration such as `2s`"),
        }
    }

    fn events(&mut self) -> Option<(bool, bool)> {
        const HINT: &str = "write `new`, `changed`, or both as a list";
        let words = match self.given("events") {
            None => return Some((true, true)),
            Some(Value::String(word)) => vec![Value::String(word.clone())],
            Some(Value::Array(words)) => words.clone(),
            Some(other) => vec![other.clone()],
        };
        if words.is_empty() {
            return self.wrong("events", "no event is listed, so it never fires", HINT);
        }
        let (mut is_on_new, mut is_on_changed) = (false, false);
        for word in &words {
            match word.as_str() {
                Some("new") => is_on_new = true,
                Some("changed") => is_on_changed = true,
                other => {
                    let shown = other.map_or_else(|| word.to_string(), str::to_owned);
                    let message = format!("`{shown}` is nothing that happens to a file");
                    return self.wrong("events", message, HINT);
                }
            }
        }
        Some((is_on_new, is_on_changed))
    }

    fn existing(&mut self) -> Option<bool> {
        let hint = "write `skip` or `fire`";
        match self.given("existing").map(|value| (value, value.as_str())) {
            None | Some((_, Some("skip"))) => Some(false),
            Some((_, Some("fire"))) => Some(true),
            Some((value, word)) => {
                let shown = word.map_or_else(|| value.to_string(), str::to_owned);
                let message = format!("`{shown}` is nothing that `existing` can be");
                self.wrong("existing", message, hint)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(settings: &Value) -> (Option<FileSettings>, Vec<TriggerTrouble>) {
        let mut troubles = Vec::new();
        let map = settings.as_object().cloned().unwrap();
        let read = FileSettings::read("a", &map, &mut troubles);
        (read, troubles)
    }

    #[test]
    fn what_is_not_said_has_a_meaning() {
        let (settings, troubles) = read(&json!({ "folder": "./in\\new/" }));
        assert_eq!(troubles, []);
        let settings = settings.unwrap();
        assert_eq!(settings.folder, "in/new");
        assert_eq!(settings.pattern.as_str(), "*");
        assert_eq!((settings.stable_for_ms, settings.poll_ms), (2_000, 10_000));
        assert!(settings.is_on_new && settings.is_on_changed);
        assert!(!settings.is_recursive && !settings.is_for_existing);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let (settings, troubles) = read(&json!({
            "folder": "../out", "pattern": "[", "recursive": 1, "stableFor": "soon", "poll": "1ms",
            "events": ["gone"], "existing": "no",
        }));
        assert!(settings.is_none());
        let fields: Vec<&str> = troubles.iter().map(|t| t.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "folder",
                "pattern",
                "recursive",
                "stableFor",
                "poll",
                "events",
                "existing"
            ]
        );
        for trouble in troubles {
            assert!(
                !trouble.hint.is_empty() && !trouble.is_warning,
                "{trouble:?}"
            );
        }
    }

    #[test]
    fn a_folder_outside_is_refused() {
        for folder in ["/etc", "C:\\x", "a/../../b", "", "  ", "a\0b"] {
            let (settings, troubles) = read(&json!({ "folder": folder }));
            assert!(settings.is_none(), "{folder:?}");
            assert_eq!(troubles[0].field, "folder");
        }
        assert_eq!(read(&json!({ "folder": "." })).0.unwrap().folder, ".");
    }
}
