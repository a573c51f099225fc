//! Makes up for what the graphics of a machine cannot do.

/// Chooses a renderer that works here. Call it before anything else: the first window reads the environment.
///
/// On a machine without a render node (virtual machines, remote desktops) WebKitGTK's DMA-BUF renderer draws
/// with the processor, at several times the cost, or shows nothing at all. Whoever has set the variable knows
/// better.
#[cfg(target_os = "linux")]
pub(crate) fn prepare() {
    const RENDERER: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    if std::env::var_os(RENDERER).is_some() || has_render_node() {
        return;
    }
    // Setting a variable of a running process is not safe in Rust, so the program starts itself once more.
    use std::os::unix::process::CommandExt;
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let error = std::process::Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(RENDERER, "1")
        .exec();
    tracing::warn!("could not start again with `{RENDERER}=1`: {error}");
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare() {}

#[cfg(target_os = "linux")]
fn has_render_node() -> bool {
    std::fs::read_dir("/dev/dri").is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
    })
}
