//! The trace's hash tells runs apart, its links say where, and its lines are stable.

use std::sync::Arc;

use expect_test::expect;
use quorate_core::{
    crypto::Signature,
    message::Message,
    types::{Digest, Epoch, Height, Seq, ValidatorIndex, View},
    vote::{Statement, Vote},
};

use super::{
    CHECKPOINT_EVERY, Keep, NodeIndex, Observation, Parcel, Recorder, What, first_difference, jsonl,
};

fn nullify(view: u64) -> Message {
    Message::Vote(Vote {
        statement: Statement::Nullify { epoch: Epoch::ZERO, view: View::new(view) },
        signer: ValidatorIndex::new(2),
        signature: Signature::new([7; 64]),
    })
}

fn sent(at: u64, view: u64) -> Observation {
    let what = What::Sent { to: Arc::from([0, 1]), parcel: Parcel::new(Arc::new(nullify(view))) };
    Observation { at, node: NodeIndex::new(2), seq: at, what }
}

fn recorded(keep: Keep, observations: impl Iterator<Item = Observation>) -> Recorder {
    let mut recorder = Recorder::new(keep);
    observations.for_each(|observation| recorder.observe(&observation));
    recorder
}

/// Equal runs have equal hashes; one different message anywhere changes it, and so does the order.
#[test]
fn hash_tells_runs_apart() {
    let hash = |views: &[u64]| {
        let run = views.iter().zip(1..).map(|(view, at)| sent(at, *view));
        recorded(Keep::Nothing, run).hash()
    };
    assert_eq!(hash(&[1, 2, 3]), hash(&[1, 2, 3]));
    assert_ne!(hash(&[1, 2, 3]), hash(&[1, 2, 4]));
    assert_ne!(hash(&[1, 2, 3]), hash(&[2, 1, 3]));
    assert_ne!(hash(&[1, 2, 3]), hash(&[1, 2]));
}

/// Two long runs that differ in one observation: the links name its stretch, and keeping that
/// stretch finds the observation itself.
#[test]
fn links_name_the_stretch_of_the_first_difference() {
    let odd = 3 * CHECKPOINT_EVERY + 17;
    let run = |view_of_odd: u64| {
        (0..5 * CHECKPOINT_EVERY).map(move |at| sent(at, if at == odd { view_of_odd } else { 1 }))
    };
    let (a, b) = (recorded(Keep::Nothing, run(1)), recorded(Keep::Nothing, run(2)));
    let stretch = first_difference(a.checkpoints(), b.checkpoints());
    assert_eq!(stretch, 3 * CHECKPOINT_EVERY..4 * CHECKPOINT_EVERY);

    let kept = |view| recorded(Keep::Between(stretch.clone()), run(view)).into_kept();
    let bytes = |observation: &Observation| {
        let mut bytes = Vec::new();
        observation.encode(&mut bytes);
        bytes
    };
    let (left, right) = (kept(1), kept(2));
    let first = left.iter().zip(&right).find(|(a, b)| bytes(a) != bytes(b));
    assert_eq!(first.map(|(a, _)| a.at), Some(odd));
}

/// The last few observations are what led to a violation.
#[test]
fn last_observations_are_kept() {
    let recorder = recorded(Keep::Last(2), (1..=5).map(|at| sent(at, at)));
    let times: Vec<u64> = recorder.kept().map(|observation| observation.at).collect();
    assert_eq!(times, [4, 5]);
    assert_eq!(recorder.count(), 5);
}

#[test]
fn lines_are_stable() {
    let node = NodeIndex::new(3).twin();
    let digest = Digest::new([0xab; 32]);
    let observations = [
        sent(1_500_000_000, 4),
        Observation {
            at: 2,
            node,
            seq: 9,
            what: What::Started {
                life: 1,
                height: Height::new(7),
                survived: Seq::new(5),
                torn_bytes: 12,
                amnesiac: false,
            },
        },
        Observation { at: 3, node, seq: 10, what: What::Submitted { transaction: digest, fee: 1 } },
    ];
    let mut json = Vec::new();
    let mut text = String::new();
    for observation in &observations {
        jsonl::write_line(&mut json, observation).expect("writing to memory");
        text.push_str(&format!("{observation}\n"));
    }
    expect![[r#"
           1.500000000s n2   sent nullify v4 by i2 to n0 n1
           0.000000002s n3'  started, life 1, at height 7, cut a torn tail of 12 bytes
           0.000000003s n3'  was handed transaction abababab
    "#]]
    .assert_eq(&text);
    expect![[r#"
        {"at":1500000000,"node":"n2","seq":1500000000,"what":"sent","to":["n0","n1"],"message":"nullify","fingerprint":"b2bea5409a0c19fa","view":4,"content":"nullify v4 by i2","text":"sent nullify v4 by i2 to n0 n1"}
        {"at":2,"node":"n3'","seq":9,"what":"started","life":1,"height":7,"survived":5,"torn_bytes":12,"amnesiac":false,"text":"started, life 1, at height 7, cut a torn tail of 12 bytes"}
        {"at":3,"node":"n3'","seq":10,"what":"submitted","transaction":"abababababababababababababababababababababababababababababababab","text":"was handed transaction abababab"}
    "#]].assert_eq(&String::from_utf8(json).expect("JSON is UTF-8"));
}
