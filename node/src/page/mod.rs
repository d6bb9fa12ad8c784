//! The node to look at: one page that needs nothing from elsewhere, fed by the API that serves it.
//!
//! It asks for `/v1/status` and listens to `/v1/events`. Style and script are part of the page; a policy with
//! a new nonce for every answer lets nothing else run.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The policy of pages without a script.
pub(crate) const NO_SCRIPT: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Scripts in order; they share one scope.
const SCRIPTS: [&str; 6] = [
    include_str!("assets/model.js"),
    include_str!("assets/draw.js"),
    include_str!("assets/detail.js"),
    include_str!("assets/panels.js"),
    include_str!("assets/search.js"),
    include_str!("assets/main.js"),
];

/// A word that nobody can guess. Without randomness it is one that opens nothing.
pub(crate) fn nonce() -> String {
    let mut raw = [0; 16];
    match getrandom::fill(&mut raw) {
        Ok(()) => URL_SAFE_NO_PAD.encode(raw),
        Err(_) => "none".to_owned(),
    }
}

/// What the page may do: run what bears the nonce, and talk to where it came from.
pub(crate) fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The whole page.
pub(crate) fn html(nonce: &str) -> String {
    let script = format!("(() => {{\n\"use strict\";\n{}}})();\n", SCRIPTS.concat());
    include_str!("assets/page.html")
        .replace("{{nonce}}", nonce)
        .replace("{{style}}", include_str!("assets/page.css"))
        .replace("{{script}}", &script)
}
