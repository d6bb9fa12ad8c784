//! Packing of bulk messages with zstd, within limits that the other side's frames are checked against.

use std::{borrow::Cow, sync::OnceLock};

use quorate_core::frame::{Class, packed_body};

/// What is shorter is not worth the trouble.
const PACK_BYTES_MIN: usize = 1024;

/// The fastest that saves anything on blocks: signatures and keys do not shrink at any level.
const LEVEL: i32 = 1;

/// What is longer is packed on a thread that may block.
const INLINE_BYTES_MAX: usize = 16 * 1024;

/// A message on its way out: encoded once for everyone it goes to, and packed at most once.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) class: Class,
    plain: Vec<u8>,
    may_pack: bool,
    packed: OnceLock<Option<Vec<u8>>>,
}

impl Outgoing {
    pub(crate) fn new(class: Class, plain: Vec<u8>, pack: bool) -> Self {
        assert!(plain.len() <= class.bytes_max(), "{} bytes of {class:?}", plain.len());
        let may_pack = pack && class.is_packable() && plain.len() >= PACK_BYTES_MIN;
        Self { class, plain, may_pack, packed: OnceLock::new() }
    }

    /// Bytes before packing.
    pub(crate) fn length(&self) -> usize {
        self.plain.len()
    }

    /// Whether [`Self::pack`] has something to do that takes long.
    pub(crate) fn needs_thread(&self) -> bool {
        self.may_pack && self.plain.len() > INLINE_BYTES_MAX && self.packed.get().is_none()
    }

    /// Packs it, if it may be and that saves. Others that want the same wait.
    pub(crate) fn pack(&self) -> Option<&[u8]> {
        if !self.may_pack {
            return None;
        }
        let packed = self.packed.get_or_init(|| {
            let packed = zstd::bulk::compress(&self.plain, LEVEL).ok()?;
            packed_body(self.plain.len(), &packed)
        });
        packed.as_deref()
    }

    /// The body of its frames, and whether that is packed.
    pub(crate) fn body(&self) -> (&[u8], bool) {
        self.pack().map_or((&self.plain, false), |packed| (packed, true))
    }
}

/// The message behind a packed body: exactly as long as it claims, or nothing.
///
/// Never allocates more than the claim, which the frames have checked against the class' limit.
pub(crate) fn unpack(bytes: Cow<'_, [u8]>, unpacked: Option<usize>) -> Option<Cow<'_, [u8]>> {
    let Some(unpacked) = unpacked else { return Some(bytes) };
    let plain = zstd::bulk::decompress(&bytes, unpacked).ok()?;
    (plain.len() == unpacked).then_some(Cow::Owned(plain))
}

#[cfg(test)]
mod tests {
    //! Packing saves or is left out; unpacking stops at the claim.

    use super::{Class, Cow, Outgoing, unpack};

    #[test]
    fn packed_only_where_it_saves() {
        let counted: Vec<u8> = (0..800_u32).flat_map(u32::to_le_bytes).collect();
        let outgoing = Outgoing::new(Class::Bulk, counted.clone(), true);
        let (body, packed) = outgoing.body();
        assert!(packed && body.len() < 2_400, "{} bytes", body.len());
        let plain = unpack(Cow::Borrowed(&body[4..]), Some(3_200)).expect("ours");
        assert_eq!(plain, counted);

        let mut noise = vec![0; 3_200];
        getrandom::fill(&mut noise).expect("randomness");
        for (class, bytes, pack) in [
            (Class::Bulk, noise, true),
            (Class::Bulk, vec![0; 1_000], true),
            (Class::Bulk, counted.clone(), false),
            (Class::Proposals, counted, true),
            // More than 64 times shorter: the other side would refuse it.
            (Class::Bulk, vec![0; 100_000], true),
        ] {
            let outgoing = Outgoing::new(class, bytes.clone(), pack);
            assert_eq!(outgoing.body(), (bytes.as_slice(), false));
        }
    }

    /// A few bytes that unpack to much more than they claim, or to less, are nothing.
    #[test]
    fn bombs_stop_at_their_claim() {
        let bomb = zstd::bulk::compress(&vec![0; 64 * 1024 * 1024], 19).expect("zeros");
        assert!(bomb.len() < 64 * 1024, "{} bytes", bomb.len());
        assert_eq!(unpack(Cow::Borrowed(&bomb), Some(bomb.len() * 64)), None);
        let short = zstd::bulk::compress(&[7; 100], 1).expect("sevens");
        assert_eq!(unpack(Cow::Borrowed(&short), Some(101)), None);
        assert_eq!(unpack(Cow::Borrowed(&short), Some(99)), None);
        assert_eq!(unpack(Cow::Borrowed(b"no zstd at all"), Some(1_000)), None);
    }
}
