//! A network of real processes, and what can be done to it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::namespaces::{Links, Namespaces};

/// After this long whatever was waited for is taken for never.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Pause between two looks at something that cannot be waited for otherwise.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// Ports as they are generated, before nodes get ones that nobody has.
const PORTS: usize = 20_000;

/// Two networks at a time would take each other's processors.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Some nodes of one chain.
pub(crate) struct Cluster {
    nodes: BTreeMap<String, Child>,
    root: TempDir,
    /// Where each validator has a network of its own, by its number.
    namespaces: Option<Namespaces>,
    _turn: MutexGuard<'static, ()>,
}

impl Cluster {
    /// Homes of a new network; nothing runs yet.
    pub(crate) fn new(validators: usize, full: usize) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let root = TempDir::new().expect("a directory");
        generate(&root.path().join("net"), validators, full);
        Self { nodes: BTreeMap::new(), root, namespaces: None, _turn: turn }
    }

    /// The same, each validator in a namespace.
    pub(crate) fn within(namespaces: Namespaces, validators: u8) -> Self {
        let mut cluster = Self::new(usize::from(validators), 0);
        let configs: Vec<PathBuf> = (0..validators)
            .map(|place| cluster.home(&format!("n{place}")).join("config/node.toml"))
            .collect();
        // Each `127.0.0.1:PORT` becomes the address of the node that listens there.
        let network: Vec<String> = configs.iter().map(|path| listens(path)).collect();
        for (own, path) in (0..).zip(&configs) {
            let mut config = fs::read_to_string(path).expect("a configuration");
            for (place, old) in (0..).zip(&network) {
                config = config.replace(old, &format!("{}:7400", namespaces.address(place)));
            }
            config = config.replace("127.0.0.1:0", &format!("{}:0", namespaces.address(own)));
            fs::write(path, config).expect("writable");
        }
        cluster.namespaces = Some(namespaces);
        cluster
    }

    /// Cuts or mends the links between some validators and the others.
    pub(crate) fn part(&self, some: &[u8], how: Links) {
        self.namespaces.as_ref().expect("it is in namespaces").part(some, how);
    }

    /// The directory of all homes.
    pub(crate) fn root(&self) -> PathBuf {
        self.root.path().join("net")
    }

    /// The home of a node.
    pub(crate) fn home(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// The names of all validators and full nodes.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root()).expect("a readable directory");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry"))
            .filter(|entry| entry.path().join("config").is_dir())
            .map(|entry| entry.file_name().into_string().expect("our names are text"))
            .collect();
        names.sort();
        names
    }

    /// Starts one node, and does not wait for it.
    pub(crate) fn start(&mut self, name: &str) {
        let home = self.home(name);
        match fs::remove_file(home.join("run/addresses.json")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
        let log = File::options().create(true).append(true).open(home.join("log.txt"));
        let child = self
            .program(name)
            .args(["start", "--while-stdin", "--set", "consensus.doppelganger_wait=0s", "--home"])
            .arg(&home)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log.expect("a log"))
            .spawn()
            .expect("the program starts");
        let before = self.nodes.insert(name.to_owned(), child);
        assert!(before.is_none(), "{name} runs already");
    }

    /// The program, in the node's namespace if it has one.
    fn program(&self, name: &str) -> Command {
        let Some(namespaces) = &self.namespaces else { return quorate() };
        let place = name.trim_start_matches('n').parse().expect("validators are numbered");
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &namespaces.name(place), env!("CARGO_BIN_EXE_quorate")]);
        clean(&mut command);
        command
    }

    /// Starts all nodes, and waits until each answers.
    pub(crate) fn start_all(&mut self) {
        for name in self.names() {
            if !self.nodes.contains_key(&name) {
                self.start(&name);
            }
        }
        for name in self.names() {
            self.wait_until(&name, "answers", |_| true);
        }
    }

    /// Kills a node as hard as there is.
    pub(crate) fn kill(&mut self, name: &str) {
        let mut child = self.nodes.remove(name).expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// Kills all nodes at once.
    pub(crate) fn kill_all(&mut self) {
        let nodes = std::mem::take(&mut self.nodes);
        let mut nodes: Vec<Child> = nodes.into_values().collect();
        for child in &mut nodes {
            child.kill().expect("it can be killed");
        }
        for child in &mut nodes {
            child.wait().expect("it ends");
        }
    }

    /// The process of a node that runs.
    pub(crate) fn process(&self, name: &str) -> u32 {
        self.nodes[name].id()
    }

    /// Asks a node to stop, and gives its exit code.
    pub(crate) fn stop(&mut self, name: &str) -> Option<i32> {
        let mut child = self.nodes.remove(name).expect("it runs");
        drop(child.stdin.take());
        wait_for_exit(&mut child, name).code()
    }

    /// Waits until a node ends by itself, and gives its exit code.
    pub(crate) fn ended(&mut self, name: &str) -> Option<i32> {
        let mut child = self.nodes.remove(name).expect("it runs");
        wait_for_exit(&mut child, name).code()
    }

    /// Waits until one of some nodes ends by itself, and gives its name and exit code.
    pub(crate) fn first_ended(&mut self, names: &[&str]) -> (String, Option<i32>) {
        let begun = Instant::now();
        loop {
            for name in names {
                let child = self.nodes.get_mut(*name).expect("it runs");
                if let Some(status) = child.try_wait().expect("it can be waited for") {
                    self.nodes.remove(*name);
                    return ((*name).to_owned(), status.code());
                }
            }
            assert!(begun.elapsed() < PATIENCE, "none of {names:?} ends");
            thread::sleep(LOOK);
        }
    }

    /// What a node says at a path of its interface; `None` while it does not answer.
    pub(crate) fn ask(&self, name: &str, path: &str) -> Option<Value> {
        let text = fs::read_to_string(self.home(name).join("run/addresses.json")).ok()?;
        let addresses: Value = serde_json::from_str(&text).ok()?;
        get(addresses["api"].as_str()?.parse().ok()?, path)
    }

    /// The address of a node's interface.
    pub(crate) fn api(&self, name: &str) -> String {
        format!("http://{}", self.address(name, "api"))
    }

    /// One of a node's addresses: `api`, `network` or `metrics`.
    pub(crate) fn address(&self, name: &str, which: &str) -> String {
        let path = self.home(name).join("run/addresses.json");
        let text = fs::read_to_string(path).expect("it runs");
        let addresses: Value = serde_json::from_str(&text).expect("JSON");
        addresses[which].as_str().expect("an address").to_owned()
    }

    /// A node's finalized height; zero while it does not answer.
    pub(crate) fn height(&self, name: &str) -> u64 {
        let status = self.ask(name, "/v1/status");
        status.and_then(|status| status["finalized_height"].as_u64()).unwrap_or_default()
    }

    /// Looks at a node's status until something holds.
    pub(crate) fn wait_until(
        &self,
        name: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Value {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ask(name, "/v1/status")
                && holds(&status)
            {
                return status;
            }
            if begun.elapsed() > PATIENCE {
                let status = self.ask(name, "/v1/status");
                panic!("{name}: not within {PATIENCE:?}: {what}; {status:?}\n{}", self.log(name));
            }
            thread::sleep(LOOK);
        }
    }

    /// Waits until a node has finalized a height.
    pub(crate) fn wait_for_height(&self, name: &str, height: u64) {
        self.wait_until(name, &format!("height {height}"), |status| {
            status["finalized_height"].as_u64().is_some_and(|found| found >= height)
        });
    }

    /// Waits until every running node has finalized so much more than the highest of them now.
    pub(crate) fn wait_for_progress(&self, more: u64) {
        let highest = self.running().map(|name| self.height(name)).max().unwrap_or_default();
        for name in self.running() {
            self.wait_for_height(name, highest + more);
        }
    }

    /// Who runs.
    pub(crate) fn running(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// All running nodes finalized the same blocks, as far as they have come, and saw nobody break the rules.
    pub(crate) fn assert_agreement(&self) {
        let lowest = self.running().map(|name| self.height(name)).min().expect("somebody runs");
        let names: Vec<&str> = self.running().collect();
        for height in (1..=lowest).rev().step_by(7) {
            let digest = |name: &str| {
                let block = self.ask(name, &format!("/v1/headers/{height}"));
                block.unwrap_or_else(|| panic!("{name} has no header {height}"))["digest"].clone()
            };
            let first = digest(names[0]);
            for name in &names[1..] {
                assert_eq!(digest(name), first, "{} and {name} differ at {height}", names[0]);
            }
        }
        for name in names {
            let evidence = self.ask(name, "/v1/evidence").expect("it answers");
            assert_eq!(evidence["evidence"], Value::Array(Vec::new()), "{name} saw an offence");
        }
    }

    /// What a node wrote, its end.
    pub(crate) fn log(&self, name: &str) -> String {
        let text = fs::read_to_string(self.home(name).join("log.txt")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Sends a transfer of an account through a node and waits until it is final. Gives its id.
    pub(crate) fn pay(&self, name: &str, from: u64) -> String {
        let key = self.root().join("accounts.key");
        let shown = run(quorate().args(["key", "show", "--json", "--index", "0"]).arg(&key));
        let to = json(&shown)["address"].as_str().expect("an address").to_owned();
        let output = run(quorate()
            .args(["tx", "transfer", "--json", "--wait-for", "60s", "--to", &format!("{to}=5")])
            .args(["--index", &from.to_string(), "--api", &self.api(name), "--key"])
            .arg(&key));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        json(&output)["id"].as_str().expect("an id").to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.nodes.values_mut() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The program.
pub(crate) fn quorate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
    clean(&mut command);
    command
}

/// Takes out of the environment what would change how the program behaves.
fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("QUORATE") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1");
}

/// Where a configuration says that the node listens for others.
fn listens(path: &Path) -> String {
    let config = fs::read_to_string(path).expect("a configuration");
    let line = config.lines().find(|line| line.starts_with("listen = ")).expect("an address");
    line.trim_start_matches("listen = ").trim_matches('"').to_owned()
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the program runs")
}

/// The JSON that a command printed.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// What a command complained about.
pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Homes of a network whose ports between nodes nobody has; the other ports are chosen by the nodes.
pub(crate) fn generate(root: &Path, validators: usize, full: usize) {
    let output = run(quorate()
        .args(["testnet", "generate", "--accounts", "64", "--balance", "1000000000000"])
        .args(["--base-port", &PORTS.to_string()])
        .args(["--validators", &validators.to_string(), "--full", &full.to_string(), "--out"])
        .arg(root));
    assert!(output.status.success(), "{}", complaint(&output));
    let names: Vec<String> = (0..validators)
        .map(|place| format!("n{place}"))
        .chain((0..full).map(|place| format!("f{place}")))
        .collect();
    let ports = free_ports(names.len());
    for name in &names {
        let path = root.join(name).join("config/node.toml");
        let mut config = fs::read_to_string(&path).expect("a configuration");
        for (place, port) in ports.iter().enumerate() {
            config = config
                .replace(&format!("127.0.0.1:{}\"", PORTS + place), &format!("127.0.0.1:{port}\""));
            for above in [PORTS + 1000, PORTS + 2000] {
                config = config.replace(&format!("127.0.0.1:{}\"", above + place), "127.0.0.1:0\"");
            }
        }
        fs::write(&path, config).expect("writable");
    }
}

/// Ports that nobody has, all different.
fn free_ports(count: usize) -> Vec<u16> {
    let bind = |_| TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listeners: Vec<TcpListener> = (0..count).map(bind).collect();
    listeners.iter().map(|one| one.local_addr().expect("bound").port()).collect()
}

fn wait_for_exit(child: &mut Child, name: &str) -> std::process::ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("our own child") {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("{name} does not end within {PATIENCE:?}");
        }
        thread::sleep(LOOK);
    }
}

/// A request of the plainest kind; `None` if there is no good answer.
fn get(address: SocketAddr, path: &str) -> Option<Value> {
    use std::io::Write as _;
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let text = String::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    if !head.starts_with("HTTP/1.1 200") {
        return None;
    }
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return serde_json::from_str(&unchunked(body)?).ok();
    }
    serde_json::from_str(body).ok()
}

fn unchunked(mut body: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..size)?);
        body = rest.get(size + 2..)?;
    }
}
