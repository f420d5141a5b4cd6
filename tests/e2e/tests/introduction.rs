//! The database knows who is behind the account: for its own row-level security, and for whoever looks at its sessions.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use chaperone_e2e::{
    Chain, Login, Policy, Stack, StackOptions, has, has_not, no_vm_died, psql, shop_policy, start,
};

/// Rows of one's own, for the role `readers`, which nobody is by themselves.
const OWN_ROWS: &str = "
CREATE ROLE readers;
GRANT readers TO shop_app;
CREATE TABLE notes (owner text, note text);
INSERT INTO notes VALUES ('agent-7', 'mine'), ('agent-8', 'not mine');
GRANT SELECT ON notes TO readers;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes TO readers USING (owner = current_setting('chaperone.subject', true));
";

/// The shop's policy with this `upstream`, and notes for everybody.
fn policy(upstream: &str) -> String {
    let shop = shop_policy();
    let usual = "upstream: { user: shop_app, auth: scram-sha-256, password_env: SHOP_APP_PASSWORD }";
    let told = shop.replacen(usual, &format!("upstream: {{ {upstream} }}"), 1);
    assert_ne!(told, shop);
    let rules = "rules:
  - id: anything-else
    effect: allow
    match: { any: true, opaque: true, effects: [switch_role], settings: ['*'] }
";
    // Hidden columns would have reports of settings left out.
    let told = told.replacen("rules:\n", rules, 1);
    let (rules, _) = told.split_once("\nmasking:\n").unwrap();
    format!("{rules}\n")
}

fn stack(upstream: &str, trusted: bool) -> Stack {
    let hba = trusted.then(|| "host all shop_app 127.0.0.1/32 trust".to_owned());
    start(StackOptions {
        policy: Policy::Text(policy(upstream)),
        postgres_hba: hba.into_iter().collect(),
        postgres_sql: OWN_ROWS.to_owned(),
        ..StackOptions::default()
    })
}

fn login(stack: &Stack, subject: &str) -> Login {
    Login::new("analyst", &stack.token(subject, &["analysts", "o'hare"]).unwrap(), "shop")
}

#[test]
fn the_database_knows_who_is_calling_and_nobody_takes_it_back() {
    let session = "session: { role: readers, application_name: subject, settings: { chaperone.subject: subject, chaperone.groups: groups } }";
    let scram = "user: shop_app, auth: scram-sha-256, password_env: SHOP_APP_PASSWORD";
    for (upstream, trusted) in [(scram, false), ("user: shop_app, auth: trust", true)] {
        let stack = stack(&format!("{upstream}, {session}"), trusted);
        let (agent, other) = (login(&stack, "agent-7"), login(&stack, "agent-8"));
        for chain in Chain::GOVERNED {
            let shown = psql(
                &stack,
                chain,
                &agent,
                &[
                    "SELECT note FROM notes",
                    "SELECT current_user, session_user, current_setting('chaperone.groups')::jsonb ? 'o''hare'",
                    "SHOW application_name",
                    "SELECT 'sees ' || application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()",
                ],
            );
            assert_eq!(shown, "mine\nreaders|shop_app|t\nagent-7\nsees agent-7\n", "{chain:?}");
            for back in [
                "SET chaperone.subject = 'agent-8'",
                "SELECT set_config('Chaperone.Subject', 'agent-8', false)",
                "SET LOCAL \"chaperone.subject\" TO 'agent-8'",
                "RESET chaperone.subject",
                "RESET ALL",
                "DISCARD ALL",
                "SET application_name = 'somebody'",
                "RESET ROLE",
                "SET ROLE NONE",
                "SET SESSION AUTHORIZATION DEFAULT",
                "SELECT set_config('role', 'none', false)",
                "DO $$ BEGIN PERFORM set_config('chaperone.subject', 'agent-8', false); END $$",
                "UPDATE pg_settings SET setting = 'agent-8' WHERE name = 'chaperone.subject'",
            ] {
                let shown = psql(
                    &stack,
                    chain,
                    &agent,
                    &[back, "SELECT note FROM notes", "SELECT current_user", "SHOW application_name"],
                );
                has(&shown, &["ERROR", "mine\n", "readers\n", "agent-7\n"]);
                has_not(&shown, &["not mine", "somebody"]);
            }
            // A transaction that is taken back takes nothing of it along.
            let shown =
                psql(&stack, chain, &other, &["BEGIN", "SELECT 1/0", "ROLLBACK", "SELECT note FROM notes"]);
            has(&shown, &["division by zero", "\nnot mine\n"]);
        }
        no_vm_died(&stack);
    }
}

#[test]
fn no_session_begins_that_the_database_would_take_for_another() {
    let scram = "user: shop_app, auth: scram-sha-256, password_env: SHOP_APP_PASSWORD";
    for (session, reason) in [
        // A prefix that an extension has reserved.
        ("session: { settings: { plpgsql.subject: subject } }", "ID135"),
        // A role that the account may not take.
        ("session: { role: postgres }", "ID131"),
    ] {
        let stack = start(StackOptions {
            policy: Policy::Text(policy(&format!("{scram}, {session}"))),
            postgres_settings: vec![("session_preload_libraries".to_owned(), "plpgsql".to_owned())],
            ..StackOptions::default()
        });
        for chain in Chain::GOVERNED {
            let shown = psql(&stack, chain, &login(&stack, "agent-7"), &["SELECT 'inside'"]);
            has(&shown, &["FATAL", reason]);
            has_not(&shown, &["inside"]);
        }
        no_vm_died(&stack);
    }
}
