//! Pictures of workflows.

use baton_core::document::parse;
use baton_core::step_kind::Catalog;
use baton_interop::svg;
use expect_test::expect_file;

fn picture(json: &str) -> String {
    svg(
        &parse(json).expect("the test is a workflow").workflow,
        &Catalog::new([]),
    )
}

#[test]
fn a_picture_shows_cards_ports_edges_containers_and_notes() {
    let text = picture(
        r#"{ "id": "s", "name": "Orders & more", "steps": [
            { "id": "size", "kind": "decision", "name": "How large?", "with": { "cases": [{ "port": "large", "when": "input.n > 9", "title": "Large" }] } },
            { "id": "each", "kind": "for_each", "name": "Each order", "body": { "steps": [
                { "id": "ask", "kind": "approval", "name": "Ask the lead" }, { "id": "pause", "kind": "wait", "disabled": true } ],
                "edges": [{ "from": "ask.approved", "to": "pause" }] } },
            { "id": "rescue", "kind": "teleport" },
            { "id": "done", "kind": "end" }
        ], "edges": [
            { "from": "size.large", "to": "each" }, { "from": "size.else", "to": "done", "label": "small ones" },
            { "from": "each", "to": "rescue", "on": "error" }, { "from": "each", "to": "done", "on": "always" }
        ], "notes": [{ "id": "note", "text": ["Everything above nine is large, and the lead decides.", "Ask Kim."] }] }"#,
    );
    expect_file!["picture.svg"].assert_eq(&text);
}

#[test]
fn words_of_people_stay_words() {
    let text = picture(
        r#"{ "id": "s", "name": "</title><script>alert(1)</script>", "steps": [{ "id": "a", "kind": "\"/><script>", "name": "<b>&\u0000\n" }],
             "notes": [{ "id": "n", "text": ["]]><!--"] }] }"#,
    );
    assert!(
        !text.contains("<script")
            && !text.contains("<b>")
            && !text.contains('\0')
            && !text.contains("<!--")
    );
    assert!(text.contains("&lt;b&gt;&amp;"));
}

#[test]
fn nothing_outside_the_picture_is_referred_to() {
    let text = picture(r#"{ "id": "s", "name": "S", "steps": [{ "id": "a", "kind": "wait" }] }"#);
    for word in ["href", "url(", "<style", "<script", "<image", "@import"] {
        assert!(!text.contains(word), "{word}");
    }
    assert_eq!(text.matches("http").count(), 1, "the name space alone");
}

#[test]
fn an_empty_workflow_says_so() {
    assert!(picture(r#"{ "id": "s", "name": "S", "steps": [] }"#).contains("No steps yet"));
}
