//! An agent's session, from login to recording, through both chains.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chaperone_e2e::{
    Background, Chain, Client, Login, People, Stack, analyst, eventually, has, has_not, printed, psql, say,
    shop,
};

const ALGORITHMS: [&str; 5] = ["RS256", "ES256", "EdDSA", "PS256", "ES384"];

#[test]
fn the_whole_story_through_both_chains() {
    let stack = shop(5);
    let defined: BTreeSet<_> = counters(&stack).into_keys().collect();
    // The provider makes a key at the first token of an algorithm; Envoy asks for unknown keys every ten seconds at most.
    for algorithm in ALGORITHMS {
        stack.token_with("agent-7", &[], &["--algorithm", algorithm]).unwrap();
    }
    for chain in Chain::GOVERNED {
        logins(&stack, chain);
        masking(&stack, chain);
        denials(&stack, chain);
        holds(&stack, chain);
    }
    every_function_of_the_server_has_its_class(&stack);
    an_account_may_have_settings_of_its_own(&stack);
    recordings(&stack);
    policy_changes(&stack);
    no_secret_anywhere(&stack);
    everything_was_counted(&stack, &defined);
}

/// What the filters count, by the name under which Envoy shows it.
fn counters(stack: &Stack) -> BTreeMap<String, u64> {
    let stats = stack.envoy_admin("/stats?filter=^wasmcustom[.]").unwrap().body;
    let read = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    stats.lines().filter_map(read).collect()
}

/// The filters count what they do, each in its own name, and what they count stood there with 0 before anybody came.
fn everything_was_counted(stack: &Stack, defined: &BTreeSet<String>) {
    for what in [
        "identity.login.accepted",
        "identity.login.refused",
        "session-tap.sessions.recorded",
        "sql-guard.verdict.allow",
        "sql-guard.verdict.deny",
        "sql-guard.verdict.hold",
        "approval-hold.holds.asked",
        "approval-hold.holds.approved",
        "approval-hold.holds.rejected",
        "approval-hold.holds.expired",
        "approval-hold.holds.cancelled",
        "response-masking.messages.masked",
    ] {
        eventually(what, || {
            counters(stack)
                .get(&format!("wasmcustom.chaperone.{what}"))
                .is_some_and(|by| *by > 0)
                .then_some(())
        });
    }
    let counted: BTreeSet<_> = counters(stack).into_keys().collect();
    assert_eq!(&counted, defined);
}

/// The gateway asks for strings as it reads them, whatever the account has by itself.
fn an_account_may_have_settings_of_its_own(stack: &Stack) {
    let superuser = stack.superuser_login().unwrap();
    let set = |what: &str| {
        let text = format!("ALTER ROLE shop_app {what} standard_conforming_strings");
        let text = if what == "SET" { format!("{text} = off") } else { text };
        has(&psql(stack, Chain::Direct, &superuser, &[&text]), &["ALTER ROLE"]);
    };
    set("SET");
    let show = "SHOW standard_conforming_strings";
    has(&psql(stack, Chain::Direct, &stack.target_login(), &[show]), &["off"]);
    for chain in Chain::GOVERNED {
        let shown = psql(stack, chain, &analyst(stack), &[r"SELECT 'a\b' AS x, 'c' AS y"]);
        has(&shown, &[r"a\b|c"]);
    }
    set("RESET");
}

/// Volatile functions of PostgreSQL that have no effect but to give another result each time.
const HARMLESS: &str = "amvalidate array_sample array_shuffle clock_timestamp current_query currtid2 currval gen_random_uuid \
    lastval pg_advisory_unlock pg_available_wal_summaries pg_get_aios pg_get_loaded_modules pg_get_sequence_data \
    pg_get_shmem_allocations_numa pg_get_wait_events pg_stat_get_backend_io pg_stat_get_backend_wal pg_wal_summary_contents uuidv4 uuidv7 pg_advisory_unlock_all pg_advisory_unlock_shared pg_blocking_pids \
    pg_collation_actual_version pg_control_checkpoint pg_control_init pg_control_recovery pg_control_system \
    pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn pg_database_collation_actual_version \
    pg_database_size pg_get_backend_memory_contexts pg_get_multixact_members pg_get_shmem_allocations \
    pg_get_wal_replay_pause_state pg_indexes_size pg_is_in_recovery pg_is_wal_replay_paused pg_jit_available \
    pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_lock_status \
    pg_notification_queue_usage pg_partition_ancestors pg_partition_tree pg_prepared_xact pg_relation_size \
    pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_show_replication_origin_status pg_stat_clear_snapshot \
    pg_stat_get_io pg_stat_get_recovery_prefetch pg_stat_have_stats pg_table_size pg_tablespace_size \
    pg_total_relation_size pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_xact_status random \
    random_normal timeofday txid_status";

/// Functions that only read, and read more than their call tells.
const READS_MORE: [&str; 3] = ["pg_stat_get_activity", "pg_stat_get_backend_activity", "ts_rewrite"];

fn every_function_of_the_server_has_its_class(stack: &Stack) {
    let all = "SELECT DISTINCT proname, provolatile FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
        AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'language_handler'::regtype,
            'internal'::regtype, 'index_am_handler'::regtype, 'table_am_handler'::regtype, 'tsm_handler'::regtype,
            'fdw_handler'::regtype)
        AND oid NOT IN (SELECT typinput FROM pg_type UNION SELECT typreceive FROM pg_type)";
    let shown = psql(stack, Chain::Direct, &stack.target_login(), &[all]);
    let harmless: Vec<_> = HARMLESS.split_whitespace().collect();
    let (mut seen, mut wrong) = (0, Vec::new());
    for (name, volatility) in shown.lines().filter_map(|line| line.trim().split_once('|')) {
        seen += 1;
        let class = chaperone_policy::function_class(name);
        let counts = name.starts_with("pg_stat_get_xact_") || harmless.contains(&name);
        let fits = match volatility {
            "v" => (class == "catalog") == counts && class != "unknown",
            // What only reads may still read more than its call tells: tables, statements of other callers.
            _ => class == "catalog" || name.contains("_to_xml") || READS_MORE.contains(&name),
        };
        if !fits {
            wrong.push(format!("{name} ({volatility}) is `{class}`"));
        }
    }
    assert!(seen > 2_000, "{seen}: {shown}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn logins(stack: &Stack, chain: Chain) {
    let refused = |role: &str, groups: &[&str], arguments: &[&str]| {
        let token = stack.token_with("agent-7", groups, arguments).unwrap();
        psql(stack, chain, &Login::new(role, &token, "shop"), &["SELECT 1"])
    };
    has(&refused("analyst", &["analysts"], &["--forged"]), &["FATAL", "ID106"]);
    has(&refused("analyst", &["analysts"], &["--expired"]), &["FATAL", "ID102"]);
    has(&refused("analyst", &["analysts"], &["--audience", "other"]), &["FATAL", "ID104"]);
    has(&refused("admin", &["analysts"], &[]), &["FATAL", "ID121"]);
    has(&refused("nobody", &["analysts"], &[]), &["FATAL", "ID120"]);
    has(&psql(stack, chain, &Login::new("analyst", "hunter2", "shop"), &["SELECT 1"]), &["FATAL", "ID101"]);
    let token = stack.token("agent-7", &["analysts"]).unwrap();
    has(&psql(stack, chain, &Login::new("analyst", &token, "postgres"), &["SELECT 1"]), &["FATAL", "ID122"]);
    for algorithm in ALGORITHMS {
        let token = stack.token_with("agent-7", &["analysts"], &["--algorithm", algorithm]).unwrap();
        let shown = psql(stack, chain, &Login::new("analyst", &token, "shop"), &["SELECT 40 + 2"]);
        assert_eq!(shown.trim(), "42", "{algorithm}");
    }
}

fn masking(stack: &Stack, chain: Chain) {
    let login = analyst(stack);
    let shown = psql(stack, chain, &login, &["SELECT * FROM customers ORDER BY id"]);
    has(&shown, &["1|Ada Byron|", "1111|London|[redacted]", "5|Kurt Gödel|", "|Brünn|[redacted]"]);
    has_not(&shown, &["4111 1111", "ada@example.com", "prefers letters"]);
    let direct = psql(
        stack,
        Chain::Direct,
        &stack.target_login(),
        &["SELECT id, name, city FROM customers ORDER BY id"],
    );
    let governed = psql(stack, chain, &login, &["SELECT id, name, city FROM customers ORDER BY id"]);
    assert_eq!(governed, direct, "what is not masked is as it is stored");
    let staff =
        ["SELECT 'badge EMP-123456 of ' || name FROM customers WHERE id = 1", "SELECT 'EMP-123456'::int"];
    let shown = psql(stack, chain, &login, &staff);
    has(&shown, &["badge [redacted] of Ada Byron", "invalid input syntax for type integer: \"[redacted]\""]);
    for spelling in [
        "SELECT card AS x FROM customers",
        "SELECT c.card FROM public.customers c",
        "SELECT upper(card) FROM customers",
        "SELECT card || '' FROM customers",
        "SELECT (SELECT card FROM customers WHERE id = 1)",
        "SELECT x FROM (SELECT card AS x FROM customers) s",
        "WITH t AS (SELECT card AS x FROM customers) SELECT x FROM t",
        "SELECT c FROM customers c",
        "SELECT row_to_json(c) FROM customers c",
        "SELECT string_agg(card, ',') FROM customers",
        "SELECT card FROM customers UNION SELECT card FROM customers",
        "COPY customers TO STDOUT",
        "COPY (SELECT card FROM customers) TO STDOUT",
        "TABLE customers",
        "DECLARE c CURSOR FOR SELECT card FROM customers",
        "SELECT card::int FROM customers",
    ] {
        has_not(&psql(stack, chain, &login, &[spelling]), &["4111 1111 1111 1111", "4111111111111111"]);
    }
}

fn denials(stack: &Stack, chain: Chain) {
    let login = analyst(stack);
    for (statement, reason) in [
        ("DROP DATABASE shop", "SG102"),
        ("DROP TABLE orders", "SG102"),
        ("DELETE FROM orders", "SG104"),
        ("SELECT 1; DROP TABLE orders", "SG102"),
        ("/* harmless */ dRoP/**/TABLE orders", "SG102"),
        ("SELECT query_to_xml('select 1', true, true, '')", "SG10"),
        ("DO $$ BEGIN DROP TABLE orders; END $$", "SG103"),
        ("SET ROLE shop_owner", "SG1"),
        ("COPY orders TO PROGRAM 'id'", "SG10"),
    ] {
        let shown = psql(stack, chain, &login, &[statement]);
        has(&shown, &["ERROR:  chaperone: ", "DETAIL:", "HINT:", reason]);
    }
    let shown =
        psql(stack, chain, &login, &["BEGIN", "DROP TABLE orders", "SELECT count(*) FROM orders", "COMMIT"]);
    has(&shown, &["ERROR:", "\n5\n", "COMMIT"]);
    let count = psql(stack, Chain::Direct, &stack.target_login(), &["SELECT count(*) FROM orders"]);
    assert_eq!(count.trim(), "5", "nothing was done");
}

fn held(stack: &Stack, chain: Chain, statement: &str) -> Background {
    let mut command = stack.client("psql", chain, &analyst(stack));
    command.args(["-X", "-A", "-t", "-c", statement, "-c", "SELECT 'the session lives'"]);
    Background::start(command)
}

fn holds(stack: &Stack, chain: Chain) {
    let people = People(stack);
    let balance = |id: u32| {
        let statement = format!("SELECT balance FROM accounts WHERE id = {id}");
        psql(stack, Chain::Direct, &stack.target_login(), &[&statement]).trim().to_owned()
    };
    let before = balance(1);
    let run = held(stack, chain, "UPDATE accounts SET balance = balance + 1 WHERE id = 1");
    let id = people.one_pending();
    assert_eq!(balance(1), before, "nothing happens before somebody says yes");
    has(&people.run(&["approvals", "approve", &id, "--by", "agent-7"]), &["cannot decide it"]);
    assert_eq!(balance(1), before, "the requester is nobody to ask");
    people.run(&["approvals", "approve", &id, "--by", "dora"]);
    let shown = run.finish();
    has(&shown, &["NOTICE", &id, "UPDATE 1", "the session lives"]);
    assert_ne!(balance(1), before);

    let before = balance(2);
    let run = held(stack, chain, "UPDATE accounts SET balance = 0 WHERE id = 2");
    let id = people.one_pending();
    people.run(&["approvals", "reject", &id, "--by", "dora", "--reason", "no ticket"]);
    has(&run.finish(), &["NOTICE", "AH101", "no ticket", "the session lives"]);

    let run = held(stack, chain, "UPDATE accounts SET balance = 0 WHERE id = 2");
    has(&run.finish(), &["NOTICE", "AH102", "the session lives"]);

    let run = held(stack, chain, "UPDATE accounts SET balance = 0 WHERE id = 2");
    people.one_pending();
    let kill = std::process::Command::new("kill").args(["-INT", &run.id().to_string()]).status();
    assert!(kill.unwrap().success());
    has(&run.finish(), &["NOTICE", "AH103"]);
    eventually("no request is left", || people.pending().is_empty().then_some(()));

    let run = held(stack, chain, "UPDATE accounts SET balance = 0 WHERE id = 2");
    people.one_pending();
    drop(run);
    eventually("the request of a client that is gone is withdrawn", || {
        people.pending().is_empty().then_some(())
    });
    assert_eq!(balance(2), before);
}

fn recordings(stack: &Stack) {
    let people = People(stack);
    eventually("the recording is complete", || {
        people.run(&["sessions", "list"]).contains("agent-7").then_some(())
    });
    let list = people.run(&["sessions", "list"]);
    has(&list, &["agent-7"]);
    let output = stack.chaperone().args(["sessions", "list", "--json"]).output().unwrap();
    let sessions: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let sessions =
        sessions.as_array().or_else(|| sessions.get("sessions")?.as_array()).cloned().unwrap_or_default();
    assert!(!sessions.is_empty());
    let mut all = String::new();
    for session in &sessions {
        let id = session.get("id").and_then(|id| id.as_str()).unwrap();
        let verified = stack.chaperone().args(["sessions", "verify", id]).output().unwrap();
        has(&printed(&verified), &["whole"]);
        all.push_str(&people.run(&["sessions", "play", id, "--instant"]));
    }
    has(&all, &["DROP TABLE orders", "Ada Byron", "approved", "the session lives"]);
    has_not(&all, &["4111 1111 1111 1111", "ada@example.com", "eyJ"]);
}

fn policy_changes(stack: &Stack) {
    let login = analyst(stack);
    let policy = stack.read_policy().unwrap();
    let closed = "rules:\n  - id: closed\n    effect: deny\n    match: { tables: [public.orders] }\n    message: the books are closed\n";
    for chain in Chain::GOVERNED {
        let mut live = Client::log_in(stack, chain, &login);
        let ask = |live: &mut Client| live.ask(&say::query(b"SELECT count(*) FROM orders"));
        // The filters get the policy one after the other: the chain before has put the old one back a moment ago.
        eventually("the first policy is in force", || (!ask(&mut live).contains("closed")).then_some(()));
        // A command that waits for people, and one that waits for its Sync.
        let [mut held, mut parked] = [(); 2].map(|()| Client::log_in(stack, chain, &login));
        held.send(&say::query(b"UPDATE accounts SET balance = 0 WHERE id = 2"));
        held.until(b'N');
        let batch = say::batch("UPDATE accounts SET balance = 0 WHERE id = 2");
        let (update, sync) = batch.split_at(batch.len() - 5);
        parked.send(update);
        parked.listen(Duration::from_millis(300));
        stack.write_policy(&policy.replacen("rules:\n", closed, 1)).unwrap();
        eventually("the live session obeys", || {
            ask(&mut live).contains("the books are closed").then_some(())
        });
        held.settle();
        has(&held.words(), &["ERROR", "AH105"]);
        has(&parked.ask(sync), &["ERROR", "AH105"]);
        assert!(!parked.was_shown(b'C'), "a verdict of yesterday lets nothing run");
        eventually("nobody is asked any more", || People(stack).pending().is_empty().then_some(()));
        // A policy that is none changes nothing.
        stack.write_policy("version: 1\nrulez: []\n").unwrap();
        std::thread::sleep(Duration::from_secs(1));
        has(&ask(&mut live), &["the books are closed"]);
        stack.write_policy(&policy).unwrap();
        eventually("and the old policy again", || (!ask(&mut live).contains("closed")).then_some(()));
    }
}

fn no_secret_anywhere(stack: &Stack) {
    let password = stack.target_login().password;
    for part in ["envoy", "access", "sidecar", "idp", "delivery"] {
        let log = stack.log(part);
        has_not(
            &log,
            &["eyJ", &password, "4111 1111 1111 1111", stack.filter_token(), stack.operator_token()],
        );
    }
    has(&stack.access_log(), &["agent-7"]);
}
