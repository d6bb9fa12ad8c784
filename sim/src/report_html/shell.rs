//! The frame of every page: its policy, its style, its script.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::escape::Escaped;

/// What goes into the frame.
pub(super) struct Shell<'a> {
    /// The title.
    pub(super) title: &'a str,
    /// Style sheets, in order.
    pub(super) styles: &'a [&'a str],
    /// Scripts, in order; they share one scope.
    pub(super) scripts: &'a [&'a str],
    /// The body, as HTML.
    pub(super) body: &'a str,
}

impl Shell<'_> {
    /// The whole page.
    pub(super) fn page(&self) -> String {
        let style = self.styles.concat();
        let script = format!("(() => {{\n\"use strict\";\n{}}})();\n", self.scripts.concat());
        let policy = format!(
            "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
            hash(&script),
            hash(&style)
        );
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n{}\n\
             <script>{script}</script>\n</body>\n</html>\n",
            Escaped(self.title),
            self.body,
        )
    }
}

/// A source in the words of a content security policy.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}
