//! A wasm VM dies: a test build's modules panic at a word (`scripts/build-wasm --trap`). Sessions at other workers
//! live on, nothing passes unguarded, and the filter comes back by itself.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chaperone_e2e::{
    Chain, Client, Login, People, Stack, StackOptions, a_vm_died, analyst, eventually, has, no_vm_died, say,
    start,
};
use chaperone_stack::Programs;

/// What the modules of the test build panic at, and with.
const WORD: &str = "chaperone-trap-now";
const PANIC: &[u8] = b"a test build's trap was sprung";

/// The filter of the chain that has the trap.
fn filter(chain: Chain) -> &'static str {
    if chain == Chain::Fused { "fused" } else { "session-tap" }
}

fn module(chain: Chain) -> PathBuf {
    let folder = std::env::var_os("CHAPERONE_TRAP_DIR").unwrap_or_else(|| "target/wasm-trap".into());
    Programs::find(18).unwrap().root.join(folder).join(format!("{}.wasm", filter(chain)))
}

fn stack() -> Stack {
    let modules = Chain::GOVERNED.map(|chain| (filter(chain).to_owned(), module(chain))).to_vec();
    let silence = vec![("CHAPERONE_SILENCE".to_owned(), "12s".to_owned())];
    start(StackOptions { modules, concurrency: 2, sidecar_environment: silence, ..StackOptions::default() })
}

/// How many connections a worker has accepted.
fn accepted(stack: &Stack, chain: Chain, worker: usize) -> u64 {
    let name = format!("listener.127.0.0.1_{}.worker_{worker}.downstream_cx_total", stack.pg_port(chain));
    stack.envoy_stat(&name).unwrap()
}

/// What makes a connection, and the worker that accepted it.
fn placed<T>(stack: &Stack, chain: Chain, make: impl FnOnce() -> T) -> (T, usize) {
    let before = [0, 1].map(|worker| accepted(stack, chain, worker));
    let made = make();
    let worker = eventually("the connection is counted", || {
        [0, 1].into_iter().zip(before).find(|(worker, before)| accepted(stack, chain, *worker) > *before)
    });
    (made, worker.0)
}

/// Sessions at each of the two workers.
fn sessions(stack: &Stack, chain: Chain, login: &Login) -> [Vec<Client>; 2] {
    let mut sessions = [Vec::new(), Vec::new()];
    eventually("both workers have sessions", || {
        let (client, worker) = placed(stack, chain, || Client::log_in(stack, chain, login));
        sessions.get_mut(worker).unwrap().push(client);
        sessions.iter().all(|of| of.len() >= 3).then_some(())
    });
    sessions
}

fn orders(stack: &Stack) -> String {
    chaperone_e2e::psql(stack, Chain::Direct, &stack.target_login(), &["SELECT count(*) FROM orders"])
}

/// Ends the VM of the worker that the client is at. Nothing of what it sent goes on.
fn spring(stack: &Stack, mut client: Client) {
    let before = orders(stack);
    let text =
        format!("INSERT INTO orders (customer, item, amount, placed) VALUES (1, '{WORD}', 1, '2026-01-01')");
    client.send(&say::query(text.as_bytes()));
    client.until_closed();
    assert!(client.words().is_empty(), "{}", client.words());
    assert_eq!(orders(stack), before);
}

#[test]
fn only_the_test_build_has_the_trap() {
    let has_trap = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(PANIC.len()).any(|window| window == PANIC)
    };
    let shipped = Programs::find(18).unwrap().wasm;
    for name in ["approval-hold", "fused", "identity", "response-masking", "session-tap", "sql-guard"] {
        assert!(!has_trap(&shipped.join(format!("{name}.wasm"))), "{name} has the trap");
    }
    for chain in Chain::GOVERNED {
        assert!(has_trap(&module(chain)));
    }
}

#[test]
fn a_vm_that_dies_comes_back_and_nothing_passes_meanwhile() {
    let stack = stack();
    for chain in Chain::GOVERNED {
        let login = analyst(&stack);
        let mut sessions = sessions(&stack, chain, &login);
        if chain == Chain::Fused {
            no_vm_died(&stack);
        }
        let victim = sessions.first_mut().unwrap().pop().unwrap();
        spring(&stack, victim);
        assert!(a_vm_died(&stack), "the words that say so have changed:\n{}", stack.envoy_log());

        // Whoever knocks now is refused or governed as ever.
        let mut served = 0;
        let mut names = Vec::new();
        let start = Instant::now();
        for knock in 0.. {
            if start.elapsed() > Duration::from_secs(3) {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
            let name = format!("SELECT 40 + 2 AS {}_knock_{knock}", chain.name().replace('-', "_"));
            if governed(&stack, chain, &login, &name) {
                names.push(name);
                served += 1;
            }
        }
        assert!(served > 0);

        // At the other worker nobody noticed; at this one the sessions are over, and nothing of them went on.
        let [dead, alive] = &mut sessions;
        for client in alive {
            has(&client.ask(&say::query(b"SELECT 40 + 2")), &["42"]);
            has(&client.ask(&say::query(b"DROP TABLE orders")), &["SG102"]);
        }
        let before = orders(&stack);
        for client in dead {
            let insert =
                b"INSERT INTO orders (customer, item, amount, placed) VALUES (1, 'late', 1, '2026-01-01')";
            let shown = client.ask(&say::query(insert));
            assert!(shown.is_empty(), "a session without its filter goes on: {shown}");
        }
        assert_eq!(orders(&stack), before);

        // The filter came back by itself, at that worker too.
        let mut back = [false; 2];
        eventually("both workers serve", || {
            let (serves, worker) =
                placed(&stack, chain, || governed(&stack, chain, &login, "SELECT 40 + 2 AS back"));
            *back.get_mut(worker).unwrap() |= serves;
            back.iter().all(|it| *it).then_some(())
        });
        let reloaded = format!("wasm.{}.vm_reload_success", filter(chain));
        assert!(stack.envoy_stat(&reloaded).is_none_or(|count| count >= 1));

        // And whatever was served was recorded.
        let recorded = || {
            let all = People(&stack).run(&["sessions", "list", "--limit", "200", "--json"]);
            let all: serde_json::Value = serde_json::from_str(&all).unwrap();
            let all = all.get("sessions").unwrap_or(&all).as_array().unwrap().clone();
            let ids = all.iter().filter_map(|it| it.get("id")?.as_str());
            ids.map(|id| People(&stack).run(&["sessions", "play", id, "--instant"])).collect::<String>()
        };
        eventually("what was served is recorded", || {
            let shown = recorded();
            names.iter().all(|name| shown.contains(name)).then_some(())
        });
    }
    broken_off(&stack);
}

/// What a dead VM had not sent yet is in no recording, and the recordings say so.
fn broken_off(stack: &Stack) {
    let people = People(stack);
    let all = || -> Vec<serde_json::Value> {
        let all = people.run(&["sessions", "list", "--limit", "500", "--json"]);
        serde_json::from_str(&all).unwrap()
    };
    let id = |session: &serde_json::Value| session.get("id").unwrap().as_str().unwrap().to_owned();
    let broken = eventually("its gateway's silence is noticed", || {
        let broken = |session: &serde_json::Value| session.get("silent_since_ms").is_some();
        let broken: Vec<_> = all().iter().filter(|session| broken(session)).map(id).collect();
        (broken.len() >= 3).then_some(broken)
    });
    for session in &broken {
        let shown = people.run(&["sessions", "verify", session]);
        assert!(shown.contains("what came after the last record is unknown"), "{shown}");
    }
    let whole = all().into_iter().filter(|session| !broken.contains(&id(session)));
    let whole: Vec<_> = whole.map(|session| people.run(&["sessions", "verify", &id(&session)])).collect();
    assert!(whole.len() > 5 && whole.iter().all(|shown| shown.contains("whole: ")), "{whole:?}");
}

/// Knocks once. True when it was let in and governed, false when it was refused; anything else fails.
fn governed(stack: &Stack, chain: Chain, login: &Login, text: &str) -> bool {
    let mut client = Client::connect(stack, chain);
    client.send(&say::startup(&login.user, &login.database));
    if !client.comes(b'R') {
        return false;
    }
    // The target itself would ask for SASL (10): a password in clear (3) is what identity asks for.
    assert_eq!(client.shown.first().unwrap().1, [0, 0, 0, 3], "the target speaks to a stranger");
    client.send(&say::password(&login.password));
    if !client.settle() {
        return false;
    }
    let shown = client.ask(&say::query(b"DROP TABLE orders"));
    assert!(shown.is_empty() || shown.contains("SG102"), "not guarded: {shown}");
    let shown = client.ask(&say::query(text.as_bytes()));
    assert!(shown.is_empty() || shown.contains("42"), "{shown}");
    !shown.is_empty()
}

/// Whoever sets FAIL_OPEN gets a chain that Envoy silently leaves the dead filter out of: then the native filter refuses.
#[test]
fn where_envoy_leaves_the_filter_out_the_native_one_refuses() {
    let stack = stack();
    for chain in Chain::GOVERNED {
        let login = analyst(&stack);
        let file = stack.run_dir().join(format!("ecds/{}.yaml", filter(chain)));
        let text = std::fs::read_to_string(&file).unwrap();
        let open = text.replace("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN");
        assert_ne!(open, text);
        let (before, _) = stack.policy_deliveries();
        std::fs::write(file.with_extension("new"), open).unwrap();
        std::fs::rename(file.with_extension("new"), &file).unwrap();
        eventually("the configuration is in force", || (stack.policy_deliveries().0 > before).then_some(()));

        let mut sessions = sessions(&stack, chain, &login);
        let victim = sessions.first_mut().unwrap().pop().unwrap();
        spring(&stack, victim);

        let denied = format!("chaperone_{}.rbac.denied", chain.name());
        let at_first = stack.envoy_stat(&denied).unwrap_or_default();
        let mut dead = 0;
        eventually("the worker without the filter is knocked at", || {
            let (served, worker) =
                placed(&stack, chain, || governed(&stack, chain, &login, "SELECT 40 + 2 AS knock"));
            assert!(worker == 1 || !served, "served without the filter");
            dead += usize::from(worker == 0);
            (dead >= 3).then_some(())
        });
        let denied = stack.envoy_stat(&denied).unwrap_or_default();
        assert!(denied >= at_first + 3, "it was not the native filter that refused: {denied}");
    }
}
