//! What plain expressions read, found without parsing them.
//!
//! Most expressions are paths and literals with operators between them, and most of the time of a parser goes into
//! building a tree that nobody here looks at. What is not certainly well formed and that plain is left to the parser.

use std::borrow::Cow;

use super::expressions::Read;
use crate::expression::{SOURCE_LIMIT, condition_source};

/// More operands than this may nest deeper than an expression is allowed to.
const OPERANDS: usize = 32;

/// Adds what a text such as `{% steps.load.rows - 1 %}` reads to `reads`, if all of it is plain.
pub(super) fn reads<'a>(text: &'a str, is_condition: bool, reads: &mut Vec<Read<'a>>) -> bool {
    let source = condition_source(text);
    if !is_condition && source.len() == text.trim().len() {
        return false;
    }
    let before = reads.len();
    // The source is a part of the text.
    let start = source.as_ptr() as usize - text.as_ptr() as usize;
    let characters = text[..start].chars().count();
    let is_plain = scan(source, characters, reads);
    if !is_plain {
        reads.truncate(before);
    }
    is_plain
}

fn scan<'a>(source: &'a str, characters: usize, reads: &mut Vec<Read<'a>>) -> bool {
    // Places in characters and in bytes are the same then.
    if !source.is_ascii() || source.len() > SOURCE_LIMIT {
        return false;
    }
    let mut paths = [""; OPERANDS];
    let mut rest = source;
    for operand in 0..OPERANDS {
        let at = source.len() - rest.len();
        let Some((token, after)) = split_operand(rest) else {
            return false;
        };
        if token.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let Some((root, name)) = root_and_name(token) else {
                return false;
            };
            if !paths[..operand].contains(&token) {
                reads.push(Read {
                    root: Cow::Borrowed(root),
                    name: Some(Cow::Borrowed(name)),
                    guarded: false,
                    offset: Some(characters + at),
                });
            }
            paths[operand] = token;
        }
        rest = after.trim_ascii_start();
        if rest.is_empty() {
            return true;
        }
        let Some(after) = skip_operator(rest) else {
            return false;
        };
        rest = after.trim_ascii_start();
    }
    false
}

/// A path of names, a number or a text at the beginning of `rest`, and what follows it.
fn split_operand(rest: &str) -> Option<(&str, &str)> {
    let bytes = rest.as_bytes();
    let count = |is: fn(u8) -> bool, from: usize| {
        bytes[from..].iter().take_while(|byte| is(**byte)).count() + from
    };
    let end = match bytes.first()? {
        b'a'..=b'z' | b'A'..=b'Z' => count(|byte| is_word(byte) || byte == b'.', 0),
        b'0'..=b'9' => {
            let whole = match bytes[0] {
                b'0' => 1,
                _ => count(|byte| byte.is_ascii_digit(), 0),
            };
            match bytes.get(whole..whole + 2) {
                Some([b'.', b'0'..=b'9']) => count(|byte| byte.is_ascii_digit(), whole + 1),
                _ => whole,
            }
        }
        quote @ (b'"' | b'\'') => {
            let inner = bytes[1..].iter().position(|byte| byte == quote)?;
            if bytes[1..=inner].contains(&b'\\') {
                return None;
            }
            inner + 2
        }
        _ => return None,
    };
    let is_whole = !bytes
        .get(end)
        .is_some_and(|byte| is_word(*byte) || matches!(byte, b'.' | b'"' | b'\''));
    is_whole.then(|| rest.split_at(end))
}

/// The first two names of a path that is well formed and begins where a path of a workflow does.
fn root_and_name(path: &str) -> Option<(&str, &str)> {
    let is_name = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && !matches!(
                word,
                "and" | "or" | "in" | "true" | "false" | "null" | "function"
            )
    };
    let mut words = path.split('.');
    let (root, name) = (words.next()?, words.next()?);
    (matches!(root, "steps" | "input" | "item") && is_name(name) && words.all(is_name))
        .then_some((root, name))
}

/// What follows an operator between two operands.
fn skip_operator(rest: &str) -> Option<&str> {
    const SIGNS: &[&str] = &[
        "!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "%", "&",
    ];
    let word = ["and ", "or "]
        .iter()
        .find_map(|word| rest.strip_prefix(word));
    word.or_else(|| SIGNS.iter().find_map(|sign| rest.strip_prefix(sign)))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Expression;

    fn plain(source: &str) -> Option<Vec<(String, Option<usize>)>> {
        let mut found = Vec::new();
        reads(source, true, &mut found).then(|| {
            let read = found.iter().map(|read| {
                let name = read.name.as_deref().unwrap_or_default();
                (format!("{}.{name}", read.root), read.offset)
            });
            read.collect()
        })
    }

    #[test]
    fn plain_expressions_read_what_the_parser_says() {
        for source in [
            "steps.load.rows",
            "steps.load.rows + 1",
            "steps.a.n*2.5 >= input.most and input.name != \"north and south\"",
            "input.on = item.on or steps.b.n/10<0.5",
            "steps.a.n - steps.b.n - steps.a.n",
            "steps.a.n % 2 = 0",
            "'x' & input.name",
            "1 < 2",
        ] {
            let expected: Vec<(String, Option<usize>)> = Expression::parse(source)
                .unwrap()
                .references()
                .iter()
                .map(|one| (one.path[..2].join("."), one.offset))
                .collect();
            assert_eq!(plain(source), Some(expected), "{source}");
        }
    }

    #[test]
    fn everything_else_is_left_to_the_parser() {
        for source in [
            "",
            "steps",
            "steps.",
            "steps..a",
            "steps.a.n +",
            "steps.a.n + + 1",
            "steps.a.n 1",
            "steps.a.n and",
            "steps.a.n andy",
            "steps.a[0]",
            "$sum(steps.a.n)",
            "output.n > 1",
            "steps.a.n ?? 0",
            "steps.a.n ? 1 : 0",
            "steps.and.n",
            "1x",
            "1.",
            "01",
            "1.2.3",
            "\"a\\n\"",
            "\"a",
            "\"a\"\"b\"",
            "input.größe",
            "-1",
            "steps.a.n = -1",
            "steps.a.n ~> $string()",
            "steps.a.n := 1",
            "steps.a.n .. 3",
            "(steps.a.n)",
            "steps.a.n in [1]",
            "steps.a.* ",
            "steps.a.n /* why */ + 1",
        ] {
            assert_eq!(plain(source), None, "{source}");
        }
        let long = format!("1{}", " + 1".repeat(OPERANDS));
        assert_eq!(plain(&long), None);
    }
}
