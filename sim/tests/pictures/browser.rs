//! A headless Chromium that opens a page, lets a script use it, and gives back what that found.
//!
//! It reaches no network: every name is unknown to it. Whatever the page writes to the console fails
//! the test.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use libtest_mimic::Failed;
use serde_json::Value;

/// What a Chromium is called.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Virtual milliseconds that a page has for everything it and the script do.
const BUDGET_MS: u32 = 60_000;

/// A browser and a directory for it, which goes with it.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    program: String,
    directory: Arc<Directory>,
}

#[derive(Debug)]
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is left to the system.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Browser {
    /// The browser that `CHROMIUM` names, or else one on the PATH.
    ///
    /// # Panics
    ///
    /// If `CHROMIUM` names something that does not start: that is a mistake and no reason to skip.
    pub(crate) fn find() -> Option<Self> {
        let starts = |name: &str| {
            Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
        };
        let program = match env::var("CHROMIUM") {
            Ok(name) => {
                assert!(starts(&name), "CHROMIUM is {name:?}, which does not start");
                name
            }
            Err(_) => NAMES.iter().find(|name| starts(name))?.to_string(),
        };
        let directory = env::temp_dir().join(format!("quorate-pictures-{}", process::id()));
        fs::create_dir_all(&directory).expect("a directory for temporary files");
        Some(Self { program, directory: Arc::new(Directory(directory)) })
    }

    /// Where the pages are.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory.0
    }

    /// Opens a copy of a page at a fragment, with the script in it, and gives what the script found.
    pub(crate) fn exercise(&self, page: &str, fragment: &str) -> Result<Value, Failed> {
        let text = fs::read_to_string(self.directory().join(page))?;
        let copy = self.directory().join(format!("used-{page}"));
        fs::write(&copy, with_script(&text)?)?;
        let output = Command::new(&self.program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1400"])
            .args([
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--enable-logging=stderr",
                "--dump-dom",
            ])
            .arg(format!("--virtual-time-budget={BUDGET_MS}"))
            .arg(format!(
                "--user-data-dir={}",
                self.directory().join(format!("profile-{page}")).display()
            ))
            .arg(format!("file://{}{fragment}", copy.display()))
            .output()?;
        let (dom, log) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if let Some(line) = log.lines().find(|line| line.contains("CONSOLE")) {
            return Err(format!("{page} writes to the console: {line}").into());
        }
        let found = dom
            .split_once("<pre id=\"found\">")
            .and_then(|(_, rest)| rest.split_once("</pre>"))
            .ok_or_else(|| format!("{page} was not used to the end ({}): {log}", output.status))?;
        let found = STANDARD.decode(found.0)?;
        Ok(serde_json::from_slice(&found)?)
    }
}

/// The page with the script before everything else, and without the policy that keeps others' scripts
/// out.
fn with_script(page: &str) -> Result<String, Failed> {
    let (head, rest) = page.split_once("<meta http-equiv=").ok_or("the page has no policy")?;
    let (_, rest) = rest.split_once('\n').ok_or("the policy has no end")?;
    Ok(format!("{head}<script>{}</script>\n{rest}", include_str!("exercise.js")))
}
