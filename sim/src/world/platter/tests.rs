//! A platter is a vector of bytes by another name, also where its pieces meet.

use super::{PIECE, Platter};

#[test]
fn it_does_what_a_vector_does() {
    let mut platter = Platter::default();
    let mut bytes: Vec<u8> = Vec::new();
    let writes = [
        (0, 10),
        (10, PIECE - 10),
        (PIECE, 5),
        (PIECE - 3, 7),
        (3 * PIECE + 1, 2),
        (5, 2 * PIECE),
        (0, 0),
        (4 * PIECE, 0),
    ];
    for (salt, (offset, length)) in (1u8..).zip(writes) {
        let written = vec![salt; length];
        platter.write(offset, &written);
        bytes.resize(bytes.len().max(offset + length), 0);
        bytes[offset..offset + length].copy_from_slice(&written);
        assert_eq!(platter.length(), bytes.len(), "after {length} bytes at {offset}");
        assert!(platter.to_vec() == bytes, "after {length} bytes at {offset}");
    }
    *platter.byte_mut(PIECE) ^= 0x80;
    bytes[PIECE] ^= 0x80;
    for length in [5 * PIECE, 4 * PIECE - 1, 2 * PIECE, PIECE + 1, PIECE, PIECE - 1, 0] {
        platter.truncate(length);
        bytes.truncate(length);
        assert!(platter.to_vec() == bytes, "cut to {length}");
        platter.write(platter.length(), b"more");
        bytes.extend_from_slice(b"more");
        assert!(platter.to_vec() == bytes, "cut to {length} and written to");
    }
}
