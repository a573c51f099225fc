//! What went wrong: said once, on standard error, with the place and a way out.

use std::io::Write;

use baton_api::baton_core::problem::{Problem, Severity};
use baton_api::remote::RemoteError;
use baton_api::{ApiError, Code};
use serde::Serialize;

use crate::exit::Exit;
use crate::out::{Tone, errors_have_colour, paint};

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) exit: Exit,
    error: Box<ApiError>,
    /// A more exact name than that of the error.
    name: Option<&'static str>,
    excerpt: Option<Excerpt>,
}

/// Something worth knowing that ends nothing.
pub(crate) fn note(words: &str) {
    let text = format!("note: {words}\n");
    // A standard error that is gone cannot be told about.
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}

/// A line of a file with the column that is meant.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct Excerpt {
    file: String,
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip)]
    text: String,
}

/// The longest part of a line that is shown.
const WIDTH: usize = 100;

impl Trouble {
    /// The input cannot be used: nothing was begun.
    pub(crate) fn unusable(error: ApiError) -> Self {
        Self {
            exit: Exit::Unusable,
            error: Box::new(error),
            name: None,
            excerpt: None,
        }
    }

    /// For `map_err`: an error of the system, with what could not be done.
    pub(crate) fn io(what: &str) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let what = what.to_owned();
        move |error| Self::unusable(ApiError::new(Code::Io, format!("{what}: {error}")))
    }

    /// Under a more exact name.
    pub(crate) fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// With another way out.
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        self.error.hint = Some(hint.to_owned());
        self
    }

    /// With the place in a file.
    pub(crate) fn at(mut self, excerpt: Option<Excerpt>) -> Self {
        self.excerpt = excerpt;
        self
    }

    /// What went wrong.
    pub(crate) fn error(&self) -> &ApiError {
        &self.error
    }

    /// The message, for a list of several.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        let mut error = serde_json::to_value(&*self.error).unwrap_or_default();
        if let Some(name) = self.name {
            error["code"] = name.into();
        }
        if let Some(excerpt) = &self.excerpt {
            error["place"] = serde_json::to_value(excerpt).unwrap_or_default();
        }
        error
    }

    /// Says it on standard error.
    pub(crate) fn tell(&self, as_json: bool) {
        let text = if as_json {
            format!("{}\n", serde_json::json!({ "error": self.as_json() }))
        } else {
            self.in_words(errors_have_colour())
        };
        // If even standard error is closed, the exit code says it.
        drop(std::io::stderr().lock().write_all(text.as_bytes()));
    }

    /// The message for people.
    pub(crate) fn in_words(&self, has_colour: bool) -> String {
        let quiet = |text: &str| paint(has_colour, Tone::Quiet, text);
        let mut text = format!(
            "{}: {}\n",
            paint(has_colour, Tone::Bad, "error"),
            self.error.message
        );
        if let Some(excerpt) = &self.excerpt {
            text.push_str(&excerpt.in_words(has_colour));
        } else if let Some(place) = &self.error.place
            && let Some(step) = &place.step
        {
            let field = place
                .field
                .as_deref()
                .map(|field| format!(", field `{field}`"));
            text.push_str(&format!(
                "  at step `{step}`{}\n",
                field.unwrap_or_default()
            ));
        }
        for problem in &self.error.problems {
            text.push_str(&problem_in_words(problem, has_colour));
        }
        if let Some(hint) = &self.error.hint {
            text.push_str(&format!("  {} {hint}\n", quiet("hint:")));
        }
        text
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        let exit = match error.code {
            Code::BadRequest
            | Code::UnknownCommand
            | Code::NotFound
            | Code::Invalid
            | Code::Unusable
            | Code::Untrusted
            | Code::Unauthorized
            | Code::Forbidden
            | Code::Io
            | Code::TargetUnreachable
            | Code::TargetRefused
            | Code::TargetDiffers
            | Code::Store => Exit::Unusable,
            Code::Conflict | Code::AlreadyEnded | Code::OwnerGone | Code::Internal => Exit::Failure,
        };
        Self {
            exit,
            error: Box::new(error),
            name: None,
            excerpt: None,
        }
    }
}

/// What stands between here and a server has an exact name; what the server itself answers is as if it were answered here.
impl From<RemoteError> for Trouble {
    fn from(error: RemoteError) -> Self {
        match error.name {
            Some(name) => Self::unusable(*error.error).named(name),
            None => (*error.error).into(),
        }
    }
}

impl Excerpt {
    /// The line `line` of `text`, if there is one.
    pub(crate) fn find(
        file: &str,
        text: &str,
        line: Option<u32>,
        column: Option<u32>,
    ) -> Option<Self> {
        let line = line?;
        let text = text
            .lines()
            .nth(line as usize - 1)
            .unwrap_or_default()
            .to_owned();
        Some(Self {
            file: file.to_owned(),
            line,
            column,
            text,
        })
    }

    fn in_words(&self, has_colour: bool) -> String {
        let quiet = |text: &str| paint(has_colour, Tone::Quiet, text);
        let Self { file, line, .. } = self;
        let Some(column) = self.column else {
            return format!("  {} {file}:{line}\n", quiet("-->"));
        };
        // A long line is shown around the place only; tabs would put the caret elsewhere.
        let characters: Vec<char> = self.text.chars().collect();
        let at = (column as usize).saturating_sub(1).min(characters.len());
        let from = at.saturating_sub(WIDTH / 2);
        let shown: String = characters[from..]
            .iter()
            .take(WIDTH)
            .map(|character| {
                if character.is_control() {
                    ' '
                } else {
                    *character
                }
            })
            .collect();
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let caret = paint(has_colour, Tone::Bad, "^");
        format!(
            "{margin}{} {file}:{line}:{column}\n{margin} {bar}\n{} {bar} {shown}\n{margin} {bar} {}{caret}\n",
            quiet("-->"),
            quiet(&number),
            " ".repeat(at - from),
            bar = quiet("|"),
        )
    }
}

/// A finding of validation, in one or two lines.
pub(crate) fn problem_in_words(problem: &Problem, has_colour: bool) -> String {
    let (word, tone) = match problem.severity {
        Severity::Error => ("error", Tone::Bad),
        Severity::Warning => ("warning", Tone::Careful),
        Severity::Info => ("note", Tone::Quiet),
    };
    let place = &problem.place;
    let subjects = [
        ("step", &place.step),
        ("edge", &place.edge),
        ("trigger", &place.trigger),
    ];
    let mut where_ = subjects
        .into_iter()
        .filter_map(|(word, id)| Some(format!("{word} `{}`", id.as_ref()?)))
        .collect::<Vec<_>>();
    where_.extend(place.field.as_ref().map(|field| format!("`{field}`")));
    if let Some(line) = place.line {
        let column = place
            .column
            .map(|column| format!(":{column}"))
            .unwrap_or_default();
        where_.push(format!("line {line}{column}"));
    }
    let where_ = if where_.is_empty() {
        String::new()
    } else {
        format!("{}: ", where_.join(", "))
    };
    let head = paint(has_colour, tone, &format!("{word}[{}]", problem.code));
    let mut text = format!("  {head} {where_}{}\n", problem.message);
    if let Some(hint) = &problem.hint {
        text.push_str(&format!(
            "    {} {hint}\n",
            paint(has_colour, Tone::Quiet, "hint:")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
        let text = "{\n\t\"steps\" [\n}";
        let excerpt = Excerpt::find("a.json", text, Some(2), Some(10)).unwrap();
        let expected = " --> a.json:2:10\n  |\n2 |  \"steps\" [\n  |          ^\n";
        assert_eq!(excerpt.in_words(false), expected);
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let text = format!("{}!{}", "é".repeat(500), "b".repeat(500));
        let words = Excerpt::find("a", &text, Some(1), Some(501))
            .unwrap()
            .in_words(false);
        let lines: Vec<&str> = words.lines().collect();
        assert!(lines[2].chars().count() < 120);
        let place = lines[2].chars().position(|character| character == '!');
        assert_eq!(
            place,
            lines[3].chars().position(|character| character == '^')
        );
    }

    #[test]
    fn a_place_beyond_the_text_is_no_panic() {
        for (line, column) in [(1, 1), (1, 99), (99, 99)] {
            Excerpt::find("a", "", Some(line), Some(column))
                .unwrap()
                .in_words(false);
        }
    }
}
