//! A real Temporal server for the tests: on loopback, on a free port, with a folder of its own, gone with the test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use baton_temporal::home::Home;
use baton_temporal::target::{Access, Cluster, Place};
use baton_temporal::worker::{WorkerSettings, work};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(100);

/// Settings of the server without which a run makes 20 steps a second, a timer is a second late, and a worker that is told
/// to stop may be handed steps that it never begins.
const QUICK: &[&str] = &[
    "frontend.enableCancelWorkerPollsOnShutdown=true",
    "history.transferProcessorMaxPollRPS=1000",
    "history.timerProcessorMaxPollRPS=1000",
    "history.timerProcessorMaxTimeShift=\"1ms\"",
    "frontend.namespaceRPS=100000",
    "frontend.namespaceCount=100000",
    "matching.rps=100000",
    "history.rps=100000",
    "frontend.rps=100000",
];

/// Where the programs of Temporal are.
pub(crate) fn program(name: &str) -> PathBuf {
    let given = std::env::var_os("BATON_TEMPORAL_BIN").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = given.unwrap_or_else(|| root.join("node_modules/.cache/temporal/bin"));
    let path = dir.join(name);
    assert!(
        path.is_file(),
        "`{}` is not there: `node scripts/temporal.mjs` installs it",
        path.display()
    );
    path
}

fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

/// A server that can be killed and started again on the same data.
pub(crate) struct Server {
    child: Child,
    arguments: Vec<String>,
    path: PathBuf,
    pub(crate) port: u16,
    _dir: TempDir,
}

impl Server {
    /// A server in memory, with the search attributes of Baton.
    pub(crate) fn in_memory() -> Self {
        Self::begin(&[], true)
    }

    /// A server that keeps everything in a file.
    pub(crate) fn with_file() -> Self {
        Self::begin(&["--db-filename"], true)
    }

    /// A server that knows no search attribute of Baton.
    pub(crate) fn without_attributes() -> Self {
        Self::begin(&[], false)
    }

    /// Somebody else may take a port that was just free: then another one is tried.
    fn begin(options: &[&str], has_attributes: bool) -> Self {
        let mut servers = (0..5).map(|_| Self::try_begin(options, has_attributes));
        servers.find_map(|server| server).unwrap()
    }

    fn try_begin(options: &[&str], has_attributes: bool) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut arguments: Vec<String> = ["server", "start-dev", "--headless", "--ip", "127.0.0.1"]
            .map(str::to_owned)
            .to_vec();
        arguments.extend(["--log-level".to_owned(), "never".to_owned()]);
        arguments.extend(["--port".to_owned(), port.to_string()]);
        for option in options {
            arguments.push((*option).to_owned());
            if *option == "--db-filename" {
                arguments.push(dir.path().join("temporal.db").display().to_string());
            }
        }
        for value in QUICK {
            arguments.extend(["--dynamic-config-value".to_owned(), (*value).to_owned()]);
        }
        if has_attributes {
            for (name, is_list) in baton_temporal::workflow::SEARCH_ATTRIBUTES {
                let kind = if *is_list { "KeywordList" } else { "Keyword" };
                arguments.extend(["--search-attribute".to_owned(), format!("{name}={kind}")]);
            }
        }
        let path = program("temporal");
        let child = spawn(&path, &arguments);
        let mut server = Self {
            child,
            arguments,
            path,
            port,
            _dir: dir,
        };
        server.is_up().then_some(server)
    }

    /// Waits until it is well; `false` if it has ended.
    fn is_up(&mut self) -> bool {
        let start = Instant::now();
        let address = format!("127.0.0.1:{}", self.port);
        loop {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            let listens = std::net::TcpStream::connect(&address).is_ok();
            let asks = ["operator", "cluster", "health", "--address", &address].map(str::to_owned);
            if listens && spawn(&self.path, &asks).wait().unwrap().success() {
                return true;
            }
            assert!(start.elapsed() < PATIENCE, "the server does not begin");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The server that skips time, as long as somebody asks for it.
    pub(crate) fn skipping() -> Self {
        let port = free_port();
        let path = program("temporal-test-server");
        let arguments = vec![port.to_string()];
        let child = spawn(&path, &arguments);
        let server = Self {
            child,
            arguments,
            path,
            port,
            _dir: tempfile::tempdir().unwrap(),
        };
        server.wait();
        server
    }

    fn wait(&self) {
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(start.elapsed() < PATIENCE, "the server does not begin");
            std::thread::yield_now();
        }
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on what it kept.
    pub(crate) fn again(&mut self) {
        self.child = spawn(&self.path, &self.arguments);
        self.wait();
    }

    pub(crate) fn place(&self, task_queue: &str) -> Place {
        format!("temporal://127.0.0.1:{}/default/{task_queue}", self.port)
            .parse()
            .unwrap()
    }

    /// A connection, once the server lets somebody in.
    pub(crate) async fn connect(&self, task_queue: &str, home: Arc<Home>) -> Cluster {
        self.connect_with(task_queue, home, &Access::default())
            .await
    }

    pub(crate) async fn connect_with(
        &self,
        task_queue: &str,
        home: Arc<Home>,
        access: &Access,
    ) -> Cluster {
        let start = Instant::now();
        loop {
            let cluster = Cluster::connect(self.place(task_queue), access, home.clone()).await;
            let error = match cluster {
                // It answers before it knows its own namespace.
                Ok(cluster) => match cluster.listening().await {
                    Ok(_) => return cluster,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            assert!(start.elapsed() < PATIENCE, "{error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(path: &Path, arguments: &[String]) -> Child {
    Command::new(path)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A worker in this process, on a thread and a runtime of its own: a test that fails waits for nobody.
pub(crate) struct InProcess {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl InProcess {
    pub(crate) async fn begin(cluster: &Cluster) -> Self {
        Self::begin_with(cluster, WorkerSettings::default()).await
    }

    pub(crate) async fn begin_with(cluster: &Cluster, settings: WorkerSettings) -> Self {
        let stop = CancellationToken::new();
        let (cluster, told) = (cluster.clone(), stop.clone());
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        // The worker holds values that stay on one thread.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            let work = work(&cluster, &settings, told, || ready.send(()).unwrap());
            runtime.block_on(work).unwrap();
            runtime.shutdown_background();
        });
        is_ready.await.unwrap();
        let thread = Some(thread);
        Self { stop, thread }
    }

    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        let thread = self.thread.take().unwrap();
        until("the end of the worker", async || {
            thread.is_finished().then_some(())
        })
        .await;
        thread.join().unwrap();
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        // After a failure: it is told, and nobody waits until it has ended.
        self.stop.cancel();
    }
}

/// Waits for something, looking again and again.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "gave up waiting for {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
