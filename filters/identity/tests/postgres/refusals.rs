//! Logins that are refused, each in PostgreSQL's own way, and by whom the target hears nothing.

use chaperone_flow::Effect;
use chaperone_proto::{Body, Source, VerdictRecord};
use chaperone_settings::Settings;
use serde_json::json;

use crate::target::{Method, Target, When};
use crate::wire::Wire;
use crate::world::{START, Variables, World, key, new_key, policy};

fn verdicts(wire: &Wire<'_>) -> Vec<VerdictRecord> {
    let of = |effect: &Effect| match effect {
        Effect::Record(Source::Identity, Body::Verdict(verdict)) => Some(verdict.clone()),
        _ => None,
    };
    wire.effects.iter().filter_map(of).collect()
}

/// The session ended with this error, was recorded once, and the client gets nothing more.
fn assert_refused(wire: &mut Wire<'_>, error: &str, why: &str) {
    assert_eq!(wire.error(), format!("FATAL {error}"), "{why}");
    assert!(wire.closes(), "{why}");
    assert_eq!(wire.session().identity, None, "{why}");
    let verdicts = verdicts(wire);
    assert_eq!(verdicts.len(), 1, "{why}");
    let code = error.split(' ').nth(1).unwrap();
    assert_eq!((verdicts[0].decision.as_str(), verdicts[0].reason.as_str()), ("deny", code), "{why}");
    assert_eq!(wire.count("chaperone.identity.login.refused"), 1, "{why}");
    let opened = |effect: &&Effect| matches!(effect, Effect::Record(Source::Identity, Body::Opened(_)));
    assert_eq!(wire.effects.iter().filter(opened).count(), 1, "{why}: where, and from which address");
    let (shown, sent) = (wire.to_client.len(), wire.to_target.len());
    wire.query("select 1");
    wire.token("again");
    assert_eq!((wire.to_client.len(), wire.to_target.len()), (shown, sent), "{why}");
    assert!(!wire.waits(), "{why}");
}

#[test]
fn bad_tokens_are_refused_and_the_target_gets_no_proof() {
    let world = World::new();
    let signed = |edit: fn(&mut serde_json::Value)| world.signed(key(), edit);
    let good = world.token();
    let (head, signature) = good.rsplit_once('.').unwrap();
    let other_payload = signed(|claims| claims["sub"] = json!("root"));
    let swapped = format!("{}.{signature}", other_payload.rsplit_once('.').unwrap().0);
    let stranger = new_key();
    let impostor = {
        let claims = world.claims().to_string();
        let header = json!({ "alg": "EdDSA", "kid": key().key_id(), "typ": "JWT" }).to_string();
        stranger.sign_parts(header.as_bytes(), claims.as_bytes()).unwrap()
    };
    let unnamed = stranger.sign_parts(br#"{"alg":"EdDSA"}"#, world.claims().to_string().as_bytes()).unwrap();
    let none = key().sign_parts(br#"{"alg":"none"}"#, world.claims().to_string().as_bytes()).unwrap();
    let cases = [
        ("no password", String::new(), "28P01 ID101"),
        ("a password", "hunter2".to_owned(), "28P01 ID101"),
        ("expired", signed(|claims| claims["exp"] = json!(START - 31)), "28000 ID102"),
        ("not yet valid", signed(|claims| claims["nbf"] = json!(START + 31)), "28000 ID103"),
        ("another audience", signed(|claims| claims["aud"] = json!("other")), "28000 ID104"),
        ("another issuer", signed(|claims| claims["iss"] = json!("http://evil")), "28000 ID105"),
        ("a payload under another's signature", swapped, "28P01 ID106"),
        ("cut off", format!("{head}."), "28P01 ID101"),
        ("another's key under a known name", impostor, "28P01 ID106"),
        ("another's key without a name", unnamed, "28P01 ID106"),
        ("no algorithm", none, "28P01 ID107"),
        ("an unknown key", world.signed(&stranger, |_| {}), "28P01 ID108"),
        ("too large", "x".repeat(20_000), "28P01 ID109"),
        ("no subject", signed(|claims| claims["sub"] = json!(7)), "28P01 ID112"),
        ("not in the group", signed(|claims| claims["groups"] = json!(["staff"])), "28000 ID121"),
    ];
    for (why, token, error) in cases {
        for (role, got) in [("analyst", "\0pX"), ("digested", "\0X"), ("plain", "\0X"), ("trusted", "\0S")] {
            let method = match role {
                "digested" => Method::Md5,
                "plain" => Method::Password,
                "trusted" => Method::Trust,
                _ => Method::Scram,
            };
            let mut wire = Wire::open(&world, Target::new(method));
            wire.start(role);
            wire.token(&token);
            assert_eq!(wire.shown(), "RE", "{why}, {role}");
            assert_eq!(wire.target.got, got.as_bytes(), "{why}, {role}");
            assert_refused(&mut wire, error, why);
            let subject = verdicts(&wire)[0].message.contains("agent-7");
            assert_eq!(subject, why == "not in the group", "{why}: only a verified subject is named");
        }
    }
}

#[test]
fn a_token_with_a_nul_or_a_second_token_is_no_login() {
    let world = World::new();
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.start("analyst");
    wire.say(b"p\0\0\0\x07a\0b");
    assert_refused(&mut wire, "28P01 ID101", "a NUL inside");

    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.start("analyst");
    wire.holds_calls = true;
    wire.token(&world.token());
    assert!(wire.waits());
    wire.token(&world.token());
    assert_refused(&mut wire, "08P01 PG101", "two tokens");
}

#[test]
fn what_is_not_offered_is_refused_before_a_token_is_asked_for() {
    let world = World::new();
    for (role, params, error) in [
        ("postgres", &[("database", "shop")][..], "28000 ID120"),
        ("", &[("database", "shop")], "28000 ID120"),
        ("analyst", &[("database", "payroll")], "28000 ID122"),
        ("analyst", &[], "28000 ID122"),
        ("missing", &[("database", "shop")], "58000 ID130"),
        ("analyst", &[("database", "shop"), ("search_path", "evil")], "28000 ID134"),
        ("analyst", &[("database", "shop"), ("options", "-c role=postgres")], "28000 ID134"),
    ] {
        let mut wire = Wire::open(&world, Target::new(Method::Scram));
        wire.start_with(role, params, 0);
        assert_eq!(wire.shown(), "E", "{role} {params:?}");
        assert_eq!(wire.target.got, b"\0", "only what makes it hang up");
        assert!(wire.target.params.is_empty(), "{role}");
        assert_refused(&mut wire, error, role);
    }
}

#[test]
fn a_bad_configuration_lets_nobody_in() {
    let world = World::new();
    world.settings.set(Settings::deny_all("test", std::rc::Rc::new(Variables)));
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.start("analyst");
    assert_refused(&mut wire, "42501 SG110", "deny all");
}

#[test]
fn a_wrong_target_is_refused() {
    let world = World::new();
    for (role, target, error) in [
        ("analyst", Target::with_password(Method::ScramImpostor, "guess"), "58000 ID132"),
        ("analyst", Target::new(Method::Trust), "58000 ID132"),
        ("digested", Target::new(Method::Trust), "58000 ID132"),
        ("analyst", Target::new(Method::Md5), "58000 ID133"),
        ("analyst", Target::new(Method::Password), "58000 ID133"),
        ("digested", Target::new(Method::Password), "58000 ID133"),
        ("digested", Target::new(Method::Scram), "58000 ID133"),
        ("trusted", Target::new(Method::Scram), "58000 ID133"),
        ("analyst", Target::with_password(Method::Scram, "changed"), "58000 ID131"),
        ("digested", Target::with_password(Method::Md5, "changed"), "58000 ID131"),
    ] {
        let why = format!("{role} {target:?}");
        let mut wire = Wire::open(&world, target);
        wire.start(role);
        wire.token(&world.token());
        assert_eq!(wire.error(), format!("FATAL {error}"), "{why}");
        assert!(!String::from_utf8_lossy(&wire.to_client).contains("shop_account"), "{why}");
        assert!(wire.closes() && wire.count("chaperone.identity.login.accepted") == 0, "{why}");
        assert!(!wire.shown().contains('Z') && !wire.shown().contains('K'), "{why}");
    }
}

#[test]
fn an_error_of_the_target_names_no_account() {
    let world = World::new();
    let cases = [
        (When::AtOnce, "28000", "no pg_hba.conf entry for host \"10.1.2.3\"", "58000 ID131"),
        (When::AtOnce, "57P03", "the database system is starting up", "57P03 -"),
        (When::AfterOk, "3D000", "database \"shop\" does not exist", "3D000 -"),
        (When::AfterOk, "53300", "too many connections for role \"shop_account\"", "58000 ID131"),
    ];
    for (when, code, message, error) in cases {
        let mut target = Target::new(Method::Scram);
        target.refuses = Some((when, code, message.to_owned()));
        let mut wire = Wire::open(&world, target);
        wire.start("analyst");
        if when == When::AfterOk {
            wire.token(&world.token());
        }
        assert_eq!(wire.error(), format!("FATAL {error}"), "{message}");
        let shown = String::from_utf8_lossy(&wire.to_client).into_owned();
        assert!(!shown.contains("shop_account") && !shown.contains("10.1.2.3"), "{shown}");
        let verdict = &verdicts(&wire)[0];
        assert!(verdict.reason == "ID131" && verdict.message.contains(code), "{verdict:?}");
        assert_eq!(verdict.message.contains("agent-7"), when == When::AfterOk);
    }
}

#[test]
fn a_trusting_target_that_says_too_much_is_cut_off() {
    let world = World::new();
    let mut wire = Wire::open(&world, Target::new(Method::Trust));
    wire.start("trusted");
    let mut notice = vec![b'N', 0, 0, 0x80, 0];
    notice.resize(0x8001, b'x');
    for _ in 0..2 {
        wire.target_says(&notice);
    }
    assert_refused(&mut wire, "08P01 PG101", "64 KiB");
}

#[test]
fn goodbye_before_the_token_ends_it() {
    for (role, method) in [("analyst", Method::Scram), ("trusted", Method::Trust)] {
        let world = World::new();
        let mut wire = Wire::open(&world, Target::new(method));
        wire.start(role);
        wire.say(b"X\0\0\0\x04");
        assert!(wire.closes());
        assert_eq!(verdicts(&wire), []);
    }
}

#[test]
fn a_flow_before_this_one_can_end_the_login_with_its_own_words() {
    for (role, method) in [("analyst", Method::Scram), ("trusted", Method::Trust)] {
        let world = World::new();
        let mut wire = Wire::open(&world, Target::new(method));
        wire.start(role);
        wire.query("select 1");
        assert_eq!(wire.shown(), "RE");
        assert_eq!(wire.error(), "FATAL 08P01 PG101");
    }
}

#[test]
fn a_role_that_is_taken_away_while_the_keys_are_fetched_is_not_given() {
    let world = World::new();
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.start("analyst");
    wire.holds_calls = true;
    wire.token(&world.token());
    world.settings.set(policy(|policy| policy["resources"][0]["roles"][0]["groups"] = json!(["others"])));
    wire.answer_calls();
    assert_refused(&mut wire, "28000 ID121", "the new policy counts");
}
