//! A budget holds to the row, whatever the client does, and for all sessions of a caller together, whichever worker has them.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::thread;

use chaperone_e2e::{
    Chain, Client, Login, People, Policy, Stack, StackOptions, eventually, has, has_not, no_vm_died, psql,
    say, shop_policy, start,
};

/// The shop's policy without masks, where anything else is allowed, and with these budgets.
fn stack(workers: u32, budgets: &str) -> Stack {
    let rules = "rules:
  - id: anything-else
    effect: allow
    match: { any: true, opaque: true, effects: [copy_in, copy_out] }
";
    let shop = shop_policy().replacen("rules:\n", rules, 1);
    let (rules, _) = shop.split_once("\nmasking:\n").unwrap();
    let policy = Policy::Text(format!("{rules}\nbudgets:\n{budgets}"));
    start(StackOptions { policy, concurrency: workers, ..StackOptions::default() })
}

fn login(stack: &Stack, subject: &str) -> Login {
    Login::new("analyst", &stack.token(subject, &["analysts"]).unwrap(), "shop")
}

/// The letters of what was shown, rows and lines as their number.
fn letters(client: &Client) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rows = 0;
    for (tag, body) in &client.shown {
        if matches!(tag, b'D' | b'd') {
            rows += 1;
            continue;
        }
        if rows > 0 {
            words.push(std::mem::take(&mut rows).to_string());
        }
        let letter = char::from(*tag);
        words.push(match tag {
            b'Z' => format!("Z({})", String::from_utf8_lossy(body)),
            b'E' if String::from_utf8_lossy(body).contains("C53400\0") => "E(53400)".to_owned(),
            _ => letter.to_string(),
        });
    }
    words.join(" ")
}

fn ask(client: &mut Client, text: &str) -> String {
    client.ask(&say::query(text.as_bytes()));
    letters(client)
}

/// How many rows and lines came.
fn rows(client: &Client) -> usize {
    client.shown.iter().filter(|(tag, _)| matches!(tag, b'D' | b'd')).count()
}

#[test]
fn a_result_is_cut_at_the_row_and_the_session_goes_on() {
    let stack = stack(2, "  - { id: little, per: session, rows: 1000, groups: [analysts] }\n");
    for chain in Chain::GOVERNED {
        let mut client = Client::log_in(&stack, chain, &login(&stack, "agent-7"));
        assert_eq!(ask(&mut client, "BEGIN"), "C Z(T)", "{chain:?}");
        assert_eq!(ask(&mut client, "SELECT generate_series(1, 300)"), "T 300 C Z(T)");
        // Megabytes that nobody is shown, in many reads.
        assert_eq!(
            ask(&mut client, "SELECT repeat('x', 100), generate_series(1, 300000)"),
            "T 700 E(53400) Z(T)"
        );
        assert_eq!(ask(&mut client, "SELECT 1"), "E(53400) Z(T)");
        assert_eq!(ask(&mut client, "UPDATE orders SET status = status WHERE id = 0"), "C Z(T)");
        assert_eq!(ask(&mut client, "COMMIT"), "C Z(I)");

        let mut client = Client::log_in(&stack, chain, &login(&stack, "agent-7"));
        client.ask(&say::batch("SELECT generate_series(1, 100000)"));
        assert_eq!(letters(&client), "1 2 1000 E(53400) Z(I)");
        client.ask(&say::batch("SET work_mem = '1MB'"));
        assert_eq!(letters(&client), "1 2 C Z(I)");

        let mut client = Client::log_in(&stack, chain, &login(&stack, "agent-7"));
        let copy = "COPY (SELECT generate_series(1, 100000)) TO STDOUT";
        assert_eq!(ask(&mut client, copy), "H 1000 E(53400) Z(I)");
        assert_eq!(ask(&mut client, copy), "E(53400) Z(I)");

        let mut client = Client::log_in(&stack, chain, &login(&stack, "agent-7"));
        ask(&mut client, "BEGIN");
        ask(&mut client, "DECLARE c CURSOR FOR SELECT generate_series(1, 100000)");
        assert_eq!(ask(&mut client, "FETCH 999 FROM c"), "T 999 C Z(T)");
        assert_eq!(ask(&mut client, "FETCH 999 FROM c"), "T 1 E(53400) Z(T)");
        assert_eq!(ask(&mut client, "ROLLBACK"), "C Z(I)");
    }
    no_vm_died(&stack);
}

#[test]
fn people_read_which_limit_it_is_and_when_it_is_free_again() {
    let budgets = "  - id: one-task
    per: session
    statements: 4
    writes: 1
    hint: Split the task.
  - { id: bytes, per: subject, window: 1h, bytes: 10KB }
";
    let stack = stack(1, budgets);
    for chain in Chain::GOVERNED {
        let shown = psql(
            &stack,
            chain,
            &login(&stack, &format!("writer-{}", chain.name())),
            &[
                "UPDATE orders SET status = status WHERE id = 1",
                "UPDATE orders SET status = status WHERE id = 2",
                "SELECT 'second'",
                "SELECT 'third'",
                "SELECT 'fourth'",
                "SELECT 'fifth'",
            ],
        );
        has(
            &shown,
            &[
                "at most 1 write in a session",
                "Rule one-task, reason SG115",
                "Split the task; it is for the whole",
            ],
        );
        has(&shown, &["second", "third", "fourth", "at most 4 statements in a session"]);
        has_not(&shown, &["fifth"]);
        let reader = login(&stack, &format!("reader-{}", chain.name()));
        let shown = psql(
            &stack,
            chain,
            &reader,
            &["SELECT repeat('x', 1000), generate_series(1, 20)", "SHOW work_mem"],
        );
        has(
            &shown,
            &[
                "the result ends here",
                "at most 10 KB of results in 1h in all sessions of one caller",
                "it begins anew in",
            ],
        );
        let recorded = || People(&stack).run(&["sessions", "show", "last"]);
        eventually("it is recorded", || recorded().contains("SG115").then_some(()));
    }
    no_vm_died(&stack);
}

/// As many sessions as it takes that every worker has some, all at once.
#[test]
fn all_workers_count_together() {
    const SESSIONS: usize = 12;
    const ROWS: usize = 2_000;
    const STATEMENTS: usize = 200;
    let budgets =
        format!("  - {{ id: together, per: subject, window: 1h, rows: {ROWS}, statements: {STATEMENTS} }}\n");
    let stack = stack(4, &budgets);
    for chain in Chain::GOVERNED {
        let agent = login(&stack, "agent-7");
        let mut clients: Vec<Client> = (0..SESSIONS).map(|_| Client::log_in(&stack, chain, &agent)).collect();
        let running = |client: &mut Client| {
            let (mut seen, mut run) = (0, 0);
            for _ in 0..4 {
                client.ask(&say::query(b"SELECT generate_series(1, 100)"));
                seen += rows(client);
                run += usize::from(client.was_shown(b'T'));
            }
            (seen, run)
        };
        let all: Vec<(usize, usize)> = thread::scope(|scope| {
            let threads: Vec<_> =
                clients.iter_mut().map(|client| scope.spawn(move || running(client))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let mut seen: usize = all.iter().map(|(seen, _)| seen).sum();
        let mut run: usize = all.iter().map(|(_, run)| run).sum();
        // What each took ahead is given back, so that what is left is what nobody was shown.
        let (last, others) = clients.split_last_mut().unwrap();
        last.ask(&say::query(b"SELECT generate_series(1, 100000)"));
        seen += rows(last);
        run += usize::from(last.was_shown(b'T'));
        assert_eq!(seen, ROWS, "{}", chain.name());
        run += (0..STATEMENTS).filter(|_| ask(last, "SET work_mem = '1MB'") == "C Z(I)").count();
        assert_eq!(run, STATEMENTS, "{}", chain.name());
        assert_eq!(ask(others.first_mut().unwrap(), "SET work_mem = '1MB'"), "E(53400) Z(I)");
        let mut other = Client::log_in(&stack, chain, &login(&stack, "agent-8"));
        assert_eq!(
            ask(&mut other, "SELECT generate_series(1, 1000)"),
            "T 1000 C Z(I)",
            "another's is another"
        );
    }
    no_vm_died(&stack);
}
