//! Where random bytes come from.

/// The operating system's random source. Hosts fork after loading us, so an implementation keeps no
/// generator of its own (rule 12).
pub trait Randomness {
    /// Fills `bytes` from the operating system.
    ///
    /// # Errors
    /// The text says what failed; the caller refuses the login.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String>;
}
