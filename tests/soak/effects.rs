//! a step acts on the outside, and the process dies between the act and its record. A receiver counts: `keyed`
//! acts are done once, `unsafe` ones never again unless a person says so, all others until they are recorded.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use baton_core::document::{Retry, Step, Workflow};
use baton_core::machine::Settlement;
use baton_engine::{Engine, EngineConfig, NewRun};
use baton_store::{OpenOptions, Store};
use serde_json::{Value, json};

use crate::child::own_child;
use crate::harness::{Case, Cx, NO_MARKS, Tally, series};

/// What the receiver does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// Does it and answers.
    Answer,
    /// Kills the sender before doing anything.
    KillBefore,
    /// Does it, and kills the sender instead of an answer.
    KillBetween,
    /// Does it, answers, and kills the sender at once.
    KillAfter,
    /// Does it and hangs up.
    HangUp,
}

const DEEDS: [Deed; 4] = [
    Deed::KillBefore,
    Deed::KillBetween,
    Deed::KillAfter,
    Deed::HangUp,
];

/// What the step says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Keyed,
    Idempotent,
    Unsafe,
    /// A local command, which has no receiver: counted by the lines that it writes.
    Local,
}

const CLASSES: [Class; 4] = [Class::Keyed, Class::Unsafe, Class::Idempotent, Class::Local];

/// Points at which the process ends by itself, for acts that have no receiver, and for the others as well.
const POINTS: [&str; 5] = [
    "engine-decided",
    "engine-durable",
    "task-begun",
    "task-acted",
    "engine-replayed",
];

/// Starts of the process until the run has to have come to its end.
const STARTS: u32 = 12;

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    Ok(series(cx, cx.cases, |case| {
        let class = CLASSES[case.number as usize % CLASSES.len()];
        one(case, class).map_err(|why| format!("{class:?}: {why}"))
    }))
}

/// A receiver that counts.
struct Receiver {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    /// How often each key came; without a key: the empty one.
    keys: BTreeMap<String, u32>,
    /// Deeds done, a known key aside.
    done: u32,
    requests: u32,
    deeds: Vec<Deed>,
    sender: Option<Child>,
}

impl Receiver {
    fn start(deeds: Vec<Deed>) -> Result<Self, String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
        let port = listener
            .local_addr()
            .map_err(|error| error.to_string())?
            .port();
        let seen = Arc::new(Mutex::new(Seen {
            deeds,
            ..Seen::default()
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, ends) = (seen.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    // A sender that is killed while it sends is what this is for.
                    receive(stream, &shared).ok();
                }
            }
        });
        Ok(Self {
            port,
            seen,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn receive(mut stream: TcpStream, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if line.is_empty() {
        return Ok(());
    }
    let (mut key, mut length) = (String::new(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => key = value.to_owned(),
            "content-length" => length = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut seen = seen.lock().expect("nobody panics holding it");
    let deed = if seen.deeds.is_empty() {
        Deed::Answer
    } else {
        seen.deeds.remove(0)
    };
    if deed == Deed::KillBefore {
        return kill(&mut seen);
    }
    seen.requests += 1;
    let times = seen.keys.entry(key.clone()).or_default();
    *times += 1;
    if key.is_empty() || *times == 1 {
        seen.done += 1;
    }
    match deed {
        Deed::KillBetween => return kill(&mut seen),
        Deed::HangUp => return Ok(()),
        Deed::Answer | Deed::KillAfter | Deed::KillBefore => {}
    }
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\nconnection: close\r\n\r\n{\"did\": true}";
    stream.write_all(answer.as_bytes())?;
    stream.flush()?;
    if deed == Deed::KillAfter {
        kill(&mut seen)?;
    }
    Ok(())
}

fn kill(seen: &mut Seen) -> std::io::Result<()> {
    match &mut seen.sender {
        Some(sender) => sender.kill(),
        None => Ok(()),
    }
}

/// What the process said, over all its lives.
#[derive(Debug, Default)]
struct Heard {
    outcome: Option<String>,
    asks: u32,
    begun: bool,
}

fn one(case: &mut Case<'_>, class: Class) -> Result<(), String> {
    let deeds: Vec<Deed> = (0..1 + case.chance.below(3))
        .map(|_| DEEDS[case.chance.index(DEEDS.len())])
        .collect();
    let receiver = Receiver::start(if class == Class::Local {
        Vec::new()
    } else {
        deeds.clone()
    })?;
    let trail = case.folder.join("trail.txt");
    let document = workflow(class, receiver.port, &trail);
    std::fs::write(
        case.folder.join("workflow.json"),
        baton_core::document::print(&document),
    )
    .map_err(|error| error.to_string())?;
    let consent = if case.chance.one_in(2) {
        "done"
    } else {
        "again"
    };
    let mut heard = Heard::default();
    let mut consents = 0;
    let mut points: Vec<String> = Vec::new();
    for start in 0..STARTS {
        let folder = case.folder.display().to_string();
        let is_asked = heard.asks > 0;
        let answer = if is_asked { consent } else { "none" };
        let mut child = own_child("effects", &[&folder, answer]);
        let by_itself = start < 3 && (class == Class::Local || case.chance.one_in(3));
        if by_itself {
            let point = POINTS[case.chance.index(POINTS.len())];
            points.push(format!("{point}:{}", 1 + case.chance.below(3)));
            child.env(
                "BATON_FAIL_POINT",
                points.last().cloned().unwrap_or_default(),
            );
        }
        if is_asked && answer == "again" {
            consents += 1;
        }
        let was_asked = heard.asks;
        listen(&mut child, &receiver, &mut heard)?;
        if heard.outcome.is_some() {
            break;
        }
        if heard.asks > was_asked && class != Class::Unsafe && class != Class::Local {
            return Err("a step that may repeat asks first".to_owned());
        }
    }
    case.done();
    let seen = receiver.seen.lock().map_err(|error| error.to_string())?;
    let story = format!("deeds {deeds:?}, points {points:?}, answer {consent}, {heard:?}");
    let Some(outcome) = &heard.outcome else {
        return Err(format!("the run does not come to its end ({story})"));
    };
    case.note("acts done", u64::from(seen.done));
    case.note("questions asked", u64::from(heard.asks));
    let keys: Vec<&String> = seen.keys.keys().collect();
    match class {
        Class::Keyed if keys.len() > 1 => {
            Err(format!("one step came with {} keys ({story})", keys.len()))
        }
        Class::Keyed if seen.done != 1 => Err(format!("it was done {} times ({story})", seen.done)),
        Class::Keyed | Class::Idempotent if outcome != "succeeded" => {
            Err(format!("it {outcome} ({story})"))
        }
        Class::Idempotent if seen.requests == 0 => {
            Err(format!("it succeeded and was never done ({story})"))
        }
        Class::Unsafe if seen.done > 1 + consents => Err(format!(
            "it was done {} times with {consents} consents ({story})",
            seen.done
        )),
        Class::Unsafe if outcome == "succeeded" && seen.done == 0 && consent != "done" => {
            Err(format!("it succeeded and was never done ({story})"))
        }
        Class::Unsafe
            if deeds[0] == Deed::HangUp
                && outcome == "succeeded"
                && heard.asks == 0
                && points.is_empty() =>
        {
            Err(format!(
                "an answer that never came counts as a success ({story})"
            ))
        }
        Class::Local => {
            let lines = std::fs::read_to_string(&trail)
                .unwrap_or_default()
                .lines()
                .count() as u32;
            if lines > 1 + consents {
                return Err(format!(
                    "a command ran {lines} times with {consents} consents ({story})"
                ));
            }
            Ok(())
        }
        Class::Keyed | Class::Idempotent | Class::Unsafe => Ok(()),
    }
}

/// Lets one process live until it ends or is killed.
fn listen(child: &mut Command, receiver: &Receiver, heard: &mut Heard) -> Result<(), String> {
    let mut child = child.spawn().map_err(|error| error.to_string())?;
    let out = child.stdout.take().ok_or("no output")?;
    let errors = child.stderr.take().ok_or("no output")?;
    receiver
        .seen
        .lock()
        .map_err(|error| error.to_string())?
        .sender = Some(child);
    for line in BufReader::new(out).lines() {
        let Ok(line) = line else { break };
        match line.split_once(' ') {
            Some(("ended", outcome)) => heard.outcome = Some(outcome.to_owned()),
            Some(("asks", _)) => heard.asks += 1,
            Some(("begun", _)) => heard.begun = true,
            _ => {}
        }
    }
    let mut complaints = String::new();
    BufReader::new(errors).read_to_string(&mut complaints).ok();
    let child = receiver
        .seen
        .lock()
        .map_err(|error| error.to_string())?
        .sender
        .take();
    let status = child
        .map(|mut child| child.wait())
        .transpose()
        .map_err(|error| error.to_string())?;
    if complaints.contains("panicked")
        || status.is_some_and(|status| status.code().is_some_and(|code| code != 0))
    {
        return Err(format!("the process failed: {complaints}"));
    }
    Ok(())
}

fn workflow(class: Class, port: u16, trail: &Path) -> Workflow {
    let url = format!("http://127.0.0.1:{port}/do");
    let (kind, with) = match class {
        Class::Keyed => (
            "http_request",
            json!({ "method": "POST", "url": url, "idempotencyHeader": "Idempotency-Key", "body": { "a": 1 } }),
        ),
        Class::Unsafe => (
            "http_request",
            json!({ "method": "POST", "url": url, "body": { "a": 1 } }),
        ),
        Class::Idempotent => ("http_request", json!({ "method": "GET", "url": url })),
        Class::Local => (
            "run_command",
            json!({ "program": "sh", "args": ["-c", format!("echo did >> '{}'", trail.display())], "effect": "unsafe" }),
        ),
    };
    let mut workflow = Workflow::new("effects", "Effects");
    workflow.steps.push(Step {
        id: "act".to_owned(),
        kind: kind.to_owned(),
        with: with.as_object().cloned().unwrap_or_default(),
        retry: (class == Class::Keyed || class == Class::Idempotent).then(|| Retry {
            attempts: Some(5),
            first: Some("5ms".to_owned()),
            ..Retry::default()
        }),
        ..Step::default()
    });
    workflow
}

/// The process that acts: begins the run, or goes on with it, and says how it ended or that it asks.
pub(crate) async fn child(folder: &Path, answer: &str) -> anyhow::Result<()> {
    let say = |line: String| {
        // Whoever listens may have killed the listener's end; there is nobody else to tell.
        std::io::stdout()
            .lock()
            .write_all(format!("{line}\n").as_bytes())
            .ok();
    };
    let text = std::fs::read_to_string(folder.join("workflow.json"))?;
    let workflow = baton_core::document::parse(&text)?.workflow;
    let store = Store::open(&folder.join("data"), OpenOptions::default()).await?;
    let catalog = Arc::new(baton_steps::catalog());
    let mut config = EngineConfig::new(store.clone(), catalog);
    config.watermarks = NO_MARKS;
    let engine = Engine::start(config).await?;
    let (rows, _) = store
        .runs(baton_store::RunFilter {
            limit: 10,
            ..Default::default()
        })
        .await?;
    let run = match rows.first() {
        Some(row) => row.id.clone(),
        None => {
            let new = NewRun {
                workflow: Arc::new(workflow),
                path: None,
                work_dir: folder.to_path_buf(),
                input: Value::Null,
                by: Some("soak".to_owned()),
            };
            engine.run(new).await?
        }
    };
    say(format!("begun {run}"));
    let mut has_answered = false;
    loop {
        let row = store.run(&run).await?;
        if let Some(row) = row.filter(|row| row.ended_at.is_some()) {
            say(format!("ended {}", row.status));
            break;
        }
        let questions = store.open_questions().await?;
        if let Some(question) = questions.iter().find(|question| question.is_outcome) {
            if answer == "none" || has_answered {
                say(format!("asks {}", question.step));
                break;
            }
            has_answered = true;
            let answer = if answer == "again" {
                Settlement::RunAgain
            } else {
                Settlement::Done {
                    output: Value::Null,
                }
            };
            engine.settle(&run, &question.step, "soak", answer).await?;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    engine.close().await;
    store.close().await;
    Ok(())
}
