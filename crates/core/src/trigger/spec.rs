//! One trigger, read and checked.

use serde_json::{Map, Value};

use super::file::FileSettings;
use super::webhook::WebhookSettings;
use crate::document::Trigger;
use crate::duration;
use crate::expression::{Config, ExpressionError, Scope};
use crate::schedule::Schedule;
use crate::validate::nearest;

/// The kinds of trigger, and the settings that each knows besides those of all.
pub const KINDS: [(&str, &[&str]); 5] = [
    (
        "schedule",
        &[
            "cron", "every", "anchor", "dates", "timeZone", "missed", "atMost", "within",
        ],
    ),
    ("file", &FileSettings::NAMES),
    ("webhook", &WebhookSettings::NAMES),
    ("workflow_finished", &["workflow", "outcome"]),
    ("manual", &[]),
];

/// Settings of all kinds.
const COMMON: [&str; 2] = ["overlap", "input"];

/// Words of a person that every kind may have.
const WORDS: [&str; 3] = ["name", "description", "about"];

/// `atMost` and `within`, where nothing is said.
const AT_MOST: u32 = 1;
const WITHIN_MS: i64 = 86_400_000;

/// The most missed instants that are made up for at once.
const MOST_MISSED: u64 = 1_000;

/// A trigger as it acts.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerSpec {
    /// Id, unique in the workflow.
    pub id: String,
    /// What it fires on.
    pub kind: TriggerKind,
    /// What happens when a run that it started is not over.
    pub overlap: Overlap,
    /// The input of the runs, with expressions over `trigger`.
    input: Option<Config>,
}

/// What a trigger fires on.
#[derive(Debug, Clone, PartialEq)]
pub enum TriggerKind {
    /// The clock.
    Schedule {
        /// When.
        schedule: Box<Schedule>,
        /// What becomes of instants at which nobody looked at the clock.
        missed: Missed,
    },
    /// A file that landed in a folder.
    File(Box<FileSettings>),
    /// A request from outside.
    Webhook(Box<WebhookSettings>),
    /// The end of a run.
    WorkflowFinished(Finished),
    /// A person.
    Manual,
}

/// What happens when a trigger fires while a run that it started is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// It is not started.
    Skip,
    /// It is started afterwards.
    Queue,
    /// It is started at once.
    Allow,
    /// The run before is cancelled.
    Cancel,
}

/// What becomes of instants at which nobody looked at the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// None of them fires.
    Skip,
    /// The last one fires, if it is not older than this.
    Last {
        /// How long ago at most; `None`: any time.
        within_ms: Option<i64>,
    },
    /// The last ones fire.
    All {
        /// How many at most.
        at_most: u32,
        /// How long ago at most.
        within_ms: i64,
    },
}

/// Which ends of which runs count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Id of the workflow.
    pub workflow: String,
    /// How they ended, or the name of the outcome; empty: all.
    pub outcomes: Vec<String>,
}

/// Something that is wrong with a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerTrouble {
    /// Stable name.
    pub code: &'static str,
    /// The setting.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub hint: String,
    /// It fires nevertheless.
    pub is_warning: bool,
}

impl TriggerTrouble {
    pub(super) fn setting(
        field: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            code: "trigger-setting",
            field: field.to_owned(),
            message: message.into(),
            hint: hint.into(),
            is_warning: false,
        }
    }
}

impl Overlap {
    const WORDS: [(&str, Self); 4] = [
        ("skip", Self::Skip),
        ("queue", Self::Queue),
        ("allow", Self::Allow),
        ("cancel", Self::Cancel),
    ];

    /// The word for it in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
            Self::Allow => "allow",
            Self::Cancel => "cancel",
        }
    }
}

impl TriggerSpec {
    /// Reads a trigger, and says everything that is wrong with it. There is no spec if it could not fire.
    pub fn read(trigger: &Trigger) -> (Option<Self>, Vec<TriggerTrouble>) {
        let mut troubles = Vec::new();
        let mut reader = Reader {
            id: &trigger.id,
            with: &trigger.with,
            troubles: &mut troubles,
        };
        let kind = reader.kind(&trigger.kind);
        let overlap = reader.overlap(kind.as_ref());
        // The other two are read by their sources.
        if matches!(
            trigger.kind.as_str(),
            "schedule" | "workflow_finished" | "manual"
        ) {
            reader.unknown(&trigger.kind);
        }
        // What does not parse is found by the rule about expressions.
        let input = trigger.with.get("input").map(Config::parse).transpose();
        let is_fine = troubles.iter().all(|trouble| trouble.is_warning);
        let spec = match (kind, overlap, input) {
            (Some(kind), Some(overlap), Ok(input)) if is_fine => Some(Self {
                id: trigger.id.clone(),
                kind,
                overlap,
                input,
            }),
            _ => None,
        };
        (spec, troubles)
    }

    /// The input that the settings give to a run; `None` if they say nothing about it.
    ///
    /// # Errors
    ///
    /// What an expression says, and the path of the setting it stands in.
    pub fn input(&self, scope: &dyn Scope) -> Result<Option<Value>, (String, ExpressionError)> {
        let input = self.input.as_ref();
        input.map(|input| input.evaluate(scope)).transpose()
    }

    /// The word for its kind in documents.
    pub fn kind_word(&self) -> &'static str {
        match self.kind {
            TriggerKind::Schedule { .. } => "schedule",
            TriggerKind::File(_) => "file",
            TriggerKind::Webhook(_) => "webhook",
            TriggerKind::WorkflowFinished(_) => "workflow_finished",
            TriggerKind::Manual => "manual",
        }
    }
}

struct Reader<'a> {
    id: &'a str,
    with: &'a Map<String, Value>,
    troubles: &'a mut Vec<TriggerTrouble>,
}

impl Reader<'_> {
    fn kind(&mut self, kind: &str) -> Option<TriggerKind> {
        match kind {
            "schedule" => {
                let schedule = Schedule::read(self.with);
                let missed = self.missed();
                match schedule {
                    Ok(schedule) => Some(TriggerKind::Schedule {
                        schedule: Box::new(schedule),
                        missed: missed?,
                    }),
                    Err(errors) => {
                        self.troubles
                            .extend(errors.into_iter().map(|error| TriggerTrouble {
                                code: error.code,
                                field: error.field.to_owned(),
                                message: error.message,
                                hint: error.hint,
                                is_warning: false,
                            }));
                        None
                    }
                }
            }
            "file" => {
                let settings = FileSettings::read(self.id, self.with, self.troubles)?;
                Some(TriggerKind::File(Box::new(settings)))
            }
            "webhook" => {
                let settings = WebhookSettings::read(self.id, self.with, self.troubles)?;
                Some(TriggerKind::Webhook(Box::new(settings)))
            }
            "workflow_finished" => {
                let workflow = self.text("workflow").map(str::to_owned);
                if workflow.is_none() {
                    let message = format!("`{}` does not say which workflow it waits for", self.id);
                    self.wrong("workflow", message, "name the id of a workflow");
                }
                let outcomes = self.words(
                    "outcome",
                    "write `succeeded`, `failed`, `cancelled`, or the name of an outcome",
                );
                Some(TriggerKind::WorkflowFinished(Finished {
                    workflow: workflow?,
                    outcomes: outcomes?,
                }))
            }
            "manual" => Some(TriggerKind::Manual),
            other => {
                let names = KINDS.iter().map(|(name, _)| *name);
                let hint = nearest(other, names).map_or_else(
                    || {
                        "known are `schedule`, `file`, `webhook`, `workflow_finished`, `manual`"
                            .to_owned()
                    },
                    |near| format!("did you mean `{near}`?"),
                );
                self.troubles.push(TriggerTrouble {
                    code: "unknown-trigger",
                    ..TriggerTrouble::setting(
                        "kind",
                        format!("there is no trigger of the kind `{other}`, so it never fires"),
                        hint,
                    )
                });
                None
            }
        }
    }

    fn overlap(&mut self, kind: Option<&TriggerKind>) -> Option<Overlap> {
        let default = match kind {
            Some(TriggerKind::Schedule { .. }) | None => Overlap::Skip,
            Some(TriggerKind::File(_) | TriggerKind::WorkflowFinished(_)) => Overlap::Queue,
            Some(TriggerKind::Webhook(_) | TriggerKind::Manual) => Overlap::Allow,
        };
        self.word("overlap", &Overlap::WORDS, default)
    }

    fn missed(&mut self) -> Option<Missed> {
        #[derive(Clone, Copy, PartialEq)]
        enum Word {
            Skip,
            Last,
            All,
        }
        let words = [
            ("skip", Word::Skip),
            ("last", Word::Last),
            ("all", Word::All),
        ];
        let word = self.word("missed", &words, Word::Last);
        let at_most = match self.given("atMost") {
            None => Some(None),
            Some(value) => match value.as_u64().filter(|n| (1..=MOST_MISSED).contains(n)) {
                Some(count) => Some(u32::try_from(count).ok()),
                None => {
                    let message = format!("`{value}` is no number of firings");
                    self.wrong("atMost", message, format!("write 1 to {MOST_MISSED}"));
                    None
                }
            },
        };
        let within_ms = match self.given("within") {
            None => Some(None),
            Some(value) => {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                match duration::parse_ms(&text) {
                    Ok(ms) => Some(Some(ms)),
                    Err(message) => {
                        self.wrong("within", message, "write a duration such as `24h`");
                        None
                    }
                }
            }
        };
        let (word, at_most, within_ms) = (word?, at_most?, within_ms?);
        if at_most.is_some() && word != Word::All {
            self.idle("atMost", "all");
        }
        if within_ms.is_some() && word == Word::Skip {
            self.idle("within", "all");
        }
        Some(match word {
            Word::Skip => Missed::Skip,
            Word::Last => Missed::Last { within_ms },
            Word::All => Missed::All {
                at_most: at_most.unwrap_or(AT_MOST),
                within_ms: within_ms.unwrap_or(WITHIN_MS),
            },
        })
    }

    /// A setting without effect.
    fn idle(&mut self, field: &str, word: &str) {
        self.troubles.push(TriggerTrouble {
            is_warning: true,
            ..TriggerTrouble::setting(
                field,
                format!("`{field}` has no effect without `missed: {word}`"),
                format!("set `missed` to `{word}`, or leave `{field}` out"),
            )
        });
    }

    /// Settings that nobody reads.
    fn unknown(&mut self, kind: &str) {
        let own = KINDS.iter().find(|(name, _)| *name == kind);
        let own = own.map_or(&[][..], |(_, settings)| settings);
        let known = || own.iter().chain(&COMMON).chain(&WORDS).copied();
        for name in self.with.keys() {
            if known().any(|known| known == name) {
                continue;
            }
            let hint = nearest(name, known()).map_or_else(
                || "leave it out".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            self.troubles.push(TriggerTrouble {
                is_warning: true,
                ..TriggerTrouble::setting(
                    name,
                    format!("a trigger of the kind `{kind}` has no setting `{name}`"),
                    hint,
                )
            });
        }
    }

    fn given(&self, name: &str) -> Option<&Value> {
        self.with.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Option<&str> {
        let text = self.given(name)?.as_str()?;
        (!text.trim().is_empty()).then_some(text)
    }

    /// A text or a list of texts; empty if nothing is given.
    fn words(&mut self, name: &str, hint: &str) -> Option<Vec<String>> {
        let read = match self.given(name) {
            None => return Some(Vec::new()),
            Some(Value::String(word)) => Some(vec![word.clone()]),
            Some(Value::Array(words)) => words
                .iter()
                .map(|word| word.as_str().map(str::to_owned))
                .collect(),
            Some(_) => None,
        };
        let read = read.filter(|words| words.iter().all(|word| !word.trim().is_empty()));
        if read.is_none() {
            let message = format!("`{name}` is neither a word nor a list of words");
            self.wrong(name, message, hint);
        }
        read
    }

    fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)], default: T) -> Option<T> {
        let Some(given) = self.given(name) else {
            return Some(default);
        };
        let found = words.iter().find(|(word, _)| Some(*word) == given.as_str());
        if let Some((_, meaning)) = found {
            return Some(*meaning);
        }
        let shown = given
            .as_str()
            .map_or_else(|| given.to_string(), str::to_owned);
        let known: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let hint = match nearest(&shown, words.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write {}", known.join(", ")),
        };
        self.wrong(
            name,
            format!("`{shown}` is nothing that `{name}` can be"),
            hint,
        );
        None
    }

    fn wrong(&mut self, field: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.troubles
            .push(TriggerTrouble::setting(field, message, hint));
    }
}
