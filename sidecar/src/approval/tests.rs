//! The state machine against a plain account of what people did.

use proptest::prelude::*;

use super::*;

const START: Millis = Millis(1_000_000);
const EXPIRES_IN: u64 = 60;

fn request(count: u32) -> Request {
    Request {
        session: "s-1".to_owned(),
        subject: "Agent".to_owned(),
        statement: "update t set x = 1".to_owned(),
        digest: "a".repeat(64),
        count,
        expires_in: EXPIRES_IN,
        ..Request::default()
    }
}

fn opened(count: u32) -> Approval {
    Approval::open(ApprovalId("ap-00000000".to_owned()), request(count), START).unwrap()
}

fn answer(by: &str) -> Answer {
    Answer { by: by.to_owned(), reason: "because".to_owned() }
}

fn redeem() -> Act {
    redeem_as("")
}

fn redeem_as(nonce: &str) -> Act {
    Act::Redeem { digest: "A".repeat(64), nonce: nonce.to_owned() }
}

fn after(seconds: u64) -> Millis {
    START.plus_seconds(seconds)
}

#[test]
fn one_yes_approves_and_the_command_uses_it_once() {
    let approved = opened(1).apply(Act::Approve(answer("ann")), after(1)).unwrap();
    assert_eq!(approved.state.name(), StateName::Approved);
    let wrong = Act::Redeem { digest: "b".repeat(64), nonce: String::new() };
    assert_eq!(approved.clone().apply(wrong, after(2)), Err(Refusal::Digest));
    let redeemed = approved.apply(redeem(), after(2)).unwrap();
    assert_eq!(redeemed.clone().apply(redeem(), after(3)), Err(Refusal::Redeemed));
    assert_eq!(redeemed.clone().at(Millis(u64::MAX)), redeemed);
}

#[test]
fn a_holder_that_missed_the_answer_may_ask_again() {
    let approved = opened(1).apply(Act::Approve(answer("ann")), after(1)).unwrap();
    let redeemed = approved.apply(redeem_as("n1"), after(2)).unwrap();
    assert_eq!(redeemed.clone().apply(redeem_as("n1"), after(900)).as_ref(), Ok(&redeemed));
    for other in ["", "n2"] {
        assert_eq!(redeemed.clone().apply(redeem_as(other), after(3)), Err(Refusal::Redeemed), "{other:?}");
    }
    let wrong = Act::Redeem { digest: "b".repeat(64), nonce: "n1".to_owned() };
    assert_eq!(redeemed.clone().apply(wrong, after(3)), Err(Refusal::Digest));
    assert!(!serde_json::to_string(&View::from(redeemed)).unwrap().contains("n1"), "it is nobody else's");
}

#[test]
fn several_people_are_several_people() {
    let one = opened(2).apply(Act::Approve(answer("ann")), after(1)).unwrap();
    assert_eq!(one.state.name(), StateName::Pending);
    let again = one.clone().apply(Act::Approve(answer(" ANN ")), after(2));
    assert_eq!(again, Err(Refusal::Repeated("ANN".to_owned())));
    assert_eq!(one.clone().apply(redeem(), after(2)), Err(Refusal::Unapproved(StateName::Pending)));
    let two = one.apply(Act::Approve(answer("bob")), after(3)).unwrap();
    assert_eq!(two.state.name(), StateName::Approved);
}

#[test]
fn the_requester_decides_nothing() {
    for by in ["Agent", "agent", " AGENT\t"] {
        let refusal = Refusal::Requester(by.trim().to_owned());
        assert_eq!(opened(1).apply(Act::Approve(answer(by)), after(1)), Err(refusal.clone()), "{by}");
        assert_eq!(opened(1).apply(Act::Reject(answer(by)), after(1)), Err(refusal), "{by}");
    }
    let nobody = opened(1).apply(Act::Approve(answer("  ")), after(1));
    assert!(matches!(nobody, Err(Refusal::Malformed(_))));
}

#[test]
fn time_ends_what_nobody_decided() {
    let last = after(EXPIRES_IN - 1);
    assert_eq!(opened(1).at(last).state.name(), StateName::Pending);
    let expired = opened(1).at(after(EXPIRES_IN));
    assert_eq!(expired.state, State::Expired { at: after(EXPIRES_IN) });
    let late = opened(1).apply(Act::Approve(answer("ann")), after(EXPIRES_IN));
    assert_eq!(late, Err(Refusal::Decided(StateName::Expired)));
}

#[test]
fn a_permit_is_not_kept_for_later() {
    let approved = opened(1).apply(Act::Approve(answer("ann")), after(59)).unwrap();
    assert!(approved.clone().apply(redeem(), after(59 + REDEEM_WINDOW - 1)).is_ok());
    let late = approved.apply(redeem(), after(59 + REDEEM_WINDOW));
    assert_eq!(late, Err(Refusal::Unapproved(StateName::Expired)));
}

#[test]
fn withdrawing_ends_it_and_never_fails() {
    let withdraw = || Act::Withdraw { why: "client gone".to_owned() };
    let cancelled = opened(1).apply(withdraw(), after(1)).unwrap();
    assert_eq!(cancelled.state.name(), StateName::Cancelled);
    assert_eq!(cancelled.clone().apply(withdraw(), after(2)).unwrap(), cancelled);
    let approved = opened(1).apply(Act::Approve(answer("ann")), after(1)).unwrap();
    let gone = approved.apply(withdraw(), after(2)).unwrap();
    assert_eq!(gone.apply(redeem(), after(3)), Err(Refusal::Unapproved(StateName::Cancelled)));
}

#[test]
fn a_request_is_checked_and_bounded() {
    let open = |change: &dyn Fn(&mut Request)| {
        let mut request = request(1);
        change(&mut request);
        Approval::open(ApprovalId("ap-00000000".to_owned()), request, START)
    };
    let refused: [&dyn Fn(&mut Request); 9] = [
        &|request| request.subject = " ".to_owned(),
        &|request| request.digest = "a".repeat(63),
        &|request| request.digest = "g".repeat(64),
        &|request| request.count = 0,
        &|request| request.count = request::MAX_COUNT + 1,
        &|request| request.expires_in = 0,
        &|request| request.expires_in = request::MAX_EXPIRES_IN + 1,
        &|request| request.rule = "r".repeat(request::MAX_NAME + 1),
        &|request| request.groups = vec![String::new(); request::MAX_LIST + 1],
    ];
    for (index, change) in refused.iter().enumerate() {
        assert!(open(change).is_err(), "case {index}");
    }
    let long = open(&|request| request.statement = "ż".repeat(request::MAX_STATEMENT)).unwrap().request;
    assert_eq!(long.statement.len(), request::MAX_STATEMENT);
    assert_eq!(long.statement_omitted, u64::try_from(request::MAX_STATEMENT).unwrap());
    for id in ["", "ap-", "ap-0000000", "ap-0000/000", "AP-00000000", "ap-0000000A"] {
        let opened = Approval::open(ApprovalId(id.to_owned()), request(1), START);
        assert!(opened.is_err(), "{id}");
    }
}

#[test]
fn the_stored_form_comes_back_the_same() {
    let approved = opened(2).apply(Act::Approve(answer("ann")), after(1)).unwrap();
    let json = serde_json::to_string(&approved).unwrap();
    assert_eq!(serde_json::from_str::<Approval>(&json).unwrap(), approved);
    let view = serde_json::to_value(View::from(approved)).unwrap();
    assert_eq!(view["state"], "pending");
    assert_eq!(view["approved_by"][0], "ann");
    assert_eq!(view["subject"], "Agent");
    assert_eq!(view["expires_at"], START.seconds() + EXPIRES_IN);
}

fn acts() -> impl Strategy<Value = (Act, u64)> {
    let name = prop_oneof![Just("ann"), Just("Ann"), Just("bob"), Just("cyd"), Just("agent")];
    let act = prop_oneof![
        4 => name.clone().prop_map(|by| Act::Approve(answer(by))),
        1 => name.prop_map(|by| Act::Reject(answer(by))),
        3 => prop_oneof![Just(""), Just("n1"), Just("n2")].prop_map(redeem_as),
        1 => Just(Act::Redeem { digest: "b".repeat(64), nonce: "n1".to_owned() }),
        1 => Just(Act::Withdraw { why: String::new() }),
    ];
    (act, prop_oneof![3 => 0_u64..5_000, 1 => 0_u64..400_000])
}

proptest! {
    /// Whatever people do in whatever order: what passes has been approved by enough people, in time, once.
    #[test]
    fn nothing_passes_that_was_not_approved(
        count in 1_u32..4,
        acts in proptest::collection::vec(acts(), 0..30),
    ) {
        let mut now = START;
        let mut approval = opened(count);
        let (mut yes, mut redeemed, mut ended) = (std::collections::BTreeSet::new(), 0, false);
        let (mut decided_at, mut holder) = (None, None);
        for (act, pause) in acts {
            now = Millis(now.0 + pause);
            let final_before = ended.then(|| approval.clone().at(now));
            let Ok(after) = approval.clone().apply(act.clone(), now) else { continue };
            if let Some(before) = final_before {
                prop_assert_eq!(&before, &after, "an end is an end");
            }
            match act {
                Act::Approve(answer) => {
                    prop_assert!(now < after.expires);
                    prop_assert!(answer.by.to_lowercase() != "agent");
                    prop_assert!(yes.insert(answer.by.to_lowercase()), "counted once");
                    if after.state.name() == StateName::Approved {
                        decided_at = Some(now);
                    }
                }
                Act::Redeem { nonce, .. } if holder.is_some() => {
                    prop_assert!(!nonce.is_empty(), "nobody in particular is not known again");
                    prop_assert_eq!(holder.as_ref(), Some(&nonce));
                }
                Act::Redeem { digest, nonce } => {
                    redeemed += 1;
                    holder = Some(nonce);
                    prop_assert!(digest.eq_ignore_ascii_case(&after.request.digest));
                    prop_assert!(yes.len() >= usize::try_from(count).unwrap());
                    prop_assert!(now.since(decided_at.unwrap()) < REDEEM_WINDOW * 1000);
                    ended = true;
                }
                Act::Reject(_) | Act::Withdraw { .. } => ended = true,
            }
            approval = after;
        }
        prop_assert!(redeemed <= 1);
        // Time alone ends everything.
        let end = approval.at(Millis(u64::MAX));
        prop_assert!(end.deadline().is_none());
    }
}
