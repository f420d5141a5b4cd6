//! Whole exchanges with a server written here from RFC 5802 alone, and what impostors send.
#![expect(clippy::unwrap_used, reason = "tests")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chaperone_scram::{
    ClientFinal, ClientFirst, Error, MAX_ITERATIONS, MAX_MESSAGE_BYTES, MAX_SALT_BYTES, MIN_ITERATIONS,
    NONCE_BYTES, ServerError,
};
use hmac::{Hmac, Mac};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const NONCE: [u8; NONCE_BYTES] = [7; NONCE_BYTES];

/// What PostgreSQL keeps of a password in `pg_authid.rolpassword`.
struct Verifier {
    salt: Vec<u8>,
    iterations: u32,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}

impl Verifier {
    fn new(password: &[u8], salt: &[u8], iterations: u32) -> Self {
        let mut last = hmac(password, &[salt, &[0, 0, 0, 1]].concat());
        let mut salted = last.clone();
        for _ in 1..iterations {
            last = hmac(password, &last);
            salted.iter_mut().zip(&last).for_each(|(byte, other)| *byte ^= other);
        }
        let stored_key = Sha256::digest(hmac(&salted, b"Client Key")).to_vec();
        let server_key = hmac(&salted, b"Server Key");
        Self { salt: salt.to_vec(), iterations, stored_key, server_key }
    }

    fn first(&self, client_first: &str) -> String {
        let nonce = client_first.strip_prefix("n,,n=,r=").unwrap();
        format!("r={nonce}Server+Nonce/1,s={},i={}", STANDARD.encode(&self.salt), self.iterations)
    }

    /// Checks the proof; gives the last message.
    fn last(&self, client_first: &str, server_first: &str, client_final: &str) -> Result<String, String> {
        let (without_proof, proof) = client_final.rsplit_once(",p=").unwrap();
        let nonce = server_first.split(',').next().unwrap();
        assert_eq!(without_proof, format!("c=biws,{nonce}"));
        let auth_message =
            format!("{},{server_first},{without_proof}", client_first.strip_prefix("n,,").unwrap());
        let signature = hmac(&self.stored_key, auth_message.as_bytes());
        let mut client_key = STANDARD.decode(proof).unwrap();
        client_key.iter_mut().zip(&signature).for_each(|(byte, other)| *byte ^= other);
        if Sha256::digest(&client_key).to_vec() != self.stored_key {
            return Err("e=invalid-proof".to_owned());
        }
        Ok(format!("v={}", STANDARD.encode(hmac(&self.server_key, auth_message.as_bytes()))))
    }
}

fn exchange(verifier: &Verifier, password: &str) -> (ClientFinal, Result<String, String>) {
    let first = ClientFirst::new(&NONCE);
    let server_first = verifier.first(first.message());
    let last = first.challenge(server_first.as_bytes(), password).unwrap();
    let answer = verifier.last(first.message(), &server_first, last.message());
    (last, answer)
}

fn challenge(server_first: &str) -> Result<ClientFinal, Error> {
    ClientFirst::new(&NONCE).challenge(server_first.as_bytes(), "secret")
}

/// Our nonce as sent.
fn nonce() -> String {
    STANDARD.encode(NONCE)
}

#[test]
fn both_sides_believe_each_other() {
    let long = "x".repeat(200);
    // The password as typed, and as the server has prepared it.
    for (typed, kept) in [("secret", "secret"), ("", ""), ("p\u{a0}w, \u{2168}=", "p w, IX="), (&long, &long)]
    {
        let verifier = Verifier::new(kept.as_bytes(), b"0123456789abcdef", MIN_ITERATIONS);
        let (last, answer) = exchange(&verifier, typed);
        last.verify(answer.unwrap().as_bytes()).unwrap();
    }
}

#[test]
fn a_wrong_password_is_refused_and_told() {
    let verifier = Verifier::new(b"secret", b"0123456789abcdef", MIN_ITERATIONS);
    let (last, answer) = exchange(&verifier, "Secret");
    let refusal = last.verify(answer.unwrap_err().as_bytes());
    assert_eq!(refusal, Err(Error::Refused(ServerError::InvalidProof)));
    for (value, expected) in [
        ("e=unknown-user", ServerError::UnknownUser),
        ("e=channel-bindings-dont-match", ServerError::ChannelBinding),
        ("e=", ServerError::Other),
        ("e=secret\u{1b}[2J", ServerError::Other),
    ] {
        assert_eq!(last.verify(value.as_bytes()), Err(Error::Refused(expected)));
    }
}

#[test]
fn an_impostor_cannot_end_the_exchange() {
    let verifier = Verifier::new(b"secret", b"0123456789abcdef", MIN_ITERATIONS);
    let (last, answer) = exchange(&verifier, "secret");
    let answer = answer.unwrap();
    let signature = STANDARD.decode(answer.strip_prefix("v=").unwrap()).unwrap();
    for place in 0..signature.len() {
        let mut tampered = signature.clone();
        tampered[place] ^= 1;
        let message = format!("v={}", STANDARD.encode(tampered));
        assert_eq!(last.verify(message.as_bytes()), Err(Error::Signature), "{place}");
    }
    for length in [0, 1, 16, 31, 33, 64] {
        let message = format!("v={}", STANDARD.encode(vec![0; length]));
        assert_eq!(last.verify(message.as_bytes()), Err(Error::Signature), "{length}");
    }
    let shortened = STANDARD.encode(&signature[..16]);
    assert_eq!(last.verify(format!("v={shortened}").as_bytes()), Err(Error::Signature));
    // Who knows another password, or replays another exchange, is no better.
    let other = Verifier { server_key: vec![0; 32], ..verifier };
    let (last, answer) = exchange(&other, "secret");
    assert_eq!(last.verify(answer.unwrap().as_bytes()), Err(Error::Signature));
    for message in ["", "v=", "v", "x=AAAA", "v=!", " v=AAAA", "V=AAAA", "v=AAAA,x=1", "p=AAAA"] {
        assert!(last.verify(message.as_bytes()).is_err(), "{message}");
    }
}

#[test]
fn the_nonce_must_extend_ours() {
    let rest = "s=c2FsdA==,i=4096";
    let ours = nonce();
    assert!(challenge(&format!("r={ours}x,{rest}")).is_ok());
    let shorter = ours.get(..ours.len() - 1).unwrap();
    for (nonce, why) in [
        (ours.clone(), "ours and nothing of the server's"),
        (shorter.to_owned(), "less than ours"),
        (format!("{shorter}?x"), "another in the last place"),
        (format!("x{ours}"), "before instead of behind"),
        (ours.to_lowercase(), "another case"),
        (String::new(), "none"),
    ] {
        assert_eq!(challenge(&format!("r={nonce},{rest}")).unwrap_err(), Error::Nonce, "{why}");
    }
}

#[test]
fn iterations_are_bounded() {
    let with = |iterations: &str| challenge(&format!("r={}x,s=c2FsdA==,i={iterations}", nonce()));
    assert!(with(&MIN_ITERATIONS.to_string()).is_ok());
    for count in [1, MIN_ITERATIONS - 1, MAX_ITERATIONS + 1, u32::MAX] {
        assert_eq!(with(&count.to_string()).unwrap_err(), Error::Iterations(count));
    }
    assert_eq!(with("99999999999999999999").unwrap_err(), Error::Iterations(u32::MAX));
    for malformed in
        ["", "0", "-1", "+4096", "04096", "4096 ", "4e3", "0x1000", "\u{664}\u{660}\u{669}\u{666}"]
    {
        assert_eq!(with(malformed).unwrap_err(), Error::Malformed, "{malformed}");
    }
}

#[test]
fn challenges_that_are_not_the_three_attributes_are_malformed() {
    let ours = nonce();
    for (message, why) in [
        (String::new(), "nothing"),
        (format!("r={ours}x"), "no salt"),
        (format!("r={ours}x,s=c2FsdA=="), "no iterations"),
        (format!("s=c2FsdA==,r={ours}x,i=4096"), "another order"),
        (format!("r={ours}x,i=4096,s=c2FsdA=="), "another order"),
        (format!("m=1,r={ours}x,s=c2FsdA==,i=4096"), "an extension that must be understood"),
        (format!("r={ours}x,s=c2FsdA==,i=4096,t=1"), "an extension"),
        (format!("r={ours}x,s=c2FsdA==,i=4096,"), "a comma at the end"),
        (format!("r={ours}x,,s=c2FsdA==,i=4096"), "nothing between commas"),
        (format!("r={ours}x,s=,i=4096"), "an empty salt"),
        (format!("r={ours}x,s=c2FsdA,i=4096"), "a salt without padding"),
        (format!("r={ours}x,s=c2Fs dA==,i=4096"), "a salt with a space"),
        (format!("r={ours}x,s=c2FsdB==,i=4096"), "a salt with unused bits set"),
        (format!("r={ours} x,s=c2FsdA==,i=4096"), "a nonce with a space"),
        (format!("r={ours}\u{e4},s=c2FsdA==,i=4096"), "a nonce that is not ASCII"),
        (format!("r={ours}x,s=c2FsdA==,i=4096\0"), "a NUL at the end"),
        (format!("R={ours}x,s=c2FsdA==,i=4096"), "another case"),
        ("e=other-error".to_owned(), "an error in the wrong place"),
    ] {
        assert_eq!(challenge(&message).unwrap_err(), Error::Malformed, "{why}");
    }
    assert_eq!(ClientFirst::new(&NONCE).challenge(b"r=\xff", "secret").unwrap_err(), Error::Malformed);
}

#[test]
fn sizes_are_bounded() {
    let salt = |bytes: usize| format!("r={}x,s={},i=4096", nonce(), STANDARD.encode(vec![0; bytes]));
    assert!(challenge(&salt(MAX_SALT_BYTES)).is_ok());
    assert_eq!(challenge(&salt(MAX_SALT_BYTES + 1)).unwrap_err(), Error::TooLarge);
    let frame = "r=,s=c2FsdA==,i=4096".len() + nonce().len();
    let long = |bytes: usize| format!("r={}{},s=c2FsdA==,i=4096", nonce(), "x".repeat(bytes - frame));
    assert_eq!(long(MAX_MESSAGE_BYTES).len(), MAX_MESSAGE_BYTES);
    assert!(challenge(&long(MAX_MESSAGE_BYTES)).is_ok());
    assert_eq!(challenge(&long(MAX_MESSAGE_BYTES + 1)).unwrap_err(), Error::TooLarge);
    let last = challenge(&salt(8)).unwrap();
    assert_eq!(last.verify(&vec![b'v'; MAX_MESSAGE_BYTES + 1]), Err(Error::TooLarge));
}

#[test]
fn nothing_secret_is_printed() {
    let first = ClientFirst::new(&NONCE);
    let verifier = Verifier::new(b"planted-password", b"0123456789abcdef", MIN_ITERATIONS);
    let server_first = verifier.first(first.message());
    let mut kept = None;
    let last = first.challenge_with(server_first.as_bytes(), "planted-password", &mut kept).unwrap();
    let proof = last.message().rsplit_once(",p=").unwrap().1.to_owned();
    let refusals = [
        last.verify(b"v=AAAA").unwrap_err(),
        last.verify(b"e=planted-password").unwrap_err(),
        first.challenge(b"planted-password", "planted-password").unwrap_err(),
    ];
    let mut printed = format!("{last:?} {kept:?}");
    for refusal in refusals {
        printed.push_str(&format!(" {refusal} {refusal:?}"));
    }
    assert!(!printed.contains("planted") && !printed.contains(&proof), "{printed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_challenge_is_judged(message in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(ClientFirst::new(&NONCE).challenge(&message, "secret").is_err());
    }

    #[test]
    fn any_attributes_are_judged(
        nonce_end in "[ -~]{0,6}",
        salt in "[A-Za-z0-9+/=]{0,12}",
        // Small counts and huge ones: what is accepted would take long.
        iterations in "[0-9]{0,3}|[0-9]{8,20}|[a-z ]{1,3}",
        tail in "(,[a-z]=[a-z]*)?",
    ) {
        let _ = challenge(&format!("r={}{nonce_end},s={salt},i={iterations}{tail}", nonce()));
    }

    #[test]
    fn any_end_but_the_right_one_is_refused(message in prop::collection::vec(any::<u8>(), 0..80), prefix in "v=|e=|") {
        use std::sync::OnceLock;
        static LAST: OnceLock<ClientFinal> = OnceLock::new();
        let last = LAST.get_or_init(|| challenge(&format!("r={}x,s=c2FsdA==,i=4096", nonce())).unwrap());
        let message = [prefix.as_bytes(), &message].concat();
        prop_assert!(last.verify(&message).is_err());
    }
}
