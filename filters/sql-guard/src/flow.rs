//! The flow: Query, Parse, Bind and Execute to verdicts.

mod budgets;
mod pending;

use std::rc::Rc;

use chaperone_flow::postgres::{Answered, Gate, Names, Refusal, Turn, fatal, refusal, refusal_with};
use chaperone_flow::{Command, Counts, Cx, Flow, Latest, Live, Note, Peer, Rooms, Step};
use chaperone_model::{Decision, Reason, Verdict};
use chaperone_pgwire::client::{Bind, Execute, Parse, Query, Target};
use chaperone_pgwire::exchange::Request;
use chaperone_pgwire::{Frame, tag};
use chaperone_policy::Caller;
use chaperone_settings::Settings;

use crate::FactsCache;
use crate::dialect::Dialect;
use crate::meaning::{Meaning, Meanings, Portal, same, same_portal};
use crate::record;
use crate::spending::Spending;
use crate::types::with_types;
use crate::verdicts::{self, Judged};
use budgets::shows;
use pending::{Pending, Runs};

/// Longest statement that is held, in bytes: an approver must see all of it.
const HELD_TEXT_MOST: usize = chaperone_flow::HELD_TEXT_MOST;

/// sql-guard on one connection.
#[derive(Debug)]
pub struct SqlGuard {
    settings: Live<Settings>,
    cache: FactsCache,
    gate: Gate<Pending>,
    meanings: Meanings,
    dialect: Dialect,
    verdicts: Latest<Judged>,
    /// Whether these settings hide columns from this caller, so that masking needs the facts.
    masks: Option<(Rc<Settings>, bool)>,
    spending: Spending,
    /// In shadow mode the result at hand was told to be too much.
    told: bool,
    /// Commands whose results are counted.
    rooms: Rooms,
}

impl SqlGuard {
    /// A guard that obeys `settings` and shares `cache` with the other connections of the VM, and `counts` with all whose use
    /// of budgets is counted together.
    #[must_use]
    pub fn new(settings: Live<Settings>, cache: FactsCache, counts: Counts) -> Self {
        Self {
            settings,
            cache,
            gate: Gate::default(),
            meanings: Meanings::default(),
            dialect: Dialect::default(),
            verdicts: Latest::new(verdicts::MOST),
            masks: None,
            spending: Spending::new(counts),
            told: false,
            rooms: Rooms::default(),
        }
    }

    fn refuse(&mut self, cx: &mut Cx<'_>, tag: u8, reason: Reason) -> Step {
        self.gate.refuse(cx, tag, &fatal(reason));
        Step::Take
    }

    /// The verdict on a command, as a note for the flows behind; a denial is refused here and none comes back. `paid`: the
    /// client has sent all of it just now, so that it can ask for no more than it sends.
    fn judge(
        &mut self,
        cx: &mut Cx<'_>,
        tag: u8,
        command: &Rc<Command>,
        runs: Runs<'_>,
        paid: bool,
    ) -> Option<Note> {
        let as_what = runs;
        let runs = !matches!(runs, Runs::Nothing);
        let settings = self.settings.get();
        let (facts, second) = (command.facts(), cx.now().seconds());
        let holds = |judged: &Judged| judged.holds(&settings, second);
        if self.verdicts.get(facts, holds).is_none() {
            let rules = settings.policy.rule_count();
            if !paid && !self.meanings.may_judge(facts, rules, cx.now().millis()) {
                let message =
                    "the session asks for more work at once than it may, in statements that were sent before";
                let again = "ask again in a moment, or for less at once";
                self.gate.refuse(cx, tag, &refusal_with(Reason::TooManyStatements, None, message, again));
                return None;
            }
            let Some(identity) = cx.session.identity.clone() else {
                self.gate.refuse(cx, tag, &fatal(Reason::IdentityMissing));
                return None;
            };
            let caller = Caller {
                identity: &identity,
                resource: &settings.resource,
                role: &cx.session.role,
                database: &cx.session.database,
            };
            let verdict = settings.policy.decide(&caller, facts, second);
            let wanted = match &self.masks {
                Some((of, wanted)) if Rc::ptr_eq(of, &settings) => *wanted,
                _ => !settings.policy.masks(&caller).columns.is_empty(),
            };
            self.masks = Some((Rc::clone(&settings), wanted));
            let record = record::verdict(&verdict, settings.policy.digest());
            self.verdicts.put(facts, Judged::new(&settings, second, verdict, record, wanted));
        }
        // The flows behind keep it until it is answered.
        if runs && !cx.memory.take(command.own()) {
            self.gate.refuse(cx, tag, &fatal(Reason::MemoryFull));
            return None;
        }
        let judged = self.verdicts.get(facts, holds)?;
        let (verdict, policy, facts_wanted) =
            (Rc::clone(&judged.verdict), judged.policy, judged.facts_wanted);
        let record = Rc::clone(&judged.record);
        let denied = verdict.decision == Decision::Deny;
        let unfit = if denied { None } else { self.unfit_for_people(&verdict, command, runs) };
        if !denied && unfit.is_none() {
            if let Some(over) = self.over(cx, &settings, command, as_what) {
                return self.told_over(cx, tag, command, &over, policy).then(|| Note {
                    verdict,
                    command: Rc::clone(command),
                    policy,
                    facts_wanted,
                });
            }
        }
        if runs || denied {
            record::judged(cx, &verdict, &record, command);
        }
        if denied {
            self.gate.refuse(cx, tag, &refusal(&verdict));
            return None;
        }
        if let Some(refusal) = unfit {
            self.gate.refuse(cx, tag, &refusal);
            return None;
        }
        Some(Note { verdict, command: Rc::clone(command), policy, facts_wanted })
    }

    /// Why a command that people are to approve cannot be shown to them as what it will be.
    fn unfit_for_people(&self, verdict: &Verdict, command: &Command, runs: bool) -> Option<Refusal> {
        if verdict.decision != Decision::Hold {
            return None;
        }
        if command.text().len() > HELD_TEXT_MOST {
            return Some(fatal(Reason::HoldTooLong));
        }
        let (message, hint) = if runs && command.is_one_of_several() {
            let message =
                "its name may stand for one of several commands, and no approver can tell which runs";
            (message, "prepare it under a name that this session has not used")
        } else if runs && self.meanings.hides_values(command) {
            ("what it fetches from was bound to values that no approver would see", "")
        } else {
            return None;
        };
        Some(refusal_with(Reason::HoldBatch, verdict.rule.as_ref(), message, hint))
    }

    /// Reads and judges a text that is run (Query) or prepared (Parse). None where it was refused. `told` is what people see
    /// of it.
    fn read(
        &mut self,
        cx: &mut Cx<'_>,
        tag: u8,
        text: &[u8],
        told: Option<&[u8]>,
        runs: bool,
        note: &mut Option<Note>,
    ) -> Option<Rc<Command>> {
        let sent = text;
        let mut text = self.cache.command(sent);
        if !self.dialect.is_read_alike(sent, text.facts()) {
            let message = "the session reads backslashes in strings, or letters, otherwise than the gateway";
            let hint = "set standard_conforming_strings on and client_encoding to UTF8, or write the text without them";
            self.gate.refuse(cx, tag, &refusal_with(Reason::SettingRefused, None, message, hint));
            return None;
        }
        if let Some(told) = told {
            text = Rc::new(Command::new(told, Rc::clone(text.facts())));
        }
        let command = match self.meanings.resolve(Rc::clone(&text), cx.now().millis()) {
            Ok(command) => command,
            Err(reason) => {
                self.gate.refuse(cx, tag, &fatal(reason));
                return None;
            }
        };
        let paid = Rc::ptr_eq(command.facts(), text.facts());
        let runs = if runs { Runs::Text(&text) } else { Runs::Nothing };
        *note = self.judge(cx, tag, &command, runs, paid);
        note.as_ref()?;
        // The text itself, not what its EXECUTEs run: or each would double what the next one stands for.
        if let Err(reason) = self.meanings.remember(cx.memory, &text) {
            self.gate.refuse(cx, tag, &fatal(reason));
            return None;
        }
        self.dialect.runs(text.facts());
        // What it runs is told anew whenever it is run: the names in it may mean something else by then.
        Some(text)
    }

    fn query(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, note: &mut Option<Note>) -> Step {
        let Ok(query) = Query::read(frame.body()) else {
            return self.refuse(cx, frame.tag, Reason::ProtocolViolation);
        };
        match self.read(cx, frame.tag, query.text, None, true, note) {
            Some(_) => self.pass_run(cx, frame, note.as_ref()),
            None => Step::Take,
        }
    }

    fn parse(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, note: &mut Option<Note>) -> Step {
        let Ok(parse) = Parse::read(frame.body()) else {
            return self.refuse(cx, frame.tag, Reason::ProtocolViolation);
        };
        let told = with_types(parse.text, parse.param_types.iter());
        let Some(command) = self.read(cx, frame.tag, parse.text, told.as_deref(), false, note) else {
            return Step::Take;
        };
        let bytes = Names::<Meaning>::bytes_of(parse.name, command.bytes());
        if !cx.memory.take(bytes) {
            return self.refuse(cx, frame.tag, Reason::MemoryFull);
        }
        let meaning = Rc::new(vec![command]);
        let Ok(definition) = self.meanings.statements.define(parse.name, meaning, bytes, same) else {
            return self.refuse(cx, frame.tag, Reason::TooManyStatements);
        };
        self.gate.pass_with(cx, frame, Pending::Parse(parse.name.to_vec(), definition))
    }

    fn bind(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, note: &mut Option<Note>) -> Step {
        let Ok(bind) = Bind::read(frame.body()) else {
            return self.refuse(cx, frame.tag, Reason::ProtocolViolation);
        };
        let millis = cx.now().millis();
        let meaning = match self.meanings.of_statement(bind.statement, millis) {
            Ok(meaning) => meaning,
            Err(reason) => return self.refuse(cx, frame.tag, reason),
        };
        let command = match self.meanings.command_of(&meaning, Reason::PreparedUnknown, millis) {
            Ok(command) => command,
            Err(reason) => return self.refuse(cx, frame.tag, reason),
        };
        // A policy may have changed since the Parse: what it denies now does not get a portal either.
        *note = self.judge(cx, frame.tag, &command, Runs::Nothing, false);
        if note.is_none() {
            return Step::Take;
        }
        let commands = meaning.iter().map(|command| command.bytes()).sum();
        let bytes = Names::<Portal>::bytes_of(bind.portal, commands);
        if !cx.memory.take(bytes) {
            return self.refuse(cx, frame.tag, Reason::MemoryFull);
        }
        let portal = Rc::new(Portal { meaning, has_values: !bind.values.is_empty() });
        let Ok(definition) = self.meanings.portals.define(bind.portal, portal, bytes, same_portal) else {
            return self.refuse(cx, frame.tag, Reason::TooManyStatements);
        };
        self.gate.pass_with(cx, frame, Pending::Bind(bind.portal.to_vec(), definition))
    }

    fn execute(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, note: &mut Option<Note>) -> Step {
        let Ok(execute) = Execute::read(frame.body()) else {
            return self.refuse(cx, frame.tag, Reason::ProtocolViolation);
        };
        let millis = cx.now().millis();
        let meaning = match self.meanings.of_portal(execute.portal, millis) {
            Ok(meaning) => meaning,
            Err(reason) => return self.refuse(cx, frame.tag, reason),
        };
        let command = match self.meanings.command_of(&meaning, Reason::PortalUnknown, millis) {
            Ok(command) => command,
            Err(reason) => return self.refuse(cx, frame.tag, reason),
        };
        *note = self.judge(cx, frame.tag, &command, Runs::Portal, false);
        if note.is_none() {
            return Step::Take;
        }
        self.pass_run(cx, frame, note.as_ref())
    }

    fn close(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Step {
        let pending = match Target::read(frame.body()) {
            Ok(Target::Portal(name)) => Pending::ClosePortal(name.to_vec(), self.meanings.portals.mark()),
            Ok(Target::Statement(name)) => {
                Pending::CloseStatement(name.to_vec(), self.meanings.statements.mark())
            }
            Err(_) => return self.refuse(cx, frame.tag, Reason::ProtocolViolation),
        };
        self.gate.pass_with(cx, frame, pending)
    }
}

impl Flow for SqlGuard {
    fn client(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>, note: &mut Option<Note>) -> Step {
        if !self.gate.admits(&frame) {
            return Step::Take;
        }
        // Before the session is ready there are no commands; what the door lets pass then is identity's to judge.
        if !self.gate.is_ready() {
            return self.gate.pass(cx, &frame);
        }
        if self.gate.status() == b'I' && self.gate.is_settled() {
            self.meanings.transaction_is_over();
        }
        match frame.tag {
            tag::client::QUERY => self.query(cx, &frame, note),
            tag::client::PARSE => self.parse(cx, &frame, note),
            tag::client::BIND => self.bind(cx, &frame, note),
            tag::client::EXECUTE => self.execute(cx, &frame, note),
            tag::client::CLOSE => self.close(cx, &frame),
            tag::client::SYNC => {
                self.meanings.statements.batch_ends();
                self.meanings.portals.batch_ends();
                self.gate.pass(cx, &frame)
            }
            tag::client::COPY_DATA
            | tag::client::COPY_DONE
            | tag::client::COPY_FAIL
            | tag::client::DESCRIBE
            | tag::client::FLUSH
            | tag::client::TERMINATE => self.gate.pass(cx, &frame),
            tag::client::FUNCTION_CALL => self.refuse(cx, frame.tag, Reason::FunctionCallRefused),
            _ => {
                self.gate.end(cx, &fatal(Reason::MessageUnsupported));
                Step::Take
            }
        }
    }

    fn is_ending(&self) -> bool {
        self.gate.is_ending()
    }

    fn kept(&self) -> usize {
        self.gate.kept() + self.meanings.kept() + self.rooms.bytes()
    }

    fn closed(&mut self, cx: &mut Cx<'_>, _by: Peer) {
        self.spending.settle(|| cx.now().millis());
    }

    fn server(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>) -> Step {
        if frame.tag == tag::server::PARAMETER_STATUS {
            self.dialect.reported(frame.body());
        }
        let (pass, answered) = match self.gate.server(cx, &frame) {
            Turn::Taken => return Step::Take,
            Turn::Hidden(answered) => (Step::Take, answered),
            Turn::Pass(answered) => (Step::Pass, answered),
        };
        match answered {
            Answered::Part(request, pending) if pass == Step::Pass && !self.told && shows(frame.tag) => {
                let settings = self.settings.get();
                let now = || cx.time.now().millis();
                let takes = budgets::amounts(&frame);
                if let Err(over) = self.spending.result(&settings, cx.session, now, takes) {
                    let command = pending.command();
                    return self.cut(cx, request, over, &settings, command.as_ref());
                }
            }
            Answered::Last(Request::Execute, _) => self.result_is_done(cx),
            Answered::Last(_, Pending::Parse(name, definition)) => {
                self.meanings.statements.confirm(&name, definition)
            }
            Answered::Last(_, Pending::Bind(name, definition)) => {
                self.meanings.portals.confirm(&name, definition)
            }
            Answered::Last(_, Pending::CloseStatement(name, before)) => {
                self.meanings.statements.closed(&name, before)
            }
            Answered::Last(_, Pending::ClosePortal(name, before)) => {
                self.meanings.portals.closed(&name, before)
            }
            Answered::Ready { status, skipped, .. } => {
                self.result_is_done(cx);
                self.forget(skipped);
                if self.gate.is_settled() {
                    self.dialect.settled();
                }
                if status == b'I' {
                    self.meanings.portals.forget_confirmed();
                }
            }
            Answered::Aside
            | Answered::Last(_, Pending::Nothing | Pending::Run { .. })
            | Answered::Part(..) => {}
        }
        pass
    }
}
