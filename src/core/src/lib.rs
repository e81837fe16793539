//! herald-core: everything that decides.
//!
//! No network, no foreign functions, no environment. Time, randomness, users, store, courier and conversation are
//! traits, so that every rule can be tested in memory and the same login can be driven through PAM, a terminal or
//! any stream.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions
    )
)]

pub mod account;
pub mod address;
pub mod answer;
pub mod audit;
pub mod broker;
pub mod clock;
pub mod code;
pub mod config;
pub mod conversation;
pub mod courier;
pub mod delivery;
mod document;
pub mod enrollment;
mod fold;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod ledger;
pub mod link;
pub mod login;
pub mod machine;
pub mod message;
pub mod phrases;
pub mod provider;
pub mod randomness;
pub mod registrar;
pub mod secret;
pub mod store;
pub mod text;
pub mod wire;
