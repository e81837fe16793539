//! Networks whose peers are never asked (rule 6).

use crate::text::literal_address;
use std::net::IpAddr;

/// An IP network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `192.168.1.0/24`, `2001:db8::/32`, or one address.
    ///
    /// # Errors
    /// What is accepted. Loopback (a local forward or proxy makes everybody loopback) and `/0` are not.
    pub fn parse(text: &str) -> Result<Self, String> {
        let accepted =
            || "IP networks like \"192.168.1.0/24\" or \"2001:db8::/32\", neither loopback nor /0".to_owned();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let literal: IpAddr = address.parse().map_err(|_| accepted())?;
        let width = width(literal);
        let prefix = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| accepted())?
            }
            Some(_) => return Err(accepted()),
        };
        let network = Self { address: literal, prefix };
        let loopback = ["127.0.0.1", "::1", "::ffff:127.0.0.1"];
        let reaches_loopback = loopback.iter().filter_map(|text| text.parse().ok()).any(|peer| network.holds(peer));
        if prefix == 0 || prefix > width || reaches_loopback || literal.to_canonical().is_loopback() {
            return Err(accepted());
        }
        Ok(network)
    }

    /// Whether PAM_RHOST is a literal address inside.
    pub fn holds_peer(&self, rhost: &str) -> bool {
        literal_address(rhost).is_some_and(|peer| self.holds(peer))
    }

    fn holds(&self, peer: IpAddr) -> bool {
        match (self.address, peer) {
            (IpAddr::V4(network), IpAddr::V4(peer)) => {
                same_prefix(u128::from(network.to_bits()), u128::from(peer.to_bits()), 32, self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(peer)) => same_prefix(network.to_bits(), peer.to_bits(), 128, self.prefix),
            _ => false,
        }
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn same_prefix(left: u128, right: u128, width: u32, prefix: u32) -> bool {
    (left ^ right).checked_shr(width.saturating_sub(prefix)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_6_only_a_literal_address_inside_is_exempt() {
        let lan = Network::parse("192.168.1.0/24").expect("valid");
        for peer in ["192.168.1.7", "::ffff:192.168.1.7"] {
            assert!(lan.holds_peer(peer), "{peer}");
        }
        for peer in ["192.168.2.7", "::1", "raspberrypi", "192.168.1.7.example.org", "", "192.168.1", "192.168.001.7"] {
            assert!(!lan.holds_peer(peer), "{peer}");
        }
        let local = Network::parse("fe80::/10").expect("valid");
        assert!(local.holds_peer("fe80::1%eth0"));
        assert!(!local.holds_peer("2001:db8::1"));
        assert!(Network::parse("10.0.0.1").expect("valid").holds_peer("10.0.0.1"));
    }

    #[test]
    fn rule_6_loopback_and_everything_are_refused() {
        for text in [
            "127.0.0.0/8",
            "127.0.0.1",
            "::1",
            "0.0.0.0/0",
            "::/0",
            "::/64",
            "64.0.0.0/2",
            "10.0.0.0/33",
            "10/8",
            "x",
            "::ffff:0:0/96",
            "10.0.0.0/+8",
        ] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }
}
