//! What expressions give, and what they say when they cannot.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::*;

struct Data(Value);

impl Scope for Data {
    fn name(&self, name: &str) -> Option<Cow<'_, Value>> {
        self.0.get(name).map(Cow::Borrowed)
    }
    fn step(&self, id: &str) -> Option<Cow<'_, Value>> {
        self.0.get("steps")?.get(id).map(Cow::Borrowed)
    }
    fn steps(&self) -> Vec<String> {
        self.0["steps"]
            .as_object()
            .map(|map| map.keys().cloned().collect())
            .unwrap_or_default()
    }
    fn now(&self) -> crate::Millis {
        1_700_000_000_000
    }
    fn seed(&self) -> u64 {
        7
    }
}

fn data() -> Data {
    Data(json!({
        "input": { "threshold": 0.7, "big": 9_007_199_254_740_993i64, "name": "north" },
        "steps": {
            "load": { "rows": 120, "preview": [{ "amount": 5, "tag": "a" }, { "amount": 50 }] },
            "score": { "value": 0.9, "empty": null }
        },
        "index": 3
    }))
}

fn value(source: &str) -> Result<Value, String> {
    Expression::parse(source)
        .and_then(|expression| expression.evaluate(&data()))
        .map_err(|error| format!("{}: {}", error.code, error.message))
}

fn condition(source: &str) -> Result<bool, String> {
    Expression::parse(source)
        .and_then(|expression| expression.evaluate_condition(&data()))
        .map_err(|error| format!("{}: {}", error.code, error.message))
}

#[test]
fn values_keep_their_type() {
    assert_eq!(value("steps.load.rows"), Ok(json!(120)));
    assert_eq!(
        value("input.big"),
        Ok(json!(9_007_199_254_740_993i64)),
        "a plain path is exact"
    );
    assert_eq!(value("steps.load.rows * 2 + index"), Ok(json!(243)));
    assert_eq!(value("$sum(steps.load.preview.amount)"), Ok(json!(55)));
    assert_eq!(
        value("steps.load.preview[amount > 10].amount"),
        Ok(json!(50))
    );
    assert_eq!(
        value("steps.load.preview[amount > $input.threshold * 50].amount"),
        Ok(json!(50))
    );
    assert_eq!(value("steps.score.empty"), Ok(Value::Null));
}

#[test]
fn a_missing_field_is_named() {
    assert_eq!(
        value("steps.load.rowz"),
        Err("missing-field: field `steps.load.rowz` is missing".to_owned())
    );
    assert_eq!(
        value("steps.lod.rows"),
        Err("missing-field: step `lod` has no output here".to_owned())
    );
    assert_eq!(
        condition("steps.load.rowz > 5"),
        Err("missing-field: field `steps.load.rowz` is missing".to_owned())
    );
    assert_eq!(
        condition("input.region = \"x\""),
        Err("missing-field: field `input.region` is missing".to_owned())
    );
    assert_eq!(
        condition("steps.load.rows > 100 and input.region = \"x\""),
        Err("missing-field: field `input.region` is missing".to_owned())
    );
    assert_eq!(
        condition("$not(input.region = \"x\")"),
        Err("missing-field: field `input.region` is missing".to_owned())
    );
}

#[test]
fn conditions_look_only_at_the_side_that_decides() {
    assert_eq!(
        condition("steps.load.rows < 100 and input.region = \"x\""),
        Ok(false)
    );
    assert_eq!(
        condition("steps.load.rows > 100 or input.region = \"x\""),
        Ok(true)
    );
    assert_eq!(
        condition("$exists(input.region) and input.region = \"x\""),
        Ok(false)
    );
    assert_eq!(condition("(input.region ?? \"none\") = \"none\""), Ok(true));
    assert_eq!(
        condition("steps.load.rows > 100 ? input.threshold > 0.5 : input.gone"),
        Ok(true)
    );
}

#[test]
fn a_condition_is_true_or_false() {
    assert_eq!(
        condition("steps.load.rows"),
        Err(
            "condition-not-boolean: the condition gave the number `120`, not true or false"
                .to_owned()
        )
    );
    assert_eq!(
        condition("input.name > 3").map_err(|e| e[..5].to_owned()),
        Err("T2009".to_owned())
    );
}

#[test]
fn clock_and_chance_come_from_the_run() {
    assert_eq!(value("$now()"), Ok(json!("2023-11-14T22:13:20.000Z")));
    assert_eq!(value("$millis()"), Ok(json!(1_700_000_000_000i64)));
    assert_eq!(value("$random()"), value("$random()"));
    assert_eq!(value("$uuid()"), value("$uuid()"));
    assert_ne!(
        value("[$random(), $random()][0]"),
        value("[$random(), $random()][1]")
    );
    assert_eq!(
        value("$eval(\"1\")"),
        Err("eval-not-allowed: `$eval` does not exist here".to_owned())
    );
    assert!(value("($e := $eval; $e(\"1\"))").is_err());
}

#[test]
fn syntax_errors_have_a_place() {
    let place = |source: &str| {
        Expression::parse(source)
            .map(|_| ())
            .map_err(|error| (error.message, error.offset))
    };
    assert_eq!(
        place("steps.load.rows >"),
        Err(("the expression ends too early".to_owned(), Some(17)))
    );
    assert_eq!(
        place("a b"),
        Err(("`b` is not expected here".to_owned(), Some(2)))
    );
    assert_eq!(
        place("\"abc"),
        Err(("a text has no closing quote".to_owned(), Some(0)))
    );
    assert_eq!(place("\"a\\.\"").map_err(|(_, at)| at), Err(Some(2)));
    assert!(place("").is_err());
    assert!(place(&"(".repeat(9_000)).is_err());
}

#[test]
fn runaway_expressions_are_stopped() {
    assert!(value("($f := function($x){ $f($x + 1) + 1 }; $f(0))").is_err());
    assert!(value("$count([1..9000000])").is_err());
}

#[test]
fn templates_join_text_and_keep_single_values() {
    let of = |text: &str| Template::parse(text).and_then(|template| template.evaluate(&data()));
    assert_eq!(of("{% steps.load.rows %}"), Ok(json!(120)));
    assert_eq!(of(" {% steps.load.rows %} "), Ok(json!(120)));
    assert_eq!(
        of("{% steps.load.rows %} rows in {% input.name %}"),
        Ok(json!("120 rows in north"))
    );
    assert_eq!(
        Template::parse("x {% y").map_err(|error| error.offset),
        Err(Some(2))
    );
    assert_eq!(
        Template::parse("ab {% 1 +  %}").map_err(|error| error.offset),
        Err(Some(9))
    );
    assert_eq!(
        Template::parse("{%}").map_err(|error| error.code),
        Err("template-not-closed".to_owned())
    );
    assert!(Template::parse("{%%}").is_err());
    assert_eq!(condition_source("{% a > 1 %}"), "a > 1");
    assert_eq!(condition_source("a > 1"), "a > 1");
}

#[test]
fn references_are_found_where_they_are_read() {
    let paths = |source: &str| {
        Expression::parse(source)
            .map(|expression| {
                expression
                    .references()
                    .iter()
                    .map(Reference::dotted)
                    .collect::<Vec<_>>()
            })
            .map_err(|error| error.message)
    };
    assert_eq!(
        paths("steps.a.x > 1 and input.y"),
        Ok(vec!["steps.a.x".to_owned(), "input.y".to_owned()])
    );
    assert_eq!(
        paths("steps.a.items[price > 3].name"),
        Ok(vec!["steps.a.items".to_owned()])
    );
    assert_eq!(
        paths("steps.a.items[price > $$.input.min]"),
        Ok(vec!["steps.a.items".to_owned(), "input.min".to_owned()])
    );
    assert_eq!(
        paths("$map(steps.a, function($v){ $v.x })"),
        Ok(vec!["steps.a".to_owned()])
    );
    assert_eq!(paths("$input.x"), Ok(vec!["input.x".to_owned()]));
}

#[test]
fn a_decision_explains_itself() {
    let expression = Expression::parse("steps.load.rows > 100").expect("it parses");
    let explained = evaluation_of(&expression, &data(), &json!(true));
    assert_eq!(
        explained.read,
        json!({ "steps.load.rows": 120 })
            .as_object()
            .cloned()
            .expect("an object")
    );
}

/// What is answered without JSONata is what JSONata gives.
#[test]
fn plain_answers_are_those_of_jsonata() {
    let operands = [
        "steps.load.rows",
        "steps.score.value",
        "steps.score.empty",
        "steps.load.preview.amount",
        "steps.load.gone",
        "input.name",
        "input.big",
        "index",
        "0",
        "7.5",
        "-3",
        "1e308",
        "\"north\"",
        "\"120\"",
        "true",
        "null",
    ];
    let operators = [
        "+", "-", "*", "/", "%", "=", "!=", "<", "<=", ">", ">=", "&", "and", "or", "in", "??",
    ];
    let data = data();
    let mut plain_ones = 0;
    for left in operands {
        for right in operands {
            for operator in operators {
                for source in [
                    format!("{left} {operator} {right}"),
                    format!("({left} {operator} {right}) {operator} 2"),
                ] {
                    let Ok(expression) = Expression::parse(&source) else {
                        continue;
                    };
                    let Some(plain) = plain::evaluate(&expression.ast, &data) else {
                        continue;
                    };
                    let given = expression.data(&expression.references, &data);
                    let expected = expression.run(&expression.ast, &given, &data);
                    assert_eq!(Ok(Some(plain)), expected, "{source}");
                    plain_ones += 1;
                }
            }
        }
    }
    assert!(plain_ones > 500, "only {plain_ones} were plain");
}
