//! What a node captures can be replayed, exported and bounded.

use std::{fs, path::Path, sync::atomic::Ordering};

use quorate_core::{
    capture::{Difference, Player, Reader},
    config::Parameters,
    effect::{Effects, Input},
    random::Seed,
    replica::Replica,
    store::Recovered,
    testing::cast::Cast,
    time::{Instant, Now, Span, UnixMillis},
    types::Height,
};

use super::{CaptureOptions, ExportError, export, ring::segments, start};
use crate::driver::{Fate, Metrics};

/// Takes every frame of a capture again.
pub(crate) fn replay(path: &Path) -> (Player, Option<Difference>) {
    let mut reader = Reader::new(fs::File::open(path).expect("a file")).expect("a capture");
    let mut player = Player::new();
    while let Some(frame) = reader.next_frame().expect("sound frames") {
        if let Some(difference) = player.play(frame).expect("frames in order") {
            return (player, Some(difference));
        }
    }
    (player, None)
}

/// Steps a replica so many times with everything captured, and gives the heights it came to.
fn capture(options: &CaptureOptions, steps: u64) -> Replica {
    let cast = Cast::with_parameters(
        &[1, 1, 1, 1],
        Parameters { status_interval: Span::from_millis(10), ..Parameters::default() },
    );
    let (config, seed, recovered) =
        (cast.config(0), Seed::from_number(steps), Recovered::nothing());
    let (fate, metrics) = (Fate::open(), Metrics::default());
    let (mut tape, thread) =
        start(options, &config, seed, recovered.clone(), &fate, &metrics).expect("threads");
    let mut replica = Replica::new(config, recovered, seed);
    for step in 1..=steps {
        let now =
            Now { mono: Instant::from_nanos(step * 20_000_000), wall: UnixMillis::new(2_000) };
        let mut effects = Effects::new();
        tape.input(&replica, &now, &Input::Tick);
        replica.step(now, Input::Tick, &mut effects);
        tape.effects(effects.as_slice(), replica.finalized_height());
        // Far faster than any node: the thread may be behind by a few inputs, but not by segments.
        while tape.shared.waiting.load(Ordering::Relaxed) > 16 {
            std::thread::yield_now();
        }
    }
    drop(tape);
    thread.join().expect("panics are caught");
    assert!(!fate.is_sealed());
    replica
}

#[test]
fn the_ring_drops_whole_segments_and_the_rest_replays() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = CaptureOptions {
        folder: folder.path().join("capture"),
        bytes_max: 200_000,
        segment_bytes: 20_000,
    };
    for life in 0..3 {
        capture(&options, 2_000 + life);
    }
    let found = segments(&options.folder).expect("a folder");
    let bytes: u64 = found.iter().map(|(_, path)| fs::metadata(path).expect("a file").len()).sum();
    assert!(bytes <= options.bytes_max, "{bytes} bytes");
    assert!(found.len() > 2, "{found:?}");
    assert!(found[0].0 > 1, "the oldest segment is gone: {found:?}");
    let mut inputs = 0;
    for (_, path) in &found {
        let (player, difference) = replay(path);
        assert_eq!(difference, None, "{}", path.display());
        inputs += player.played().inputs;
    }
    assert!(inputs > 1_000, "{inputs} inputs");
}

#[test]
fn a_stretch_is_exported() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = CaptureOptions::in_folder(folder.path().join("capture"));
    options.segment_bytes = 20_000;
    let replica = capture(&options, 2_000);
    assert_eq!(replica.finalized_height(), Height::ZERO, "one of four finalizes nothing alone");
    let out = folder.path().join("x.qcap");
    let none = export(&options.folder, Height::new(1)..=Height::new(9), &out);
    assert!(matches!(none, Err(ExportError::OutOfRange { .. })), "{none:?}");
    let nothing = export(&folder.path().join("elsewhere"), Height::ZERO..=Height::ZERO, &out);
    assert!(matches!(nothing, Err(ExportError::Nothing(_))), "{nothing:?}");
}
