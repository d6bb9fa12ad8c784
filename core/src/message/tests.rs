//! The bytes of every kind of message and record: a change of the format is a diff here.
