//! An authenticator app in somebody's hand: oathtool(1), which has nothing to do with Herald.

use std::process::Command;

/// The secret of an app, in base32.
pub const APP_SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// What an app with this secret shows so many steps of 30 s from now.
pub fn app(secret: &str, steps: i64) -> String {
    let now = format!("now {} sec", 30 * steps);
    let shown = Command::new("oathtool").args(["--totp", "--base32", "--now", &now, secret]).output();
    let shown = shown.expect("oathtool (Debian: apt install oathtool)");
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    String::from_utf8(shown.stdout).expect("digits").trim().to_owned()
}
