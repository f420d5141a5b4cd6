//! What people and filters do with a request, one function an act.

use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

use super::{Answer, Refusal, Request, State, Vote, request};
use crate::clock::Millis;

pub(super) fn approve(
    state: State,
    request: &Request,
    answer: Answer,
    now: Millis,
) -> Result<State, Refusal> {
    let State::Pending { mut votes } = state else { return Err(Refusal::Decided(state.name())) };
    let vote = Vote::cast(answer, request, now)?;
    if votes.iter().any(|earlier| same_person(&earlier.by, &vote.by)) {
        return Err(Refusal::Repeated(vote.by));
    }
    votes.push(vote);
    let enough = u32::try_from(votes.len()).is_ok_and(|yes| yes >= request.count);
    Ok(if enough {
        State::Approved { votes, at: now, redeemed: None, nonce: String::new() }
    } else {
        State::Pending { votes }
    })
}

pub(super) fn reject(
    state: &State,
    request: &Request,
    answer: Answer,
    now: Millis,
) -> Result<State, Refusal> {
    let State::Pending { .. } = state else { return Err(Refusal::Decided(state.name())) };
    Ok(State::Rejected { vote: Vote::cast(answer, request, now)? })
}

pub(super) fn redeem(
    state: State,
    request: &Request,
    digest: &str,
    by: String,
    now: Millis,
) -> Result<State, Refusal> {
    match state {
        State::Approved { redeemed: Some(_), ref nonce, .. } if by.is_empty() || *nonce != by => {
            Err(Refusal::Redeemed)
        }
        State::Approved { .. } if !digest.eq_ignore_ascii_case(&request.digest) => Err(Refusal::Digest),
        State::Approved { .. } if by.len() > request::MAX_NAME => {
            Err(Refusal::Malformed("`nonce` is longer than 512 bytes"))
        }
        State::Approved { votes, at, redeemed, .. } => {
            Ok(State::Approved { votes, at, redeemed: Some(redeemed.unwrap_or(now)), nonce: by })
        }
        State::Cancelled { .. } | State::Expired { .. } | State::Pending { .. } | State::Rejected { .. } => {
            Err(Refusal::Unapproved(state.name()))
        }
    }
}

/// Withdrawing twice, or after the end, changes nothing: the caller only wants it to be over.
pub(super) fn withdraw(state: State, why: String, now: Millis) -> State {
    match state {
        State::Pending { .. } | State::Approved { redeemed: None, .. } => {
            State::Cancelled { why: request::shortened(why, request::MAX_TEXT), at: now }
        }
        State::Approved { .. } | State::Cancelled { .. } | State::Expired { .. } | State::Rejected { .. } => {
            state
        }
    }
}

impl Vote {
    fn cast(answer: Answer, request: &Request, at: Millis) -> Result<Self, Refusal> {
        let by = answer.by.trim().to_owned();
        if by.is_empty() {
            return Err(Refusal::Malformed("`by` must say who decides"));
        }
        if by.len() > request::MAX_NAME {
            return Err(Refusal::Malformed("`by` is longer than 512 bytes"));
        }
        if answer.reason.len() > request::MAX_TEXT {
            return Err(Refusal::Malformed("`reason` is longer than 4096 bytes"));
        }
        if same_person(&by, &request.subject) {
            return Err(Refusal::Requester(by));
        }
        Ok(Self { by, reason: answer.reason, at })
    }
}

/// Names are compared by their letters and digits alone, without case, in the compatible form (NFKC) and by what they look
/// like (the skeletons of UTS #39), so that neither `Ann` nor `a nn` nor an `ann` in wide or Cyrillic letters or with an
/// invisible character in it can answer for `ann`.
fn same_person(one: &str, other: &str) -> bool {
    let bare = |name: &str| -> String {
        let letters = name.nfkc().filter(|letter| letter.is_alphanumeric());
        let lower: String = letters.flat_map(char::to_lowercase).nfkc().collect();
        skeleton(&lower).flat_map(char::to_lowercase).collect()
    };
    bare(one) == bare(other)
}

#[cfg(test)]
mod tests {
    use super::same_person;

    #[test]
    fn a_name_in_disguise_is_the_same_name() {
        for disguise in [
            "ann",
            "Ann",
            " ANN ",
            "ann\u{200b}",
            "a\u{feff}nn",
            "a.nn",
            "a\u{ad}nn",
            "\u{ff41}nn",
            "\u{1d44e}nn",
            "\u{430}nn",
        ] {
            assert!(same_person("ann", disguise), "{disguise:?}");
        }
        assert!(same_person("alice", "al\u{131}ce"), "a dotless i");
        assert!(same_person("bob", "b\u{43e}b") && same_person("bob", "b0b"));
        assert!(!same_person("ann", "anne"));
        assert!(!same_person("ann", "\u{e5}nn"), "an accent is not overlooked");
    }
}
