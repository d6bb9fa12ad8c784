//! Signing, sending and waiting.

use std::time::Duration;

use quorate_core::{
    codec,
    transaction::{
        Address, Authority, FeeMode, Payer, Transaction, TransactionBody, TransactionKind, VERSION,
    },
    types::{ChainId, Digest, Height},
};

use super::{
    arguments::{SendOptions, StatusOptions, WaitOptions},
    build,
};
use crate::{
    api::json::{
        AccountJson, AdmissionJson, AuthorityJson, Fate, FinalTransactionJson, StatusJson,
        SubmissionJson,
    },
    cli::{
        Console,
        client::{Answer, Client, TOO_OFTEN_PAUSE, refused},
    },
    config::duration,
    exit::{Exit, Failure},
    keys::{KeySeed, address_text},
};

/// The longest that one request may wait for a transaction.
const WAIT_AT_ONCE: Duration = Duration::from_secs(30);

/// Who signs and pays.
pub(super) struct Sender<'a> {
    options: &'a SendOptions,
    keys: Vec<KeySeed>,
    payer: Address,
    coins_pay: bool,
}

impl<'a> Sender<'a> {
    /// Reads the keys.
    pub(super) fn of(options: &'a SendOptions, coins_pay: bool) -> Result<Self, Failure> {
        let read = |path: &std::path::PathBuf| {
            let key = KeySeed::read(path)?;
            Ok(options.index.map_or_else(|| key.clone(), |index| key.derived(index)))
        };
        let keys = options.key.iter().map(read).collect::<Result<Vec<_>, Failure>>()?;
        let own = keys.first().map(KeySeed::address);
        let payer = match (&options.from, own) {
            (Some(text), _) => build::to_address(text)?,
            (None, Some(own)) => own,
            (None, None) => return Err(Failure::new(Exit::Usage, "nobody signs: give --key")),
        };
        Ok(Self { options, keys, payer, coins_pay })
    }

    /// Asks the node for what only it knows, and signs.
    pub(super) async fn sign(&self, kind: TransactionKind) -> Result<Transaction, Failure> {
        let client = Client::of(&self.options.api)?;
        let status: StatusJson = client.get("/v1/status").await?;
        let account: AccountJson =
            client.get(&format!("/v1/accounts/{}", address_text(&self.payer))).await?;
        let authority = match account.authority {
            AuthorityJson::Key => Authority::Key,
            AuthorityJson::MultiSig => Authority::MultiSig,
        };
        let payer = match self.coins_pay {
            true => Payer::Coins { owner: self.payer },
            false => Payer::Account {
                address: self.payer,
                nonce: self.options.nonce.unwrap_or(account.nonce.0),
            },
        };
        let body = TransactionBody {
            version: VERSION,
            chain_id: ChainId::new(status.chain_id),
            payer,
            authority,
            fee_mode: if self.options.energy { FeeMode::Energy } else { FeeMode::Native },
            fee: self.options.fee,
            valid_until: Height::new(status.finalized_height).plus(self.options.valid_for),
            kind,
        };
        body.check()
            .map_err(|fault| Failure::new(Exit::Usage, format!("this can never work: {fault}")))?;
        let secrets: Vec<_> = self.keys.iter().map(KeySeed::secret).collect();
        let secrets: Vec<_> = secrets.iter().collect();
        let transaction = Transaction::signed_by_all(body, &secrets);
        if !transaction.has_plausible_signers() {
            let what = "these keys cannot sign for this account: an account with one key takes that key \
                        alone, one with signers takes several keys, each once";
            return Err(Failure::new(Exit::Usage, what));
        }
        Ok(transaction)
    }
}

/// Sends a transaction and, unless told not to, waits until it is final.
pub(super) async fn submit(
    client: &Client,
    transaction: &Transaction,
    options: &WaitOptions,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let patience = patience(options)?;
    let id = transaction.id();
    let sent: Answer<SubmissionJson> = client.post("/v1/tx", codec::encode(transaction)).await?;
    let outcome = match sent {
        Answer::Good(sent) => sent.outcome,
        Answer::No(problem) => return Err(refused(client.base(), &problem)),
    };
    if options.no_wait {
        return match (options.json, outcome) {
            (true, _) => {
                console.line(serde_json::json!({ "id": id.to_string(), "outcome": outcome }))
            }
            (false, AdmissionJson::Unanswered) => {
                console.line(format_args!("{id} was not answered in time: it may wait for a block"))
            }
            (false, _) => console.line(format_args!("{id} waits for a block")),
        };
    }
    report(client, id, patience, options, console).await
}

/// Says what became of a transaction.
pub(super) async fn status(
    client: &Client,
    options: &StatusOptions,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let id = build::digest(&options.id, "a transaction's id")?;
    let patience = if options.wait.no_wait { Duration::ZERO } else { patience(&options.wait)? };
    report(client, id, patience, &options.wait, console).await
}

fn patience(options: &WaitOptions) -> Result<Duration, Failure> {
    duration(&options.wait_for).ok_or_else(|| {
        let what = format!("`{}` is no time: expected one such as `30s`", options.wait_for);
        Failure::new(Exit::Usage, what)
    })
}

async fn report(
    client: &Client,
    id: Digest,
    patience: Duration,
    options: &WaitOptions,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let found = wait(client, id, patience).await?;
    let what = match &found.reason {
        Some(reason) => format!("{:?}: {reason}", found.outcome).to_lowercase(),
        None => format!("{:?}", found.outcome).to_lowercase(),
    };
    if options.json {
        console.line(serde_json::to_string(&found).expect("plain data becomes JSON"))?;
    } else {
        console.line(format_args!("{id} is final at height {}: {what}", found.height))?;
    }
    match found.outcome {
        Fate::Applied => Ok(()),
        _ => Err(Failure::new(Exit::Refused, format!("the transaction is final, but {what}"))),
    }
}

/// What became of a transaction, once it is final.
pub(in crate::cli) async fn wait(
    client: &Client,
    id: Digest,
    patience: Duration,
) -> Result<FinalTransactionJson, Failure> {
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        let path = match left.as_secs().min(WAIT_AT_ONCE.as_secs()) {
            0 => format!("/v1/tx/{id}"),
            seconds => format!("/v1/tx/{id}?wait=finalized&timeout={seconds}"),
        };
        let answer = client.ask(&path, left.min(WAIT_AT_ONCE) + Duration::from_secs(5)).await?;
        match answer {
            Answer::Good(found) => return Ok(found),
            Answer::No(problem) if problem.status == 404 && left.as_secs() > 0 => {}
            Answer::No(problem) if problem.status == 429 && left.as_secs() > 0 => {
                tokio::time::sleep(TOO_OFTEN_PAUSE).await;
            }
            Answer::No(problem) if problem.status == 404 => {
                let what = format!(
                    "transaction {id} is not final yet; it may become so until its last height, so \
                     ask again with `quorate tx status {id}`"
                );
                return Err(Failure::new(Exit::Unreachable, what));
            }
            Answer::No(problem) => return Err(refused(client.base(), &problem)),
        }
    }
}
