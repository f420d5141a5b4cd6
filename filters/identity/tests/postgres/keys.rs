//! Where keys come from, how often they are asked for, and what happens when nobody answers.

use std::cell::Cell;
use std::rc::Rc;

use chaperone_flow::Call;
use chaperone_identity::{HostSignatures, Keyring};
use chaperone_token::sign::SigningKey;
use chaperone_token::{Algorithm, HostVerify};
use serde_json::json;

use crate::target::{Method, Target};
use crate::wire::Wire;
use crate::world::{World, key, new_key, policy};

/// A login with this token; the reason of its refusal, or `in`.
fn outcome(world: &World, token: &str) -> String {
    let mut wire = Wire::open(world, Target::new(Method::Scram));
    wire.start("analyst");
    wire.token(token);
    result(&wire)
}

fn result(wire: &Wire<'_>) -> String {
    match wire.shown().as_str() {
        "R" => "waits".to_owned(),
        "RRSKZ" => "in".to_owned(),
        _ => wire.error().split(' ').nth(2).unwrap().to_owned(),
    }
}

#[test]
fn without_a_provider_nobody_new_comes_in_and_it_is_asked_again_soon() {
    let world = World::new();
    world.provider.is_up.set(false);
    assert_eq!(outcome(&world, &world.token()), "ID113");
    assert_eq!(outcome(&world, &world.token()), "ID113");
    assert_eq!(world.calls(), 1, "not asked at once again");
    world.wait(1_000);
    world.provider.is_up.set(true);
    assert_eq!(outcome(&world, &world.token()), "in");
}

#[test]
fn known_keys_go_on_without_a_provider_and_unknown_keys_are_refused() {
    let world = World::new();
    let old = world.token();
    assert_eq!(outcome(&world, &old), "in");
    world.provider.is_up.set(false);
    let stranger = new_key();
    for passed in [0, 3_600_000, 23 * 3_600_000] {
        world.passed.set(passed);
        let fresh = world.token();
        assert_eq!(outcome(&world, &fresh), "in", "{passed}");
        assert_eq!(outcome(&world, &fresh), "in", "{passed}, remembered");
        world.wait(20_000);
        assert_eq!(outcome(&world, &world.signed(&stranger, |_| {})), "ID113", "{passed}");
    }
    world.passed.set(24 * 3_600_000);
    assert_eq!(outcome(&world, &world.token()), "ID113", "nobody has confirmed the keys for a day");
}

#[test]
fn a_rotation_is_found_and_a_flood_of_unknown_keys_is_not_passed_on() {
    let world = World::new();
    assert_eq!(outcome(&world, &world.token()), "in");
    let next = new_key();
    world.provider.keys.borrow_mut().push(next.clone());
    world.wait(10_000);
    assert_eq!(world.calls(), 2);
    assert_eq!(outcome(&world, &world.signed(&next, |_| {})), "in");
    assert_eq!(world.calls(), 4, "asked again because of the unknown key");
    for _ in 0..50 {
        assert_eq!(outcome(&world, &world.signed(&new_key(), |_| {})), "ID108");
    }
    assert_eq!(world.calls(), 4, "within 10 s of the last fetch");
    world.wait(10_000);
    assert_eq!(outcome(&world, &world.signed(&new_key(), |_| {})), "ID108");
    assert_eq!(world.calls(), 6);
}

#[test]
fn a_rotation_of_keys_without_names_is_found_too() {
    let world = World::new();
    world.settings.set(policy(|policy| policy["identity"]["issuers"][0]["jwks"]["path"] = json!("/unnamed")));
    let sign = |key: &SigningKey| {
        key.sign_parts(br#"{"alg":"EdDSA"}"#, world.claims().to_string().as_bytes()).unwrap()
    };
    assert_eq!(outcome(&world, &sign(key())), "in");
    let next = new_key();
    *world.provider.keys.borrow_mut() = vec![next.clone()];
    assert_eq!(outcome(&world, &sign(&next)), "ID106", "within 10 s of the last fetch");
    world.wait(10_000);
    assert_eq!(outcome(&world, &sign(&next)), "in");
    assert_eq!(world.calls(), 2);
    world.wait(10_000);
    assert_eq!(outcome(&world, &sign(key())), "ID106");
    assert_eq!(world.calls(), 3);
}

#[test]
fn a_reply_to_nothing_is_nothing() {
    let world = World::new();
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.holds_calls = true;
    wire.start("analyst");
    wire.token(&world.token());
    let (flow, call) = wire.calls[0].clone();
    wire.calls = vec![(flow, Call { id: call.id + 7, ..call.clone() }), (flow, call)];
    wire.answer_call();
    assert_eq!((wire.calls.len(), result(&wire).as_str()), (1, "waits"));
    wire.answer_calls();
    assert_eq!(result(&wire), "in");
}

#[test]
fn a_key_that_is_withdrawn_ends_what_was_verified_with_it() {
    let world = World::new();
    let token = world.token();
    assert_eq!(outcome(&world, &token), "in");
    let next = new_key();
    *world.provider.keys.borrow_mut() = vec![next.clone()];
    world.wait(10_000);
    assert_eq!(outcome(&world, &token), "in", "nobody knows yet");
    assert_eq!(outcome(&world, &world.signed(&next, |_| {})), "in");
    assert_eq!(outcome(&world, &token), "ID108");
}

#[test]
fn old_keys_are_fetched_again_beside_the_login_that_uses_them() {
    let world = World::new();
    assert_eq!(outcome(&world, &world.token()), "in");
    world.wait(3_600_000);
    let token = world.token();
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.holds_calls = true;
    wire.start("analyst");
    wire.token(&token);
    assert_eq!(result(&wire), "in", "without waiting");
    assert_eq!(wire.calls.len(), 1);
    assert_eq!(outcome(&world, &token), "in", "somebody else asks already");
    assert_eq!(world.calls(), 2);
    wire.holds_calls = false;
    wire.answer_calls();
    assert_eq!(world.calls(), 4);
    assert_eq!(outcome(&world, &world.token()), "in");
    assert_eq!(world.calls(), 4, "fresh again");
}

#[test]
fn one_asks_and_the_others_wait() {
    let world = World::new();
    let open = || {
        let mut wire = Wire::open(&world, Target::new(Method::Scram));
        wire.holds_calls = true;
        wire.start("analyst");
        wire.token(&world.token());
        wire
    };
    let (mut first, mut second) = (open(), open());
    assert_eq!((first.calls.len(), second.calls.len()), (1, 0));
    second.tick(50);
    assert_eq!(result(&second), "waits");
    first.answer_calls();
    assert_eq!(result(&first), "in");
    second.tick(50);
    assert_eq!(result(&second), "in");
    assert_eq!(world.calls(), 2);
}

#[test]
fn whoever_waits_takes_over_from_one_who_has_gone() {
    let world = World::new();
    let open = || {
        let mut wire = Wire::open(&world, Target::new(Method::Scram));
        wire.holds_calls = true;
        wire.start("analyst");
        wire.token(&world.token());
        wire
    };
    let (mut first, mut second) = (open(), open());
    first.close();
    second.tick(500);
    assert_eq!(second.calls.len(), 0, "not at once, or a flood of goodbyes would be passed on");
    second.tick(500);
    assert_eq!(second.calls.len(), 1);
    second.answer_calls();
    assert_eq!(result(&second), "in");
}

#[test]
fn patience_ends() {
    let world = World::new();
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.holds_calls = true;
    wire.start("analyst");
    wire.token(&world.token());
    // A host that never replies.
    for _ in 0..149 {
        wire.tick(100);
    }
    assert_eq!(result(&wire), "waits");
    for _ in 0..15 {
        wire.tick(100);
    }
    assert_eq!(result(&wire), "ID113");
}

#[test]
fn a_token_that_expires_while_it_waits_is_refused() {
    let world = World::new();
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.holds_calls = true;
    wire.start("analyst");
    let soon = world.millis() / 1_000 - 29;
    wire.token(&world.signed(key(), |claims| claims["exp"] = json!(soon)));
    world.wait(2_000);
    wire.answer_calls();
    assert_eq!(result(&wire), "ID102");
}

#[test]
fn bad_signatures_cost_a_bounded_amount_of_work() {
    let world = World::new();
    assert_eq!(outcome(&world, &world.token()), "in");
    let forged = |number: u32| {
        let good = world.signed(key(), |claims| claims["jti"] = json!(number.to_string()));
        let other = world.signed(key(), |claims| claims["jti"] = json!("x"));
        let signature = other.rsplit_once('.').unwrap().1;
        format!("{}.{signature}", good.rsplit_once('.').unwrap().0)
    };
    let same = forged(0);
    for _ in 0..200 {
        assert_eq!(outcome(&world, &same), "ID106", "the same again costs nothing");
    }
    for number in 1..100 {
        assert_eq!(outcome(&world, &forged(number)), "ID106");
    }
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.start("analyst");
    wire.token(&forged(100));
    assert_eq!(result(&wire), "waits");
    wire.tick(20);
    assert_eq!(result(&wire), "ID106", "its turn has come");
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.start("analyst");
    wire.token(&world.signed(key(), |claims| claims["jti"] = json!("fresh")));
    assert_eq!(result(&wire), "waits");
    wire.tick(20);
    assert_eq!(result(&wire), "in", "a good one costs no budget, but waits for its turn");
}

#[test]
fn an_expired_token_is_refused_although_it_was_verified_before() {
    let world = World::new();
    let token = world.token();
    assert_eq!(outcome(&world, &token), "in");
    world.wait(329_000);
    assert_eq!(outcome(&world, &token), "in", "within the patience for clocks");
    world.wait(1_000);
    assert_eq!(outcome(&world, &token), "ID102");
}

#[test]
fn a_new_policy_looks_at_every_token_anew() {
    let world = World::new();
    let token = world.token();
    assert_eq!(outcome(&world, &token), "in");
    world.settings.set(policy(|policy| policy["identity"]["issuers"][0]["audiences"] = json!(["other"])));
    assert_eq!(outcome(&world, &token), "ID104");
}

#[test]
fn a_fixed_path_needs_no_discovery() {
    let world = World::new();
    world.settings.set(policy(|policy| policy["identity"]["issuers"][0]["jwks"]["path"] = json!("/keys")));
    assert_eq!(outcome(&world, &world.token()), "in");
    assert_eq!(world.calls(), 1);
}

#[derive(Debug)]
struct Host {
    says: Option<bool>,
    asked: Rc<Cell<u32>>,
}

impl HostSignatures for Host {
    fn verify(&self, job: &HostVerify) -> Option<bool> {
        assert_eq!(job.hash, "sha256");
        self.asked.set(self.asked.get() + 1);
        self.says
    }
}

#[test]
fn the_host_verifies_what_it_can() {
    let mut world = World::new();
    let elliptic = SigningKey::generate(Algorithm::Es256).unwrap();
    world.provider.keys.borrow_mut().push(elliptic.clone());
    for (says, result) in [(Some(true), "in"), (Some(false), "ID106"), (None, "in")] {
        let asked = Rc::new(Cell::new(0));
        world.keyring = Keyring::with_host(Rc::new(Host { says, asked: Rc::clone(&asked) }));
        assert_eq!(outcome(&world, &world.signed(&elliptic, |_| {})), result);
        assert_eq!(asked.get(), 1);
        assert_eq!(outcome(&world, &world.token()), "in", "EdDSA the host cannot");
        assert_eq!(asked.get(), 1);
    }
}
