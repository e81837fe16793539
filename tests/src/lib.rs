//! Stories.

pub mod pam;
