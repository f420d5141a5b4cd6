//! Sessions that were let in: how long, and under which policy.

use chaperone_pgwire::client::write;
use chaperone_pgwire::{Format, client::Target as Named};
use serde_json::json;

use crate::login::logged_in;
use crate::world::{World, policy};

fn batch(sync: bool) -> Vec<u8> {
    let mut out = Vec::new();
    write::parse(&mut out, b"", b"select 1", &[]).unwrap();
    write::bind(&mut out, b"", b"", [], Format::Text).unwrap();
    write::describe(&mut out, Named::Portal(b"")).unwrap();
    write::execute(&mut out, b"", 0).unwrap();
    if sync {
        write::sync(&mut out);
    }
    out
}

#[test]
fn after_its_expiry_a_token_starts_nothing_more() {
    let world = World::new();
    let mut wire = logged_in(&world, "analyst");
    world.wait(329_000);
    wire.query("select 1");
    assert_eq!(wire.shown(), "RRSKZCZ", "within the patience for clocks");
    world.wait(1_000);
    let before = wire.target.got.len();
    wire.query("select 2");
    assert_eq!(wire.shown(), "RRSKZCZEZ");
    assert_eq!(wire.error(), "ERROR 28000 ID102");
    wire.say(&batch(true));
    assert_eq!(wire.shown(), "RRSKZCZEZEZ", "one error for a batch");
    wire.query("select 3");
    assert_eq!(wire.shown(), "RRSKZCZEZEZEZ", "the session lives, and does nothing");
    let got = wire.target.got[before..].to_vec();
    assert!(got.iter().all(|tag| b"SCH".contains(tag)), "{:?}", String::from_utf8_lossy(&got));
    assert_eq!(wire.count("chaperone.identity.commands.refused"), 3);
    let told = format!("{:?}", wire.effects);
    for tried in ["select 2", "select 3"] {
        assert!(told.contains(&format!("statement: \"{tried}\"")), "the record tells what was tried: {told}");
    }
    assert!(!wire.closes());
    wire.say(b"X\0\0\0\x04");
    assert!(wire.target.is_gone());
}

#[test]
fn a_batch_that_began_in_time_may_end() {
    let world = World::new();
    let mut wire = logged_in(&world, "analyst");
    wire.say(&batch(false));
    world.wait(400_000);
    wire.say(b"H\0\0\0\x04S\0\0\0\x04");
    assert_eq!(wire.shown(), "RRSKZ12nCZ");
}

#[test]
fn a_copy_that_began_in_time_may_end_but_nothing_begins_inside_it() {
    let world = World::new();
    let mut wire = logged_in(&world, "analyst");
    wire.query("copy t from stdin");
    world.wait(400_000);
    let mut data = Vec::new();
    write::copy_data(&mut data, b"1\n").unwrap();
    write::copy_done(&mut data);
    wire.say(&data);
    assert_eq!(wire.shown(), "RRSKZGCZ");

    let world = World::new();
    let mut wire = logged_in(&world, "analyst");
    wire.query("copy t from stdin");
    world.wait(400_000);
    wire.say(&batch(false));
    assert!(!wire.target.got.contains(&b'P'));
    assert_eq!(wire.shown(), "RRSKZGEZE");
    assert_eq!(
        wire.error(),
        "FATAL 08P01 PG101",
        "no batch belongs into a COPY, with a good token or without"
    );
    assert!(wire.closes());
}

#[test]
fn an_expired_session_leaves_its_transaction() {
    for (begin, status) in [("begin", b'T'), ("select 1", b'I')] {
        let world = World::new();
        let mut wire = logged_in(&world, "analyst");
        wire.query(begin);
        world.wait(400_000);
        wire.query("rollback");
        // What it has locked would stay locked for as long as the client likes.
        let severity = if status == b'T' { "FATAL" } else { "ERROR" };
        assert_eq!(wire.error(), format!("{severity} 28000 ID102"), "{begin}");
        assert_eq!(wire.closes(), status == b'T', "{begin}");
    }
}

#[test]
fn what_began_in_time_does_not_go_on_for_ever() {
    let many = |wire: &mut crate::wire::Wire| {
        let mut data = Vec::new();
        write::copy_data(&mut data, b"1\n").unwrap();
        wire.say(&data.repeat(70));
    };
    let world = World::new();
    let mut wire = logged_in(&world, "analyst");
    wire.query("copy t from stdin");
    world.wait(1_220_000);
    many(&mut wire);
    assert!(!wire.closes(), "a quarter of an hour, and the patience for clocks");
    world.wait(20_000);
    many(&mut wire);
    assert_eq!(wire.error(), "FATAL 28000 ID102");
    assert!(wire.closes());

    // Who is silent is ended too, and so is what only waits to be committed.
    for begin in ["copy t from stdin", "select 1", "begin"] {
        let world = World::new();
        let mut wire = logged_in(&world, "analyst");
        wire.query(begin);
        world.wait(1_220_000);
        wire.second();
        assert!(!wire.closes(), "{begin}");
        world.wait(20_000);
        wire.second();
        assert!(wire.closes(), "{begin}");
        assert_eq!(wire.annotation("chaperone.verdict").as_deref(), Some("deny ID102"));
    }
    for last in [&b"S\0\0\0\x04"[..], b"c\0\0\0\x04"] {
        let world = World::new();
        let mut wire = logged_in(&world, "analyst");
        if last[0] == b'c' {
            wire.query("copy t from stdin");
        } else {
            wire.say(&batch(false));
        }
        world.wait(1_240_000);
        let before = wire.target.got.len();
        wire.say(last);
        assert_eq!(wire.error(), "FATAL 28000 ID102");
        assert!(!wire.target.got[before..].contains(&b'c'));
    }

    let world = World::new();
    let mut wire = logged_in(&world, "analyst");
    wire.query("copy t to stdout");
    world.wait(1_240_000);
    let mut row = Vec::new();
    chaperone_pgwire::server::write::data_row(&mut row, [Some(&b"1"[..])]).unwrap();
    wire.target_says(&row.repeat(70));
    assert_eq!(wire.error(), "FATAL 28000 ID102");
    assert!(wire.closes());
}

#[test]
fn who_may_do_nothing_more_hears_nothing_more_of_others() {
    let world = World::new();
    let mut wire = logged_in(&world, "analyst");
    let notification = b"A\0\0\0\x0e\0\0\0\x01ch\0fr\0";
    wire.target_says(notification);
    assert!(wire.shown().ends_with('A'));
    world.wait(400_000);
    let before = wire.shown();
    wire.target_says(notification);
    assert_eq!(wire.shown(), before);
}

#[test]
fn a_live_session_obeys_a_new_policy() {
    type Edit = fn(&mut serde_json::Value);
    let cases: [(Edit, &str); 4] = [
        (|policy| policy["resources"][0]["roles"][0]["groups"] = json!(["others"]), "ID121"),
        (|policy| policy["resources"][0]["roles"][0]["name"] = json!("renamed"), "ID120"),
        (|policy| policy["resources"][0]["databases"] = json!(["other"]), "ID122"),
        (|policy| policy["identity"]["issuers"][0]["issuer"] = json!("http://other"), "ID105"),
    ];
    for (edit, reason) in cases {
        let world = World::new();
        let mut wire = logged_in(&world, "analyst");
        wire.query("select 1");
        world.settings.set(policy(edit));
        wire.query("select 2");
        assert_eq!(wire.error(), format!("ERROR 28000 {reason}"));
        assert!(!wire.closes());
        world.settings.set(policy(|_| {}));
        wire.query("select 3");
        assert_eq!(wire.shown(), "RRSKZCZEZCZ", "{reason}: and the old one again");
    }
}

#[test]
fn less_patience_counts_at_once() {
    let world = World::new();
    let mut wire = logged_in(&world, "analyst");
    world.wait(310_000);
    wire.query("select 1");
    assert_eq!(wire.shown(), "RRSKZCZ");
    world.settings.set(policy(|policy| policy["identity"]["issuers"][0]["leeway"] = json!("0s")));
    wire.query("select 2");
    assert_eq!(wire.error(), "ERROR 28000 ID102");
}
