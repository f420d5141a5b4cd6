//! The client's side of SCRAM, and md5.
//!
//! Laws: nothing panics; who does not know the password is never believed, who does always is; a proof is given only
//! for our own nonce.

use chaperone_scram::{ClientFirst, NONCE_BYTES, md5_password};

use crate::input::Input;

/// More iterations than these are left to the unit tests: they cost time.
const ITERATIONS: u32 = 5_000;

/// The target.
pub fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let mut nonce = [0; NONCE_BYTES];
    nonce.iter_mut().for_each(|byte| *byte = input.byte());
    let password = String::from_utf8_lossy(input.chunk());
    let is_ours = input.byte() & 1 == 1;
    let given = input.long_chunk();
    let last = input.rest();

    let digest = md5_password(&password, &String::from_utf8_lossy(last), [1, 2, 3, 4]);
    assert!(digest.len() == 35 && digest.starts_with("md5"), "{digest}");

    let first = ClientFirst::new(&nonce);
    let own = first.message().strip_prefix("n,,n=,r=").unwrap_or_default();
    // So that the fuzzer need not guess the nonce.
    let challenge = if is_ours { [b"r=", own.as_bytes(), given].concat() } else { given.to_vec() };
    if iterations(&challenge) > ITERATIONS {
        return;
    }
    let Ok(answer) = first.challenge(&challenge, &password) else { return };
    assert!(challenge.starts_with(format!("r={own}").as_bytes()), "a proof for another nonce");
    let nonce = challenge.split(|byte| *byte == b',').next().unwrap_or_default();
    let expected = [b"c=biws,", nonce, b",p="].concat();
    assert!(answer.message().as_bytes().starts_with(&expected), "{}", answer.message());
    assert_eq!(answer.message().len(), expected.len() + 44, "a proof is 32 bytes");
    assert!(answer.verify(last).is_err(), "believed without the password");
}

/// The count of a challenge; of something that is none the most that is tried.
fn iterations(challenge: &[u8]) -> u32 {
    let text = String::from_utf8_lossy(challenge);
    let counts = text.split(',').filter_map(|part| part.strip_prefix("i=")?.parse::<u64>().ok());
    u32::try_from(counts.max().unwrap_or(0)).unwrap_or(u32::MAX)
}
