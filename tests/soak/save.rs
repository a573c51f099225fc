//! a workflow file is saved while the process is killed and the power goes. The old version is there, or the new
//! one, complete; what was acknowledged stays.

use std::path::Path;

use baton_api::baton_core::document::{self, Step, Workflow};
use baton_api::workflows::WorkflowSave;
use baton_api::{App, AppConfig, workflow_save};
use serde_json::json;

use crate::child::{Said, Until, hear_out, own_child};
use crate::disk::Disk;
use crate::harness::{Case, Cx, Tally, series};
use crate::power::{IMAGES, cut};
use crate::random::Chance;
use crate::trace;

const FILES: [&str; 2] = ["flows/a.baton.json", "flows/deep/er/b.baton.json"];

/// Versions of each file that one process saves.
const VERSIONS: u32 = 12;

/// Where a save is cut off by the process itself.
const POINTS: [&str; 4] = [
    "file-written",
    "file-synced",
    "file-renamed",
    "file-in-place",
];

/// Kills in a series.
const KILLS: u32 = 4;

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    Ok(series(cx, cx.cases.div_ceil(IMAGES), |case| {
        kills(case)?;
        let place = case.folder.join("watched");
        std::fs::create_dir_all(&place).map_err(|error| error.to_string())?;
        let mut disk = Disk::new(&place).map_err(|error| error.to_string())?;
        let file = case.folder.join("calls");
        let folder = place.display().to_string();
        let mut watched = trace::watched(&own_child("save", &[&folder]), &file);
        let ended = hear_out(&mut watched, Until::Ends, &mut Said::default())?;
        if !ended.status.success() {
            return Err(format!("the watched process failed: {}", ended.complaints));
        }
        let calls = trace::read(&file)?;
        cut(
            case,
            &mut disk,
            &calls,
            Said::default(),
            |_, image, said, _| judge(image, said),
        )
    }))
}

fn kills(case: &mut Case<'_>) -> Result<(), String> {
    let place = case.folder.join("killed");
    std::fs::create_dir_all(&place).map_err(|error| error.to_string())?;
    let folder = place.display().to_string();
    let mut said = Said::default();
    for round in 0..KILLS {
        let mut child = own_child("save", &[&folder]);
        let until = if round.is_multiple_of(2) {
            let point = POINTS[case.chance.index(POINTS.len())];
            let nth = 1 + case.chance.below(12);
            child.env("BATON_FAIL_POINT", format!("{point}:{nth}"));
            Until::Ends
        } else {
            Until::Acks(1 + case.chance.below(12) as u32, case.chance.below(5_000))
        };
        let ended = hear_out(&mut child, until, &mut said)?;
        if ended.is_broken_off() {
            case.done();
            case.note("kills", 1);
        } else if !ended.status.success() {
            return Err(format!("it failed: {}", ended.complaints));
        }
        judge(&place, &said).map_err(|why| format!("after kill {round} ({until:?}): {why}"))?;
    }
    Ok(())
}

fn judge(place: &Path, said: &Said) -> Result<(), String> {
    for file in FILES {
        let acknowledged = said.files.get(file).copied().unwrap_or(0);
        let found = match std::fs::read_to_string(place.join(file)) {
            Ok(text) => {
                let parsed = document::parse(&text);
                let parsed = parsed.map_err(|error| {
                    format!("`{file}` is half written ({} bytes): {error}", text.len())
                })?;
                let version = version_of(&parsed.workflow);
                if document::print(&workflow(file, version)) != text {
                    return Err(format!(
                        "`{file}` is not what was saved as version {version}"
                    ));
                }
                version
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(format!("`{file}` cannot be read: {error}")),
        };
        if found < acknowledged {
            return Err(format!(
                "`{file}`: version {acknowledged} was acknowledged and {found} is there"
            ));
        }
    }
    Ok(())
}

fn version_of(workflow: &Workflow) -> u32 {
    let word = workflow.name.rsplit(' ').next().unwrap_or_default();
    word.parse().unwrap_or(0)
}

/// A file in one of its versions; they differ in length.
fn workflow(file: &str, version: u32) -> Workflow {
    let mut chance = Chance::new(file.len() as u64, u64::from(version));
    let mut workflow = Workflow::new("saved", format!("Version {version}"));
    for index in 0..1 + chance.below(40) {
        let value = format!("{:x}", chance.next());
        workflow.steps.push(Step {
            id: format!("s{index}"),
            kind: "set_values".to_owned(),
            with: json!({ "values": { "a": value } })
                .as_object()
                .cloned()
                .unwrap_or_default(),
            ..Step::default()
        });
    }
    workflow
}

/// The process that saves: every file in every version, from where they stand.
pub(crate) async fn child(folder: &Path) -> anyhow::Result<()> {
    use std::io::Write;
    let app = App::open(AppConfig::new(folder.join("data"), folder)).await?;
    let mut versions = [0; FILES.len()];
    for (file, version) in FILES.iter().zip(&mut versions) {
        if let Ok(text) = std::fs::read_to_string(folder.join(file)) {
            *version = version_of(&document::parse(&text)?.workflow);
        }
    }
    for _ in 0..VERSIONS {
        for (file, version) in FILES.iter().zip(&mut versions) {
            *version += 1;
            let request = WorkflowSave {
                document: workflow(file, *version),
                path: folder.join(file).display().to_string(),
                base: None,
                force: true,
                draft_key: None,
            };
            workflow_save(&app, request).await?;
            let line = format!("saved {file} {version}\n");
            std::io::stdout().lock().write_all(line.as_bytes())?;
        }
    }
    app.shutdown().await;
    Ok(())
}
