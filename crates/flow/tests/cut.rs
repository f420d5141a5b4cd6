//! An answer that is cut: an error in the place of its rest, both sides in step, the status the server's own.

#![expect(clippy::unwrap_used, reason = "tests")]

use chaperone_flow::postgres::{Answered, Gate, Turn, fatal};
use chaperone_flow::testing::Wire;
use chaperone_flow::{Cx, Effect, Flow, Note, Step};
use chaperone_model::Reason;
use chaperone_pgwire::client::{Query, write};
use chaperone_pgwire::{Format, Frame, tag};
use proptest::prelude::*;

/// Shows two rows of an answer; refuses what contains `drop`.
#[derive(Debug, Default)]
struct Cutter {
    gate: Gate<()>,
    rows: usize,
    done: usize,
}

impl Flow for Cutter {
    fn client(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>, _note: &mut Option<Note>) -> Step {
        if !self.gate.admits(&frame) {
            return Step::Take;
        }
        let drop = |text: &[u8]| text.windows(4).any(|word| word == b"drop");
        let refused = match frame.tag {
            tag::client::QUERY => drop(Query::read(frame.body()).unwrap().text),
            tag::client::PARSE => drop(frame.body()),
            _ => false,
        };
        if refused {
            self.gate.refuse(cx, frame.tag, &fatal(Reason::RuleDenied));
            return Step::Take;
        }
        self.gate.pass(cx, &frame)
    }

    fn server(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>) -> Step {
        let request = match self.gate.server(cx, &frame) {
            Turn::Taken => return Step::Take,
            Turn::Hidden(answered) => {
                self.done += usize::from(matches!(answered, Answered::Last(..)));
                return Step::Take;
            }
            Turn::Pass(Answered::Part(request, ())) => request,
            Turn::Pass(_) => {
                self.rows = 0;
                return Step::Pass;
            }
        };
        if matches!(frame.tag, tag::server::DATA_ROW | tag::server::COPY_DATA) {
            self.rows += 1;
            if self.rows > 2 {
                self.rows = 0;
                self.gate.cut(cx, request, &fatal(Reason::BudgetUsedUp));
                return Step::Take;
            }
        }
        Step::Pass
    }
}

fn wire() -> Wire {
    let mut wire = Wire::new(vec![Box::new(Cutter::default())]);
    wire.begin();
    wire
}

fn query(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::query(&mut out, text.as_bytes()).unwrap();
    out
}

fn run(text: &str, most: i32) -> Vec<u8> {
    let mut out = Vec::new();
    write::parse(&mut out, b"", text.as_bytes(), &[]).unwrap();
    write::bind(&mut out, b"", b"", [], Format::Text).unwrap();
    write::execute(&mut out, b"", most).unwrap();
    out
}

fn sync() -> Vec<u8> {
    let mut out = Vec::new();
    write::sync(&mut out);
    out
}

#[test]
fn the_rest_of_a_query_is_an_error_and_the_session_goes_on() {
    let mut wire = wire();
    for (text, shown) in [
        ("rows 2", "T D D C Z(I)"),
        ("rows 3", "T D D E(53400) Z(I)"),
        ("begin", "T D C Z(T)"),
        ("rows 30", "T D D E(53400) Z(T)"),
        ("copy out 2", "H d d c C Z(T)"),
        ("copy out 9", "H d d E(53400) Z(T)"),
        ("it will fail", "E(42P01) Z(E)"),
        ("rollback", "T D C Z(I)"),
    ] {
        wire.client(&query(text));
        assert_eq!(wire.look(), shown, "{text}");
    }
}

#[test]
fn the_rest_of_a_batch_is_not_shown() {
    let mut wire = wire();
    wire.client(&[run("rows 3", 0), run("select 1", 0), sync(), run("select 2", 0), sync()].concat());
    assert_eq!(wire.look(), "1 2 D D E(53400) Z(I) 1 2 D C Z(I)");
    assert_eq!(wire.ran().len(), 3, "the server had it all");
    wire.client(&[run("rows 7", 3), sync()].concat());
    assert_eq!(wire.look(), "1 2 D D E(53400) Z(I)", "the portal was suspended");
    wire.client(&[run("rows 7", 2), sync()].concat());
    assert_eq!(wire.look(), "1 2 D D s Z(I)");
    // A refusal of what comes behind has nothing to say any more.
    wire.client(&[run("rows 3", 0), run("drop", 0), sync(), query("select 1")].concat());
    assert_eq!(wire.look(), "1 2 D D E(53400) Z(I) T D C Z(I)");
    wire.client(&[run("rows 3", 0), run("it will fail", 0), sync(), query("select 1")].concat());
    assert_eq!(wire.look(), "1 2 D D E(53400) Z(I) T D C Z(I)");
    // A Query behind a batch without Sync is what the client expects to be skipped.
    wire.client(&[run("rows 3", 0), query("select 1"), sync(), query("select 1")].concat());
    assert_eq!(wire.look(), "1 2 D D E(53400) Z(I) T D C Z(I)");
}

/// Nobody does that; if ever, the session ends rather than that both sides wait.
#[test]
fn copy_into_the_target_behind_what_was_cut_is_not_waited_for_by_both() {
    let mut wire = wire();
    wire.client(&[run("rows 3", 0), run("copy in", 0), sync()].concat());
    assert_eq!(wire.look(), "1 2 D D E(53400) G");
    let mut end = Vec::new();
    write::copy_fail(&mut end, b"no").unwrap();
    wire.client(&[end, sync(), query("select 1")].concat());
    assert_eq!(wire.look(), "Z(I) E(08P01)");
    assert!(wire.effects.contains(&Effect::Close));
}

proptest! {
    #[test]
    fn any_split_gives_the_same(chunk in 1_usize..40) {
        let script = [
            query("rows 5"), run("rows 5", 0), run("rows 2", 0), sync(), query("begin"), query("copy out 4"), query("drop"),
            run("rows 4", 3), run("drop", 0), sync(), query("rollback"),
        ].concat();
        let run = |chunk| {
            let mut wire = wire();
            wire.chunk = chunk;
            wire.client(&script);
            (wire.look(), wire.sent)
        };
        prop_assert_eq!(run(0), run(chunk));
    }
}
