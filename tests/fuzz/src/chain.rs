//! The five filters as one native line, with everything around them in the fuzzer's hands.
//!
//! Laws: nothing panics; any split of the same bytes leads to the same; only whole messages go out, to either side;
//! nothing but the login reaches the target before somebody was let in, which takes a good token; what every policy
//! of the script denies does not reach the target, nor what is held and was not approved; the token, the target's
//! password and the values of a masked column go nowhere.

mod play;
mod script;
mod world;

use chaperone_model::{Decision, Identity, UnixSeconds};
use chaperone_pgwire::client::{Parse, Query};
use chaperone_pgwire::startup::begins_session;
use chaperone_pgwire::{FrameLimits, Framer, Item, tag};
use chaperone_policy::Caller;
use chaperone_settings::Settings;

use crate::input::Input;
use crate::token::{ISSUER, NOW};
use play::{Told, play};
use script::{Script, Step, tokens};
use world::{CELL, PASSWORD, ROLES};

/// The target.
pub fn body(data: &[u8]) {
    let script = Script::read(Input::new(data));
    let whole = play(&script, &[]);
    for sizes in [script.sizes, &[1]] {
        let split = play(&script, sizes);
        assert_eq!(whole.early, split.early, "split into {sizes:?}");
        assert_eq!(shown(&whole.sent, true), shown(&split.sent, true), "split into {sizes:?}: sent");
        assert_eq!(shown(&whole.shown, false), shown(&split.shown, false), "split into {sizes:?}: shown");
        assert_eq!(whole, split, "split into {sizes:?}");
    }
    let allowed = [tag::UNTAGGED, tag::client::PASSWORD, tag::client::TERMINATE, tag::client::SYNC];
    assert!(whole.early.iter().all(|tag| allowed.contains(tag)), "{:?} before a login", whole.early);
    assert!(script.has_token || !whole.let_in, "somebody was let in without a token");
    obeys(&script, &whole);
    keeps_secrets(&script, &whole, data);
}

/// The messages, so that a difference can be read.
fn shown(bytes: &[u8], of_client: bool) -> Vec<String> {
    let mut framer = if of_client {
        Framer::client(FrameLimits::default())
    } else {
        Framer::server(FrameLimits::default())
    };
    let mut frames = framer.split(bytes);
    let mut words = Vec::new();
    while let Some(item) = frames.next() {
        let Ok(Item::Frame(frame)) = item else { break };
        if begins_session(&frame) {
            frames.enter_tagged();
        }
        words.push(format!("{} {:?}", char::from(frame.tag), String::from_utf8_lossy(frame.body())));
    }
    words
}

/// Every text that reached the target was allowed by a policy of the script.
fn obeys(script: &Script<'_>, told: &Told) {
    let mut all: Vec<Settings> = vec![world::settings(script.settings, script.has_server)];
    all.extend(script.steps.iter().filter_map(|step| match step {
        Step::Policy(number) => Some(world::settings(*number, script.has_server)),
        _ => None,
    }));
    let identity = Identity {
        subject: "agent-7".into(),
        groups: vec!["analysts".into()],
        issuer: ISSUER.into(),
        token_id: "token-1".into(),
        expires_at: UnixSeconds(NOW.0 + 300),
    };
    let mut framer = Framer::client(FrameLimits::default());
    let mut frames = framer.split(&told.sent);
    while let Some(Ok(Item::Frame(frame))) = frames.next() {
        if begins_session(&frame) {
            frames.enter_tagged();
        }
        let text = match frame.tag {
            tag::client::QUERY => Query::read(frame.body()).map(|query| query.text),
            tag::client::PARSE => Parse::read(frame.body()).map(|parse| parse.text),
            _ => continue,
        };
        let text = text.expect("a message that can be read");
        if is_own(text) {
            continue;
        }
        let facts = chaperone_sql::read(text, &chaperone_sql::Limits::default());
        let is_allowed = all.iter().any(|settings| {
            ROLES.iter().any(|role| {
                let caller = Caller { identity: &identity, resource: "shop", role, database: "shop" };
                match settings.policy.decide(&caller, &facts, NOW).decision {
                    Decision::Allow => true,
                    Decision::Deny => false,
                    Decision::Hold => script.has_approval,
                }
            })
        });
        assert!(is_allowed, "{:?} reached the target", String::from_utf8_lossy(text));
    }
}

/// Texts that filters send on their own account.
fn is_own(text: &[u8]) -> bool {
    text == b"refused by chaperone" || text.starts_with(b"WITH RECURSIVE wanted(mask, sch, tab, col)")
}

fn keeps_secrets(script: &Script<'_>, told: &Told, data: &[u8]) {
    let holds = |bytes: &[u8], secret: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
    let effects = format!("{:?}", told.effects);
    if !holds(data, PASSWORD.as_bytes()) {
        assert!(!holds(&told.shown, PASSWORD.as_bytes()), "the target's password was shown");
        assert!(!effects.contains(PASSWORD), "the target's password is in an effect");
    }
    // A raw header may swallow the message with the token, and make a part of a command of it.
    if !script.raw_client {
        for token in tokens() {
            let payload = token.split(|byte| *byte == b'.').nth(1).unwrap_or_default();
            assert!(!holds(&told.sent, payload), "the token went to the target");
            assert!(!holds(&told.shown, payload), "the token was shown");
            assert!(!told.recorded.iter().any(|bytes| holds(bytes, payload)), "the token was recorded");
            assert!(!effects.contains(&*String::from_utf8_lossy(payload)), "the token is in an effect");
        }
    }
    let always_masked = script.settings & 2 == 0
        && !script.steps.iter().any(|step| matches!(step, Step::Policy(number) if number & 2 != 0));
    if always_masked && !script.raw_server && !script.has_server && !holds(data, CELL.as_bytes()) {
        assert!(!holds(&told.shown, CELL.as_bytes()), "a masked value was shown");
    }
}
