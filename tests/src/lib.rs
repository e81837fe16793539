//! Stories.

pub mod pam;
pub mod phone;
pub mod world;
