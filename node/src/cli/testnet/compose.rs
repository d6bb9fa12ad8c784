//! A compose file for a generated network: one container per node.

use std::fmt::Write as _;

use super::{Placed, Plan};

/// The file. Containers run as whoever owns the homes, because nobody else may read them.
pub(super) fn compose(plan: &Plan) -> String {
    let mut text = String::from(
        "# QUORATE_UID=$(id -u) docker compose up; QUORATE_IMAGE names the image, built from the\n\
         # repository with the program at /usr/local/bin/quorate.\n\
         services:\n",
    );
    for node in &plan.nodes {
        text.push_str(&service(node));
    }
    text
}

fn service(node: &Placed) -> String {
    let Placed { name, api, metrics, .. } = node;
    let mut text = String::new();
    let _ = write!(
        text,
        "  {name}:\n\
         \x20   image: ${{QUORATE_IMAGE:-quorate:latest}}\n\
         \x20   command: [\"quorate\", \"start\", \"--home\", \"/home/quorate\"]\n\
         \x20   user: \"${{QUORATE_UID:?set it to the owner of the homes}}\"\n\
         \x20   restart: on-failure\n\
         \x20   stop_grace_period: 20s\n\
         \x20   volumes: [\"./{name}:/home/quorate\"]\n\
         \x20   ports: [\"127.0.0.1::{}\", \"127.0.0.1::{}\"]\n",
        api.port(),
        metrics.port()
    );
    text
}
