//! The bytes of control frames, and who may talk to whom.

use expect_test::expect;
use quorate_core::{
    codec::Bounded,
    types::{ChainId, Digest, Height},
};

use super::{Control, Farewell, Hello};
use crate::network::options::Mode;

fn hello() -> Hello {
    let digest = Digest::new([0xab; 32]);
    let mut hello = Hello::new(ChainId::new(7), digest, Mode::Validator, 0x0102_0304_0506_0708);
    hello.height = Height::new(9);
    hello.build = Bounded::new(b"quorate/0.1.0".to_vec());
    hello
}

/// The bytes that `docs/network.md` describes.
#[test]
fn golden_bytes() {
    let mut lines = String::new();
    for control in [
        Control::Hello(hello()),
        Control::Ping(5),
        Control::Pong(5),
        Control::Bye(Farewell::Duplicate),
        Control::Height(Height::new(5)),
    ] {
        let mut bytes = Vec::new();
        control.append(&mut bytes);
        lines.push_str(&hex::encode(&bytes));
        lines.push('\n');
        assert_eq!(Control::decode(&bytes[5..]).as_ref(), Ok(&control));
    }
    expect![[r#"
        4b00000000000100010007000000abababababababababababababababababababababababababababababababab00090000000000000008070605040302010d00000071756f726174652f302e312e30
        0900000000010500000000000000
        0900000000020500000000000000
        02000000000301
        0900000000040500000000000000
    "#]].assert_eq(&lines);
}

#[test]
fn who_may_talk() {
    let own = hello();
    assert_eq!(own.check(&own), Ok(()));
    let other = |change: fn(&mut Hello)| {
        let mut other = hello();
        change(&mut other);
        own.check(&other)
    };
    let newer = other(|hello| (hello.wire_min, hello.wire_max) = (2, 9));
    assert_eq!(newer, Err(Farewell::OtherVersion));
    let older = other(|hello| (hello.wire_min, hello.wire_max) = (0, 0));
    assert_eq!(older, Err(Farewell::OtherVersion));
    assert_eq!(other(|hello| (hello.wire_min, hello.wire_max) = (0, 9)), Ok(()));
    assert_eq!(other(|hello| hello.chain = ChainId::new(8)), Err(Farewell::OtherChain));
    assert_eq!(other(|hello| hello.genesis = Digest::ZERO), Err(Farewell::OtherGenesis));
    assert_eq!(other(|hello| hello.mode = Mode::Full), Ok(()));
}

/// What a stranger calls itself cannot forge a line of the log.
#[test]
fn names_of_builds_are_printable() {
    let mut hello = hello();
    hello.build = Bounded::new(b"a\n\x1b[31m b\xff".to_vec());
    assert_eq!(hello.build(), "a??[31m?b?");
}
