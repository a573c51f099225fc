//! `baton validate`: all findings about files, at once. Nothing is carried out, no data folder is opened.

use baton_api::baton_core::document::digest;
use baton_api::baton_core::problem::{Problem, Severity};
use baton_api::baton_core::validate::validate;
use serde::Serialize;
use serde_json::Value;

use crate::args::Validate;
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::source::{self, Source};
use crate::trouble::{Trouble, problem_in_words};

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    files: Vec<FileReport>,
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
struct FileReport {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// A format that is newer than this build: the file opens read-only.
    #[serde(rename = "newerFormat", skip_serializing_if = "Option::is_none")]
    newer_format: Option<u32>,
    problems: Vec<Problem>,
    /// Why the file is no workflow at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

pub(crate) fn run(args: &Validate, out: &mut Out) -> Result<Exit, Trouble> {
    let mut reports = Vec::new();
    for path in &args.files {
        let report = match source::read(path) {
            Ok(source) => check(&source),
            Err(trouble) => {
                if !args.json {
                    trouble.tell(false);
                }
                FileReport {
                    file: path.display().to_string(),
                    digest: None,
                    newer_format: None,
                    problems: Vec::new(),
                    error: Some(trouble.as_json()),
                }
            }
        };
        if !args.json && report.error.is_none() {
            print(&report, out);
        }
        reports.push(report);
    }
    let count = |severity| {
        let problems = reports.iter().flat_map(|report| &report.problems);
        problems
            .filter(|problem| problem.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let exit = if reports.iter().any(|report| report.error.is_some()) {
        Exit::Unusable
    } else if errors > 0 {
        Exit::Failure
    } else {
        Exit::Success
    };
    if args.json {
        out.json(&Report {
            files: reports,
            errors,
            warnings,
        });
    }
    Ok(exit)
}

/// All findings about a file, those of reading it included.
pub(crate) fn problems(source: &Source) -> Vec<Problem> {
    validate(
        &source.parsed.workflow,
        &baton_api::kinds(),
        source.parsed.problems.clone(),
    )
}

fn check(source: &Source) -> FileReport {
    FileReport {
        file: source.name.clone(),
        digest: Some(digest(&source.parsed.workflow)),
        newer_format: source.parsed.newer,
        problems: problems(source),
        error: None,
    }
}

fn print(report: &FileReport, out: &mut Out) {
    let count = |severity| {
        report
            .problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let (icon, tone) = match (errors, warnings) {
        (0, 0) => ("✓", Tone::Good),
        (0, _) => ("!", Tone::Careful),
        _ => ("✗", Tone::Bad),
    };
    let number = |count: usize, word: &str| match count {
        0 => format!("no {word}s"),
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    let head = format!(
        "{icon} {}: {}, {}",
        report.file,
        number(errors, "error"),
        number(warnings, "warning")
    );
    let head = out.tone(tone, &head);
    out.line(&head);
    if let Some(format) = report.newer_format {
        out.line(&format!(
            "  the file has format {format}, newer than this Baton: it opens read-only"
        ));
    }
    let has_colour = out.has_colour();
    for problem in &report.problems {
        out.write(&problem_in_words(problem, has_colour));
    }
}
