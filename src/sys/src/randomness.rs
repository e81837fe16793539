//! Random bytes from the kernel.
#![forbid(unsafe_code)]

use herald_core::randomness::Randomness;
use rand::TryRng;
use rand::rngs::SysRng;

/// getrandom(2), asked anew each time: a generator kept in memory would repeat itself in the children of a host
/// that forks (rule 12).
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandomness;

impl Randomness for OsRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String> {
        SysRng.try_fill_bytes(bytes).map_err(|error| format!("the system gives no random bytes: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_12_no_two_fills_are_alike() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        OsRandomness.fill(&mut one).expect("random bytes");
        OsRandomness.fill(&mut two).expect("random bytes");
        assert_ne!(one, two);
        assert!(one != [0; 32] && two != [0; 32]);
    }
}
