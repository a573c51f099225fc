//! The list of exporters.

use std::collections::BTreeSet;

use baton_core::document::Workflow;
use baton_core::step_kind::Catalog;
use baton_interop::{EXPORTERS, find, schema_text};

#[test]
fn each_exporter_has_an_id_of_its_own_and_writes_something_even_for_an_empty_workflow() {
    let ids: BTreeSet<&str> = EXPORTERS.iter().map(|exporter| exporter.id).collect();
    assert_eq!(ids.len(), EXPORTERS.len());
    for exporter in EXPORTERS {
        let text = (exporter.export)(&Workflow::new("empty", "Empty"), &Catalog::new([]));
        assert!(text.ends_with('\n') && text.len() > 10, "{}", exporter.id);
        assert!(find(exporter.id).is_some());
    }
    assert!(find("fax").is_none());
}

#[test]
fn the_schema_is_json() {
    let schema: serde_json::Value = serde_json::from_str(&schema_text()).unwrap();
    assert_eq!(schema["title"], "Baton workflow, format 1");
}
