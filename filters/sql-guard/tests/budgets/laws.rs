//! However the bytes come, it is the same.

use proptest::prelude::*;

use crate::support::{bind, execute, parse, query, rows, run, shown, sync, verdicts, wire};

/// Rows and bytes that two budgets allow.
fn two_budgets(most: u64) -> [String; 2] {
    [
        format!("id: a, per: session, rows: {most}, statements: 14"),
        format!("id: b, per: subject, window: 1h, bytes: {}", most * 60),
    ]
}

proptest! {
    /// What is refused before it runs depends on what was shown before, so the client waits for each answer.
    #[test]
    fn any_split_gives_the_same(chunk in 1_usize..60, most in 1_u64..40) {
        let script = [
            rows(3), query("begin"), [run("select 'rows 4'"), sync()].concat(), rows(9),
            query("copy t to stdout -- copy out 5"), [parse("s", "select 'rows 9'"), bind("p", "s"), sync()].concat(),
            [execute("p", 3), sync()].concat(), [execute("p", 3), sync()].concat(), query("drop table t"),
            query("rollback"), rows(20),
        ];
        let run = |chunk| {
            let mut wire = wire(&two_budgets(most).each_ref().map(String::as_str));
            wire.chunk = chunk;
            script.iter().for_each(|flight| wire.client(flight));
            let bytes = wire.shown.clone();
            let told = (wire.look(), wire.ran(), verdicts(&wire), wire.sent.clone());
            wire.shown = bytes;
            (told, shown(&mut wire))
        };
        let (whole, split) = (run(0), run(chunk));
        prop_assert!(whole.1.0 as u64 <= most && whole.1.1 as u64 <= most * 60);
        prop_assert_eq!(whole, split);
    }

    /// All of it is at the target before the first answer comes.
    #[test]
    fn any_split_of_the_answers_gives_the_same(chunk in 1_usize..60, most in 1_u64..40) {
        let script = [
            rows(3), run("select 'rows 4'"), run("insert into t values (1)"), sync(), query("begin"), rows(9),
            query("copy t to stdout -- copy out 5"), parse("s", "select 'rows 9'"), bind("p", "s"), execute("p", 3),
            execute("p", 3), sync(), query("rollback"), rows(2),
        ].concat();
        let mut target = wire(&[]);
        target.client(&script);
        let run = |chunk| {
            let mut wire = wire(&two_budgets(most).each_ref().map(String::as_str));
            wire.server.is_gone = true;
            wire.client(&script);
            wire.chunk = chunk;
            wire.from_server(&target.shown);
            let bytes = wire.shown.clone();
            let told = (wire.look(), verdicts(&wire));
            wire.shown = bytes;
            (told, shown(&mut wire))
        };
        let (whole, split) = (run(0), run(chunk));
        prop_assert!(whole.0.0.matches('Z').count() == 8 && whole.0.0.ends_with("Z(I)"));
        prop_assert!(whole.1.0 as u64 <= most && whole.1.1 as u64 <= most * 60);
        prop_assert_eq!(whole, split);
    }
}
