//! The network side.
fn main() {}
