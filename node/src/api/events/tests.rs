use super::{
    id::EventId,
    ring::{Located, Next, Ring},
};

fn id(text: &str) -> EventId {
    EventId::parse(text).expect("an id")
}

/// Ids have one way of being written that is read.
#[test]
fn ids() {
    assert_eq!(id("12.3"), EventId { height: 12, seq: 3 });
    assert_eq!(id("12.3").to_string(), "12.3");
    for bad in ["", ".", "1", "1.", ".1", "1.2.3", "+1.2", "1.x", "99999999999999999999.0"] {
        assert_eq!(EventId::parse(bad), None, "{bad:?}");
    }
}

/// An id that is in the ring is found; one that is not is lost, with the heights that are to be repeated.
#[test]
fn locating() {
    let mut ring = Ring::new(id("10.500"));
    ring.push("peer", String::new());
    ring.push_final(11, "finalized", String::new());
    ring.push("executed", String::new());
    assert_eq!(ring.locate(id("10.501")), Located::Held(1));
    assert_eq!(ring.locate(id("11.1")), Located::Held(3));
    let lost = |from, to, cursor, next| Located::Lost { from, to, cursor, next: id(next) };
    // From before the ring: heights 8 to 10 became final before it began.
    assert_eq!(ring.locate(id("7.2")), lost(8, 10, 0, "10.501"));
    // Of an earlier life: height 10's own finality is known already.
    assert_eq!(ring.locate(id("10.3")), lost(11, 10, 0, "10.501"));
    // Of an earlier life that saw more of height 10 than this one.
    assert_eq!(ring.locate(id("10.900")), lost(11, 10, 1, "11.0"));
    // Of the future.
    assert_eq!(ring.locate(id("99.0")), lost(100, 11, 3, "11.1"));
}

/// A reader that is too slow is told where the ring goes on.
#[test]
fn overrun() {
    let mut ring = Ring::new(id("0.0"));
    for height in 1..=5_000 {
        ring.push_final(height, "finalized", height.to_string());
    }
    let begin = 5_000 - 4_096;
    assert_eq!(ring.next(0), Next::Gone { cursor: begin, next: EventId::finality(begin + 1) });
    let Next::Event(event) = ring.next(begin) else { panic!("it is there") };
    assert_eq!(event.id, EventId::finality(begin + 1));
    assert_eq!(ring.next(ring.end()), Next::Nothing);
}
