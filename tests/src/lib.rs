//! Stories.

pub mod pam;
pub mod phone;
