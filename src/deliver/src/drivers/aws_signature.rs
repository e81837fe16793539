//! AWS Signature Version 4 ("Signing AWS API requests", IAM User Guide).

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Who signs, and for which service.
pub(super) struct Signer<'a> {
    /// The access key's id.
    pub(super) access_key_id: &'a str,
    /// The access key's secret.
    pub(super) secret_access_key: &'a str,
    /// Like `eu-central-1`.
    pub(super) region: &'a str,
    /// Like `sns`.
    pub(super) service: &'a str,
}

/// What is signed.
pub(super) struct Unsigned<'a> {
    /// GET, POST …
    pub(super) method: &'a str,
    /// Encoded as it is sent.
    pub(super) path: &'a str,
    /// Encoded, its pairs in order.
    pub(super) query: &'a str,
    /// Names in lower case and in order.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// The very bytes.
    pub(super) body: &'a [u8],
    /// Like `20150830T123600Z`, the value of `x-amz-date` as well.
    pub(super) time: &'a str,
}

impl Signer<'_> {
    /// The value of the header Authorization.
    pub(super) fn authorization(&self, request: &Unsigned<'_>) -> String {
        let day = request.time.split('T').next().unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let text = format!(
            "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
            request.time,
            hex_of_hash(request.canonical(&names).as_bytes())
        );
        let mut key = Zeroizing::new(format!("AWS4{}", self.secret_access_key).into_bytes());
        for part in [day, self.region, self.service, "aws4_request", &text] {
            key = Zeroizing::new(hmac(&key, part.as_bytes()));
        }
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
            self.access_key_id,
            hex(&key)
        )
    }
}

impl Unsigned<'_> {
    fn canonical(&self, names: &str) -> Zeroizing<String> {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let hash = hex_of_hash(self.body);
        Zeroizing::new(format!("{}\n{}\n{}\n{headers}\n{names}\n{hash}", self.method, self.path, self.query))
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length, so this cannot fail.
    Hmac::<Sha256>::new_from_slice(key)
        .map_or_else(|_| Vec::new(), |mac| mac.chain_update(text).finalize().into_bytes().to_vec())
}

fn hex_of_hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys, the time and the cases of AWS's published test suite (aws-sig-v4-test-suite).
    fn signed(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &str) -> String {
        let signer = Signer {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service: "service",
        };
        signer.authorization(&Unsigned {
            method,
            path,
            query,
            headers,
            body: body.as_bytes(),
            time: "20150830T123600Z",
        })
    }

    const SCOPE: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
    const HOST: (&str, &str) = ("host", "example.amazonaws.com");
    const DATE: (&str, &str) = ("x-amz-date", "20150830T123600Z");

    #[test]
    fn get_vanilla() {
        assert_eq!(
            signed("GET", "/", "", &[HOST, DATE], ""),
            format!(
                "{SCOPE}, SignedHeaders=host;x-amz-date, \
                 Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
            )
        );
    }

    #[test]
    fn get_vanilla_query_order_key_case() {
        assert_eq!(
            signed("GET", "/", "Param1=value1&Param2=value2", &[HOST, DATE], ""),
            format!(
                "{SCOPE}, SignedHeaders=host;x-amz-date, \
                 Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
            )
        );
    }

    #[test]
    fn post_vanilla() {
        assert_eq!(
            signed("POST", "/", "", &[HOST, DATE], ""),
            format!(
                "{SCOPE}, SignedHeaders=host;x-amz-date, \
                 Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
            )
        );
    }

    #[test]
    fn post_x_www_form_urlencoded() {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        assert_eq!(
            signed("POST", "/", "", &[kind, HOST, DATE], "Param1=value1"),
            format!(
                "{SCOPE}, SignedHeaders=content-type;host;x-amz-date, \
                 Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
            )
        );
    }
}
