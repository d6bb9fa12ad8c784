//! The processes of a local network.

use std::{
    env, fs,
    fs::OpenOptions,
    net::{SocketAddr, TcpListener},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::{
    cli::{Console, client::Addresses},
    exit::{Exit, Failure},
    home::{Home, failed},
};

/// For a node to open its ports.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// For a node to end when it is asked to.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// Time between two looks at what cannot be waited for otherwise.
const LOOK: Duration = Duration::from_millis(50);

/// Lines of a node's log that are shown when it ends.
const LAST_LINES: usize = 12;

/// A node that runs.
#[derive(Debug)]
struct Node {
    name: String,
    home: PathBuf,
    process: Child,
    addresses: Addresses,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Children {
    nodes: Vec<Node>,
}

/// Ports of this machine that nobody has, as many as asked for and all different.
pub(super) fn free_ports(count: usize) -> Result<Vec<SocketAddr>, Failure> {
    let bind = |_| TcpListener::bind(("127.0.0.1", 0));
    let addresses = (0..count).map(bind).collect::<Result<Vec<_>, _>>().and_then(|listeners| {
        // All are open until the last is, or one could be given out twice.
        listeners.iter().map(TcpListener::local_addr).collect()
    });
    addresses.map_err(|error| Failure::new(Exit::Busy, format!("no free port: {error}")))
}

impl Children {
    /// Starts a process per home, and waits until each says where it listens.
    pub(super) async fn start(root: &Path, names: &[String]) -> Result<Self, Failure> {
        let mut nodes = Vec::new();
        for name in names {
            let home = root.join(name);
            let said = Home::at(&home).addresses_file();
            match fs::remove_file(&said) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(failed("remove", &said, &error));
                }
                _ => {}
            }
            let process = spawn(&home)?;
            nodes.push((name.clone(), home, process));
        }
        let deadline = Instant::now() + START_PATIENCE;
        let mut started = Vec::new();
        for (name, home, mut process) in nodes {
            let addresses = listening(&name, &home, &mut process, deadline).await?;
            started.push(Node { name, home, process, addresses });
        }
        Ok(Self { nodes: started })
    }

    /// The interface of the first node.
    pub(super) fn first_api(&self) -> String {
        self.nodes.first().map(|node| node.addresses.api.clone()).unwrap_or_default()
    }

    /// Where everything is.
    pub(super) fn table(&self, console: &mut Console<'_>) -> Result<(), Failure> {
        console.line(console.strong(
            "node  page and API                  metrics                               home",
        ))?;
        for Node { name, home, addresses, .. } in &self.nodes {
            let page = format!("http://{}/", addresses.api);
            let metrics = format!("http://{}/metrics", addresses.metrics);
            console.line(format_args!("{name:<5} {page:<29} {metrics:<37} {}", home.display()))?;
        }
        console.line(format_args!("API   http://{}/docs   stop with Ctrl-C\n", self.first_api()))
    }

    /// Waits until some node ends, which none should.
    pub(super) async fn ended(&mut self) -> Failure {
        loop {
            for node in &mut self.nodes {
                if let Ok(Some(status)) = node.process.try_wait() {
                    return gone(&node.name, &node.home, status);
                }
            }
            sleep(LOOK).await;
        }
    }

    /// Asks all to end, and makes those end that do not.
    pub(super) async fn stop(mut self) {
        for node in &mut self.nodes {
            // Its end of the pipe tells it.
            drop(node.process.stdin.take());
        }
        let deadline = Instant::now() + STOP_PATIENCE;
        for node in &mut self.nodes {
            let left = deadline.saturating_duration_since(Instant::now());
            if timeout(left, node.process.wait()).await.is_err() {
                // Dropping it would do the same.
                let _ = node.process.kill().await;
            }
        }
    }
}

fn spawn(home: &Path) -> Result<Child, Failure> {
    let program = env::current_exe().map_err(|error| {
        Failure::new(Exit::Restart, format!("cannot find this very program: {error}"))
    })?;
    let log = home.join("log.txt");
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&log);
    let file = file.map_err(|error| failed("open", &log, &error))?;
    Command::new(&program)
        // Nobody else has the keys of a network that was made for this.
        .args(["start", "--while-stdin", "--set", "consensus.doppelganger_wait=0s", "--home"])
        .arg(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(file)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed("start", &program, &error))
}

async fn listening(
    name: &str,
    home: &Path,
    process: &mut Child,
    deadline: Instant,
) -> Result<Addresses, Failure> {
    while Instant::now() < deadline {
        if let Some(addresses) = Addresses::of_home(home) {
            return Ok(addresses);
        }
        if let Ok(Some(status)) = process.try_wait() {
            return Err(gone(name, home, status));
        }
        sleep(LOOK).await;
    }
    let what =
        format!("{name} does not open its ports; its log is {}", home.join("log.txt").display());
    Err(Failure::new(Exit::Unreachable, what))
}

fn gone(name: &str, home: &Path, status: std::process::ExitStatus) -> Failure {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    let exit = Exit::ALL.into_iter().find(|exit| Some(exit.code()) == code && *exit != Exit::Clean);
    let log = home.join("log.txt");
    let text = fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    let what = format!(
        "{name} ended with {status}; its log {} ends with:\n{}",
        log.display(),
        last.join("\n")
    );
    Failure::new(exit.unwrap_or(Exit::Restart), what)
}
