//! The files of the UI: a list made by walking the folder, so that no path of a request reaches the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use tokio::time::Instant;

/// A build has some hundred files; more means that the folder is not a build.
const MAX_FILES: usize = 5_000;
/// A miss looks into the folder again, at most this often.
const RESCAN: Duration = Duration::from_secs(1);

const NO_UI: &str = "<!doctype html><meta charset=utf-8><title>Baton</title>\
<body style=\"font:16px/1.5 system-ui;max-width:40em;margin:4em auto;padding:0 1em\">\
<h1>The user interface is not built</h1>\
<p>Baton runs, but has no pages to show. Build them once with <code>npm run build</code>, or say where they are \
with <code>BATON_UI_DIR</code>, then reload this page.</p>";

/// Finds the built UI: `BATON_UI_DIR`, else `ui` beside the program, else `ui/dist` in a folder above it.
pub fn find_ui() -> Option<PathBuf> {
    let is_ui = |folder: &PathBuf| folder.join("index.html").is_file();
    if let Some(folder) = std::env::var_os("BATON_UI_DIR") {
        // Where a person says it is, it is; a wrong folder must not be hidden by another one.
        return Some(PathBuf::from(folder)).filter(is_ui);
    }
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    let beside = program.parent()?.join("ui");
    let above = program
        .ancestors()
        .skip(1)
        .map(|folder| folder.join("ui").join("dist"));
    let here = std::env::current_dir()
        .ok()
        .map(|folder| folder.join("ui").join("dist"));
    std::iter::once(beside).chain(above).chain(here).find(is_ui)
}

/// The files of one build.
pub(crate) struct UiFiles {
    folder: Option<PathBuf>,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    files: BTreeMap<String, PathBuf>,
    looked_at: Option<Instant>,
}

impl UiFiles {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            found: Mutex::default(),
        }
    }

    /// The start page, or a page that says how to get one.
    pub(crate) async fn page(&self) -> Response {
        match self.file("index.html").await {
            Some(page) => page,
            None => (StatusCode::SERVICE_UNAVAILABLE, Html(NO_UI)).into_response(),
        }
    }

    /// A file by its address, if it is one of the list.
    pub(crate) async fn file(&self, address: &str) -> Option<Response> {
        let path = self.find(address)?;
        let bytes = match tokio::fs::read(&path).await {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a file of the UI cannot be read");
                return None;
            }
        };
        let caching = if is_named_by_content(address) {
            "private, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let headers = [
            (CONTENT_TYPE, content_type(&path)),
            (CACHE_CONTROL, caching),
        ];
        Some((headers, bytes).into_response())
    }

    fn find(&self, address: &str) -> Option<PathBuf> {
        let folder = self.folder.as_deref()?;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = found.files.get(address) {
            return Some(path.clone());
        }
        if found.looked_at.is_some_and(|at| at.elapsed() < RESCAN) {
            return None;
        }
        *found = Found {
            files: list(folder),
            looked_at: Some(Instant::now()),
        };
        found.files.get(address).cloned()
    }
}

/// All regular files below a folder, by their address. Links are not followed.
fn list(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "a folder of the UI cannot be read");
                continue;
            }
        };
        for entry in entries.flatten() {
            let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
                continue;
            };
            let address = format!("{prefix}{name}");
            if kind.is_dir() {
                open.push((entry.path(), format!("{address}/")));
            } else if kind.is_file() && files.len() < MAX_FILES {
                files.insert(address, entry.path());
            }
        }
    }
    files
}

/// The build puts a hash of the content into the names of `assets/`: those never change.
fn is_named_by_content(address: &str) -> bool {
    address.starts_with("assets/")
}

fn content_type(path: &Path) -> &'static str {
    match path
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default()
    {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "ttf" => "font/ttf",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_files_by_address_and_no_links() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("assets")).unwrap();
        std::fs::write(folder.path().join("index.html"), "x").unwrap();
        std::fs::write(folder.path().join("assets/a.js"), "x").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("assets/b.js")).unwrap();
        let addresses: Vec<_> = list(folder.path()).into_keys().collect();
        assert_eq!(addresses, ["assets/a.js", "index.html"]);
    }
}
