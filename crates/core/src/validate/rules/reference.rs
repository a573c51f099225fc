//! What expressions read, and whether it can be there by then.

use petgraph::graph::NodeIndex;
use serde_json::Value;

use crate::problem::{Problem, Severity};
use crate::validate::expressions::{self, Owner, Sight, Use};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &[
        "unknown-reference",
        "not-before",
        "unknown-name",
        "outside-loop",
        "outside-error-path",
        "unknown-input",
    ],
    severity: Severity::Error,
    summary: "An expression reads steps that have run, and names that are in scope.",
    check,
};

/// Names that are in scope everywhere.
const ALWAYS: [&str; 4] = ["input", "steps", "run", "env"];

/// One read from the scope.
struct Read<'c, 'a> {
    context: &'c Context<'a>,
    used: &'c Use<'a>,
    read: &'c expressions::Read<'a>,
}

impl Read<'_, '_> {
    fn problem(
        &self,
        code: &str,
        severity: Severity,
        message: String,
        hint: impl Into<String>,
    ) -> Problem {
        Problem::new(
            code,
            severity,
            self.used.place(self.context, self.read.offset),
            message,
        )
        .hint(hint)
    }

    /// The step the expression belongs to, and whether it is evaluated after that step.
    fn step(&self) -> Option<(usize, bool)> {
        match self.used.owner {
            Owner::Step(step) => Some((step, false)),
            Owner::Edge(graph, edge) => Some((self.context.graphs[graph].edges[edge].from?, true)),
            Owner::Trigger(_) => None,
        }
    }
}

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    // Whether one step comes before another is answered for all questions of a graph at once.
    let mut questions: Vec<Vec<(Read<'_, '_>, NodeIndex, NodeIndex)>> =
        context.graphs.iter().map(|_| Vec::new()).collect();
    for (used, read) in context.expressions.reads() {
        let read = Read {
            context,
            used,
            read,
        };
        let Some((step, after)) = read.step() else {
            problems.extend(of_trigger(&read));
            continue;
        };
        match (&*read.read.root, read.read.name.as_deref()) {
            ("steps", Some(id)) => match target(&read, step, after, id) {
                Target::Fine => {}
                Target::Wrong(problem) => problems.push(*problem),
                Target::Ask(graph, before, node) => questions[graph].push((read, before, node)),
            },
            ("input", Some(name)) => problems.extend(input(&read, name)),
            (root, _) => problems.extend(name(&read, step, root)),
        }
    }
    for (graph, questions) in context.graphs.iter().zip(questions) {
        let pairs: Vec<_> = questions
            .iter()
            .map(|(_, before, node)| (*before, *node))
            .collect();
        for ((read, before, node), is_before) in
            questions.into_iter().zip(graph.come_before(&pairs))
        {
            if !is_before {
                let id = |node: NodeIndex| &context.steps[graph.links[node]].step.id;
                let (before, node) = (id(before), id(node));
                // An expression that says what to do without it may be meant so.
                let severity = if read.read.guarded {
                    Severity::Warning
                } else {
                    Severity::Error
                };
                problems.push(read.problem(
                    "not-before",
                    severity,
                    format!("`steps.{before}` may not have run yet: no path leads from `{before}` to `{node}`"),
                    format!("draw an edge from `{before}` towards `{node}`, or read another step"),
                ));
            }
        }
    }
}

enum Target {
    Fine,
    Wrong(Box<Problem>),
    /// Whether in this graph the first node comes before the second.
    Ask(usize, NodeIndex, NodeIndex),
}

fn target(read: &Read<'_, '_>, step: usize, after: bool, id: &str) -> Target {
    let context = read.context;
    let Some(found) = context.find(id) else {
        let hint = match context.suggest_step(id) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "expressions find a step by its id, which the inspector shows below the name"
                .to_owned(),
        };
        let message = format!("there is no step `{id}`");
        return Target::Wrong(Box::new(read.problem(
            "unknown-reference",
            Severity::Error,
            message,
            hint,
        )));
    };
    if read.used.sight == Sight::All {
        return Target::Fine;
    }
    let target = &context.steps[found];
    if read.used.sight == Sight::Body && context.steps[step].inner == Some(target.graph) {
        return Target::Fine;
    }
    let mut here = Some(step);
    while let Some(inside) = here {
        let info = &context.steps[inside];
        if info.graph == target.graph {
            if info.node != target.node {
                return Target::Ask(info.graph, target.node, info.node);
            }
            if inside == step && after {
                return Target::Fine;
            }
            let message = if inside == step {
                format!("`{id}` reads its own output, which is not there when it starts")
            } else {
                format!("`{id}` is still running while the steps inside it run")
            };
            let hint = "read a step that comes before it";
            return Target::Wrong(Box::new(read.problem(
                "not-before",
                Severity::Error,
                message,
                hint,
            )));
        }
        here = context.graphs[info.graph].owner;
    }
    let container = context.graphs[target.graph]
        .owner
        .map_or("", |owner| context.steps[owner].step.id.as_str());
    Target::Wrong(Box::new(read.problem(
        "not-before",
        Severity::Error,
        format!("`{id}` stands inside `{container}` and cannot be read from outside"),
        format!(
            "hand its value out with the `result` of `{container}`, and read `steps.{container}`"
        ),
    )))
}

fn input(read: &Read<'_, '_>, name: &str) -> Option<Problem> {
    let schema = read.context.workflow.input.as_ref()?;
    let properties = schema.get("properties")?.as_object()?;
    let is_open = !matches!(
        schema.get("additionalProperties"),
        None | Some(Value::Bool(false))
    ) || schema.get("patternProperties").is_some();
    if is_open || properties.contains_key(name) {
        return None;
    }
    let hint = match read
        .context
        .suggest(name, properties.keys().map(String::as_str))
    {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add `{name}` to the input of the workflow"),
    };
    let message = format!("the input of the workflow has no `{name}`");
    Some(read.problem("unknown-input", Severity::Warning, message, hint))
}

/// A trigger fires before there is a run.
fn of_trigger(read: &Read<'_, '_>) -> Option<Problem> {
    let root = &*read.read.root;
    (root != "trigger").then(|| {
        read.problem(
            "unknown-name",
            Severity::Error,
            format!("`{root}` is not known here: a trigger fires before the run"),
            "in scope is `trigger`, with `id`, `kind`, `due`, `at` and `payload`",
        )
    })
}

fn name(read: &Read<'_, '_>, step: usize, root: &str) -> Option<Problem> {
    let context = read.context;
    if ALWAYS.contains(&root) || read.used.extra().any(|known| known == root) {
        return None;
    }
    let info = &context.steps[step];
    // The result of an item is evaluated inside the loop.
    let own = (read.used.sight == Sight::Body).then_some(info);
    let mut around = context.containers(step).chain(own);
    match root {
        "item" | "index" => {
            (!around.any(|container| container.step.kind == "for_each")).then(|| {
                read.problem(
                    "outside-loop",
                    Severity::Error,
                    format!("`{root}` exists only inside a `for_each`"),
                    "move the step into one, or read `steps` or `input`",
                )
            })
        }
        "iteration" => (!around.any(|container| container.step.kind == "repeat")).then(|| {
            read.problem(
                "outside-loop",
                Severity::Error,
                "`iteration` exists only inside a `repeat`".to_owned(),
                "move the step into one, or read `steps` or `input`",
            )
        }),
        "error" => {
            let is_after_error =
                |graph: usize, node: NodeIndex| context.graphs[graph].after_error[node.index()];
            let is_on_error = match read.used.owner {
                Owner::Edge(graph, edge) => context.graphs[graph].edges[edge].edge.on.is_some(),
                Owner::Step(_) | Owner::Trigger(_) => false,
            };
            let is_in_scope = is_on_error
                || is_after_error(info.graph, info.node)
                || context
                    .containers(step)
                    .any(|container| is_after_error(container.graph, container.node));
            (!is_in_scope).then(|| {
                read.problem(
                    "outside-error-path",
                    Severity::Error,
                    "`error` exists only behind an error edge".to_owned(),
                    format!("draw an error edge that leads to `{}`", info.step.id),
                )
            })
        }
        other => {
            let hint = if context.find(other).is_some() {
                format!("to read the step, write `steps.{other}`")
            } else {
                let known = ALWAYS.into_iter().chain(["item", "index", "error"]);
                match context.suggest(other, known.chain(read.used.extra())) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "in scope are `input`, `steps`, `run` and `env`; texts stand in quotes"
                        .to_owned(),
                }
            };
            Some(read.problem(
                "unknown-name",
                Severity::Error,
                format!("`{other}` is not known here"),
                hint,
            ))
        }
    }
}
