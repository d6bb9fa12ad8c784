//! Those shunned get nothing; a message for nobody else is not sent.

use super::{
    super::{
        Outgoing,
        stage::{Stage, status},
    },
    SilentTo,
};

#[test]
fn the_shunned_are_left_out() {
    let out = Stage::new(SilentTo::new(vec![2])).send(status());
    assert_eq!(out, [Outgoing::new(vec![0, 3], status())]);
    assert_eq!(Stage::new(SilentTo::new(vec![0, 2, 3])).send(status()), []);
}
