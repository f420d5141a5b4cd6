//! The flow: what goes to the server, and what comes back.

use std::rc::Rc;

use chaperone_flow::postgres::{Answered, Gate, Turn, fatal};
use chaperone_flow::{Cx, Flow, Latest, Live, Note, Rooms, Step};
use chaperone_model::Reason;
use chaperone_model::facts::Output;
use chaperone_pgwire::client::{Execute, Target};
use chaperone_pgwire::{Frame, tag};
use chaperone_settings::Settings;

use crate::answer::Answers;
use crate::asked::{Asked, Description, Run};
use crate::carry;
use crate::catalogue::question;
use crate::introduction::{self, Told};
use crate::judged::{self, Findings, Judged};
use crate::plan::{Plan, Planner};
use crate::reading::{Reading, defines, writes};
use crate::record;
use crate::shared::Shared;

/// Hides what the caller may not see in what the server says.
///
/// It is the last flow before the server: what it asks the server itself no other flow sees.
#[derive(Debug)]
pub struct ResponseMasking {
    gate: Gate<Asked>,
    answers: Answers,
    /// Whether there was any command.
    begun: bool,
    /// The portal that was described last; an Execute of it right behind needs no other Describe.
    described: Option<(Vec<u8>, Description)>,
    latest: Latest<Judged>,
    rooms: Rooms,
    told: Told,
    /// The target was ready, and the client has not heard of it.
    owes_ready: bool,
}

impl ResponseMasking {
    /// A flow for one connection.
    #[must_use]
    pub fn new(settings: Live<Settings>, shared: Shared) -> Self {
        Self {
            gate: Gate::default(),
            answers: Answers::new(Planner::new(settings, shared.clone()), shared),
            begun: false,
            described: None,
            latest: Latest::new(judged::MOST),
            rooms: Rooms::default(),
            told: Told::default(),
            owes_ready: false,
        }
    }

    fn command(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, note: Option<&Note>) -> Step {
        let plan = match self.answers.planner.plan(cx.session) {
            Ok(plan) => plan,
            Err(reason) => return self.refuse(cx, frame.tag, reason, note),
        };
        self.follow(plan.as_ref());
        let Some(plan) = plan else { return self.gate.pass(cx, frame) };
        self.learn(cx, &plan);
        if let Some(reason) = note.and_then(|note| self.judge(cx, &plan, note)) {
            return self.refuse(cx, frame.tag, reason, note);
        }
        match frame.tag {
            tag::client::DESCRIBE => self.describe(cx, frame),
            tag::client::EXECUTE | tag::client::QUERY => self.run(cx, frame, plan, note),
            _ => {
                self.described = None;
                self.gate.pass(cx, frame)
            }
        }
    }

    /// Notices that another plan is in force. What earlier commands touched was judged by the plan before.
    fn follow(&mut self, plan: Option<&Rc<Plan>>) {
        let same = match (&self.answers.last_plan, plan) {
            (Some(last), Some(plan)) => Rc::ptr_eq(last, plan),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !same {
            self.answers.touched |= self.begun;
            self.answers.unjudged.clear();
            self.described = None;
            self.answers.last_plan = plan.cloned();
        }
        self.begun = true;
    }

    /// Asks the catalogue in front of the command where it is not fresh. Inside a transaction nothing is asked: a
    /// failure would undo the client's work.
    fn learn(&mut self, cx: &mut Cx<'_>, plan: &Plan) {
        if !self.answers.catalogue.wants(&plan.columns, cx.now().millis()) {
            return;
        }
        if self.gate.status() != b'I' || !self.gate.is_settled() {
            return;
        }
        let shared = self.answers.shared.known(cx.session, &plan.columns, cx.now().millis());
        if shared.is_some_and(|shared| self.answers.catalogue.adopt(shared)) {
            return;
        }
        let Some(question) = question(&plan.columns) else { return };
        if self.gate.ask(cx, question.as_bytes(), Asked::Catalogue) {
            self.answers.catalogue.asked(&plan.columns);
            self.answers.asked = (self.answers.derived, self.answers.made);
            self.answers.derived = false;
            self.answers.made = false;
        }
    }

    /// Looks at what a command does before the server runs it: why it is refused, if it is.
    fn judge(&mut self, cx: &Cx<'_>, plan: &Rc<Plan>, note: &Note) -> Option<Reason> {
        if !plan.hides_columns() {
            return None;
        }
        // Until the answer is here, what is known is from before.
        let (derived, made) = self.answers.asked;
        let (derived, made) = (derived || self.answers.derived, made || self.answers.made);
        let facts = note.command.facts();
        let (newest, _) = self.answers.catalogue.learnt();
        let grounds = judged::Grounds { plan: Rc::clone(plan), known: newest.cloned(), derived, made };
        let known = self.latest.get(facts, |judged| judged.grounds.are(&grounds));
        let findings = known.map(|judged| judged.findings).unwrap_or_else(|| {
            let findings = self.find(plan, note, derived, made);
            self.latest.put(facts, Judged { grounds, findings });
            findings
        });
        self.answers.derived |= findings.derives;
        self.answers.touched |= findings.touched;
        if findings.unjudged && !self.answers.touched {
            self.answers.judge_later(plan, &note.command);
        }
        if findings.defined {
            self.answers.made = true;
            self.answers.catalogue.mark_stale();
            self.answers.shared.forget(cx.session);
        }
        findings.refused
    }

    /// What is to be found in a command, as far as the catalogue is known.
    fn find(&self, plan: &Rc<Plan>, note: &Note, derived: bool, made: bool) -> Findings {
        let facts = note.command.facts();
        let known = self.answers.catalogue.known(&plan.columns);
        let mut carry = carry::Grounds { plan, known, derived, made };
        let mut found = Findings::default();
        for (index, statement) in facts.statements.iter().enumerate() {
            let reading = Reading::of(Some(&note.command), index, false, plan, known);
            let exposed = reading.is_exposed(false);
            found.touched |= exposed || reading.may_quote();
            found.unjudged |= known.is_none() && !statement.relations.is_empty();
            found.defined |= defines(statement);
            found.derives |= defines(statement) && (exposed || known.is_none());
            found.refused = found.refused.or_else(|| carry.refusal(statement));
            carry.derived |= defines(statement) && exposed;
            carry.made |= defines(statement);
            let untold = statement.outputs.iter().flatten().any(|output| *output == Output::Unknown);
            if exposed && untold && writes(statement) {
                found.refused = found.refused.or(Some(Reason::MaskLineageUnknown));
            }
        }
        // What was read of the text is not all that it does.
        let unread = facts.opaque.as_ref().map(|_| Reason::MaskCarryRefused);
        found.refused = found.refused.or(unread);
        found.touched |= unread.is_some();
        found
    }

    fn describe(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Step {
        self.described = None;
        let asked = match Target::read(frame.body()) {
            Ok(Target::Portal(portal)) => {
                let description = Description::default();
                self.described = Some((portal.to_vec(), Rc::clone(&description)));
                Asked::Portal(description)
            }
            Ok(Target::Statement(_)) | Err(_) => Asked::Plain,
        };
        self.gate.pass_with(cx, frame, asked)
    }

    fn run(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, plan: Rc<Plan>, note: Option<&Note>) -> Step {
        if plan.hides_columns() && note.is_none() {
            return self.refuse(cx, frame.tag, Reason::VerdictMissing, note);
        }
        let description = if frame.tag == tag::client::EXECUTE {
            let Ok(execute) = Execute::read(frame.body()) else {
                return self.refuse(cx, frame.tag, Reason::ProtocolViolation, note);
            };
            match self.description(cx, execute.portal) {
                Some(description) => Some(description),
                None => {
                    self.gate.end(cx, &fatal(Reason::PipelineTooDeep));
                    return Step::Take;
                }
            }
        } else {
            self.described = None;
            None
        };
        let command = note.map(|note| Rc::clone(&note.command));
        let own = command.as_ref().map_or(0, |command| command.own());
        if !cx.memory.take(own) {
            return self.refuse(cx, frame.tag, Reason::MemoryFull, note);
        }
        let room = (own > 0).then(|| self.rooms.room(own));
        self.gate.pass_with(cx, frame, Asked::Run(Box::new(Run::new(plan, command, room, description))))
    }

    /// The columns of a portal. What was described at any earlier time may not hold any more (a statement that was
    /// prepared can be planned anew for other tables, a cursor closed and opened), so unless the Describe was the
    /// message before, the filter sends its own. None where too much waits.
    fn description(&mut self, cx: &mut Cx<'_>, portal: &[u8]) -> Option<Description> {
        if let Some((_, description)) = self.described.as_ref().filter(|(described, _)| described == portal) {
            return Some(Rc::clone(description));
        }
        let description = Description::default();
        if !self.gate.ask_describe(cx, portal, Asked::Portal(Rc::clone(&description))) {
            return None;
        }
        self.described = Some((portal.to_vec(), Rc::clone(&description)));
        Some(description)
    }

    fn refuse(&mut self, cx: &mut Cx<'_>, tag: u8, reason: Reason, note: Option<&Note>) -> Step {
        record::refused(cx, reason, note.map(|note| &*note.command), self.answers.planner.policy());
        self.described = None;
        self.gate.refuse(cx, tag, &fatal(reason));
        Step::Take
    }
}

// === Who is calling ===

impl ResponseMasking {
    /// Tells the target who is calling. Returns whether it answers, so that the session begins with that answer.
    fn tell(&mut self, cx: &mut Cx<'_>) -> bool {
        if cx.session.identity.is_none() {
            // Nothing of the client's goes on either.
            return false;
        }
        self.told = Told::Done;
        let text = introduction::text(&self.answers.planner.settings(), cx.session);
        let asked = match &text {
            Ok(None) => return false,
            Ok(Some(text)) => self.gate.ask(cx, text.as_bytes(), Asked::Introduction),
            Err(introduction::Untold) => false,
        };
        if asked {
            self.told = Told::Asked;
        } else {
            self.not_told(cx);
        }
        true
    }

    /// The target does not know who is calling, so that the session does not begin.
    fn not_told(&mut self, cx: &mut Cx<'_>) {
        self.owes_ready = false;
        self.gate.end(cx, &fatal(Reason::CallerNotTold));
    }

    /// An answer to [`Self::tell`].
    fn introduced(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Step {
        match frame.tag {
            tag::server::ERROR_RESPONSE => self.not_told(cx),
            tag::server::READY_FOR_QUERY => {
                self.told = Told::Done;
                if self.owes_ready {
                    self.owes_ready = false;
                    return Step::Pass;
                }
            }
            _ => {}
        }
        Step::Take
    }
}

impl Flow for ResponseMasking {
    fn client(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>, note: &mut Option<Note>) -> Step {
        if !self.gate.admits(&frame) {
            return Step::Take;
        }
        if !self.gate.is_ready() {
            return self.gate.pass(cx, &frame);
        }
        // A target that asks for nothing was ready before anybody knew who is calling. This is not the client's yet: it is
        // what makes the target speak once more.
        if self.told == Told::NotYet && self.tell(cx) && self.told == Told::Done {
            return Step::Take;
        }
        match frame.tag {
            tag::client::BIND
            | tag::client::DESCRIBE
            | tag::client::EXECUTE
            | tag::client::PARSE
            | tag::client::QUERY => self.command(cx, &frame, note.as_ref()),
            tag::client::CLOSE | tag::client::SYNC => {
                self.described = None;
                self.gate.pass(cx, &frame)
            }
            _ => self.gate.pass(cx, &frame),
        }
    }

    fn is_ending(&self) -> bool {
        self.gate.is_ending()
    }

    /// It may have something to say to the target when that is ready.
    fn waits(&self) -> bool {
        self.told != Told::Done
    }

    fn kept(&self) -> usize {
        let unjudged: usize = self.answers.unjudged.iter().map(|(_, command)| command.bytes()).sum();
        self.gate.kept() + unjudged + self.rooms.bytes()
    }

    fn server(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>) -> Step {
        let notice = frame.tag == tag::server::NOTICE_RESPONSE;
        let exposed = notice && self.answers.is_notice_exposed(&frame, self.gate.at_hand());
        let introduction = self.told == Told::Asked;
        match self.gate.server(cx, &frame) {
            Turn::Taken => Step::Take,
            // Only it was asked.
            Turn::Hidden(_) if introduction => self.introduced(cx, &frame),
            Turn::Pass(Answered::Ready { .. })
                if self.told == Told::NotYet && cx.session.identity.is_some() =>
            {
                let told = self.tell(cx);
                self.owes_ready = self.told == Told::Asked;
                if told { Step::Take } else { Step::Pass }
            }
            Turn::Pass(Answered::Aside) if notice => self.answers.response(cx, &frame, exposed),
            Turn::Hidden(answered) => self.answers.hidden(cx, &frame, answered),
            Turn::Pass(answered) => self.answers.passing(cx, &frame, answered),
        }
    }
}
