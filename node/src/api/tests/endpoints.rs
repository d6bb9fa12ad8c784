//! Every path: what it answers, what it refuses, and that both are what the document says.

use quorate_core::{
    codec::encode,
    crypto::SecretKey,
    transaction::{
        Amount, Asset, CoinOutput, Coins, Issue, ObjectAction, Objects, Output, Transaction,
        TransactionBody, TransactionKind,
    },
    types::{ChainId, Height},
};
use serde_json::{Value, json};

use super::{
    client::{House, PATIENCE},
    schema,
    stage::{BALANCE, CHAIN, account_key, address},
};
use crate::api::{
    json::{AccountProofJson, Hex32, TransactionJson},
    light,
};

const JSON: &str = "application/json";
const BORSH: &str = "application/octet-stream";

fn hex(bytes: impl Into<Hex32>) -> String {
    bytes.into().to_string()
}

fn signed(key: &SecretKey, payer: u8, nonce: u64, kind: TransactionKind) -> Transaction {
    let body =
        TransactionBody::new(CHAIN, address(payer), nonce, 1_000, Height::new(1_000_000), kind);
    Transaction::signed(body, key)
}

/// Account `from` pays account `to`.
fn payment(from: u8, nonce: u64, to: u8, amount: u64) -> Transaction {
    let kind = TransactionKind::transfer(vec![Output::native(address(to), amount)]);
    signed(&account_key(from), from, nonce, kind)
}

fn text(transaction: &Transaction) -> String {
    serde_json::to_string(&TransactionJson::from(transaction)).expect("plain data")
}

/// A chain of five blocks, with a payment in the second.
async fn lived_in() -> (House, Transaction) {
    let house = House::new().await;
    house.stage.grow();
    let payment = payment(0, 0, 1, 250);
    let answer = house.post("/v1/tx", JSON, text(&payment)).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.check("post", "/v1/tx");
    house.stage.grow_after(2);
    for _ in 0..3 {
        house.stage.grow();
    }
    (house, payment)
}

/// Everything that takes no parameter answers as the document says, and says what is so.
#[tokio::test]
async fn plain_questions() {
    let (house, _) = lived_in().await;
    let status = house.json("/v1/status").await;
    assert_eq!(status["finalized_height"], 5);
    assert_eq!(status["checkpoint_height"], 4);
    assert_eq!(
        status["quorum"],
        json!({ "total": "40", "needed": "27", "online": "30", "members": [0, 1, 2] })
    );
    assert_eq!(status["recent"].as_array().map(Vec::len), Some(5));
    assert_eq!(status["recent"][1]["views_used"], 3);
    let node = house.json("/v1/node").await;
    assert_eq!((&node["mode"], &node["validator"]), (&json!("validator"), &json!(1)));
    let genesis = house.json("/v1/genesis").await;
    assert_eq!(genesis["digest"], status["genesis"]);
    assert_eq!(genesis["accounts"][0]["balance"], BALANCE.to_string());
    assert_eq!(house.json("/v1/genesis").await, genesis, "the second time as the first");
    let validators = house.json("/v1/validators").await;
    assert_eq!(validators["validators"][3]["online"], false);
    for path in ["/v1/mempool", "/v1/consensus", "/v1/evidence", "/v1/sync", "/v1/peers"] {
        house.json(path).await;
    }
    assert_eq!(house.json("/v1/peers").await["peers"].as_array().map(Vec::len), Some(2));
    let absent = &house.json("/v1/peers").await["absent"][0];
    assert_eq!((&absent["validator"], &absent["banned_s"]), (&json!(3), &json!(90)));
    assert_eq!(house.json("/v1/validators?height=6").await, validators);
    house.problem("/v1/validators?height=7", 404).await;
    house.problem("/v1/validators?height=-1", 400).await;
    house.problem("/v1/validators?height=9999999999999999", 400).await;
    let targets = house.json("/v1/sd/prometheus").await;
    assert_eq!(targets[0]["targets"][0], house.server.metrics_addr().to_string());
    assert_eq!(house.json("/health/live").await["ok"], true);
    assert_eq!(house.json("/health/ready").await["ok"], true);
    assert_eq!(&house.get("/openapi.json").await.value(), schema::document());
    house.server.shutdown().await;
}

/// A block is found by height, digest and as the newest; its header and proof likewise.
#[tokio::test]
async fn blocks() {
    let (house, payment) = lived_in().await;
    let by_height = house.json("/v1/blocks/2").await;
    let digest = by_height["header"]["digest"].as_str().expect("text").to_owned();
    assert_eq!(house.json(&format!("/v1/blocks/{digest}")).await, by_height);
    assert_eq!(by_height["transactions"][0]["id"], hex(payment.id()));
    assert_eq!(by_height["outcomes"], json!([{ "outcome": "applied", "reason": null }]));
    assert_eq!(by_height["proof"]["nullifications"].as_array().map(Vec::len), Some(2));
    assert_eq!(house.json("/v1/blocks/latest").await["header"]["height"], 5);
    assert_eq!(house.json("/v1/headers/2").await, by_height["header"]);
    assert_eq!(house.json("/v1/certificates/2").await, by_height["proof"]);

    let page = house.json("/v1/blocks?limit=2").await;
    assert_eq!(page["blocks"][0]["height"], 5);
    assert_eq!(page["next_from"], 3);
    let rest = house.json("/v1/blocks?from=3&limit=100").await;
    assert_eq!(rest["blocks"].as_array().map(Vec::len), Some(3));
    assert_eq!(rest["next_from"], Value::Null);

    let ahead = house.problem("/v1/blocks/6", 404).await;
    assert!(
        ahead["detail"].as_str().is_some_and(|words| words.contains("the newest is 5")),
        "{ahead}"
    );
    house.stage.prune_below(Height::new(3));
    house.problem("/v1/blocks/2", 404).await;
    house.problem(&format!("/v1/blocks/{digest}"), 404).await;
    for bad in
        ["/v1/blocks/x", "/v1/blocks/-1", "/v1/blocks/007", "/v1/headers/99999999999999999999"]
    {
        house.problem(bad, 400).await;
    }
    for bad in ["limit=0", "limit=101", "limit=x", "from=-1", "from=9007199254740992", "form=1"] {
        house.problem(&format!("/v1/blocks?{bad}"), 400).await;
    }
}

/// Checkpoints are where the interval says, and are found by height.
#[tokio::test]
async fn checkpoints() {
    let (house, _) = lived_in().await;
    let list = house.json("/v1/checkpoints").await;
    assert_eq!((&list["interval"], &list["checkpoints"][0]["height"]), (&json!(4), &json!(4)));
    let one = house.json("/v1/checkpoints/4").await;
    assert_eq!(one["signers"].as_array().map(Vec::len), Some(3));
    assert_eq!(house.json("/v1/checkpoints/latest").await, one);
    house.problem("/v1/checkpoints/5", 404).await;
    house.problem("/v1/checkpoints/five", 400).await;
}

/// What was sent becomes final and is found; both encodings are read; what is refused says why.
#[tokio::test]
async fn transactions() {
    let (house, first) = lived_in().await;
    let found = house.json(&format!("/v1/tx/{}", hex(first.id()))).await;
    assert_eq!((&found["height"], &found["index"]), (&json!(2), &json!(0)));
    assert_eq!(found["outcome"], "applied");
    assert_eq!(
        found["transaction"],
        serde_json::to_value(TransactionJson::from(&first)).expect("data")
    );

    let again = house.post("/v1/tx", JSON, text(&first)).await;
    let problem = again.problem("post", "/v1/tx", 422);
    assert_eq!(
        (&problem["refusal"]["code"], &problem["refusal"]["reason"]),
        (&json!(1), &json!("duplicate"))
    );

    let second = payment(0, 1, 2, 5);
    let sent = house.post("/v1/tx", BORSH, encode(&second)).await;
    assert_eq!(sent.check("post", "/v1/tx")["id"], hex(second.id()));
    let mut elsewhere = payment(0, 2, 2, 5).body;
    elsewhere.chain_id = ChainId::new(8);
    let elsewhere = Transaction::signed(elsewhere, &account_key(0));
    let many = format!("[{},{},{}]", text(&payment(1, 0, 2, 9)), text(&second), text(&elsewhere));
    let answer = house.post("/v1/txs", JSON, many).await;
    let fates = answer.check("post", "/v1/txs");
    let outcome = |place: usize| fates["outcomes"][place]["outcome"].clone();
    assert_eq!([outcome(0), outcome(1), outcome(2)], ["admitted", "refused", "refused"]);
    assert_eq!(fates["outcomes"][2]["refusal"]["reason"], "wrong-chain");
    let many = encode(&vec![payment(2, 0, 3, 1), payment(2, 1, 3, 1)]);
    let answer = house.post("/v1/txs", BORSH, many).await;
    assert_eq!(answer.check("post", "/v1/txs")["outcomes"][1]["outcome"], "admitted");
    house.stage.be_busy();
    let busy = house.post("/v1/tx", BORSH, encode(&payment(3, 0, 1, 1))).await;
    busy.problem("post", "/v1/tx", 503);
    assert!(busy.headers.contains_key("retry-after"));
    let busy = house.post("/v1/txs", BORSH, encode(&vec![payment(3, 0, 1, 1)])).await;
    assert_eq!(busy.check("post", "/v1/txs")["outcomes"][0]["outcome"], "busy");
}

/// Whoever waits gets the answer when the block is executed, and is told when it is not in time.
#[tokio::test]
async fn waiting_for_a_transaction() {
    let house = House::new().await;
    let payment = payment(0, 0, 1, 250);
    house.post("/v1/tx", JSON, text(&payment)).await;
    let path = format!("/v1/tx/{}?wait=finalized&timeout=60", hex(payment.id()));
    let grow = async {
        // Blocks come until the waiting request was answered, whenever it began to wait.
        loop {
            tokio::task::yield_now().await;
            house.stage.grow();
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let found = tokio::select! {
        found = house.json(&path) => found,
        () = grow => unreachable!("it goes on for ever"),
        () = tokio::time::sleep(PATIENCE) => panic!("no answer"),
    };
    assert_eq!(found["height"], 1);
    let unknown = hex(address(7));
    let late = house.problem(&format!("/v1/tx/{unknown}?wait=finalized&timeout=1s"), 404).await;
    assert_eq!(late["type"], "urn:quorate:problem:not-final");
    house.problem(&format!("/v1/tx/{unknown}"), 404).await;
    for bad in
        ["wait=forever", "wait=finalized&timeout=0", "wait=finalized&timeout=61", "timeout=x"]
    {
        house.problem(&format!("/v1/tx/{unknown}?{bad}"), 400).await;
    }
    house.problem("/v1/tx/12", 400).await;
}

/// An account as it is and as it is proven; the proof is worth something to whoever has only the genesis, and
/// nothing once it is tampered with.
#[tokio::test]
async fn accounts_and_proofs() {
    let (house, _) = lived_in().await;
    let path = format!("/v1/accounts/{}", hex(address(1)));
    let plain = house.json(&path).await;
    assert_eq!(plain["balance"], (BALANCE + 250).to_string());
    assert_eq!((&plain["height"], &plain["proof"]), (&json!(5), &Value::Null));
    let proven = house.json(&format!("{path}?prove=1")).await;
    let proof: AccountProofJson =
        serde_json::from_value(proven["proof"].clone()).expect("what is served can be read");
    let genesis = &crate::api::backend::Backend::identity(&*house.stage).genesis.clone();
    let verified = light::verify(genesis, &proof).expect("it holds");
    assert_eq!(verified.height, Height::new(4));
    assert_eq!(verified.account.map(|account| account.balance), Some(BALANCE + 250));

    let mut richer = proof.clone();
    richer.account.as_mut().expect("it exists").balance.0 += 1;
    assert!(matches!(light::verify(genesis, &richer), Err(light::LightError::Proof(_))));
    let mut unsigned = proof.clone();
    unsigned.certificate.signers.pop();
    assert!(matches!(light::verify(genesis, &unsigned), Err(light::LightError::Anchor(_))));
    let mut disordered = proof.clone();
    disordered.certificate.signers.reverse();
    assert!(matches!(light::verify(genesis, &disordered), Err(light::LightError::Signers(_))));
    let mut elsewhere = (**genesis).clone();
    elsewhere.chain_id = ChainId::new(8);
    assert!(matches!(light::verify(&elsewhere, &proof), Err(light::LightError::Anchor(_))));

    // That there is nothing is proven as well.
    let nobody = hex(quorate_core::types::Digest::new([9; 32]));
    let nothing = house.json(&format!("/v1/accounts/{nobody}?prove=1")).await;
    assert_eq!((&nothing["exists"], &nothing["balance"]), (&json!(false), &json!("0")));
    let proof: AccountProofJson =
        serde_json::from_value(nothing["proof"].clone()).expect("what is served can be read");
    assert_eq!(light::verify(genesis, &proof).expect("it holds").account, None);

    house.problem("/v1/accounts/zz", 400).await;
    house.problem(&format!("{path}?prove=yes"), 400).await;
    let early = House::new().await;
    early.problem(&format!("{path}?prove=1"), 503).await;
}

/// Coins come as lines.
#[tokio::test]
async fn coins() {
    let house = House::new().await;
    let owner = address(0);
    let amount = |amount| Amount { asset: Asset::Native, amount };
    let kind = TransactionKind::Coins(Coins {
        inputs: quorate_core::codec::Bounded::default(),
        funds: quorate_core::codec::Bounded::new(vec![amount(30)]),
        outputs: quorate_core::codec::Bounded::new(vec![
            CoinOutput { owner, amount: amount(10) },
            CoinOutput { owner, amount: amount(20) },
        ]),
        credits: quorate_core::codec::Bounded::default(),
    });
    let transaction = signed(&account_key(0), 0, 0, kind);
    house.post("/v1/tx", JSON, text(&transaction)).await;
    house.stage.grow();
    let path = format!("/v1/coins?owner={}", hex(owner));
    let answer = house.get(&path).await;
    let mut amounts = Vec::new();
    for line in answer.text().lines() {
        let coin: Value = serde_json::from_str(line).expect("a line is an object");
        schema::check("get", &path, 200, "application/jsonl", &coin);
        amounts.push(coin["amount"].as_str().expect("text").to_owned());
    }
    amounts.sort_unstable();
    assert_eq!(amounts, ["10", "20"]);
    assert_eq!(house.get(&format!("/v1/coins?owner={}", hex(address(5)))).await.text(), "");
    house.problem("/v1/coins?owner=me", 400).await;
    house.problem("/v1/coins", 400).await;
}

/// Assets, what accounts hold of them, and objects, as the newest state has them.
#[tokio::test]
async fn assets_and_objects() {
    let house = House::new().await;
    let (owner, other) = (address(0), address(1));
    let kind = TransactionKind::Issue(Issue::Create { decimals: 2, cap: 1_000, amount: 70 });
    let asset = signed(&account_key(0), 0, 0, kind);
    let data = quorate_core::codec::Bounded::new(b"hello".to_vec());
    let create = ObjectAction::Create { owner: other, held: 5, data };
    let kind = TransactionKind::Objects(Objects {
        owned: quorate_core::codec::Bounded::default(),
        shared: quorate_core::codec::Bounded::default(),
        actions: quorate_core::codec::Bounded::new(vec![create]),
    });
    let object = signed(&account_key(0), 0, 1, kind);
    house.post("/v1/tx", JSON, text(&asset)).await;
    house.post("/v1/tx", JSON, text(&object)).await;
    house.stage.grow();
    let (asset, object) = (hex(asset.id()), format!("{}:0", hex(object.id())));

    let found = house.json(&format!("/v1/assets/{asset}")).await;
    assert_eq!((&found["issued"], &found["cap"]), (&"70".into(), &"1000".into()), "{found}");
    assert_eq!(found["issuer"], hex(owner));
    for (who, of, amount) in [(owner, &*asset, "70"), (other, &asset, "0")] {
        let found = house.json(&format!("/v1/accounts/{}/balances/{of}", hex(who))).await;
        assert_eq!(found["amount"], amount, "{found}");
    }
    let native = house.json(&format!("/v1/accounts/{}/balances/native", hex(other))).await;
    let account = house.json(&format!("/v1/accounts/{}", hex(other))).await;
    assert_eq!(native["amount"], account["balance"]);
    let found = house.json(&format!("/v1/objects/{object}")).await;
    assert_eq!((&found["data"], &found["held"]), (&"68656c6c6f".into(), &"5".into()), "{found}");
    assert_eq!(found["owner"]["address"], hex(other));

    house.problem(&format!("/v1/assets/{}", hex(owner)), 404).await;
    house.problem("/v1/assets/native", 400).await;
    house.problem(&format!("/v1/objects/{asset}:9"), 404).await;
    for wrong in [format!("{asset}:00"), format!("{asset}:+1"), asset.clone(), "x:0".to_owned()] {
        house.problem(&format!("/v1/objects/{wrong}"), 400).await;
    }
    house.problem(&format!("/v1/accounts/{}/balances/gold", hex(owner)), 400).await;
}

/// The way to a height is told step by step.
#[tokio::test]
async fn timelines() {
    let (house, _) = lived_in().await;
    // What happens is taken in by a task of its own: it has told all of it when it has told the last.
    let timeline = loop {
        let answer = house.get("/v1/consensus/heights/2/timeline").await;
        if answer.status == 200 && house.get("/v1/consensus/heights/5/timeline").await.status == 200
        {
            break answer.check("get", "/v1/consensus/heights/2/timeline");
        }
    };
    let steps = timeline["steps"].as_array().expect("a list");
    let what: Vec<&str> = steps.iter().filter_map(|step| step["what"].as_str()).collect();
    let lost = ["entered", "timed_out", "nullified"];
    assert_eq!(what[..6], [lost, lost].concat());
    assert_eq!(what[6..], ["entered", "notarized", "finalized"]);
    assert_eq!(timeline["incomplete"], false);
    house.problem("/v1/consensus/heights/77/timeline", 404).await;
    house.problem("/v1/consensus/heights/x/timeline", 400).await;
}

/// What is not there, what is not allowed, what is too large and what makes no sense: always a problem, and
/// the node goes on.
#[tokio::test]
async fn nonsense() {
    let house = House::new().await;
    let nowhere = house.problem("/v1/nothing", 404).await;
    assert_eq!(nowhere["type"], "urn:quorate:problem:no-such-path");
    let method = house.post("/v1/status", JSON, "{}").await;
    method.problem("post", "/nowhere", 405);
    assert_eq!(method.headers["allow"], "GET,HEAD");
    let get = house.get("/v1/tx").await;
    get.problem("get", "/nowhere", 405);

    for body in ["", "{", "null", "[]", "{\"body\":1}", "\u{0}", "{\"id\":\"zz\"}"] {
        house.post("/v1/tx", JSON, body).await.problem("post", "/v1/tx", 400);
        house.post("/v1/tx", BORSH, body).await.problem("post", "/v1/tx", 400);
    }
    for body in ["", "{}", "[1]", "[null]", "[[]]"] {
        house.post("/v1/txs", JSON, body).await.problem("post", "/v1/txs", 400);
    }
    house.post("/v1/txs", BORSH, vec![255; 100]).await.problem("post", "/v1/txs", 400);
    house.post("/v1/tx", "text/plain", "{}").await.problem("post", "/v1/tx", 415);
    house.ask("POST", "/v1/tx", &[], "{}".into()).await.problem("post", "/v1/tx", 415);

    // A kind by its number, a wrong id, an unknown field, a list that is too long.
    let good = payment(0, 0, 1, 1);
    let mut numbered = serde_json::to_value(TransactionJson::from(&good)).expect("data");
    numbered["id"] = Value::Null;
    let made = json!({ "type": "create", "owner": "00".repeat(32), "held": "0", "data": "" });
    numbered["body"]["kind"] =
        json!({ "type": "objects", "owned": [], "shared": [], "actions": [made] });
    let named = house.post("/v1/txs", JSON, json!([numbered]).to_string()).await;
    assert_eq!(named.status, 202, "{}", named.text());
    numbered["body"]["kind"]["actions"][0]["type"] = json!(0);
    let answer = house.post("/v1/txs", JSON, json!([numbered]).to_string()).await;
    answer.problem("post", "/v1/txs", 400);
    let mut json = serde_json::to_value(TransactionJson::from(&good)).expect("data");
    json["id"] = json!("00".repeat(32));
    let wrong = house.post("/v1/tx", JSON, json.to_string()).await.problem("post", "/v1/tx", 400);
    assert!(
        wrong["detail"].as_str().is_some_and(|words| words.contains("leave it out")),
        "{wrong}"
    );
    json["id"] = json!(hex(good.id()));
    json["extra"] = json!(1);
    house.post("/v1/tx", JSON, json.to_string()).await.problem("post", "/v1/tx", 400);
    let mut json = serde_json::to_value(TransactionJson::from(&good)).expect("data");
    let output = json["body"]["kind"]["outputs"][0].clone();
    json["body"]["kind"]["outputs"] = Value::Array(vec![output; 257]);
    json["id"] = Value::Null;
    let long = house.post("/v1/tx", JSON, json.to_string()).await.problem("post", "/v1/tx", 400);
    assert!(long["detail"].as_str().is_some_and(|words| words.contains("257")), "{long}");

    let large = vec![b' '; 64 * 1024 + 1];
    house.post("/v1/tx", JSON, large).await.problem("post", "/v1/tx", 413);
    let larger = vec![b' '; 4 * 1024 * 1024 + 1];
    house.post("/v1/txs", JSON, larger).await.problem("post", "/v1/txs", 413);
    let few = vec![text(&good); 1_001].join(",");
    house.post("/v1/txs", JSON, format!("[{few}]")).await.problem("post", "/v1/txs", 400);
    assert_eq!(house.get("/v1/status").await.status, 200);
}

/// Metrics come in both formats, on their own listener, with health beside them.
#[tokio::test]
async fn metrics_and_health() {
    let (house, _) = lived_in().await;
    let at = house.server.metrics_addr();
    let plain = super::client::ask(at, "GET", "/metrics", &[], "".into()).await;
    assert!(plain.text().contains("\nquorate_finalized_height 5.0"), "{}", plain.text());
    assert!(plain.text().contains("# TYPE quorate_api_submissions_total counter"));
    let accept = [("accept", "application/openmetrics-text; version=1.0.0")];
    let open = super::client::ask(at, "GET", "/metrics", &accept, "".into()).await;
    assert!(open.text().ends_with("# EOF\n"));
    assert!(open.headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with(accept[0].1)));
    let live = super::client::ask(at, "GET", "/health/live", &[], "".into()).await;
    assert_eq!(live.status, 200);
    // What is public is not there.
    let status = super::client::ask(at, "GET", "/v1/status", &[], "".into()).await;
    assert_eq!(status.status, 404);
    assert_eq!(house.get("/metrics").await.status, 404);
    // Before the first block nothing is ready, and the reason is given.
    let young = House::new().await;
    let ready = young.get("/health/ready").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.check("get", "/health/ready")["reasons"][0]["code"], "no-block");
}

/// The pages are there, allow no strangers' scripts, and need nothing from elsewhere.
#[tokio::test]
async fn pages() {
    let house = House::new().await;
    for path in ["/", "/docs"] {
        let answer = house.get(path).await;
        assert_eq!(answer.status, 200);
        let policy = answer.headers["content-security-policy"].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        let text = answer.text();
        assert!(
            !text.contains("http://") && !text.contains("https://"),
            "{path} needs something from elsewhere"
        );
        assert!(!text.contains("{{"), "{path} has an empty place");
    }
    let (one, other) = (house.get("/").await, house.get("/").await);
    let policy = |answer: &super::client::Answer| answer.headers["content-security-policy"].clone();
    assert_ne!(policy(&one), policy(&other), "the nonce is the same twice");
}
