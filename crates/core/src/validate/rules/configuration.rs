//! Settings that are missing, wrong or unknown, as the form of the kind says.

use serde_json::{Map, Value};

use super::duration;
use super::edge_end::list;
use super::slug::proposal;
use crate::document::is_slug;
use crate::expression::Template;
use crate::problem::{Place, Problem, Severity};
use crate::step_kind::{Field, Ports, StepKind, VisibleWhen, Widget};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &[
        "missing-setting",
        "wrong-setting",
        "unknown-setting",
        "plain-expression",
        "bad-port",
    ],
    severity: Severity::Error,
    summary: "The settings of a step fit the form of its kind.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for info in context.active() {
        if let Some(kind) = info.kind {
            settings(
                context,
                kind,
                &info.step.with,
                &info.step.id,
                "with",
                problems,
            );
        }
    }
}

/// Checks `with`, which stands at `path` of the step `id`, against the form of `kind`.
pub(super) fn settings(
    context: &Context<'_>,
    kind: &StepKind,
    with: &Map<String, Value>,
    id: &str,
    path: &str,
    problems: &mut Vec<Problem>,
) {
    let names_ports = matches!(kind.ports, Ports::Configured(_));
    let mut checker = Checker {
        context,
        id,
        names_ports,
        path: path.to_owned(),
        problems,
    };
    checker.object(with, &kind.form.fields);
    if kind.kind == "wait"
        && with.get("for").is_none_or(is_blank)
        && with.get("until").is_none_or(is_blank)
    {
        let message = format!("`{id}` does not say how long it waits");
        checker.report(
            "missing-setting",
            Severity::Error,
            message,
            "fill in `For` or `Until`",
        );
    }
}

struct Checker<'c, 'a> {
    context: &'c Context<'a>,
    id: &'c str,
    /// The field `port` of a list names ports.
    names_ports: bool,
    path: String,
    problems: &'c mut Vec<Problem>,
}

impl Checker<'_, '_> {
    fn report(&mut self, code: &str, severity: Severity, message: String, hint: impl Into<String>) {
        let place = Place::field(self.id, self.path.as_str());
        self.problems
            .push(Problem::new(code, severity, place, message).hint(hint));
    }

    fn wrong(&mut self, message: String, hint: impl Into<String>) {
        self.report("wrong-setting", Severity::Error, message, hint);
    }

    /// Runs `look` with `part` added to the path.
    fn inside(&mut self, part: &str, look: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(part);
        look(self);
        self.path.truncate(length);
    }

    fn object(&mut self, map: &Map<String, Value>, fields: &[Field]) {
        for field in fields {
            let is_shown = field
                .visible_when
                .as_ref()
                .is_none_or(|when| is_visible(when, map, fields));
            if !is_shown {
                continue;
            }
            match map.get(&field.name) {
                Some(value) if !(value.is_null() || field.required && is_blank(value)) => {
                    let length = self.path.len();
                    self.path.push('.');
                    self.path.push_str(&field.name);
                    self.value(field, value);
                    self.path.truncate(length);
                }
                _ if field.required && field.default.is_none() => {
                    self.inside(&format!(".{}", field.name), |checker| {
                        let message = format!("`{}` is missing", field.label);
                        let hint = match (&field.placeholder, &field.options) {
                            (Some(example), _) => format!("fill it in, for example `{example}`"),
                            (None, Some(_)) => "choose one".to_owned(),
                            (None, None) => "fill it in".to_owned(),
                        };
                        checker.report("missing-setting", Severity::Error, message, hint);
                    });
                }
                _ => {}
            }
        }
        for key in map
            .keys()
            .filter(|key| !fields.iter().any(|field| field.name == **key))
        {
            let names = fields.iter().map(|field| field.name.as_str());
            let hint = match self.context.suggest(key, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if fields.is_empty() => {
                    "this kind of step has no settings; delete it".to_owned()
                }
                None => format!("delete it; known are {}", list(names)),
            };
            self.inside(&format!(".{key}"), |checker| {
                let message = format!("there is no setting `{key}`");
                checker.report("unknown-setting", Severity::Warning, message, hint);
            });
        }
    }

    fn value(&mut self, field: &Field, value: &Value) {
        if is_template(value) {
            return;
        }
        match field.widget {
            Widget::Text | Widget::File | Widget::SaveFile | Widget::Workflow => {
                if !value.is_string() {
                    self.must_be(field, "a text", value);
                } else if self.names_ports && field.name == "port" {
                    self.port(value.as_str().unwrap_or_default());
                }
            }
            Widget::Lines | Widget::Code => {
                let is_lines = value
                    .as_array()
                    .is_some_and(|lines| lines.iter().all(Value::is_string));
                if !is_lines && !value.is_string() {
                    self.must_be(field, "a text or a list of lines", value);
                }
            }
            Widget::Number => self.number(field, value),
            Widget::Switch => {
                if !value.is_boolean() {
                    self.must_be(field, "`true` or `false`", value);
                }
            }
            Widget::Select => self.choice(field, value),
            Widget::Duration => match value.as_str() {
                Some("") => {}
                Some(text) => {
                    let place = || Place::field(self.id, self.path.as_str());
                    self.problems.extend(duration::wrong(place, text));
                }
                None => self.must_be(field, "a duration such as `5m`", value),
            },
            Widget::Table | Widget::Expression => self.expression(field, value),
            Widget::Condition => {
                if !value.is_string() && !value.is_boolean() {
                    self.must_be(field, "a condition", value);
                }
            }
            Widget::Strings => {
                if !value
                    .as_array()
                    .is_some_and(|items| items.iter().all(Value::is_string))
                {
                    self.must_be(field, "a list of texts", value);
                }
            }
            Widget::Mapping => {
                if !value.is_object() {
                    self.must_be(field, "names with values, in `{ }`", value);
                }
            }
            Widget::List => self.items(field, value),
            Widget::Schema => {
                if !value.is_object() {
                    self.must_be(field, "a JSON Schema", value);
                }
            }
            Widget::Json => {}
        }
    }

    fn must_be(&mut self, field: &Field, expected: &str, found: &Value) {
        let hint = if field.expression {
            "correct the value, or write an expression in `{% … %}`"
        } else {
            "correct the value"
        };
        self.wrong(
            format!("`{}` must be {expected}, not {}", field.label, brief(found)),
            hint,
        );
    }

    fn number(&mut self, field: &Field, value: &Value) {
        let Some(number) = value.as_f64() else {
            self.must_be(field, "a number", value);
            return;
        };
        if let Some(min) = field.min.filter(|min| number < *min) {
            self.wrong(
                format!("`{}` must be at least {min}, not {number}", field.label),
                format!("write {min} or more"),
            );
        }
        if let Some(max) = field.max.filter(|max| number > *max) {
            self.wrong(
                format!("`{}` must be at most {max}, not {number}", field.label),
                format!("write {max} or less"),
            );
        }
    }

    fn choice(&mut self, field: &Field, value: &Value) {
        let options = field.options.as_deref().unwrap_or_default();
        let same = |a: &Value, b: &Value| {
            a == b || a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a == b)
        };
        if options.is_empty() || options.iter().any(|option| same(&option.value, value)) {
            return;
        }
        let names: Vec<String> = options
            .iter()
            .map(|option| {
                option
                    .value
                    .as_str()
                    .map_or_else(|| option.value.to_string(), str::to_owned)
            })
            .collect();
        let wrong = value.as_str().unwrap_or_default();
        let hint = match self
            .context
            .suggest(wrong, names.iter().map(String::as_str))
        {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("choose one of {}", list(names.iter().map(String::as_str))),
        };
        self.wrong(
            format!("{} is no choice for `{}`", brief(value), field.label),
            hint,
        );
    }

    fn expression(&mut self, field: &Field, value: &Value) {
        match value {
            Value::String(text) => {
                let looks_read = ["steps.", "input.", "item.", "run.", "env.", "$"]
                    .iter()
                    .any(|start| text.trim_start().starts_with(start));
                if field.widget == Widget::Table && !text.trim().is_empty() && !looks_read {
                    let hint = match self.context.find(text.trim()) {
                        Some(_) => format!("write `{{% steps.{} %}}`", text.trim()),
                        None => "write the table of an earlier step, such as `{% steps.load %}`"
                            .to_owned(),
                    };
                    self.wrong(
                        format!("`{}` must be a table, not the text `{text}`", field.label),
                        hint,
                    );
                } else if looks_read {
                    let message = format!(
                        "`{}` is the text `{text}`, which is not evaluated",
                        field.label
                    );
                    let severity = if field.widget == Widget::Table {
                        Severity::Error
                    } else {
                        Severity::Warning
                    };
                    let hint = format!("write `{{% {} %}}`", text.trim());
                    self.report("plain-expression", severity, message, hint);
                }
            }
            Value::Object(_) => {}
            other if field.widget == Widget::Table => {
                self.must_be(
                    field,
                    "a table, by an expression such as `{% steps.load %}`",
                    other,
                );
            }
            _ => {}
        }
    }

    fn items(&mut self, field: &Field, value: &Value) {
        let Some(items) = value.as_array() else {
            self.must_be(field, "a list", value);
            return;
        };
        let fields = field.fields.as_deref().unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            self.inside(&format!("[{index}]"), |checker| match item {
                Value::Object(map) => checker.object(map, fields),
                item if is_template(item) => {}
                item => checker.must_be(field, "a list of objects", item),
            });
        }
    }

    fn port(&mut self, name: &str) {
        if !is_slug(name) {
            let hint = match proposal(name) {
                Some(better) => {
                    format!("write `{better}` here, and the words people see into the title")
                }
                None => "an example: `large_order`".to_owned(),
            };
            let message = format!(
                "`{name}` cannot be a port: ports start with a lower case letter and hold only those, digits and `_`"
            );
            self.report("bad-port", Severity::Error, message, hint);
        }
    }
}

/// A field is visible while the other field has – or, being absent, stands for – one of the values.
fn is_visible(when: &VisibleWhen, map: &Map<String, Value>, fields: &[Field]) -> bool {
    let default = || {
        fields
            .iter()
            .find(|field| field.name == when.field)
            .and_then(|field| field.default.as_ref())
    };
    let value = map
        .get(&when.field)
        .filter(|value| !value.is_null())
        .or_else(default)
        .unwrap_or(&Value::Null);
    // Nobody knows yet what an expression will choose.
    is_template(value) || when.is.contains(value)
}

fn is_template(value: &Value) -> bool {
    match value {
        Value::String(text) => Template::has_expression(text),
        // Lines of one text, of which one opens the expression.
        Value::Array(items) => {
            items
                .iter()
                .any(|item| item.as_str().is_some_and(Template::has_expression))
                && items.iter().all(Value::is_string)
        }
        _ => false,
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items
            .iter()
            .all(|item| matches!(item, Value::String(text) if text.trim().is_empty())),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn brief(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().count() > 40 => "a text".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}
