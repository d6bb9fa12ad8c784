//! Whole nodes in one process: real stores, signers and TLS over loopback.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::Permissions,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    sync::Arc,
};

use quorate_core::{
    committee::Member,
    config::{Genesis, GenesisAccount, Parameters},
    crypto::SecretKey,
    execution::Outcome,
    testing::cast::account_key,
    time::{Span, UnixMillis},
    transaction::{Address, Output, Transaction, TransactionBody, TransactionKind},
    types::{ChainId, Digest, Height, PeerId, Stake, ValidatorId},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::broadcast::Receiver};

use super::{NodeHandle, NodeOptions, Running, start_on};
use crate::{
    capture::{CaptureOptions, export, tests::replay},
    driver::Submission,
    network::{NetworkOptions, PeerAddress, SecretKeyBytes},
    published::NodeEvent,
    signer::Signer,
    store::{Store, StoreOptions, guard},
};

const ANY: &str = "127.0.0.1:0";

/// One validator's keys and folder, which outlive its processes.
struct Home {
    folder: TempDir,
    number: u8,
    address: Option<SocketAddr>,
}

impl Home {
    fn new(number: u8) -> Self {
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().permissions(private).tempdir().expect("a folder");
        Self { folder, number, address: None }
    }

    fn node_key(&self) -> SecretKeyBytes {
        SecretKeyBytes::new([100 + self.number; 32])
    }

    fn peer(&self) -> PeerId {
        self.node_key().peer()
    }

    fn key(&self) -> SecretKey {
        SecretKey::from_seed([200 + self.number; 32])
    }

    fn member(&self) -> Member {
        Member {
            validator: ValidatorId::new(self.number.into()),
            key: self.key().public(),
            peer: self.peer(),
            weight: Stake::new(1),
        }
    }

    fn capture(&self) -> CaptureOptions {
        let folder = self.folder.path().join("capture");
        CaptureOptions { segment_bytes: 200_000, ..CaptureOptions::in_folder(folder) }
    }

    /// Takes a port, the same one every time.
    async fn listen(&mut self) -> TcpListener {
        let any = ANY.parse().expect("an address");
        let listener = TcpListener::bind(self.address.unwrap_or(any)).await.expect("a port");
        self.address = Some(listener.local_addr().expect("an address"));
        listener
    }

    async fn start(
        &self,
        listener: TcpListener,
        genesis: &Genesis,
        members: Vec<PeerAddress>,
    ) -> Running {
        let (genesis_, folder, key) = (genesis.clone(), self.folder.path().to_owned(), self.key());
        let opened = tokio::task::spawn_blocking(move || {
            guard::permit(|| {
                let path = folder.join("sign-state");
                if !path.exists() {
                    Signer::create(&path, &key.public(), genesis_.digest()).expect("a sign-state");
                }
                let signer = Signer::open(key, &path, &genesis_).expect("a sign-state");
                let options = StoreOptions::default();
                let store = Store::open(&folder.join("db"), &genesis_, &options).expect("a store");
                (signer, store)
            })
        });
        let (signer, store) = opened.await.expect("no panic");
        let listen = self.address.expect("listening");
        let mut network =
            NetworkOptions::new(listen, self.node_key(), genesis.chain_id, genesis.digest());
        network.committee = genesis.validators.iter().map(|member| member.peer).collect();
        network.peers = members;
        let mut options = NodeOptions::new(genesis.clone(), store, network);
        options.signer = Some(signer);
        options.threads = 2;
        options.capture = Some(self.capture());
        start_on(listener, options).await.expect("it starts")
    }

    /// Takes the whole capture again.
    fn replays(&self) {
        let out = self.folder.path().join("x.qcap");
        let folder = self.capture().folder;
        let exported = export(&folder, Height::new(1)..=Height::new(u64::MAX), &out);
        let exported = exported.expect("a capture");
        assert!(exported.last > Height::ZERO, "{exported:?}");
        let (player, difference) = replay(&out);
        assert_eq!(difference, None, "validator {}", self.number);
        let played = player.played();
        assert_eq!(played.inputs, exported.inputs, "{played:?}");
        assert_eq!(played.last, exported.last);
        assert!(player.unfinished().is_none());
    }
}

fn genesis(homes: &[Home]) -> Genesis {
    let account = |number| GenesisAccount {
        address: Address::of_key(&account_key(number).public()),
        balance: 1_000_000,
    };
    Genesis {
        chain_id: ChainId::new(7),
        timestamp: UnixMillis::new(1_000),
        validators: homes.iter().map(Home::member).collect(),
        accounts: (0..4).map(account).collect(),
        parameters: Parameters {
            idle_block_interval: Span::from_millis(50),
            ..Parameters::default()
        },
    }
}

/// The `nonce`th transfer of an account to the next one.
fn transfer(account: u64, nonce: u64) -> Transaction {
    let address = |number| Address::of_key(&account_key(number).public());
    let kind = TransactionKind::transfer(vec![Output::native(address((account + 1) % 4), 3)]);
    let valid_until = Height::new(1_000_000);
    let body = TransactionBody::new(ChainId::new(7), address(account), nonce, 1, valid_until, kind);
    Transaction::signed(body, &account_key(account))
}

async fn hand_in(handle: &NodeHandle, nonces: std::ops::Range<u64>) -> BTreeSet<Digest> {
    let of = |account| nonces.clone().map(move |nonce| transfer(account, nonce));
    let transfers: Vec<Transaction> = (0..4).flat_map(of).collect();
    let ids: Vec<Digest> = transfers.iter().map(Transaction::id).collect();
    let answers = handle.submit(transfers).await;
    assert_eq!(answers, vec![Submission::Admitted; ids.len()]);
    ids.into_iter().collect()
}

/// A subscriber of one node, and the roots it was told.
struct Listener {
    events: Receiver<Arc<NodeEvent>>,
    roots: BTreeMap<Height, Digest>,
    executed: BTreeSet<Digest>,
}

impl Listener {
    fn of(handle: &NodeHandle) -> Self {
        let events = handle.published.subscribe();
        Self { events, roots: BTreeMap::new(), executed: BTreeSet::new() }
    }

    async fn next(&mut self) {
        let event = self.events.recv().await.expect("the node runs and this test keeps up");
        if let NodeEvent::Executed(done) = &*event {
            for (id, outcome) in &done.outcomes {
                assert_eq!(*outcome, Outcome::Applied, "{id}");
                assert!(self.executed.insert(*id), "{id} is executed a second time");
            }
            self.roots.insert(done.height, done.state);
        }
    }

    /// Waits until these were executed.
    async fn executes(&mut self, ids: &BTreeSet<Digest>) {
        while !ids.is_subset(&self.executed) {
            self.next().await;
        }
    }

    /// Waits until a height was executed.
    async fn reaches(&mut self, height: Height) {
        while self.roots.last_key_value().is_none_or(|(last, _)| *last < height) {
            self.next().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_validator_goes_on_where_it_stopped() {
    let mut home = Home::new(0);
    let genesis = genesis(std::slice::from_ref(&home));
    let mut last = Height::ZERO;
    for life in 0..3 {
        let listener = home.listen().await;
        let running = home.start(listener, &genesis, Vec::new()).await;
        let handle = running.handle();
        let mut events = Listener::of(&handle);
        let ids = hand_in(&handle, life * 8..(life + 1) * 8).await;
        events.executes(&ids).await;
        let (first, _) = events.roots.first_key_value().expect("executed");
        assert!(*first > last, "height {first} is executed again after {last}");
        let payer = Address::of_key(&account_key(0).public());
        let nonce = handle.state(move |state| state.nonce(&payer)).await;
        assert_eq!(nonce, Ok((life + 1) * 8));
        let places = handle
            .read(move |store| {
                ids.iter().map(|id| store.transaction(id)).collect::<Result<Vec<_>, _>>()
            })
            .await
            .expect("the node runs");
        for place in places.expect("a sound store") {
            let place = place.expect("what was executed is found");
            assert_eq!(place.outcome, Outcome::Applied);
        }
        running.stop().await.expect("an orderly end");
        last = handle.published.now().executed_height;
    }
    home.replays();
}

/// Four nodes over TLS: they agree on every root; one that was away catches up by itself; and what each of
/// them captured does the same again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_nodes_agree_and_one_catches_up() {
    let mut homes: Vec<Home> = (0..4).map(Home::new).collect();
    let genesis = genesis(&homes);
    let mut listeners = Vec::new();
    for home in &mut homes {
        listeners.push(home.listen().await);
    }
    let address = |home: &Home| PeerAddress {
        peer: home.peer(),
        address: home.address.expect("listening").to_string(),
    };
    let members: Vec<PeerAddress> = homes.iter().map(address).collect();
    let mut nodes = Vec::new();
    for (home, listener) in homes.iter().zip(listeners) {
        nodes.push(home.start(listener, &genesis, members.clone()).await);
    }
    let mut events: Vec<Listener> = nodes.iter().map(|node| Listener::of(&node.handle())).collect();
    let ids = hand_in(&nodes[2].handle(), 0..8).await;
    for one in &mut events {
        one.executes(&ids).await;
    }

    let away = nodes.pop().expect("four");
    away.stop().await.expect("an orderly end");
    let mut before = events.pop().expect("four");
    while let Ok(event) = before.events.try_recv() {
        if let NodeEvent::Executed(done) = &*event {
            before.roots.insert(done.height, done.state);
        }
    }
    let ids = hand_in(&nodes[0].handle(), 8..16).await;
    for one in &mut events {
        one.executes(&ids).await;
    }
    let (height, _) = events[0].roots.last_key_value().expect("executed");
    let height = *height;

    let listener = homes[3].listen().await;
    let back = homes[3].start(listener, &genesis, members).await;
    let mut after = Listener::of(&back.handle());
    after.reaches(height).await;
    nodes.push(back);
    events.push(before);
    events.push(after);
    let mut roots: BTreeMap<Height, Digest> = BTreeMap::new();
    for (height, root) in events.iter().flat_map(|one| &one.roots) {
        assert_eq!(roots.entry(*height).or_insert(*root), root, "height {height}");
    }
    for node in nodes {
        node.stop().await.expect("an orderly end");
    }
    homes.iter().for_each(Home::replays);
}
