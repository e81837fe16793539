//! The FFI edge.
