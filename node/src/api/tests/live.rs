//! The API over a node that decides: one validator, a real store, real time.

use std::{fs::Permissions, net::SocketAddr, num::NonZeroU64, os::unix::fs::PermissionsExt as _};

use quorate_core::{
    codec::Bounded,
    committee::Member,
    config::{Genesis, GenesisAccount, Parameters},
    crypto::SecretKey,
    time::{Span, UnixMillis},
    transaction::{
        Address, Amount, Asset, CoinOutput, Coins, Output, Transaction, TransactionBody,
        TransactionKind,
    },
    types::{ChainId, Height, Stake, ValidatorId},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    client::{Answer, ask},
    stage::{account_key, address},
};
use crate::{
    api::{
        ApiServer, Limits,
        json::{AccountProofJson, TransactionJson},
        light, serve,
    },
    exit::Exit,
    network::{NetworkOptions, SecretKeyBytes},
    node::{NodeOptions, Running, start},
    signer::Signer,
    store::{Store, StoreOptions, guard},
};

const CHAIN: ChainId = ChainId::new(9);
const BALANCE: u64 = 1_000_000;

/// A chain of one validator, and its node.
struct Alone {
    genesis: Genesis,
    running: Running,
    server: ApiServer,
    _folder: TempDir,
}

fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

impl Alone {
    async fn new() -> Self {
        let (key, node_key) = (SecretKey::from_seed([1; 32]), SecretKeyBytes::new([2; 32]));
        let genesis = Genesis {
            chain_id: CHAIN,
            timestamp: UnixMillis::new(1),
            validators: vec![Member {
                validator: ValidatorId::new(1),
                key: key.public(),
                peer: node_key.peer(),
                weight: Stake::new(1),
            }],
            accounts: (0..2)
                .map(|number| GenesisAccount { address: address(number), balance: BALANCE })
                .collect(),
            parameters: Parameters {
                checkpoint_interval: NonZeroU64::new(2).expect("not zero"),
                idle_block_interval: Span::from_millis(20),
                ..Parameters::default()
            },
        };
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().permissions(private).tempdir().expect("a folder");
        let (home, document) = (folder.path().to_owned(), genesis.clone());
        let opened = tokio::task::spawn_blocking(move || {
            guard::permit(|| {
                let path = home.join("sign-state");
                Signer::create(&path, &key.public(), document.digest()).expect("a sign-state");
                let signer = Signer::open(key, &path, &document).expect("a sign-state");
                let options = StoreOptions::default();
                (signer, Store::open(&home.join("db"), &document, &options).expect("a store"))
            })
        });
        let (signer, store) = opened.await.expect("no panic");
        let network = NetworkOptions::new(any(), node_key, CHAIN, genesis.digest());
        let mut options = NodeOptions::new(genesis.clone(), store, network);
        options.signer = Some(signer);
        options.threads = 1;
        let running = start(options).await.expect("it starts");
        let served = serve(any(), any(), running.handle(), Limits::default()).await;
        let server = served.expect("ports are free");
        Self { genesis, running, server, _folder: folder }
    }

    async fn get(&self, path: &str) -> Answer {
        ask(self.server.local_addr(), "GET", path, &[], "".into()).await
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.check("get", path)
    }

    async fn send(&self, nonce: u64, kind: TransactionKind) -> Answer {
        let until = Height::new(1_000_000);
        let body = TransactionBody::new(CHAIN, address(0), nonce, 1_000, until, kind);
        let transaction = Transaction::signed(body, &account_key(0));
        let text = serde_json::to_string(&TransactionJson::from(&transaction)).expect("data");
        let kind = [("content-type", "application/json")];
        ask(self.server.local_addr(), "POST", "/v1/tx", &kind, text.into()).await
    }

    /// Sends something and waits until it is final.
    async fn settle(&self, nonce: u64, kind: TransactionKind) -> Value {
        let sent = self.send(nonce, kind).await;
        assert_eq!(sent.status, 202, "{}", sent.text());
        let id = sent.check("post", "/v1/tx")["id"].as_str().expect("text").to_owned();
        self.json(&format!("/v1/tx/{id}?wait=finalized&timeout=60")).await
    }
}

fn hex(address: Address) -> String {
    address.digest().to_string()
}

/// From the sent transaction over finality to a proof that holds without the node; and everything else that
/// is asked of a real node answers as the document says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_decides() {
    let node = Alone::new().await;
    let pay = TransactionKind::transfer(vec![Output::native(address(1), 77)]);
    let paid = node.settle(0, pay.clone()).await;
    assert_eq!(paid["outcome"], "applied");
    // The nonce is used.
    let again = node.send(0, pay).await;
    assert_eq!(again.status, 422, "{}", again.text());
    again.problem("post", "/v1/tx", 422);

    let amount = |amount| Amount { asset: Asset::Native, amount };
    let coins = TransactionKind::Coins(Coins {
        inputs: Bounded::default(),
        funds: Bounded::new(vec![amount(600)]),
        outputs: Bounded::new(vec![CoinOutput { owner: address(1), amount: amount(2) }; 60]),
        credits: Bounded::new(vec![Output::native(address(1), 480)]),
    });
    assert_eq!(node.settle(1, coins).await["outcome"], "applied");
    let lines = node.get(&format!("/v1/coins?owner={}", hex(address(1)))).await;
    assert_eq!(lines.text().lines().count(), 60, "{}", lines.text());

    let account = node.json(&format!("/v1/accounts/{}", hex(address(1)))).await;
    assert_eq!(account["balance"], (BALANCE + 77 + 480).to_string());
    // Checkpoints follow finality: the proof catches up with the payment.
    let proven = loop {
        let answer = node.get(&format!("/v1/accounts/{}?prove=1", hex(address(1)))).await;
        if answer.status != 200 {
            answer.problem("get", "/v1/accounts/x", 503);
            continue;
        }
        let proof = answer.value()["proof"].clone();
        let proof: AccountProofJson = serde_json::from_value(proof).expect("it can be read");
        let verified = light::verify(&node.genesis, &proof).expect("it holds");
        if verified.account.is_some_and(|account| account.balance == BALANCE + 77 + 480) {
            break verified;
        }
    };
    let checkpoint = node.json(&format!("/v1/checkpoints/{}", proven.height)).await;
    assert_eq!(checkpoint["checkpoint"]["state_root"], proven.state_root.to_string());

    for path in [
        "/v1/status",
        "/v1/node",
        "/v1/genesis",
        "/v1/validators",
        "/v1/blocks",
        "/v1/blocks/1",
        "/v1/blocks/latest",
        "/v1/headers/1",
        "/v1/certificates/1",
        "/v1/checkpoints",
        "/v1/mempool",
        "/v1/consensus",
        "/v1/evidence",
        "/v1/sync",
        "/v1/peers",
        "/v1/sd/prometheus",
        "/health/live",
        "/health/ready",
    ] {
        node.json(path).await;
    }
    assert_eq!(node.json("/v1/node").await["index"], json!(0));
    let metrics = ask(node.server.metrics_addr(), "GET", "/metrics", &[], "".into()).await.text();
    for line in [
        "quorate_transactions_total{outcome=\"applied\"} 2",
        "quorate_quorum_weight{part=\"online\"} 1.0",
    ] {
        assert!(metrics.contains(line), "there is no {line}: {metrics}");
    }
    assert!(!metrics.contains("quorate_store_disk_bytes 0"), "{metrics}");
    node.server.shutdown().await;
    node.running.stop().await.expect("it stops");
}

/// Damage that a client meets ends the node, like any other damage: it does not go on serving and voting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_met_by_a_client_ends_the_node() {
    let mut node = Alone::new().await;
    node.settle(0, TransactionKind::transfer(vec![Output::native(address(1), 77)])).await;
    let store = node.running.handle().store;
    let spoilt = tokio::task::spawn_blocking(move || {
        guard::permit(|| store.spoil_block(Height::new(1)));
    });
    spoilt.await.expect("no panic");
    let answer = node.get("/v1/blocks/1").await;
    assert_eq!(answer.status, 500, "{}", answer.text());
    let failure = node.running.finished().await;
    assert_eq!(failure.exit, Exit::Storage, "{failure}");
    assert!(failure.what.contains("bodies/"), "{failure}");
    node.server.shutdown().await;
    assert_eq!(node.running.stop().await.map_err(|failure| failure.exit), Err(Exit::Storage));
}
