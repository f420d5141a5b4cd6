//! Logins that succeed, by every method, and what is told about them.

use chaperone_flow::Effect;
use chaperone_proto::{Body, Source};

use crate::target::{Method, Target};
use crate::wire::Wire;
use crate::world::World;

/// A session of a role, logged in with a good token.
pub(crate) fn logged_in<'w>(world: &'w World, role: &str) -> Wire<'w> {
    let method = match role {
        "digested" => Method::Md5,
        "plain" => Method::Password,
        "trusted" => Method::Trust,
        _ => Method::Scram,
    };
    let mut wire = Wire::open(world, Target::new(method));
    wire.may_say_password = method == Method::Password;
    wire.start(role);
    assert_eq!(wire.shown(), "R", "a password is asked for, nothing else is shown");
    assert_eq!(wire.to_client, b"R\0\0\0\x08\0\0\0\x03");
    wire.token(&world.token());
    wire
}

#[test]
fn every_method_logs_in() {
    for (role, got) in [("analyst", "\0pp"), ("digested", "\0p"), ("plain", "\0p"), ("trusted", "\0S")] {
        let world = World::new();
        let mut wire = logged_in(&world, role);
        assert_eq!(wire.shown(), "RRSKZ", "{role}");
        assert_eq!(wire.target.got, got.as_bytes(), "{role}");
        wire.query("select 1");
        assert_eq!(wire.shown(), "RRSKZCZ", "{role}");
        assert!(!wire.waits() && !wire.closes());
    }
}

#[test]
fn everybody_who_must_know_is_told_who_it_is() {
    let world = World::new();
    let wire = logged_in(&world, "analyst");
    let session = wire.session();
    let id = session.id.as_ref().unwrap().as_str();
    assert!(id.starts_with("s-") && id.len() == 34);
    let identity = session.identity.as_ref().unwrap();
    assert_eq!(
        (identity.subject.as_str(), session.role.as_str(), session.database.as_str()),
        ("agent-7", "analyst", "shop")
    );
    assert_eq!(wire.annotation("chaperone.session-id").as_deref(), Some(id));
    assert_eq!(wire.annotation("chaperone.subject").as_deref(), Some("agent-7"));
    assert_eq!(wire.annotation("chaperone.groups").as_deref(), Some("analysts,staff"));
    assert_eq!(wire.annotation("chaperone.token_id").as_deref(), Some("token-1"));
    assert_eq!(wire.effects.iter().filter(|effect| **effect == Effect::ShareSession).count(), 2);
    let records: Vec<_> = wire
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Record(Source::Identity, Body::Authenticated(record)) => Some(record),
            _ => None,
        })
        .collect();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (records[0].subject.as_str(), records[0].role.as_str(), records[0].token_id.as_str()),
        ("agent-7", "analyst", "token-1")
    );
    assert_eq!(wire.count("chaperone.identity.login.accepted"), 1);
}

#[test]
fn a_notice_to_everybody_is_not_for_who_was_not_let_in() {
    let world = World::new();
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    let notice = b"N\0\0\0\x09Mhi\0\0";
    wire.start("analyst");
    wire.target_says(notice);
    assert_eq!(wire.shown(), "R");
    wire.token(&world.token());
    wire.target_says(notice);
    assert_eq!(wire.shown(), "RRSKZN");
}

#[test]
fn nothing_is_told_before_the_target_has_let_us_in() {
    let world = World::new();
    let mut wire = Wire::open(&world, Target::with_password(Method::Scram, "another"));
    wire.start("analyst");
    wire.token(&world.token());
    assert_eq!(wire.annotation("chaperone.groups"), None);
    assert_eq!(wire.count("chaperone.identity.login.accepted"), 0);
    // Who it was that the target refused: for the access log, beside the verdict.
    assert_eq!(wire.annotation("chaperone.subject").as_deref(), Some("agent-7"));
    assert_eq!(wire.annotation("chaperone.verdict").as_deref(), Some("deny ID131"));
}

#[test]
fn a_token_that_comes_early_is_not_lost() {
    for role in ["analyst", "trusted"] {
        let world = World::new();
        let method = if role == "trusted" { Method::Trust } else { Method::Scram };
        let mut wire = Wire::open(&world, Target::new(method));
        let mut both = Vec::new();
        let mut packet = b"\0\x03\0\0user\0".to_vec();
        packet.extend(role.as_bytes());
        packet.extend(b"\0database\0shop\0\0");
        both.extend(u32::try_from(packet.len() + 4).unwrap().to_be_bytes());
        both.extend(packet);
        both.extend(crate::wire::password(&world.token()));
        // The keys are not there yet, so that the target speaks first.
        wire.holds_calls = true;
        wire.say(&both);
        assert_eq!(wire.shown(), "R");
        assert!(wire.waits());
        wire.holds_calls = false;
        wire.answer_calls();
        assert_eq!(wire.shown(), "RRSKZ", "{role}");

        // Now they are: the token is verified before the target has said a word. Its words come one by one.
        let mut wire = Wire::open(&world, Target::new(method));
        wire.pieces = vec![9];
        wire.say_at_once(&both);
        assert_eq!(wire.shown(), "RRSKZ", "{role}");
    }
}

#[test]
fn the_target_sees_the_account_and_allowed_parameters() {
    let world = World::new();
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.start_with(
        "analyst",
        &[("database", "shop_7"), ("application_name", "psql"), ("options", "-c geqo=off")],
        0,
    );
    let params: Vec<_> = wire.target.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        params,
        [
            "user=shop_account",
            "database=shop_7",
            "geqo=off",
            "application_name=psql",
            "client_encoding=UTF8",
            "standard_conforming_strings=on"
        ]
    );
}

#[test]
fn the_version_is_settled_once_and_before_the_question() {
    let world = World::new();
    for (minor, target, shown) in [(0, 0, "R"), (2, 2, "R"), (2, 0, "vR"), (9999, 2, "vR"), (9999, 0, "vR")] {
        let mut server = Target::new(Method::Scram);
        server.minor = target;
        let mut wire = Wire::open(&world, server);
        wire.start_with("analyst", &[("database", "shop")], minor);
        assert_eq!(wire.shown(), shown, "{minor} {target}");
        if shown == "vR" {
            let settled = wire.to_client[5..9].to_vec();
            assert_eq!(settled, [0, 3, 0, target.to_be_bytes()[1]]);
        }
    }
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.start_with("analyst", &[("database", "shop"), ("_pq_.x", "1")], 0);
    assert_eq!(wire.shown(), "vR");
    assert_eq!(wire.target.params.iter().filter(|(name, _)| name.starts_with("_pq_")).count(), 0);
}

#[test]
fn encryption_and_cancellation_pass_without_a_token() {
    let world = World::new();
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    wire.say(&[0, 0, 0, 8, 4, 210, 22, 47]);
    assert_eq!(wire.to_client, b"N");
    wire.to_client.clear();
    wire.start("analyst");
    assert_eq!(wire.shown(), "R");

    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    let cancel = [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 18, 103, 9, 9, 9, 9];
    wire.say(&cancel);
    assert_eq!(wire.to_target, cancel);
    assert!(wire.to_client.is_empty() && !wire.waits());
}

#[test]
fn keys_are_fetched_once_and_a_token_is_verified_once() {
    let world = World::new();
    let token = world.token();
    for round in 0..3 {
        let mut wire = Wire::open(&world, Target::new(Method::Scram));
        wire.start("analyst");
        wire.token(&token);
        assert_eq!(wire.shown(), "RRSKZ");
        assert_eq!(wire.count("chaperone.identity.token.remembered"), u64::from(round > 0));
    }
    assert_eq!(world.calls(), 2, "discovery and keys");
}
