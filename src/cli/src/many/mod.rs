//! Many people at once: lists, other systems, a machine that moves.

pub(crate) mod begun;
pub(crate) mod csv;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod moving;
pub(crate) mod passwd;
