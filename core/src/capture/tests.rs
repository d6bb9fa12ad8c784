//! A capture replays, and a capture that lies, or is cut or damaged, is told apart.

use super::{
    CaptureError, Difference, Frame, Head, MAGIC, Opening, Player, Reader, build_id, write_effects,
    write_head, write_input,
};
use crate::{
    effect::{Effects, Input},
    random::Seed,
    replica::Replica,
    store::Recovered,
    testing::cast::Cast,
    time::{Instant, Now, UnixMillis},
};

fn at(nanos: u64) -> Now {
    Now { mono: Instant::from_nanos(nanos), wall: UnixMillis::new(2_000) }
}

/// Two segments of a validator that only ticks; the second opens with the replica itself.
fn capture() -> Vec<u8> {
    let cast = Cast::equal(4);
    let (config, seed) = (cast.config(0), Seed::from_number(7));
    let recovered = Recovered::nothing();
    let mut replica = Replica::new(config.clone(), recovered.clone(), seed);
    let mut bytes = MAGIC.to_vec();
    let mut opening = Opening::Recovered(Box::new(recovered));
    for segment in 0..2 {
        let height = replica.finalized_height();
        let head = Head { build: build_id().to_owned(), seed, inputs_before: segment * 5, height };
        write_head(&mut bytes, &head, &config, &opening);
        for step in 0..5 {
            let now = at((segment * 5 + step) * 700_000_000 + 1);
            let mut effects = Effects::new();
            write_input(&mut bytes, &now, &Input::Tick);
            replica.step(now, Input::Tick, &mut effects);
            write_effects(&mut bytes, effects.as_slice(), replica.finalized_height());
        }
        opening = Opening::Replica(Box::new(replica.clone()));
    }
    bytes
}

fn frames(bytes: &[u8]) -> Result<Vec<Frame>, CaptureError> {
    let mut reader = Reader::new(bytes)?;
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        frames.push(frame);
    }
    Ok(frames)
}

fn play(frames: Vec<Frame>) -> (Player, Option<Difference>) {
    let mut player = Player::new();
    for frame in frames {
        if let Some(difference) = player.play(frame).expect("frames in order") {
            return (player, Some(difference));
        }
    }
    (player, None)
}

#[test]
fn a_capture_replays() {
    let (player, difference) = play(frames(&capture()).expect("sound"));
    assert_eq!(difference, None);
    let played = player.played();
    assert_eq!((played.segments, played.joined, played.inputs), (2, 1, 10));
    assert!(played.effects > 5, "ticks of a lonely validator have effects: {played:?}");
    assert!(player.unfinished().is_none());
}

#[test]
fn other_effects_are_named_with_their_input() {
    let mut frames = frames(&capture()).expect("sound");
    let mut seen = 0;
    let changed = frames.iter_mut().find_map(|frame| match frame {
        Frame::Effects { digest, .. } => {
            seen += 1;
            (seen == 4).then_some(digest)
        }
        _ => None,
    });
    *changed.expect("ten steps") = crate::types::Digest::ZERO;
    let (_, difference) = play(frames);
    match difference {
        Some(Difference::Effects { number: 3, input, .. }) => assert_eq!(*input, Input::Tick),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_replica_at_a_seam_is_noticed() {
    let mut frames = frames(&capture()).expect("sound");
    let other = Replica::new(Cast::equal(4).config(0), Recovered::nothing(), Seed::from_number(8));
    for frame in &mut frames {
        if let Frame::Opening { opening: Opening::Replica(replica), .. } = frame {
            **replica = other.clone();
        }
    }
    assert_eq!(play(frames).1, Some(Difference::Replica { inputs_before: 5 }));
}

#[test]
fn an_input_without_effects_is_the_last_one() {
    let mut frames = frames(&capture()).expect("sound");
    frames.pop();
    let (player, difference) = play(frames);
    assert_eq!(difference, None);
    assert_eq!(player.unfinished(), Some(&Input::Tick));
}

#[test]
fn what_is_cut_or_damaged_is_told_apart() {
    let whole = capture();
    for cut in [MAGIC.len() + 1, whole.len() / 2, whole.len() - 1] {
        assert!(matches!(frames(&whole[..cut]), Err(CaptureError::Torn(_))), "cut at {cut}");
    }
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    assert!(frames(&damaged).is_err());
    assert!(matches!(frames(b"something else"), Err(CaptureError::NotACapture)));
    assert!(matches!(frames(b""), Err(CaptureError::NotACapture)));
}

#[test]
fn frames_out_of_place_are_refused() {
    let whole = frames(&capture()).expect("sound");
    for (place, frame) in whole.into_iter().enumerate().take(4).skip(1) {
        let mut player = Player::new();
        let result = player.play(frame);
        assert!(matches!(result, Err(CaptureError::OutOfPlace(_))), "frame {place}: {result:?}");
    }
}
