//! The parts that need no filter: PostgreSQL, Envoy as a plain proxy, and what ends when.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chaperone_stack::{Chain, Delivery, Login, Stack, StackOptions};

fn plain(options: StackOptions) -> Stack {
    Stack::start(StackOptions { delivery: Delivery::Off, ..options }).unwrap()
}

fn ask(stack: &Stack, chain: Chain, login: &Login, query: &str) -> Result<String, String> {
    let output = stack.psql(chain, login, &["-At", "-c", query]).unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

fn gone(process: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process).join("stat")).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}

#[test]
fn postgres_answers_directly_and_through_envoy_but_no_chain_without_filters_does() {
    let mut stack = plain(StackOptions::default());
    let login = stack.target_login();
    for chain in [Chain::Direct, Chain::Plain] {
        assert_eq!(
            ask(&stack, chain, &login, "select count(*) from customers").unwrap(),
            "5",
            "{}",
            chain.name()
        );
    }
    for chain in Chain::GOVERNED {
        let refused = ask(&stack, chain, &login, "select 1").unwrap_err();
        assert!(refused.contains("closed the connection"), "{}: {refused}", chain.name());
    }

    let wrong = Login::new(&login.user, "wrong", &login.database);
    assert!(
        ask(&stack, Chain::Direct, &wrong, "select 1")
            .unwrap_err()
            .contains("password authentication failed")
    );

    stack.kill_pg();
    assert!(ask(&stack, Chain::Plain, &login, "select 1").is_err());
    stack.start_pg().unwrap();
    assert_eq!(ask(&stack, Chain::Plain, &login, "select count(*) from orders").unwrap(), "5");

    assert_eq!(stack.envoy_admin("/ready").unwrap().body.trim(), "LIVE");
    assert!(stack.envoy_stat("tcp.plain.downstream_cx_total").unwrap() >= 3);
    assert!(stack.envoy_is_running());
    let run = stack.run_dir().to_path_buf();
    drop(stack);
    assert!(!run.exists(), "the run directory goes with the stack");
}

#[test]
fn postgres_can_be_set_up_as_a_test_needs_it() {
    let stack = plain(StackOptions {
        postgres_version: 16,
        postgres_settings: vec![("work_mem".to_owned(), "7MB".to_owned())],
        postgres_hba: vec!["host all old 127.0.0.1/32 md5".to_owned()],
        postgres_sql: "SET password_encryption = 'md5'; CREATE ROLE old LOGIN PASSWORD 'old';".to_owned(),
        ..StackOptions::default()
    });
    let old = Login::new("old", "old", "shop");
    assert_eq!(ask(&stack, Chain::Direct, &old, "show work_mem").unwrap(), "7MB");
    let superuser = stack.superuser_login().unwrap();
    let query = "select rolpassword ~ '^md5', current_setting('server_version') ~ '^16' from pg_authid where rolname = 'old'";
    assert_eq!(ask(&stack, Chain::Direct, &superuser, query).unwrap(), "t|t");
}

#[test]
fn every_part_ends_when_its_process_is_killed() {
    let mut victim = Command::new(env::current_exe().unwrap())
        .args(["--exact", "victim", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let line = lines.map(Result::unwrap).find(|line| line.starts_with("parts ")).unwrap();
    let parts: Vec<&str> = line.split(' ').skip(1).collect();
    assert_eq!(parts.len(), 2);
    assert!(parts.iter().all(|part| !gone(part)), "{line}");
    victim.kill().unwrap();
    victim.wait().unwrap();
    let start = Instant::now();
    while !parts.iter().all(|part| gone(part)) {
        assert!(start.elapsed() < Duration::from_secs(20), "still running: {line}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Not a test: the process that `every_part_ends_when_its_process_is_killed` kills.
#[test]
#[ignore = "only waits to be killed"]
fn victim() {
    // Started by a thread that has ended before the process does: the parts must not end with the thread.
    let stack = thread::spawn(|| plain(StackOptions::default())).join().unwrap();
    let postmaster = std::fs::read_to_string(stack.run_dir().join("postgres/data/postmaster.pid")).unwrap();
    println!("\nparts {} {}", stack.envoy_id().unwrap(), postmaster.lines().next().unwrap());
    thread::sleep(Duration::from_secs(600));
}
