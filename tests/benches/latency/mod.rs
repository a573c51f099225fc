//! How long it takes from something that happens outside to the first step of its run: medians, against what is promised.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use baton_core::document::{Step, Trigger, Workflow};
use baton_core::machine::Event;
use baton_engine::triggers::Activate;
use baton_engine::triggers::webhook::WebhookAddress;
use baton_engine::{Engine, EngineConfig, EngineNotice};
use baton_steps::Secrets;
use baton_store::{OpenOptions, Store};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast::Receiver;

/// What is promised, in milliseconds.
const PROMISED: f64 = 50.0;
const ROUNDS: usize = 101;
const SECRET: &str = "a-long-secret";
const PATIENCE: Duration = Duration::from_secs(10);

/// Both figures.
pub(crate) async fn latency(folder: &Path) -> Result<()> {
    let landed = file(folder).await?;
    super::figure(
        "file landed to first step started, median",
        landed,
        "ms",
        PROMISED,
    );
    let requested = webhook(folder).await?;
    super::figure(
        "webhook sent to first step started, median",
        requested,
        "ms",
        PROMISED,
    );
    Ok(())
}

struct Host {
    engine: Engine,
    dir: tempfile::TempDir,
}

async fn host(folder: &Path, trigger: Value) -> Result<Host> {
    let dir = tempfile::tempdir_in(folder)?;
    let store = Store::open(&dir.path().join("data"), OpenOptions::default()).await?;
    let mut config = EngineConfig::new(store, Arc::new(baton_steps::catalog()));
    config.secrets = Secrets::new(|_| Some(SECRET.to_owned()));
    let engine = Engine::start(config).await?;
    std::fs::create_dir_all(dir.path().join("work/in"))?;
    let mut workflow = Workflow::new("latency", "Latency");
    workflow
        .triggers
        .push(serde_json::from_value::<Trigger>(trigger)?);
    workflow.steps.push(Step {
        id: "first".to_owned(),
        kind: "set_values".to_owned(),
        with: json!({ "values": { "n": 1 } })
            .as_object()
            .cloned()
            .unwrap_or_default(),
        ..Step::default()
    });
    let triggers = engine.triggers();
    triggers.start();
    let new = Activate {
        workflow: Arc::new(workflow),
        path: None,
        work_dir: dir.path().join("work"),
        input: None,
        only: None,
        by: "bench".to_owned(),
    };
    triggers.activate(new).await?;
    Ok(Host { engine, dir })
}

/// Waits until the first step of a run that began after `notices` has started; durable.
async fn started(notices: &mut Receiver<EngineNotice>) -> Result<Instant> {
    let wait = async {
        loop {
            if let EngineNotice::Advanced { events, .. } = notices.recv().await?
                && events
                    .iter()
                    .any(|logged| matches!(logged.event, Event::StepStarted { .. }))
            {
                return anyhow::Ok(Instant::now());
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .context("no step started")?
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

async fn file(folder: &Path) -> Result<f64> {
    let trigger = json!({ "id": "t", "kind": "file", "folder": "in", "stableFor": "0ms", "overlap": "allow" });
    let host = host(folder, trigger).await?;
    let mut times = Vec::new();
    // The first one waits until the folder is watched.
    for round in 0..=ROUNDS {
        let mut notices = host.engine.subscribe();
        let path = host.dir.path().join(format!("work/in/f{round}"));
        let begin = Instant::now();
        std::fs::write(path, round.to_string())?;
        let took = super::ms(started(&mut notices).await? - begin);
        if round > 0 {
            times.push(took);
        }
    }
    host.engine.close().await;
    Ok(median(times))
}

async fn webhook(folder: &Path) -> Result<f64> {
    let trigger = json!({ "id": "t", "kind": "webhook", "secret": "s", "auth": "header", "perMinute": 60_000 });
    let host = host(folder, trigger).await?;
    let triggers = host.engine.triggers();
    triggers.listen_for_webhooks(Some(WebhookAddress::default()));
    let address = triggers
        .webhooks_listening()
        .await
        .map_err(anyhow::Error::msg)?;
    let mut times = Vec::new();
    for round in 0..=ROUNDS {
        let mut notices = host.engine.subscribe();
        let begin = Instant::now();
        let mut stream = TcpStream::connect(address).await?;
        let body = format!("{{\"n\":{round}}}");
        let request = format!(
            "POST /hooks/t HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\nx-baton-secret: \
             {SECRET}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let took = super::ms(started(&mut notices).await? - begin);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        ensure!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        if round > 0 {
            times.push(took);
        }
    }
    host.engine.close().await;
    Ok(median(times))
}
