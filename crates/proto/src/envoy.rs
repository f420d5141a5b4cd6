//! Messages of Envoy's foreign functions (`source/extensions/common/wasm/ext`).

use prost::Message;

/// What `verify_signature` takes.
#[derive(Clone, PartialEq, Message)]
pub struct VerifySignatureArguments {
    /// `sha1`, `sha224`, `sha256`, `sha384`, `sha512`.
    #[prost(string, tag = "1")]
    pub hash_function: String,
    /// SubjectPublicKeyInfo, DER.
    #[prost(bytes = "vec", tag = "2")]
    pub public_key: Vec<u8>,
    /// RSA PKCS #1 v1.5, or ECDSA as DER.
    #[prost(bytes = "vec", tag = "3")]
    pub signature: Vec<u8>,
    /// What was signed.
    #[prost(bytes = "vec", tag = "4")]
    pub text: Vec<u8>,
}

/// What it answers.
#[derive(Clone, PartialEq, Message)]
pub struct VerifySignatureResult {
    /// Whether the signature is valid.
    #[prost(bool, tag = "1")]
    pub result: bool,
    /// Why not, where not.
    #[prost(string, tag = "2")]
    pub error: String,
}
