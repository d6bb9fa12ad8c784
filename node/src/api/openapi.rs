//! What the API is, for programs (OpenAPI 3.1) and for people.

use std::{fmt::Write as _, sync::LazyLock};

use serde_json::Value;
use utoipa::{
    OpenApi as _,
    openapi::{
        Content, KnownFormat, ObjectBuilder, OpenApi, Ref, RefOr, ResponseBuilder, SchemaFormat,
        path::{Operation, PathItem},
        schema::Type,
    },
};

use super::{
    handlers::{
        accounts, assets, blocks, consensus, documents, events, health, network, status,
        transactions,
    },
    json::{HeightJson, TimelineJson},
    problem::{KINDS, PROBLEM_JSON, Problem},
};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Quorate node",
        description = "A node of a BFT replicated ledger. Digests, keys and addresses are lower-case hexadecimal; whatever may exceed 2^53 is a string of decimal digits. Every error is an RFC 9457 problem.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "node", description = "This node, and what happens in it."),
        (name = "chain", description = "Blocks, why they are final, who decides."),
        (name = "transactions", description = "Sending them and following them."),
        (name = "state", description = "What accounts hold."),
        (name = "health", description = "For whoever keeps the node running."),
        (name = "documents", description = "About the API."),
    ),
    paths(
        accounts::account, accounts::coins,
        assets::asset, assets::balance, assets::object,
        blocks::block, blocks::blocks, blocks::certificates, blocks::checkpoint, blocks::checkpoints,
        blocks::header,
        consensus::consensus, consensus::evidence, consensus::mempool, consensus::sync,
        consensus::timeline,
        documents::docs, documents::home, documents::openapi_json,
        events::events,
        health::live, health::ready,
        network::peers, network::targets,
        status::genesis, status::node, status::status, status::validators,
        transactions::send, transactions::send_many, transactions::transaction,
    ),
    components(schemas(Problem, HeightJson, TimelineJson)),
)]
struct Document;

/// Errors that any path may answer with.
const EVERYWHERE: &[(&str, &str)] = &[
    ("400", "The request is not understood."),
    ("405", "The path does not take this method."),
    ("408", "The request took too long."),
    ("429", "This address asks too much."),
    ("500", "The node failed."),
    ("503", "The node has no time for this now."),
];

/// The API as an OpenAPI document.
///
/// # Panics
/// Never: the document is plain data.
#[must_use]
pub fn document() -> Value {
    let mut document = serde_json::to_value(typed()).expect("the document is plain data");
    widen(&mut document);
    document
}

/// Takes back what the types say of unsigned numbers: formats have names for signed ones only, and half of
/// what we write would not fit those.
fn widen(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_unsigned = fields.get("minimum").and_then(Value::as_u64).is_some();
            let format = fields.get("format").and_then(Value::as_str).map(str::to_owned);
            if let (true, Some("int32" | "int64")) = (is_unsigned, format.as_deref()) {
                fields.remove("format");
                if format.as_deref() == Some("int32") {
                    fields.entry("maximum").or_insert_with(|| u32::MAX.into());
                }
            }
            fields.values_mut().for_each(widen);
        }
        Value::Array(items) => items.iter_mut().for_each(widen),
        _ => {}
    }
}

fn typed() -> OpenApi {
    let mut document = Document::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            complete(operation);
        }
    }
    document
}

/// The document as JSON.
pub(super) fn document_text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        serde_json::to_string_pretty(&document()).expect("the document is plain data")
    });
    &TEXT
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [item.get.as_mut(), item.post.as_mut()].into_iter().flatten()
}

/// Adds the errors of every path, and gives all errors their shape.
fn complete(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, description) in EVERYWHERE {
        responses
            .entry((*status).to_owned())
            .or_insert_with(|| ResponseBuilder::new().description(*description).build().into());
    }
    for (status, response) in responses.iter_mut() {
        let RefOr::T(response) = response else { continue };
        if status.starts_with(['4', '5']) {
            let problem = Content::new(Some(Ref::from_schema_name("Problem")));
            response.content.insert(PROBLEM_JSON.to_owned(), problem.into());
        }
    }
    // A body may also be the chain's own encoding.
    if let Some(RefOr::T(body)) = operation.request_body.as_mut() {
        let bytes = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .description(Some("The same, encoded with borsh."))
            .build();
        let bytes = Content::new(Some(bytes));
        body.content.insert("application/octet-stream".to_owned(), bytes.into());
    }
}

/// The API for a person to read: one plain page, made from the same document.
pub(super) fn page() -> String {
    static PAGE: LazyLock<String> = LazyLock::new(|| render(&mut typed()));
    PAGE.clone()
}

fn render(document: &mut OpenApi) -> String {
    let mut body = String::new();
    for item in &mut document.paths.paths {
        let (path, item) = (item.0.clone(), item.1);
        for (method, operation) in [("GET", item.get.as_ref()), ("POST", item.post.as_ref())] {
            if let Some(operation) = operation {
                describe(&mut body, method, &path, operation);
            }
        }
    }
    let mut problems = String::new();
    for (status, name, title) in KINDS {
        // Writing to a string does not fail.
        let _ = write!(
            problems,
            "<tr><td>{}</td><td><code>urn:quorate:problem:{name}</code></td><td>{}</td></tr>",
            status.as_u16(),
            escape(title),
        );
    }
    include_str!("docs.html")
        .replace("<!--operations-->", &body)
        .replace("<!--problems-->", &problems)
}

fn describe(body: &mut String, method: &str, path: &str, operation: &Operation) {
    let text = |text: &Option<String>| prose(text.as_deref().unwrap_or_default());
    let id = operation.operation_id.as_deref().unwrap_or(path);
    let _ = write!(
        body,
        "<section id=\"{}\"><h2><b>{method}</b> <code>{}</code></h2><p class=\"lead\">{}</p><p>{}</p>",
        escape(id),
        escape(path),
        text(&operation.summary),
        text(&operation.description),
    );
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    if !parameters.is_empty() {
        body.push_str("<dl>");
        for parameter in parameters {
            let RefOr::T(parameter) = parameter else { continue };
            let _ = write!(
                body,
                "<dt><code>{}</code></dt><dd>{}</dd>",
                escape(&parameter.name),
                text(&parameter.description),
            );
        }
        body.push_str("</dl>");
    }
    body.push_str("<p class=\"statuses\">");
    for (status, response) in &operation.responses.responses {
        if let RefOr::T(response) = response {
            let _ = write!(
                body,
                "<span title=\"{}\">{}</span> ",
                escape(&response.description),
                escape(status),
            );
        }
    }
    body.push_str("</p></section>");
}

/// Words as HTML, with what is between backticks as code.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(place, part)| match place % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    });
    parts.collect()
}

/// Text as HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
