//! The macros of toolgate; documented where `toolgate` re-exports them.
