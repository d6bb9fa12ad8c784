//! Values that travel as text: bytes as hexadecimal, numbers of any size as decimal digits.
//!
//! JSON numbers are doubles to many a reader, so whatever may exceed 2^53 is a string of digits. There is
//! one way to write each value, and nothing else is read.

use std::{borrow::Cow, fmt};

use quorate_core::{
    crypto::{PublicKey, Signature},
    transaction::{Address, Asset, AssetId},
    types::{Digest, PeerId},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Thirty-two bytes: a digest, a key, an address, a peer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hex32([u8; 32]);

/// Sixty-four bytes: a signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hex64([u8; 64]);

/// Bytes, so many as there are.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct HexBytes(pub Vec<u8>);

/// A number below 2^64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Decimal(pub u64);

/// `native`, or the id of an issued asset.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AssetText(pub Asset);

impl Hex32 {
    /// Wraps raw bytes.
    #[must_use]
    pub const fn new(raw: [u8; 32]) -> Self {
        Self(raw)
    }

    /// Reads sixty-four lower-case hexadecimal digits; `None` if it is anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        bytes_of(text).map(Self)
    }

    /// As a digest.
    #[must_use]
    pub const fn digest(self) -> Digest {
        Digest::new(self.0)
    }

    /// As a public key.
    #[must_use]
    pub const fn public_key(self) -> PublicKey {
        PublicKey::new(self.0)
    }

    /// As an address.
    #[must_use]
    pub fn address(self) -> Address {
        Address::from_digest(self.digest())
    }

    /// As a peer.
    #[must_use]
    pub const fn peer(self) -> PeerId {
        PeerId::new(self.0)
    }
}

impl Hex64 {
    /// As a signature.
    #[must_use]
    pub const fn signature(self) -> Signature {
        Signature::new(self.0)
    }
}

impl From<Digest> for Hex32 {
    fn from(digest: Digest) -> Self {
        Self(*digest.get())
    }
}

impl From<PublicKey> for Hex32 {
    fn from(key: PublicKey) -> Self {
        Self(*key.get())
    }
}

impl From<Address> for Hex32 {
    fn from(address: Address) -> Self {
        Self(*address.digest().get())
    }
}

impl From<PeerId> for Hex32 {
    fn from(peer: PeerId) -> Self {
        Self(*peer.get())
    }
}

impl From<AssetId> for Hex32 {
    fn from(asset: AssetId) -> Self {
        Self(*asset.digest().get())
    }
}

impl From<Signature> for Hex64 {
    fn from(signature: Signature) -> Self {
        Self(*signature.get())
    }
}

impl fmt::Display for Hex32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hex32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Hex64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for AssetText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl AssetText {
    fn text(self) -> Cow<'static, str> {
        match self.0 {
            Asset::Native => Cow::Borrowed("native"),
            Asset::Issued(id) => Cow::Owned(hex::encode(id.digest().get())),
        }
    }
}

/// As many bytes as there must be, from lower-case digits only.
fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_canonical = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let bytes = is_canonical.then(|| hex::decode(text).ok())??;
    bytes.try_into().ok()
}

/// The text of a JSON string.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Text::deserialize(deserializer)?.0)
}

impl Serialize for Hex32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("expected 64 lower-case hexadecimal digits"))
    }
}

impl Serialize for Hex64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Hex64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text(deserializer)?;
        bytes_of(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("expected 128 lower-case hexadecimal digits"))
    }
}

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text(deserializer)?;
        let is_canonical = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match hex::decode(&*text) {
            Ok(bytes) if is_canonical => Ok(Self(bytes)),
            _ => Err(D::Error::custom("expected pairs of lower-case hexadecimal digits")),
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text(deserializer)?;
        let number = text.parse::<u64>().ok().filter(|number| number.to_string() == *text);
        number.map(Self).ok_or_else(|| {
            D::Error::custom(
                "expected a string of decimal digits without leading zeros, below 2^64",
            )
        })
    }
}

impl Serialize for AssetText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for AssetText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text(deserializer)?;
        match (&*text, bytes_of(&text)) {
            ("native", _) => Ok(Self(Asset::Native)),
            (_, Some(raw)) => Ok(Self(Asset::Issued(AssetId::of_transaction(Digest::new(raw))))),
            _ => Err(D::Error::custom(
                "expected \"native\" or 64 lower-case hexadecimal digits: the asset's id",
            )),
        }
    }
}

/// The schema of a string of one form.
fn string_like(pattern: &str, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .description(Some(description))
        .into()
}

macro_rules! text_schema {
    ($name:ident, $pattern:literal, $description:literal) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                string_like($pattern, $description)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

text_schema!(Hex32, "^[0-9a-f]{64}$", "32 bytes in lower-case hexadecimal.");
text_schema!(Hex64, "^[0-9a-f]{128}$", "64 bytes in lower-case hexadecimal.");
text_schema!(HexBytes, "^([0-9a-f]{2})*$", "Bytes in lower-case hexadecimal.");
text_schema!(
    Decimal,
    "^(0|[1-9][0-9]{0,19})$",
    "A whole number below 2^64 in decimal digits. A string, because a JSON number is exact only up to 2^53."
);
text_schema!(
    AssetText,
    "^(native|[0-9a-f]{64})$",
    "`native` for the chain's own tokens, or the id of the transaction that created the asset."
);
