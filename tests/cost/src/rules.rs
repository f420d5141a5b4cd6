//! What many rules cost: a typical statement, a new text each time, under policies of ten and of a thousand rules.

use std::time::Instant;

use chaperone_model::facts::Facts;
use chaperone_model::{Decision, Identity, UnixSeconds};
use chaperone_policy::{Caller, Policy};
use chaperone_sql_guard::Rehearsal;

const HEAD: &str = "version: 1
name: many
identity: { issuers: [{ issuer: http://idp, audiences: [chaperone], jwks: { cluster: idp } }] }
resources:
  - name: shop
    protocol: postgres
    databases: [shop]
    roles: [{ name: agent, groups: [agents, others], upstream: { user: app, auth: trust } }]
approvers: [{ name: dba, groups: [dbas] }]
rules:
";

/// A policy as organisations have them: most rules are about tables, some are for other people, the last one allows.
fn policy(rules: usize) -> Policy {
    let mut text = HEAD.to_owned();
    for rule in 0..rules.saturating_sub(1) {
        let group = if rule % 4 == 0 { "others" } else { "agents" };
        text.push_str(&match rule % 5 {
            0 | 1 => format!("  - {{ id: d{rule}, effect: deny, match: {{ groups: [{group}], tables: [app.t{rule}, app.u{rule}] }} }}\n"),
            2 => format!("  - {{ id: v{rule}, effect: deny, match: {{ groups: [{group}], verbs: [write], tables: [app.w{rule}] }} }}\n"),
            3 => format!("  - {{ id: h{rule}, effect: hold, match: {{ groups: [{group}], verbs: [update, delete], tables: ['app.h{rule}_*'] }}, hold: {{ approvers: [dba] }} }}\n"),
            _ => format!("  - {{ id: a{rule}, effect: allow, match: {{ groups: [{group}], verbs: [select], tables: [app.a{rule}], function_classes: [catalog] }} }}\n"),
        });
    }
    text.push_str("  - { id: reads, effect: allow, match: { groups: [agents], verbs: [select], tables: [public.*], function_classes: [catalog] } }\n");
    Policy::from_text(&text).expect("the policy of the bench")
}

/// Nanoseconds to read a statement, and to decide about it.
fn measure(policy: &Policy, count: u32) -> (u128, u128) {
    let identity = Identity {
        subject: "agent-7".to_owned(),
        groups: vec!["agents".to_owned()],
        issuer: "http://idp".to_owned(),
        token_id: "t".to_owned(),
        expires_at: UnixSeconds(u64::MAX),
    };
    let caller = Caller { identity: &identity, resource: "shop", role: "agent", database: "shop" };
    let (mut reading, mut deciding) = (0, 0);
    let mut session = Rehearsal::default();
    for number in 0..count {
        let text = format!(
            "SELECT o.id, c.name, lower(o.note) FROM orders o JOIN customers c ON c.id = o.customer WHERE o.note = 'n{number}' ORDER BY o.placed DESC LIMIT 20"
        );
        let begun = Instant::now();
        let facts: std::rc::Rc<Facts> =
            std::rc::Rc::clone(session.read(text.as_bytes()).expect("it is read").command.facts());
        let read = Instant::now();
        let verdict = policy.decide(&caller, &facts, UnixSeconds(1));
        deciding += read.elapsed().as_nanos();
        reading += (read - begun).as_nanos();
        assert_eq!(verdict.decision, Decision::Allow);
    }
    let each = |nanos: u128| nanos / u128::from(count.max(1));
    (each(reading), each(deciding))
}

/// Prints the table.
pub(crate) fn run(count: u32) {
    let mut ten = 0;
    println!("{:>6} {:>12} {:>12} {:>8}", "rules", "read ns", "decide ns", "ratio");
    for rules in [10, 100, 1_000] {
        let policy = policy(rules);
        measure(&policy, count / 10);
        let (read, decide) = measure(&policy, count);
        if rules == 10 {
            ten = read + decide;
        }
        let ratio = (read + decide) * 100 / ten.max(1);
        println!("{rules:>6} {read:>12} {decide:>12} {:>5}.{:02}", ratio / 100, ratio % 100);
    }
}
