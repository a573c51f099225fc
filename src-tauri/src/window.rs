//! The window, and where its page may go: nowhere but to itself.

use std::path::Path;

use tauri::webview::{NewWindowResponse, WebviewWindowBuilder};
use tauri::{AppHandle, Emitter, Manager, Url, WebviewUrl};
use tauri_plugin_opener::OpenerExt;

/// The name that `capabilities/main.json` gives rights to.
const LABEL: &str = "main";

/// What the page hears when another start of the program named a file.
const OPEN_FILE: &str = "open-file";

/// Opens the window, with `file` if one was named.
///
/// # Errors
///
/// The system has no screen, or no web view.
pub(crate) fn open(app: &AppHandle, file: Option<&Path>) -> tauri::Result<()> {
    let links = app.clone();
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App(page(file).into()))
        .title("Baton")
        .inner_size(1360.0, 860.0)
        .min_inner_size(880.0, 560.0)
        // Steps are dragged with pointer events; dropped files would navigate the page away.
        .disable_drag_drop_handler()
        .initialization_script(include_str!("freeze.js"))
        .on_navigation(is_own)
        .on_new_window(move |url, _| {
            follow(&links, &url);
            NewWindowResponse::Deny
        })
        .on_download(|_, _| false)
        .build()?;
    Ok(())
}

/// Shows the window that is already open, and tells its page about a file that was named. If Baton goes on without a
/// window, it gets one again.
pub(crate) fn come_forward(app: &AppHandle, file: Option<&Path>) {
    let Some(window) = app.get_webview_window(LABEL) else {
        if let Err(error) = open(app, file) {
            tracing::error!("the window could not be opened again: {error}");
        }
        return;
    };
    if let Err(error) = window.unminimize().and_then(|()| window.set_focus()) {
        tracing::warn!("the window could not be brought forward: {error}");
    }
    if let Some(file) = file
        && let Err(error) = window.emit(OPEN_FILE, file.to_string_lossy())
    {
        tracing::warn!(
            "the page could not be told to open `{}`: {error}",
            file.display()
        );
    }
}

/// The address of the page; a file to open goes into its query.
fn page(file: Option<&Path>) -> String {
    let Some(file) = file else {
        return "index.html".to_owned();
    };
    let mut query = Url::parse("tauri://localhost/").expect("a constant address is valid");
    query
        .query_pairs_mut()
        .append_pair("open", &file.to_string_lossy());
    format!("index.html?{}", query.query().unwrap_or_default())
}

/// Whether an address is the program's own page (`tauri://localhost`, on Windows `http://tauri.localhost`).
fn is_own(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        "http" | "https" => cfg!(windows) && url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

/// Hands a link to the browser or the mail program of the system; any other scheme is refused.
fn follow(app: &AppHandle, url: &Url) {
    if !matches!(url.scheme(), "https" | "mailto") {
        tracing::warn!("refused to open `{url}`: only `https` and `mailto` links are opened");
        return;
    }
    if let Err(error) = app.opener().open_url(url.as_str(), None::<&str>) {
        tracing::warn!("`{url}` could not be opened: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(url: &str) -> bool {
        is_own(&Url::parse(url).expect("a valid address"))
    }

    #[test]
    fn the_page_stays_on_itself() {
        assert!(own("tauri://localhost/index.html"));
        assert!(!own("tauri://elsewhere/index.html"));
        assert!(!own("http://tauri.localhost.example.com/"));
        assert!(!own("http://app.tauri.localhost/"));
        assert!(!own("https://example.com/"));
        assert!(!own("file:///etc/passwd"));
        assert!(!own("data:text/html,hello"));
        assert!(!own("about:blank"));
    }

    #[test]
    fn a_file_reaches_the_page_whatever_its_name_is() {
        assert_eq!(page(None), "index.html");
        assert_eq!(
            page(Some(Path::new("/tmp/a b&c#d?.baton.json"))),
            "index.html?open=%2Ftmp%2Fa+b%26c%23d%3F.baton.json"
        );
    }
}
