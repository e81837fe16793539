//! Stories.
#![forbid(unsafe_code)]

pub mod figures;
pub mod pam;
pub mod phone;
pub mod world;
