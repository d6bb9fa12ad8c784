//! A proof from a chain in memory, checked by the command.

use std::fs;

use quorate_core::execution::CellProof;

use crate::{
    api::{
        backend::{Backend as _, Proof},
        json::AccountProofJson,
        tests::stage::{Stage, address},
    },
    cli::tests::{good, run, shown},
    exit::Exit,
    genesis,
};

/// A good document is good as a whole answer and alone; about another account, with another balance, of
/// another chain or of nothing it is not.
#[tokio::test]
async fn proofs_are_checked() {
    let stage = Stage::new(4);
    for _ in 0..4 {
        stage.grow();
    }
    let Ok(Proof::Shown(shown_proof)) = stage.prove(address(1)).await else {
        panic!("there is a checkpoint at height 4");
    };
    let (proof, certificate): &(CellProof, _) = &shown_proof;
    let proof = AccountProofJson::new(address(1).into(), proof, certificate);
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    let (document, genesis_file) = (at("proof.json"), at("genesis.json"));
    fs::write(&genesis_file, genesis::to_json(&stage.identity().genesis)).expect("it is ours");
    let write = |value: &serde_json::Value| {
        fs::write(&document, value.to_string()).expect("it is ours");
    };
    let verify = |more: &[&str]| {
        let base = ["light", "verify", "--genesis", shown(&genesis_file), shown(&document)];
        run(&[base.as_slice(), more].concat())
    };

    let whole = serde_json::to_value(&proof).expect("plain data");
    write(&whole);
    let done = verify(&["--account", &address(1).digest().to_string()]);
    assert_eq!(done.exit, Exit::Clean, "{}", done.err);
    assert!(done.out.contains("balance     1000000000\n"), "{}", done.out);
    assert!(done.out.contains("height      4\n"), "{}", done.out);
    write(&serde_json::json!({ "height": 9, "proof": whole.clone() }));
    let done = verify(&["--json"]);
    assert_eq!(done.exit, Exit::Clean, "{}", done.err);
    let value: serde_json::Value = serde_json::from_str(&done.out).expect("it is JSON");
    assert_eq!(value["account"]["balance"], "1000000000");

    assert_eq!(verify(&["--account", &"00".repeat(32)]).exit, Exit::Refused);
    write(&serde_json::json!({ "proof": null }));
    assert_eq!(verify(&[]).exit, Exit::Usage);
    let mut richer = whole.clone();
    richer["account"]["balance"] = "2000000000".into();
    write(&richer);
    let done = verify(&[]);
    assert_eq!(done.exit, Exit::Refused, "{}", done.out);
    assert!(done.err.starts_with("error: the proof does not hold"), "{}", done.err);

    write(&whole);
    let other = genesis::to_json(&Stage::new(5).identity().genesis);
    fs::write(&genesis_file, other).expect("it is ours");
    assert_eq!(verify(&[]).exit, Exit::Refused);
    assert!(good(&["light", "verify", "--help"]).contains("quorum"));
}
