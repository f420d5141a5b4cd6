//! Where an issuer's keys are and how they are asked for: OpenID Connect discovery, then the key set.

use std::fmt;

use chaperone_flow::Call;
use chaperone_token::{Jwks, MAX_JWKS_BYTES};
use serde_json::Value;

/// The largest discovery document that is read, in bytes.
pub(crate) const DISCOVERY_BYTES_MOST: usize = 64 << 10;
/// How long one call may take, in milliseconds.
pub(crate) const CALL_TIMEOUT: u64 = 5_000;
/// The longest address that is used, in bytes.
const ADDRESS_BYTES_MOST: usize = 2_048;

/// Where the keys of an issuer come from. Keys from one place are never used for another.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Source {
    /// The `iss` of its tokens, which is the address that discovery begins with.
    pub(crate) issuer: String,
    /// Envoy's cluster that leads there.
    pub(crate) cluster: String,
    /// The path of the key set, or its whole address; none: discovery tells.
    pub(crate) keys: Option<String>,
}

/// What a call asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Document {
    Discovery,
    Keys,
}

/// What a reply to a call leads to.
#[derive(Debug)]
pub(crate) enum Next {
    /// Another call.
    Call(Document, Call),
    /// The keys, and the bytes that they were read from.
    Keys(Jwks),
}

/// Why keys could not be fetched. For counters and records, not for the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// An address that cannot be used, or that leads elsewhere than the issuer's.
    Address,
    /// Something else than what was asked for.
    Content,
    /// No reply, or one that is not 200.
    Reply,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "an address that may not be used",
            Self::Content => "an unreadable answer",
            Self::Reply => "no answer",
        })
    }
}

impl Source {
    /// The first call of a fetch.
    pub(crate) fn first(&self, id: u32) -> Result<(Document, Call), Failure> {
        let (authority, path) = split(&self.issuer).ok_or(Failure::Address)?;
        match self.keys.as_deref() {
            Some(keys) => {
                let (authority, path) = split(keys).unwrap_or((authority, keys));
                Ok((Document::Keys, self.call(id, authority, path)?))
            }
            None => {
                let path = format!("{}/.well-known/openid-configuration", path.trim_end_matches('/'));
                Ok((Document::Discovery, self.call(id, authority, &path)?))
            }
        }
    }

    /// What follows from a reply. The id is for the next call.
    pub(crate) fn next(
        &self,
        asked: Document,
        status: Option<u16>,
        body: &[u8],
        id: u32,
    ) -> Result<Next, Failure> {
        if status != Some(200) {
            return Err(Failure::Reply);
        }
        match asked {
            Document::Keys => {
                let sound = body.len() <= MAX_JWKS_BYTES;
                let keys = sound.then(|| Jwks::from_json(body).ok()).flatten().ok_or(Failure::Content)?;
                Ok(Next::Keys(keys))
            }
            Document::Discovery => {
                let address = self.discovered(body)?;
                let (own, _) = split(&self.issuer).ok_or(Failure::Address)?;
                let (authority, path) = split(&address).ok_or(Failure::Address)?;
                // The cluster leads to the issuer's host; to send another host's name there would be wrong, and
                // an issuer on a shared host must not choose whose keys are believed.
                if !authority.eq_ignore_ascii_case(own) {
                    return Err(Failure::Address);
                }
                Ok(Next::Call(Document::Keys, self.call(id, authority, path)?))
            }
        }
    }

    /// The address of the key set, from a discovery document that is this issuer's own.
    fn discovered(&self, body: &[u8]) -> Result<String, Failure> {
        if body.len() > DISCOVERY_BYTES_MOST {
            return Err(Failure::Content);
        }
        let document: Value = serde_json::from_slice(body).map_err(|_| Failure::Content)?;
        let text = |name| document.get(name).and_then(Value::as_str);
        // SPEC: OpenID Connect Discovery 1.0, 4.3: the issuer must be exactly the one that was asked.
        if text("issuer") != Some(self.issuer.as_str()) {
            return Err(Failure::Content);
        }
        text("jwks_uri").map(str::to_owned).ok_or(Failure::Content)
    }

    fn call(&self, id: u32, authority: &str, path: &str) -> Result<Call, Failure> {
        let plain =
            |text: &str| text.len() <= ADDRESS_BYTES_MOST && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain(authority) || !plain(path) || !path.starts_with('/') || path.contains('#') {
            return Err(Failure::Address);
        }
        Ok(Call {
            id,
            cluster: self.cluster.clone(),
            method: "GET",
            authority: authority.to_owned(),
            path: path.to_owned(),
            headers: vec![("accept", "application/json".to_owned())],
            body: Vec::new(),
            timeout: CALL_TIMEOUT,
        })
    }
}

/// Host (with port) and path of an `http` or `https` address.
fn split(address: &str) -> Option<(&str, &str)> {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at_checked(slash)?,
        None => (rest, ""),
    };
    let sound = !authority.is_empty() && !authority.contains(['@', '?', '#']);
    sound.then_some((authority, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(issuer: &str, keys: Option<&str>) -> Source {
        Source { issuer: issuer.to_owned(), cluster: "idp".to_owned(), keys: keys.map(str::to_owned) }
    }

    fn asks(source: &Source) -> Result<(Document, String), Failure> {
        source.first(1).map(|(document, call)| (document, format!("{}{}", call.authority, call.path)))
    }

    #[test]
    fn the_first_call_goes_to_discovery_or_where_the_policy_says() {
        let cases = [
            ("http://127.0.0.1:8085", None, "127.0.0.1:8085/.well-known/openid-configuration"),
            ("https://idp/", None, "idp/.well-known/openid-configuration"),
            ("https://idp/realms/a", None, "idp/realms/a/.well-known/openid-configuration"),
            ("https://idp", Some("/keys?v=1"), "idp/keys?v=1"),
            ("https://idp", Some("https://keys.idp/all"), "keys.idp/all"),
        ];
        for (issuer, keys, expected) in cases {
            assert_eq!(asks(&source(issuer, keys)).unwrap().1, expected);
        }
        for issuer in
            ["ftp://idp", "idp", "https://", "https://a@b", "https://a?b", "https://a b", "https://a/#"]
        {
            assert_eq!(asks(&source(issuer, None)), Err(Failure::Address), "{issuer}");
        }
        assert_eq!(asks(&source("https://idp", Some("keys"))), Err(Failure::Address));
    }

    #[test]
    fn discovery_leads_to_the_keys_of_the_same_host_only() {
        let idp = source("https://idp/a", None);
        let next = |body: &str| match idp.next(Document::Discovery, Some(200), body.as_bytes(), 7) {
            Ok(Next::Call(Document::Keys, call)) => {
                Ok(format!("{}{}#{}", call.authority, call.path, call.id))
            }
            Ok(other) => panic!("{other:?}"),
            Err(failure) => Err(failure),
        };
        assert_eq!(
            next(r#"{"issuer":"https://idp/a","jwks_uri":"https://IDP/keys"}"#),
            Ok("IDP/keys#7".to_owned())
        );
        let cases = [
            (
                r#"{"issuer":"https://idp/b","jwks_uri":"https://idp/keys"}"#,
                Failure::Content,
                "another issuer",
            ),
            (
                r#"{"issuer":"https://idp/a","jwks_uri":"https://evil/keys"}"#,
                Failure::Address,
                "another host",
            ),
            (r#"{"issuer":"https://idp/a","jwks_uri":"https://idp"}"#, Failure::Address, "no path"),
            (r#"{"issuer":"https://idp/a","jwks_uri":"https://idp/\r\nx: y"}"#, Failure::Address, "a header"),
            (r#"{"issuer":"https://idp/a"}"#, Failure::Content, "no address"),
            ("<html>", Failure::Content, "no JSON"),
        ];
        for (body, failure, why) in cases {
            assert_eq!(next(body), Err(failure), "{why}");
        }
        let padded = format!(
            r#"{{"issuer":"https://idp/a","jwks_uri":"https://idp/keys"{}}}"#,
            " ".repeat(DISCOVERY_BYTES_MOST)
        );
        assert_eq!(next(&padded), Err(Failure::Content));
    }

    #[test]
    fn only_a_sound_set_of_keys_is_taken() {
        let idp = source("https://idp", None);
        let next = |status, body: &[u8]| idp.next(Document::Keys, status, body, 1).map(|_| ());
        assert_eq!(next(Some(200), br#"{"keys":[]}"#), Ok(()));
        assert_eq!(next(None, b""), Err(Failure::Reply));
        assert_eq!(next(Some(404), br#"{"keys":[]}"#), Err(Failure::Reply));
        assert_eq!(next(Some(200), b"[]"), Err(Failure::Content));
        let mut padded = br#"{"keys":[]}"#.to_vec();
        padded.resize(MAX_JWKS_BYTES + 1, b' ');
        assert_eq!(next(Some(200), &padded), Err(Failure::Content));
    }
}
