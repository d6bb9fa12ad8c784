//! Reports in a real browser: they are drawn, without an error and without a network, and they do what
//! their buttons say.
//!
//! The browser is a headless Chromium: the one that `CHROMIUM` names, or one that is on the PATH. Where
//! there is none the tests say so and nothing is looked at; `.ci/browser` installs one where it can.

mod browser;

use std::{
    fs,
    io::{self, Write as _},
    process::Command,
};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

use self::browser::Browser;

fn main() {
    let arguments = Arguments::from_args();
    let Some(browser) = Browser::find() else {
        // A reader that has gone away needs no help.
        let _ = writeln!(
            io::stdout(),
            "\npictures: SKIPPED: no Chromium here, so nobody looks at the reports. Install one \
             (Debian: apt-get install chromium), or name it in CHROMIUM.\n"
        );
        return;
    };
    let trial = |name: &str, check: fn(&Browser) -> Result<(), Failed>| {
        let browser = browser.clone();
        Trial::test(name, move || check(&browser))
    };
    let trials = vec![
        trial("a_run_is_drawn_and_can_be_used", run),
        trial("a_link_shows_its_stretch", link),
        trial("two_runs_share_a_page", two_runs),
        trial("a_sweep_is_drawn", sweep),
    ];
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Leaving the process would leave its directory behind.
    drop(browser);
    conclusion.exit();
}

/// Two leaders in a row die: what a stranger should see is known.
const DEAD_LEADERS: &str = "view-change/two-dead-leaders-7.toml";

fn scenario(name: &str) -> String {
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    format!("{package}/../scenarios/{name}")
}

/// Runs the simulator in a directory of the browser's.
fn simulate(browser: &Browser, arguments: &[&str]) -> Result<(), Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_quorate-sim"))
        .args(arguments)
        .current_dir(browser.directory())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), || format!("{arguments:?}: {}: {said}", output.status))
}

fn check(holds: bool, complaint: impl Fn() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(complaint().into()) }
}

/// What a page counts of itself.
fn number(found: &Value, name: &str) -> u64 {
    found["page"][name].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Nothing went wrong while the page was used, and it was drawn.
fn is_sound(found: &Value) -> Result<(), Failed> {
    check(found["errors"] == Value::Array(Vec::new()), || format!("errors: {}", found["errors"]))?;
    check(found["page"]["ready"] == "yes", || format!("not drawn: {}", found["page"]))
}

/// Messages drawn after a step, from the line below the picture.
fn drawn(found: &Value, step: &str) -> Result<u64, Failed> {
    let text = found["steps"][step]["drawn"].as_str().unwrap_or_default();
    let digits: String = text
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == ',')
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse().map_err(|_| format!("after {step} it says {text:?}").into())
}

fn run(browser: &Browser) -> Result<(), Failed> {
    let file = scenario(DEAD_LEADERS);
    let arguments =
        ["run", &file, "--seed", "7", "-q", "--report", "run.html", "--trace", "t.jsonl"];
    simulate(browser, &arguments)?;
    simulate(browser, &["report", "t.jsonl", "-o", "again.html"])?;
    let page = fs::read(browser.directory().join("run.html"))?;
    let again = fs::read(browser.directory().join("again.html"))?;
    check(page == again, || "the trace gives another page than the run".to_owned())?;

    let found = browser.exercise("run.html", "")?;
    is_sound(&found)?;
    check(number(&found, "lanes") == 7, || format!("not seven lanes: {}", found["page"]))?;
    check(number(&found, "faults") == 3, || format!("not three faults: {}", found["page"]))?;
    check(number(&found, "callouts") == 1, || format!("not one callout: {}", found["page"]))?;

    // A stranger who points at everything is told who failed, why, and when the chain went on.
    let heads: Vec<&str> =
        found["heads"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let told = |part: &str| heads.iter().any(|head| head.contains(part));
    for part in [
        "n0 runs at",
        "n1 runs at",
        "n2 runs at",
        "n5 runs at",
        "n6 runs at",
        "n3 is down at",
        "n4 is down at",
        "fault 0, kill n3",
        "fault 1, kill n4",
        "view 6, leader n3: nullified",
        "view 7, leader n4: nullified",
        "no leader: n3 killed, view 6 nullified",
        "is final at",
        "invariants watched",
    ] {
        check(told(part), || format!("nothing says {part:?}; what was said: {heads:#?}"))?;
    }

    let steps = &found["steps"];
    let stretch = |step: &str| steps[step]["stretch"].as_str().unwrap_or_default().to_owned();
    for (one, other) in [
        ("begin", "key"),
        ("key", "button"),
        ("button", "wheel"),
        ("wheel", "jump"),
        ("jump", "whole"),
    ] {
        check(stretch(one) != stretch(other), || {
            format!("{other} shows what {one} showed: {steps:#}")
        })?;
    }
    for (step, look) in steps.as_object().into_iter().flatten() {
        check(look["ink"].as_u64() > Some(500), || {
            format!("after {step} the picture is empty: {look}")
        })?;
    }
    let (whole, filtered, lost) =
        (drawn(&found, "whole")?, drawn(&found, "filtered")?, drawn(&found, "lost")?);
    let lane = drawn(&found, "lane")?;
    check(filtered < whole && lost < filtered && lost > 0, || {
        format!("{whole}, {filtered}, {lost} drawn")
    })?;
    check(lane < whole && lane > 0, || format!("{lane} of {whole} messages are n0's"))?;
    check(found["theme"] == "dark", || format!("the theme is {}", found["theme"]))
}

fn link(browser: &Browser) -> Result<(), Failed> {
    let file = scenario(DEAD_LEADERS);
    simulate(browser, &["run", &file, "--seed", "8", "-q", "--report", "link.html"])?;
    let found = browser.exercise("link.html", "#0.2-0.5")?;
    is_sound(&found)?;
    let shown = &found["steps"]["begin"]["stretch"];
    check(shown.as_str().is_some_and(|text| text.starts_with("0.200 s to 0.500 s")), || {
        format!("{shown}")
    })?;
    check(found["page"]["mode"] == "lines", || "three tenths of a second are not lines".to_owned())
}

fn two_runs(browser: &Browser) -> Result<(), Failed> {
    let file = scenario(DEAD_LEADERS);
    simulate(
        browser,
        &["report", &file, &file, "--seed", "1", "--other-seed", "2", "-o", "both.html"],
    )?;
    let found = browser.exercise("both.html", "")?;
    is_sound(&found)?;
    check(number(&found, "runs") == 2 && number(&found, "lanes") == 14, || {
        found["page"].to_string()
    })?;
    let page = fs::read_to_string(browser.directory().join("both.html"))?;
    check(page.contains("The two runs part at"), || "it does not say where they part".to_owned())
}

fn sweep(browser: &Browser) -> Result<(), Failed> {
    let file = scenario("view-change/good-case.toml");
    simulate(browser, &["sweep", &file, "--seeds", "0..4", "--html", "index.html"])?;
    let found = browser.exercise("index.html", "")?;
    is_sound(&found)?;
    check(number(&found, "rows") == 1, || found["page"].to_string())
}
