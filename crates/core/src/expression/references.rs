//! What an expression reads, found without evaluating it.

use jsonata_core::ast::{AstNode, BinaryOp, PathStep, Stage};

/// Names that are in scope; anything else at the top level is a mistake that validation reports.
const BOUND: &[&str] = &[
    "input",
    "steps",
    "run",
    "item",
    "index",
    "iteration",
    "error",
    "env",
    "output",
    "value",
];

/// A path that an expression reads from the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// `["steps", "load", "rows"]`. Ends before anything that is not a plain name.
    pub path: Vec<String>,
    /// The expression says what to do where it is missing (`$exists(…)`, `… ?? 0`, `… ?: 0`).
    pub guarded: bool,
    /// Where it first appears, in characters.
    pub offset: Option<usize>,
}

impl Reference {
    /// The path as it is written: `steps.load.rows`.
    pub fn dotted(&self) -> String {
        self.path.join(".")
    }
}

/// What [`collect`] found.
pub(super) struct Found {
    pub references: Vec<Reference>,
    pub depth: usize,
    pub uses_eval: bool,
    pub is_path: bool,
    pub needs_bindings: bool,
}

/// Walks the tree once.
pub(super) fn collect(ast: &AstNode, source: &str) -> Found {
    let mut walker = Walker {
        source,
        found: Found {
            references: Vec::new(),
            depth: 0,
            uses_eval: false,
            is_path: is_name_path(ast),
            needs_bindings: false,
        },
        depth: 0,
        guarded: false,
    };
    walker.node(ast, true);
    walker.found
}

fn is_name_path(node: &AstNode) -> bool {
    match node {
        AstNode::Path { steps } => steps.iter().all(|step| {
            matches!(step.node, AstNode::Name(_)) && step.stages.is_empty() && !step.is_tuple
        }),
        AstNode::Name(_) => true,
        _ => false,
    }
}

struct Walker<'a> {
    source: &'a str,
    found: Found,
    depth: usize,
    guarded: bool,
}

impl Walker<'_> {
    /// `at_root`: a bare name here means a name of the scope (inside a predicate it means a field of the item).
    fn node(&mut self, node: &AstNode, at_root: bool) {
        self.depth += 1;
        self.found.depth = self.found.depth.max(self.depth);
        match node {
            AstNode::String(_)
            | AstNode::Number(_)
            | AstNode::Boolean(_)
            | AstNode::Null
            | AstNode::Undefined
            | AstNode::Placeholder
            | AstNode::Regex { .. }
            | AstNode::Wildcard
            | AstNode::Descendant
            | AstNode::ParentVariable(_)
            | AstNode::Parent(_) => {}
            AstNode::Variable(name) => self.variable(name),
            AstNode::Name(name) => {
                if at_root {
                    self.reference(vec![name.clone()]);
                }
            }
            AstNode::Path { steps } => self.path(steps, at_root),
            AstNode::Binary { op, lhs, rhs } => {
                let before = self.guarded;
                if matches!(op, BinaryOp::Coalesce | BinaryOp::Default) {
                    self.guarded = true;
                }
                self.node(lhs, at_root);
                self.guarded = before;
                self.node(rhs, at_root);
            }
            AstNode::Unary { operand, .. } => self.node(operand, at_root),
            AstNode::Function { name, args, .. } => {
                match name.as_str() {
                    "eval" => self.found.uses_eval = true,
                    "now" | "millis" | "random" | "uuid" => self.found.needs_bindings = true,
                    _ => {}
                }
                let before = self.guarded;
                self.guarded |= matches!(name.as_str(), "exists" | "type");
                for arg in args {
                    self.node(arg, at_root);
                }
                self.guarded = before;
            }
            AstNode::Call { procedure, args } => {
                self.node(procedure, at_root);
                for arg in args {
                    self.node(arg, at_root);
                }
            }
            AstNode::Lambda { body, .. } => self.node(body, at_root),
            AstNode::Array(items) | AstNode::Block(items) | AstNode::ArrayGroup(items) => {
                for item in items {
                    self.node(item, at_root);
                }
            }
            AstNode::Object(pairs) => self.pairs(pairs, at_root),
            AstNode::ObjectTransform { input, pattern } => {
                self.node(input, at_root);
                self.pairs(pattern, false);
            }
            AstNode::Conditional {
                condition,
                then_branch,
                else_branch,
            } => {
                self.node(condition, at_root);
                self.node(then_branch, at_root);
                if let Some(else_branch) = else_branch {
                    self.node(else_branch, at_root);
                }
            }
            AstNode::FunctionApplication(inner) => self.node(inner, false),
            AstNode::Sort { input, terms } => {
                self.node(input, at_root);
                for (term, _) in terms {
                    self.node(term, false);
                }
            }
            AstNode::Transform {
                location,
                update,
                delete,
            } => {
                self.node(location, false);
                self.node(update, false);
                if let Some(delete) = delete {
                    self.node(delete, false);
                }
            }
        }
        self.depth -= 1;
    }

    fn pairs(&mut self, pairs: &[(AstNode, AstNode)], at_root: bool) {
        for (key, value) in pairs {
            self.node(key, at_root);
            self.node(value, at_root);
        }
    }

    fn path(&mut self, steps: &[PathStep], at_root: bool) {
        let mut names = Vec::new();
        let mut rest = 0;
        let rooted = match steps.first().map(|step| &step.node) {
            Some(AstNode::Name(_)) => at_root,
            Some(AstNode::ParentVariable(_)) => {
                rest = 1;
                true
            }
            Some(AstNode::Variable(name)) if name.is_empty() => {
                rest = 1;
                at_root
            }
            Some(AstNode::Variable(name)) if BOUND.contains(&name.as_str()) => {
                self.found.needs_bindings = true;
                names.push(name.clone());
                rest = 1;
                true
            }
            _ => false,
        };
        if rooted {
            let broken = rest == 1 && !steps[0].stages.is_empty();
            if !broken {
                for step in &steps[rest..] {
                    let AstNode::Name(name) = &step.node else {
                        break;
                    };
                    names.push(name.clone());
                    if !step.stages.is_empty() {
                        break;
                    }
                }
            }
            if !names.is_empty() {
                self.reference(names);
            }
        }
        for (position, step) in steps.iter().enumerate() {
            let is_read_already = position == 0 && rooted;
            if !is_read_already && !matches!(step.node, AstNode::Name(_)) {
                self.node(&step.node, position == 0 && at_root);
            }
            for stage in &step.stages {
                if let Stage::Filter(filter) = stage {
                    self.node(filter, false);
                }
            }
        }
    }

    fn variable(&mut self, name: &str) {
        match name {
            "eval" => self.found.uses_eval = true,
            "now" | "millis" | "random" | "uuid" => self.found.needs_bindings = true,
            name if BOUND.contains(&name) => {
                self.found.needs_bindings = true;
                self.reference(vec![name.to_owned()]);
            }
            _ => {}
        }
    }

    fn reference(&mut self, path: Vec<String>) {
        if let Some(known) = self
            .found
            .references
            .iter_mut()
            .find(|known| known.path == path)
        {
            known.guarded |= self.guarded;
            return;
        }
        let dotted = path.join(".");
        let at = self
            .source
            .find(&dotted)
            .or_else(|| self.source.find(path.last()?.as_str()));
        self.found.references.push(Reference {
            path,
            guarded: self.guarded,
            offset: at.map(|at| self.source[..at].chars().count()),
        });
    }
}
