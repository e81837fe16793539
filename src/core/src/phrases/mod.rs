//! What people read, by language.

/// The languages there are.
pub const LANGUAGES: &[&str] = &["en"];
