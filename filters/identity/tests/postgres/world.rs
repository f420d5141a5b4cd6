//! Everything around one VM: policy, environment, identity provider, clock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::OnceLock;

use chaperone_flow::{Call, Live};
use chaperone_identity::Keyring;
use chaperone_settings::{Environment, Settings};
use chaperone_token::Algorithm;
use chaperone_token::sign::SigningKey;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "http://idp.test:8085";
/// Seconds: when every test begins.
pub(crate) const START: u64 = 1_700_000_000;
/// The target's password, which only the target may see.
pub(crate) const PASSWORD: &str = "t0p-s3cret-of-the-target";
pub(crate) const ACCOUNT: &str = "shop_account";

pub(crate) struct Variables;

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "SHOP_PASSWORD").then(|| PASSWORD.to_owned())
    }
}

/// The identity provider.
pub(crate) struct Provider {
    pub(crate) keys: RefCell<Vec<SigningKey>>,
    pub(crate) is_up: Cell<bool>,
    pub(crate) calls: Cell<u32>,
}

impl Provider {
    pub(crate) fn answer(&self, call: &Call) -> (Option<u16>, Vec<u8>) {
        self.calls.set(self.calls.get() + 1);
        assert_eq!(
            (call.cluster.as_str(), call.authority.as_str(), call.method),
            ("idp", "idp.test:8085", "GET")
        );
        assert!(call.body.is_empty() && call.timeout > 0);
        if !self.is_up.get() {
            return (None, Vec::new());
        }
        let document = match call.path.as_str() {
            "/.well-known/openid-configuration" => {
                json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}/keys") })
            }
            "/keys" => {
                let keys: Vec<Value> = self.keys.borrow().iter().map(SigningKey::public_jwk).collect();
                json!({ "keys": keys })
            }
            "/unnamed" => {
                let mut keys: Vec<Value> = self.keys.borrow().iter().map(SigningKey::public_jwk).collect();
                for key in &mut keys {
                    key.as_object_mut().unwrap().remove("kid");
                }
                json!({ "keys": keys })
            }
            other => panic!("{other}"),
        };
        (Some(200), document.to_string().into_bytes())
    }
}

/// One VM and what is around it.
pub(crate) struct World {
    pub(crate) settings: Live<Settings>,
    pub(crate) keyring: Keyring,
    pub(crate) provider: Provider,
    /// Milliseconds since the start.
    pub(crate) passed: Cell<u64>,
    /// Tokens that were made.
    pub(crate) tokens: RefCell<Vec<String>>,
}

/// The provider's first key.
pub(crate) fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Algorithm::EdDsa).unwrap())
}

pub(crate) fn new_key() -> SigningKey {
    SigningKey::generate(Algorithm::EdDsa).unwrap()
}

pub(crate) fn policy(edit: impl FnOnce(&mut Value)) -> Settings {
    let role = |name: &str, auth: &str| {
        json!({
            "name": name, "groups": ["analysts"],
            "upstream": { "user": ACCOUNT, "auth": auth, "password_env": "SHOP_PASSWORD" },
        })
    };
    let mut trusted = role("trusted", "trust");
    trusted["upstream"].as_object_mut().unwrap().remove("password_env");
    let mut missing = role("missing", "md5");
    missing["upstream"]["password_env"] = json!("NOT_SET");
    let mut policy = json!({
        "version": 1,
        "name": "shop",
        "identity": { "issuers": [{
            "issuer": ISSUER, "audiences": ["chaperone"], "jwks": { "cluster": "idp" }, "leeway": "30s",
        }] },
        "resources": [{
            "name": "shop", "protocol": "postgres", "databases": ["shop", "shop_*"],
            "roles": [
                role("analyst", "scram-sha-256"), role("digested", "md5"), role("plain", "password"),
                trusted, missing,
            ],
        }],
        "rules": [],
    });
    edit(&mut policy);
    let text =
        json!({ "resource": "shop", "sidecar": { "cluster": "sidecar" }, "policy": policy }).to_string();
    Settings::read(text.as_bytes(), Rc::new(Variables)).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            settings: Live::new(policy(|_| {})),
            keyring: Keyring::new(),
            provider: Provider {
                keys: RefCell::new(vec![key().clone()]),
                is_up: Cell::new(true),
                calls: Cell::new(0),
            },
            passed: Cell::new(0),
            tokens: RefCell::default(),
        }
    }

    pub(crate) fn millis(&self) -> u64 {
        START * 1_000 + self.passed.get()
    }

    pub(crate) fn wait(&self, millis: u64) {
        self.passed.set(self.passed.get() + millis);
    }

    /// What a good token says now.
    pub(crate) fn claims(&self) -> Value {
        let now = self.millis() / 1_000;
        json!({
            "iss": ISSUER, "aud": "chaperone", "sub": "agent-7", "groups": ["analysts", "staff"],
            "exp": now + 300, "iat": now, "jti": "token-1",
        })
    }

    pub(crate) fn token(&self) -> String {
        self.signed(key(), |_| {})
    }

    pub(crate) fn signed(&self, key: &SigningKey, edit: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims();
        edit(&mut claims);
        let token = key.sign(&claims).unwrap();
        self.tokens.borrow_mut().push(token.clone());
        token
    }

    pub(crate) fn calls(&self) -> u32 {
        self.provider.calls.get()
    }
}
