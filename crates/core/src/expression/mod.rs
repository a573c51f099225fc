//! JSONata in `{% … %}`: parsed once, evaluated with limits, explained afterwards.
//!
//! An expression is a pure function of its source and the values in scope. Clock and chance (`$now`, `$millis`,
//! `$random`, `$uuid`) come from the [`Scope`], so that a replay gives the same answer; `$eval` does not exist.
//!
//! A text that is exactly one `{% … %}` keeps the type of its value; otherwise every `{% … %}` in it is replaced
//! by text (Amazon States Language writes them the same way).
//!
//! # Invariants
//!
//! * A *condition* whose field is missing is an error that names the field, never a silent `false`.
//! * Evaluation reads nothing but the scope.

mod evaluate;
mod plain;
mod references;
mod template;

use std::sync::Arc;

use jsonata_core::ast::AstNode;

pub(crate) use evaluate::mix;
pub use evaluate::{Evaluated, Scope, brief, evaluation_of, iso_instant};
pub use references::Reference;
pub use template::{Config, Template, condition_source};

/// The longest source, in bytes.
pub const SOURCE_LIMIT: usize = 8 * 1024;
/// The deepest syntax tree.
pub const DEPTH_LIMIT: usize = 64;
/// The longest evaluation, in milliseconds of wall time.
pub const TIME_LIMIT_MS: u64 = 1_000;
/// The longest sequence that an evaluation may build.
pub const SEQUENCE_LIMIT: usize = 1_000_000;

/// What is wrong with an expression, or with evaluating it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    /// Stable name, kebab-case, or the code of the JSONata specification (`S0207`, `T2002`).
    pub code: String,
    /// What, for people.
    pub message: String,
    /// The way out, if there is one.
    pub hint: Option<String>,
    /// Where in the source, in characters.
    pub offset: Option<usize>,
}

impl std::fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExpressionError {}

impl ExpressionError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            offset: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A parsed expression.
#[derive(Debug, Clone)]
pub struct Expression {
    source: Arc<str>,
    ast: Arc<AstNode>,
    references: Arc<[Reference]>,
    /// A path of names alone: answered without JSONata, and exact for large integers.
    is_path: bool,
    /// Uses variables or the clock: needs the tree walker.
    needs_bindings: bool,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Expression {
    /// Parses `source`, without the `{% %}` around it.
    ///
    /// # Errors
    ///
    /// `expression-empty`, `expression-too-long`, `expression-too-deep`, `eval-not-allowed`, or a syntax code of
    /// the JSONata specification with the place as far as it is known.
    pub fn parse(source: &str) -> Result<Self, ExpressionError> {
        let trimmed = source.trim();
        if trimmed.is_empty() {
            return Err(
                ExpressionError::new("expression-empty", "the expression is empty")
                    .hint("write a path such as `steps.load.rows`, or a value"),
            );
        }
        if trimmed.len() > SOURCE_LIMIT {
            return Err(ExpressionError::new(
                "expression-too-long",
                format!(
                    "the expression has {} characters, at most {SOURCE_LIMIT} are allowed",
                    trimmed.len()
                ),
            )
            .hint("move the work into a `SQL query` or `Set values` step"));
        }
        let ast = jsonata_core::parser::parse(trimmed)
            .map_err(|error| syntax_error(trimmed, &error.to_string()))?;
        let found = references::collect(&ast, trimmed);
        if found.depth > DEPTH_LIMIT {
            return Err(ExpressionError::new(
                "expression-too-deep",
                format!(
                    "the expression nests {} levels, at most {DEPTH_LIMIT} are allowed",
                    found.depth
                ),
            ));
        }
        if found.uses_eval {
            return Err(ExpressionError {
                offset: trimmed
                    .find("$eval")
                    .map(|at| trimmed[..at].chars().count()),
                ..ExpressionError::new("eval-not-allowed", "`$eval` does not exist here")
                    .hint("write the expression itself")
            });
        }
        Ok(Self {
            source: trimmed.into(),
            is_path: found.is_path,
            needs_bindings: found.needs_bindings,
            references: found.references.into(),
            ast: Arc::new(ast),
        })
    }

    /// The source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it reads from the scope, each path once, in order of appearance.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Whether it reads something below `root` (`output`, `error` …).
    pub fn reads(&self, root: &str) -> bool {
        self.references
            .iter()
            .any(|reference| reference.path[0] == root)
    }
}

/// A sentence for a message of the parser, and the place if it can be told.
fn syntax_error(source: &str, message: &str) -> ExpressionError {
    let message = message
        .trim_start_matches("Invalid syntax: ")
        .trim_start_matches("Unexpected token: ");
    let (code, text) = match jsonata_core::evaluator::error_code_prefix(message) {
        Some(code) => (code.to_owned(), message[code.len() + 1..].trim()),
        None => ("syntax".to_owned(), message),
    };
    let end = source.chars().count();
    let token = text.find("(\"").and_then(|from| {
        let rest = &text[from + 2..];
        rest.find("\")").map(|to| rest[..to].to_owned())
    });
    let number = text.find("Number(").and_then(|from| {
        let rest = &text[from + 7..];
        rest.find(')')
            .map(|to| rest[..to].trim_end_matches(".0").to_owned())
    });
    let token = token.or(number);
    let offset = token
        .as_deref()
        .and_then(|token| source.rfind(token))
        .map(|at| source[..at].chars().count());
    let (sentence, offset) = match code.as_str() {
        "S0207" | "S0203" => ("the expression ends too early".to_owned(), Some(end)),
        "S0101" => (
            "a text has no closing quote".to_owned(),
            source
                .rfind(['"', '\''])
                .map(|at| source[..at].chars().count()),
        ),
        "S0105" => (
            "a name has no closing backquote".to_owned(),
            source.rfind('`').map(|at| source[..at].chars().count()),
        ),
        "S0103" | "S0104" => {
            let escape = text.rsplit(": ").next().unwrap_or(text);
            let at = source.find('\\').map(|at| source[..at].chars().count());
            (format!("a text cannot hold the escape `{escape}`"), at)
        }
        _ => match &token {
            Some(token) => (format!("`{token}` is not expected here"), offset),
            None => {
                let mut sentence = text.trim_end_matches('.').to_owned();
                if let Some(first) = sentence.get_mut(0..1) {
                    first.make_ascii_lowercase();
                }
                (sentence, None)
            }
        },
    };
    ExpressionError {
        code,
        message: sentence,
        hint: Some("an example: `steps.load.rows > 100 and input.region = \"north\"`".to_owned()),
        offset,
    }
}

#[cfg(test)]
mod tests;
