//! Arithmetic and comparisons over paths and literals, answered without JSONata.
//!
//! Most expressions are no more than that, and handing one over costs many times what it computes: the values are
//! copied there and back, and an evaluator is set up. Whatever is not certain to give the same answer there (lists,
//! missing fields, mixed types, numbers out of range) is left to JSONata, its errors included.

use std::borrow::Cow;

use jsonata_core::ast::{AstNode, BinaryOp, PathStep, UnaryOp};
use serde_json::Value;

use super::Scope;

/// A value that is compared and computed with the same way on both sides.
enum Plain<'a> {
    Number(f64),
    Bool(bool),
    Text(Cow<'a, str>),
}

/// The value of an expression, if it is plain.
pub(super) fn evaluate(node: &AstNode, scope: &dyn Scope) -> Option<Value> {
    if !matches!(node, AstNode::Binary { .. } | AstNode::Path { .. }) {
        return None;
    }
    Some(match plain(node, scope)? {
        Plain::Bool(value) => Value::Bool(value),
        Plain::Text(text) => Value::String(text.into_owned()),
        // As JSONata writes them: a number without a fraction is an integer.
        Plain::Number(number)
            if number.fract() == 0.0 && number >= i64::MIN as f64 && number <= i64::MAX as f64 =>
        {
            Value::from(number as i64)
        }
        Plain::Number(number) => Value::from(number),
    })
}

fn plain<'a>(node: &'a AstNode, scope: &'a dyn Scope) -> Option<Plain<'a>> {
    match node {
        AstNode::Number(number) => finite(*number),
        AstNode::Boolean(value) => Some(Plain::Bool(*value)),
        AstNode::String(text) => Some(Plain::Text(Cow::Borrowed(text))),
        AstNode::Path { steps } => read(steps, scope),
        AstNode::Unary {
            op: UnaryOp::Negate,
            operand,
        } => match plain(operand, scope)? {
            Plain::Number(number) => finite(-number),
            Plain::Bool(_) | Plain::Text(_) => None,
        },
        AstNode::Block(items) if items.len() == 1 => plain(&items[0], scope),
        AstNode::Binary { op, lhs, rhs } => combine(*op, &plain(lhs, scope)?, &plain(rhs, scope)?),
        _ => None,
    }
}

fn finite<'a>(number: f64) -> Option<Plain<'a>> {
    number.is_finite().then_some(Plain::Number(number))
}

fn combine<'a>(op: BinaryOp, left: &Plain<'_>, right: &Plain<'_>) -> Option<Plain<'a>> {
    match (left, right) {
        (Plain::Number(left), Plain::Number(right)) => match op {
            BinaryOp::Add => finite(left + right),
            BinaryOp::Subtract => finite(left - right),
            BinaryOp::Multiply => finite(left * right),
            BinaryOp::Divide => finite(left / right),
            BinaryOp::Modulo => finite(left % right),
            _ => compare(op, left, right),
        },
        (Plain::Text(left), Plain::Text(right)) => compare(op, left, right),
        (Plain::Bool(left), Plain::Bool(right)) => match op {
            BinaryOp::Equal => Some(Plain::Bool(left == right)),
            BinaryOp::NotEqual => Some(Plain::Bool(left != right)),
            _ => None,
        },
        _ => None,
    }
}

fn compare<'a, T: PartialOrd + ?Sized>(op: BinaryOp, left: &T, right: &T) -> Option<Plain<'a>> {
    Some(Plain::Bool(match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::LessThan => left < right,
        BinaryOp::LessThanOrEqual => left <= right,
        BinaryOp::GreaterThan => left > right,
        BinaryOp::GreaterThanOrEqual => left >= right,
        _ => return None,
    }))
}

/// Follows a path of names alone to a number, a text or a truth value.
fn read<'a>(steps: &'a [PathStep], scope: &'a dyn Scope) -> Option<Plain<'a>> {
    let mut names = steps.iter().map(|step| match &step.node {
        AstNode::Name(name) if step.stages.is_empty() && !step.is_tuple => Some(name.as_str()),
        _ => None,
    });
    let root = names.next()??;
    let mut value = if root == "steps" {
        scope.step(names.next()??)?
    } else {
        scope.name(root)?
    };
    for name in names {
        let name = name?;
        value = match value {
            Cow::Borrowed(Value::Object(map)) => Cow::Borrowed(map.get(name)?),
            Cow::Owned(Value::Object(mut map)) => Cow::Owned(map.remove(name)?),
            _ => return None,
        };
    }
    match value {
        Cow::Borrowed(Value::String(text)) => Some(Plain::Text(Cow::Borrowed(text))),
        Cow::Owned(Value::String(text)) => Some(Plain::Text(Cow::Owned(text))),
        Cow::Borrowed(Value::Number(number)) => finite(number.as_f64()?),
        Cow::Owned(Value::Number(number)) => finite(number.as_f64()?),
        Cow::Borrowed(Value::Bool(value)) => Some(Plain::Bool(*value)),
        Cow::Owned(Value::Bool(value)) => Some(Plain::Bool(value)),
        _ => None,
    }
}
