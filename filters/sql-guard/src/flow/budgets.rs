//! What happens where a budget is used up: before a command is run, and in the middle of a result.

use std::rc::Rc;

use chaperone_flow::postgres::refusal;
use chaperone_flow::{Command, Cx, Effect, Note, Step};
use chaperone_model::{Amounts, Decision, Digest, Verdict};
use chaperone_pgwire::exchange::Request;
use chaperone_pgwire::{Frame, tag};
use chaperone_policy::Mode;
use chaperone_settings::Settings;

use super::SqlGuard;
use super::pending::{Pending, Runs};
use crate::{cost, counters, record};

/// The end of a COPY in binary format, which is no line.
const BINARY_END: &[u8] = &[0xff, 0xff];

/// Whether a message of a result shows what is in tables.
pub(super) const fn shows(tag: u8) -> bool {
    matches!(tag, tag::server::COPY_DATA | tag::server::DATA_ROW)
}

/// What a message of a result takes.
pub(super) fn amounts(frame: &Frame<'_>) -> Amounts {
    let is_end = frame.tag == tag::server::COPY_DATA && frame.body() == BINARY_END;
    Amounts { bytes: frame.bytes.len() as u64, rows: u64::from(!is_end), ..Amounts::default() }
}

impl SqlGuard {
    /// What is to be said of a command that takes more than there is left; it is a denial unless the policy only watches.
    pub(super) fn over(
        &mut self,
        cx: &Cx<'_>,
        settings: &Rc<Settings>,
        command: &Rc<Command>,
        runs: Runs<'_>,
    ) -> Option<Verdict> {
        let cost = || match runs {
            Runs::Nothing => cost::Cost::default(),
            Runs::Portal => cost::of_portal(command.facts()),
            Runs::Text(text) => cost::of_text(text, command),
        };
        if matches!(runs, Runs::Nothing) {
            return None;
        }
        let over = self.spending.command(settings, cx.session, cx.now().millis(), cost).err()?;
        Some(in_mode(over, settings))
    }

    /// Records that, and refuses the command or not. Returns whether it goes on.
    pub(super) fn told_over(
        &mut self,
        cx: &mut Cx<'_>,
        tag: u8,
        command: &Rc<Command>,
        over: &Verdict,
        policy: Digest,
    ) -> bool {
        record::judged(cx, over, &Rc::new(record::verdict(over, policy)), command);
        if over.decision != Decision::Deny {
            return true;
        }
        cx.effect(Effect::Count(counters::BUDGET_REFUSED, 1));
        self.gate.refuse(cx, tag, &refusal(over));
        false
    }

    /// Lets a Query or an Execute go to the server; whose result is counted is remembered until it is answered.
    pub(super) fn pass_run(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, note: Option<&Note>) -> Step {
        match note.filter(|_| self.spending.limits_results()) {
            Some(note) => {
                let own = note.command.own();
                let room = (own > 0).then(|| self.rooms.room(own));
                self.gate.pass_with(
                    cx,
                    frame,
                    Pending::Run { command: Rc::clone(&note.command), _room: room },
                )
            }
            None => self.gate.pass(cx, frame),
        }
    }

    /// A result takes more than there is left: an error comes in the place of the rest.
    pub(super) fn cut(
        &mut self,
        cx: &mut Cx<'_>,
        request: Request,
        over: Verdict,
        settings: &Settings,
        command: Option<&Rc<Command>>,
    ) -> Step {
        let wrote = command.is_some_and(|command| command.facts().statements.iter().any(cost::writes));
        let done =
            if wrote { "what was run stays done, and its result ends here" } else { "the result ends here" };
        let verdict = in_mode(Verdict { message: format!("{done}: {}", over.message), ..over }, settings);
        record::cut(cx, &verdict, settings.policy.digest(), command);
        if verdict.decision != Decision::Deny {
            self.told = true;
            return Step::Pass;
        }
        self.gate.cut(cx, request, &refusal(&verdict));
        Step::Take
    }

    pub(super) fn result_is_done(&mut self, cx: &Cx<'_>) {
        self.told = false;
        self.spending.settle(|| cx.now().millis());
    }
}

/// As a policy that is only watched says it.
fn in_mode(over: Verdict, settings: &Settings) -> Verdict {
    match settings.policy.mode() {
        Mode::Enforce => over,
        Mode::Shadow => Verdict { shadow: Some(over.decision), decision: Decision::Allow, ..over },
    }
}
