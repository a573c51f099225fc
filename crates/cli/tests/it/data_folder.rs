//! Data folders that cannot be used.

use serde_json::json;

use crate::support::{Desk, has_database};

#[test]
fn data_names_another_folder() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.chain(), "--data", "other"])
        .expect(0);
    assert!(has_database(&desk.path("other")) && !desk.data().exists());
    let listed = desk
        .baton(&["runs", "list", "--json", "--data", "other"])
        .expect(0)
        .json();
    assert_eq!(listed["total"], 1);
}

#[test]
fn a_folder_that_is_a_file_is_refused() {
    let desk = Desk::new();
    desk.put("data", "not a folder");
    let error = desk
        .baton(&["run", &desk.chain(), "--json"])
        .expect(2)
        .error();
    assert_eq!(error["code"], "store");
    desk.baton(&["doctor"]).expect(1);
}

#[test]
fn a_damaged_database_is_told_and_kept() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.chain()]).expect(0);
    let database = desk.data().join("baton.db");
    std::fs::write(&database, vec![7; 20_000]).unwrap();
    let error = desk
        .baton(&["run", &desk.chain(), "--json"])
        .expect(2)
        .error();
    assert_eq!(error["code"], "store", "{error}");
    let report = desk.baton(&["doctor", "--json"]).expect(1).json();
    let findings = report["findings"].as_array().unwrap();
    let database_finding = findings
        .iter()
        .find(|finding| finding["name"] == "database")
        .unwrap();
    assert_eq!(database_finding["state"], json!("problem"));
    assert_eq!(
        std::fs::read(&database).unwrap(),
        vec![7; 20_000],
        "nothing was overwritten"
    );
}

/// Root may write anywhere, so a file system that is read-only for everybody stands in: `/proc`.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    let desk = Desk::new();
    let error = desk
        .baton(&["run", &desk.chain(), "--data", "/proc/baton", "--json"])
        .expect(2)
        .error();
    assert_eq!(error["code"], "store", "{error}");
    assert!(error["message"].as_str().unwrap().contains("/proc/baton"));
}
