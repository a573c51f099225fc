//! Runs a program: no shell, a clean environment, limits, and nothing left behind when it is stopped.

use std::ffi::OsString;
use std::process::ExitStatus;

use baton_core::error::StepError;
use baton_core::step_kind::{Category, Effect as Repeat, Ports};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::config::{Text, With, shown};
use crate::kind::{About, Kind, cancelled};
use crate::overview::shorten;
use crate::process::{self, GRACE, Launch};
use crate::safe_path::{SafePath, reason};
use crate::{TaskContext, TaskOutput};

/// What is made of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Parse {
    #[default]
    Text,
    /// `json` in the output of the step.
    Json,
    /// `lines` in the output of the step.
    Lines,
}

/// What running the program twice would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Effect {
    Pure,
    Idempotent,
    Keyed,
    #[default]
    Unsafe,
}

/// The settings of `run_command`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The program: a name that `PATH` knows, or a file.
    program: Text,
    /// What it is started with, one by one. No shell looks at them.
    #[serde(default)]
    args: Vec<Text>,
    /// Environment variables besides `PATH`, `HOME` and `LANG`.
    #[serde(default)]
    env: With,
    /// The folder to run in, below the work folder.
    #[serde(default)]
    cwd: Option<Text>,
    /// What the program reads.
    #[serde(default)]
    stdin: Option<Text>,
    /// What is made of the output.
    #[serde(default)]
    parse: Parse,
    /// Exit codes that are a success.
    #[serde(default = "zero")]
    ok_exit: Vec<i32>,
    /// What running it twice would do.
    #[serde(default)]
    #[expect(dead_code, reason = "read off the document before the step runs, by `Kind::effect`")]
    effect: Effect,
}

fn zero() -> Vec<i32> {
    vec![0]
}

/// What a program needs to run at all.
const KEPT: &[&str] =
    &["PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SystemRoot", "SystemDrive", "PATHEXT", "USERPROFILE"];

pub(crate) struct Step;

impl Kind for Step {
    type Config = Config;

    const ABOUT: About = About {
        title: "Run command",
        summary: "Runs a program on this machine, with the rights of the user.",
        category: Category::Systems,
        icon: "terminal",
        ports: Ports::Plain,
        output: &[
            ("exit", "exit code"),
            ("stdout", "what it wrote"),
            ("stderr", "what it wrote as errors"),
            ("truncated", "whether more was written than is kept"),
            ("json", "the output as a value, if it is read as JSON"),
            ("lines", "the output as a list, if it is read by lines"),
        ],
    };

    fn effect(with: &With) -> Repeat {
        match shown(with, "effect").as_str() {
            "pure" => Repeat::Pure,
            "idempotent" => Repeat::Idempotent,
            "keyed" => Repeat::Keyed,
            _ => Repeat::Unsafe,
        }
    }

    fn summary(with: &With) -> String {
        command_line(with)
    }

    fn touches(with: &With) -> Vec<(&'static str, String)> {
        vec![("program", command_line(with))]
    }

    async fn run(config: Config, cx: &TaskContext) -> Result<TaskOutput, StepError> {
        let launch = launch(&config, cx)?;
        let mut program = process::start(launch).await.map_err(|error| not_started(&config, &error))?;
        let limit = usize::try_from(cx.limits.output_bytes).unwrap_or(usize::MAX);
        let (stdout, stderr) = program.output();
        let out = tokio::spawn(keep(stdout, limit, None));
        let err = tokio::spawn(keep(stderr, limit, Some(Lines::new(cx))));
        let status = tokio::select! {
            status = program.wait() => status.map_err(|error| failed("wait for", &config, &error))?,
            () = cx.cancel.cancelled() => {
                program.end().await;
                return Err(cancelled());
            }
        };
        let (out, err) = (kept(out).await, kept(err).await);
        finish(&config, status, &out, &err).map(TaskOutput::new)
    }
}

fn command_line(with: &With) -> String {
    let args = with.get("args").and_then(Value::as_array);
    let args = args.into_iter().flatten().map(|arg| Text::of(arg).0);
    let words: Vec<String> = std::iter::once(shown(with, "program")).chain(args).collect();
    words.join(" ")
}

fn launch(config: &Config, cx: &TaskContext) -> Result<Launch, StepError> {
    let program = config.program.trim();
    if program.is_empty() {
        return Err(StepError::permanent("config", "the step names no program"));
    }
    let folder = match config.cwd.as_deref().map(str::trim).filter(|cwd| !cwd.is_empty()) {
        Some(cwd) => SafePath::to_folder(cx, cwd)?.full().to_path_buf(),
        None => cx.work_dir.clone(),
    };
    let kept = KEPT.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    let mut env: Vec<(OsString, OsString)> = kept.collect();
    env.push(("BATON_IDEMPOTENCY_KEY".into(), cx.key.clone().into()));
    env.push(("BATON_RUN".into(), cx.run.clone().into()));
    for (name, value) in config.env.iter().filter(|(_, value)| !value.is_null()) {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(StepError::permanent("config", format!("`{name}` cannot be the name of an environment variable")));
        }
        env.push((name.into(), Text::of(value).0.into()));
    }
    Ok(Launch {
        // A path is meant from the work folder; a bare name is looked up in `PATH`.
        program: if program.contains(['/', '\\']) {
            SafePath::to_read(cx, program)?.full().as_os_str().to_owned()
        } else {
            program.into()
        },
        args: config.args.iter().map(|arg| arg.0.clone()).collect(),
        env,
        folder,
        stdin: config.stdin.as_ref().map(|text| text.0.clone()),
    })
}

fn not_started(config: &Config, error: &std::io::Error) -> StepError {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            StepError::permanent("program-not-found", format!("there is no program `{}`", config.program.trim()))
                .hint("install it, or name the file in full; `PATH` decides where it is looked for")
        }
        std::io::ErrorKind::InvalidInput => StepError::permanent("config", format!("the program cannot be started: {error}")),
        _ => failed("start", config, error),
    }
}

/// The beginning of a stream, and whether there was more.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Kept {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Reads all, keeps the beginning: a program never waits because nobody reads.
async fn keep(
    stream: Option<impl AsyncRead + Unpin>,
    limit: usize,
    mut lines: Option<Lines>,
) -> Kept {
    let mut kept = Kept::default();
    let Some(mut stream) = stream else { return kept };
    let mut buffer = vec![0; 16 * 1024];
    // A stream that breaks off ends.
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let room = limit - kept.bytes.len();
        kept.is_cut |= read > room;
        kept.bytes.extend_from_slice(&buffer[..read.min(room)]);
        if let Some(lines) = &mut lines {
            lines.follow(&buffer[..read]);
        }
    }
    kept
}

/// Shows what a program says about its work while it works.
struct Lines {
    cx: TaskContext,
    open: Vec<u8>,
    left: u32,
}

impl Lines {
    /// The most lines that are shown; all of them are in the output.
    const MOST: u32 = 500;

    fn new(cx: &TaskContext) -> Self {
        Self { cx: cx.clone(), open: Vec::new(), left: Self::MOST }
    }

    fn follow(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.left == 0 {
                return;
            }
            match byte {
                b'\n' => {
                    let line = String::from_utf8_lossy(&self.open).trim_end().to_owned();
                    self.open.clear();
                    if !line.is_empty() {
                        self.left -= 1;
                        self.cx.log("info", line);
                    }
                }
                // A line without an end is cut, not collected for ever.
                byte if self.open.len() < 2_000 => self.open.push(*byte),
                _ => {}
            }
        }
    }
}

async fn kept(reader: tokio::task::JoinHandle<Kept>) -> Kept {
    tokio::time::timeout(GRACE, reader).await.ok().and_then(Result::ok).unwrap_or_default()
}

fn failed(what: &str, config: &Config, error: &std::io::Error) -> StepError {
    StepError::new("program", format!("could not {what} `{}`: {}", config.program.trim(), reason(error)))
}

fn finish(config: &Config, status: ExitStatus, out: &Kept, err: &Kept) -> Result<Value, StepError> {
    let (stdout, stderr) = (out.text(), err.text());
    let program = config.program.trim();
    let is_ok = status.code().is_some_and(|code| config.ok_exit.contains(&code));
    if !is_ok {
        let how = match (status.code(), signal(status)) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, Some(signal)) => format!("was stopped by signal {signal}"),
            (None, None) => "was stopped".to_owned(),
        };
        let tail = |text: &str| {
            let start = text.char_indices().rev().nth(1_999).map_or(0, |(at, _)| at);
            text[start..].to_owned()
        };
        let said = stderr.trim().lines().next_back().map(|line| format!(": {}", shorten(line, 200)));
        return Err(StepError::new("exit-code", format!("`{program}` {how}{}", said.unwrap_or_default()))
            .details(json!({ "exit": status.code(), "stdout": tail(&stdout), "stderr": tail(&stderr) })));
    }
    let mut output = json!({
        "exit": status.code(), "stdout": stdout, "stderr": stderr, "truncated": out.is_cut || err.is_cut,
    });
    match config.parse {
        Parse::Text => {}
        Parse::Lines => output["lines"] = stdout.lines().collect(),
        Parse::Json => {
            output["json"] = serde_json::from_str(&stdout).map_err(|error| {
                let why = if out.is_cut { "it was cut at the limit".to_owned() } else { error.to_string() };
                StepError::permanent("not-json", format!("the output of `{program}` is not JSON: {why}"))
                    .details(json!({ "stdout": shorten(&stdout, 500) }))
            })?;
        }
    }
    Ok(output)
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

#[cfg(test)]
#[path = "../tests/run_command.rs"]
mod tests;
