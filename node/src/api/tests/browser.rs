//! The page in a real browser: it is drawn, it can be used with keys alone, it finds things, and it writes
//! nothing to the console.
//!
//! The browser is a headless Chromium: the one that `CHROMIUM` names, or one that is on the PATH. Where there
//! is none the test says so and nothing is looked at. The page is served with a script before its own, which
//! uses it as a person would and sends back what it found.

use std::{
    env,
    io::Write as _,
    net::SocketAddr,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    body::Bytes,
    response::Html,
    routing::{get, post},
};
use quorate_core::{
    transaction::{Output, Transaction, TransactionBody, TransactionKind},
    types::Height,
};
use serde_json::Value;
use tokio::{sync::oneshot, time};

use super::{
    client::PATIENCE,
    stage::{CHAIN, Stage, account_key, address},
};
use crate::{
    api::{Limits, assemble, backend::Backend as _, router, server::Server},
    metrics::HttpMetrics,
    page,
};

/// What a Chromium is called.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The browser that `CHROMIUM` names, or else one on the PATH.
fn chromium() -> Option<String> {
    let starts = |name: &str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    match env::var("CHROMIUM") {
        Ok(name) => {
            assert!(starts(&name), "CHROMIUM is {name:?}, which does not start");
            Some(name)
        }
        Err(_) => NAMES.iter().find(|name| starts(name)).map(|name| (*name).to_owned()),
    }
}

/// A browser that ends with the test.
struct Browser(std::process::Child);

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_can_be_used() {
    let Some(program) = chromium() else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no Chromium here");
        return;
    };
    let stage = Stage::new(7);
    let kind = TransactionKind::transfer(vec![Output::native(address(1), 5)]);
    let body = TransactionBody::new(CHAIN, address(0), 0, 1_000, Height::new(1_000), kind);
    let payment = Transaction::signed(body, &account_key(0));
    let id = payment.id();
    stage.submit(vec![payment]).await;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (api, _tasks) = assemble(stage.clone(), any, Limits::default());
    // Twelve heights, of which the ninth took three views.
    for height in 1..=12 {
        stage.grow_after(if height == 9 { 2 } else { 0 });
    }

    let (found, mut told) = oneshot::channel::<Bytes>();
    let found = Arc::new(Mutex::new(Some(found)));
    let script = include_str!("exercise.js")
        .replace("{{transaction}}", &id.to_string())
        .replace("{{account}}", &address(0).digest().to_string());
    let text = page::html("test").replace("<head>", &format!("<head><script>{script}</script>"));
    let limits = Arc::clone(&api.limits);
    let routes = router::public(api).route("/used", get(move || async move { Html(text) })).route(
        "/found",
        post(move |body: Bytes| async move {
            let sender = found.lock().ok().and_then(|mut found| found.take());
            // Only what is told first counts.
            let _ = sender.map(|sender| sender.send(body));
        }),
    );
    let listener = tokio::net::TcpListener::bind(any).await.expect("a port is free");
    let server =
        Server::start(listener, routes, limits, HttpMetrics::default()).expect("it listens");

    let profile = tempfile::tempdir().expect("a directory for the browser");
    let log = profile.path().join("log");
    let log_file = std::fs::File::create(&log).expect("a file for what it says");
    let browser = Command::new(program)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1400"])
        .args([
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--enable-logging=stderr",
        ])
        .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
        .arg(format!("http://{}/used", server.local_addr))
        .arg("--remote-debugging-port=0")
        .stdout(Stdio::null())
        .stderr(log_file)
        .spawn();
    let browser = Browser(browser.expect("it starts"));
    // Life goes on meanwhile: the page hears of it.
    let grow = async {
        loop {
            time::sleep(std::time::Duration::from_millis(100)).await;
            stage.grow();
        }
    };
    let found = tokio::select! {
        found = &mut told => found.expect("it is told"),
        () = grow => unreachable!("it goes on for ever"),
        () = time::sleep(PATIENCE) => {
            panic!("nothing came: {}", std::fs::read_to_string(&log).unwrap_or_default())
        }
    };
    drop(browser);
    let found: Value = serde_json::from_slice(&found).expect("it is JSON");
    check(&found);
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    assert!(!said.contains("CONSOLE"), "the page writes to the console: {said}");
    server.shutdown().await;
}

fn check(found: &Value) {
    assert_eq!(found["errors"], Value::Array(Vec::new()), "{found:#}");
    let text = |name: &str| found[name].as_str().unwrap_or_default();
    assert_eq!(text("quorum"), "5 of 7 needed, 6 online, 1 spare", "{found:#}");
    assert_eq!(text("link"), "live", "{found:#}");
    assert_eq!(text("timeline"), "How height 9 became final", "{found:#}");
    assert_eq!(found["lanes"], 3, "{found:#}");
    assert_eq!(found["peers"].as_array().map(Vec::len), Some(6), "{found:#}");
    assert!(found["peers"].to_string().contains("banned for 90 s more"), "{found:#}");
    assert!(text("spread").starts_with("Half within 90 ms"), "{found:#}");
    assert!(text("moved").starts_with("Height "), "{found:#}");
    assert!(text("moved").contains("no vote of #6"), "{found:#}");
    assert_eq!(text("height"), "Block 9", "{found:#}");
    assert_eq!(text("hash"), "Block 9", "{found:#}");
    assert_eq!(text("transaction"), "Transaction", "{found:#}");
    assert!(text("transaction_body").contains("applied"), "{found:#}");
    assert_eq!(text("account"), "Account", "{found:#}");
    assert_eq!(text("nothing"), "Not found", "{found:#}");
    assert_eq!(text("theme"), "dark", "{found:#}");
    assert!(found["grown"].as_u64() > Some(12), "{found:#}");
    for picture in ["ribbon", "matrix"] {
        assert!(found["ink"][picture].as_u64() > Some(100), "{picture} is empty: {found:#}");
    }
}
