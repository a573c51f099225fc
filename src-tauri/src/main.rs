//! The window of Baton, and nothing else.
//!
//! It opens the same api as the browser and the command line do, shows the same pages, and adds what only a
//! desktop has: dialogs of the system, notifications, one instance, a place on the screen that is remembered.
//! The state of record is behind [`baton_api`]; this process may end at any moment and nothing is lost.
//!
//! * [`backend`]: the one [`baton_api::Member`], joined at the first question.
//! * [`background`]: what happens to triggers when the window is closed.
//! * [`rpc`]: the two functions that the page can call.
//! * [`window`]: the window, and where its page may go.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod backend;
mod background;
mod rpc;
mod screen;
mod window;

use std::path::PathBuf;

use anyhow::Context;
use tauri::{Manager, RunEvent};

use crate::backend::Backend;

/// As in the `baton` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(
    clippy::exit,
    reason = "Tauri's own macro ends the program where its thread breaks"
)]
fn main() -> anyhow::Result<()> {
    // Before anything else: this may be the guard of a program that a step starts.
    if baton_api::guard::enter().is_some() {
        return Ok(());
    }
    start_log();
    screen::prepare();

    let app = tauri::Builder::default()
        // First, so that a second instance ends before it opens anything.
        .plugin(tauri_plugin_single_instance::init(
            |app, arguments, folder| {
                let file = file_in(arguments.into_iter().skip(1), &PathBuf::from(folder));
                window::come_forward(app, file.as_deref());
            },
        ))
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .manage(Backend::default())
        .manage(rpc::Subscription::default())
        .invoke_handler(tauri::generate_handler![rpc::rpc, rpc::subscribe])
        .setup(|app| {
            let folder = std::env::current_dir().unwrap_or_default();
            let file = file_in(std::env::args().skip(1), &folder);
            window::open(app.handle(), file.as_deref())?;
            Ok(())
        })
        .build(tauri::generate_context!())
        .context("the window cannot be opened")?;

    app.run(|handle, event| {
        match event {
            // Without a code, it is the last window that was closed.
            RunEvent::ExitRequested {
                code: None, api, ..
            } => background::window_closed(handle, &api),
            RunEvent::Exit => {
                tauri::async_runtime::block_on(handle.state::<Backend>().close());
            }
            _ => {}
        }
    });
    Ok(())
}

/// The workflow that was named when the program was started, as an absolute path.
fn file_in(arguments: impl Iterator<Item = String>, folder: &std::path::Path) -> Option<PathBuf> {
    arguments
        .filter(|argument| !argument.starts_with('-'))
        .map(|argument| folder.join(argument))
        .next()
}

/// Writes what happens to standard error; `BATON_LOG` says how much, as for the command line.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("BATON_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(arguments: &[&str]) -> Option<PathBuf> {
        file_in(
            arguments.iter().map(|&argument| argument.to_owned()),
            std::path::Path::new("/home/ada"),
        )
    }

    #[test]
    fn a_file_is_taken_from_the_folder_it_was_named_in() {
        assert_eq!(
            named(&["a.baton.json"]),
            Some(PathBuf::from("/home/ada/a.baton.json"))
        );
        assert_eq!(
            named(&["/b.baton.json"]),
            Some(PathBuf::from("/b.baton.json"))
        );
    }

    #[test]
    fn options_are_not_files() {
        assert_eq!(named(&["--quiet"]), None);
        assert_eq!(
            named(&["--quiet", "a.baton.json"]),
            Some(PathBuf::from("/home/ada/a.baton.json"))
        );
    }
}
