//! An old message, its own or another's, goes out with each new one.

use super::{
    super::stage::{PEERS, Stage, nullify, status},
    ReplayStale,
};

#[test]
fn the_past_comes_back() {
    let mut stage = Stage::new(ReplayStale::default());
    let own = stage.own(nullify(5));
    assert_eq!(stage.send(own.clone()).len(), 1, "there is no past yet");
    let out = stage.send(status());
    assert_eq!(out.len(), 2);
    assert_eq!((&*out[0].message, &*out[1].message), (&own, &status()));
    assert_eq!(out[0].to, PEERS);
}

#[test]
fn what_others_said_comes_back_too() {
    let mut stage = Stage::new(ReplayStale::default());
    let heard = stage.own(nullify(4));
    stage.hear(heard.clone());
    assert_eq!(*stage.send(status())[0].message, heard);
}
