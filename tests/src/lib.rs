//! Stories.
#![forbid(unsafe_code)]

pub mod pam;
pub mod phone;
pub mod world;
