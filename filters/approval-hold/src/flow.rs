//! The flow: holds, tells, asks, releases or refuses, in order.

use chaperone_flow::postgres::{Answered, Gate, Refusal, Turn, fatal, refusal_with};
use chaperone_flow::{Cx, Effect, Flow, Live, Note, Peer, Reply, Step};
use chaperone_model::{ApprovalId, Decision, Digest, Reason};
use chaperone_pgwire::server::BackendKeyData;
use chaperone_pgwire::startup::{Cancel, StartupPacket};
use chaperone_pgwire::{Frame, tag};
use chaperone_policy::Caller;
use chaperone_proto::{Approval, Body, Source};
use chaperone_settings::Settings;
use sha2::{Digest as _, Sha256};

use crate::counters;
use crate::hold::{Hold, Next, Stage};
use crate::notice;
use crate::queue::{Kept, Queue};
use crate::request::{self, Questions};
use crate::subject::{Subject, Unclear};

/// approval-hold on one connection.
#[derive(Debug)]
pub struct ApprovalHold {
    settings: Live<Settings>,
    gate: Gate<()>,
    /// Messages of a batch of the extended protocol in which something is to be held, until its Sync or Flush.
    batch: Queue,
    hold: Option<Hold>,
    questions: Questions,
    /// What came behind the held command. INVARIANT: empty while nothing is held.
    behind: Queue,
    cancel_key: String,
}

impl ApprovalHold {
    /// A holder that asks the sidecar of `settings`.
    #[must_use]
    pub fn new(settings: Live<Settings>) -> Self {
        Self {
            settings,
            gate: Gate::default(),
            batch: Queue::default(),
            hold: None,
            questions: Questions::default(),
            behind: Queue::default(),
            cancel_key: String::new(),
        }
    }

    /// A message in its turn.
    fn next(&mut self, cx: &mut Cx<'_>, kept: Kept) -> Option<Kept> {
        if !self.gate.admits(&kept.frame()) {
            return None;
        }
        if !self.gate.is_ready() {
            return Some(kept);
        }
        let held = kept.note.as_ref().is_some_and(|note| note.verdict.decision == Decision::Hold);
        match kept.tag {
            tag::client::QUERY | tag::client::EXECUTE | tag::client::PARSE | tag::client::BIND
                if kept.note.is_none() =>
            {
                self.batch.take_all();
                self.gate.refuse(cx, kept.tag, &fatal(Reason::VerdictMissing));
                None
            }
            tag::client::QUERY if held && self.batch.is_empty() => {
                let note = kept.note.clone()?;
                self.begin(cx, vec![kept], note);
                None
            }
            tag::client::SYNC | tag::client::FLUSH if !self.batch.is_empty() => {
                if let Some(reason) = push(&mut self.batch, cx, kept) {
                    return self.overflow(cx, reason);
                }
                self.batch_ends(cx);
                None
            }
            tag::client::BIND
            | tag::client::CLOSE
            | tag::client::DESCRIBE
            | tag::client::EXECUTE
            | tag::client::PARSE
                if held || !self.batch.is_empty() =>
            {
                if let Some(reason) = push(&mut self.batch, cx, kept) {
                    return self.overflow(cx, reason);
                }
                None
            }
            _ if self.batch.is_empty() => Some(kept),
            _ => self.follow(cx, kept),
        }
    }

    /// A message that is of no batch comes in the middle of one. What was sent before it goes before it: whoever pairs
    /// answers with questions, here or in front, counts on the order.
    fn follow(&mut self, cx: &mut Cx<'_>, kept: Kept) -> Option<Kept> {
        let (messages, held) = self.take_batch();
        if let Some(reason) = self.outdated(cx, &messages) {
            // All of it is discarded: its Sync is still to come.
            let tag = messages.first().map_or(tag::client::PARSE, |first| first.tag);
            self.gate.refuse(cx, tag, &fatal(reason));
            return self.next(cx, kept);
        }
        match held {
            Some(note) => {
                self.behind.put_back(vec![kept]);
                self.begin(cx, messages, note);
                None
            }
            None => {
                self.send_all(cx, messages);
                self.next(cx, kept)
            }
        }
    }

    /// A batch in which something may be held is complete.
    fn batch_ends(&mut self, cx: &mut Cx<'_>) {
        let (messages, held) = self.take_batch();
        if let Some(reason) = self.outdated(cx, &messages) {
            self.refuse_batch(cx, messages, &fatal(reason));
            return self.go_on(cx);
        }
        match held {
            Some(note) => self.begin(cx, messages, note),
            None => self.send_all(cx, messages),
        }
    }

    /// The batch, and the verdict on what is to be held of it.
    fn take_batch(&mut self) -> (Vec<Kept>, Option<Note>) {
        let runs_held = |kept: &&Kept| {
            kept.tag == tag::client::EXECUTE
                && kept.note.as_ref().is_some_and(|note| note.verdict.decision == Decision::Hold)
        };
        let note = self.batch.iter().find(runs_held).and_then(|kept| kept.note.clone());
        (self.batch.take_all(), note)
    }

    fn send_all(&mut self, cx: &mut Cx<'_>, messages: Vec<Kept>) {
        for kept in messages {
            if self.gate.pass(cx, &kept.frame()) == Step::Pass {
                cx.send_with(kept.bytes, kept.note);
            }
        }
    }

    fn overflow(&mut self, cx: &mut Cx<'_>, reason: Reason) -> Option<Kept> {
        self.batch.take_all();
        self.behind.take_all();
        self.gone(cx, "the client sent too much ahead");
        self.gate.end(cx, &fatal(reason));
        None
    }

    fn begin(&mut self, cx: &mut Cx<'_>, messages: Vec<Kept>, note: Note) {
        let subject = match Subject::of(&messages, &note) {
            Ok(subject) => subject,
            Err(unclear) => {
                let reason = match unclear {
                    Unclear::Batch => Reason::HoldBatch,
                    Unclear::Long => Reason::HoldTooLong,
                };
                let refusal = refusal_with(reason, note.verdict.rule.as_ref(), "", "");
                self.refuse_batch(cx, messages, &refusal);
                return self.go_on(cx);
            }
        };
        let id = ApprovalId::from_random(cx.random_bytes());
        let grace = self.settings.get().sidecar_grace;
        let nonce = Digest(cx.random_bytes()).to_hex();
        self.hold = Some(Hold::new(id, nonce, messages, note, subject, cx.now(), grace));
        self.ask(cx);
    }

    /// Refuses messages that go together. What is left of a batch is discarded in its turn, up to its Sync, which
    /// goes on.
    fn refuse_batch(&mut self, cx: &mut Cx<'_>, messages: Vec<Kept>, refusal: &Refusal) {
        let tag = messages.first().map_or(tag::client::QUERY, |first| first.tag);
        self.gate.refuse(cx, tag, refusal);
        self.behind.put_back(messages.into_iter().skip(1).collect());
    }

    fn ask(&mut self, cx: &mut Cx<'_>) {
        let Some(hold) = &self.hold else { return };
        let settings = self.settings.get();
        let (sidecar, id) = (&settings.sidecar, hold.id.as_str());
        let call = match hold.stage {
            Stage::Creating => request::create(
                sidecar,
                id,
                cx.session,
                &settings.resource,
                &hold.note,
                &hold.subject,
                &self.cancel_key,
            ),
            Stage::Waiting => request::wait(sidecar, id),
            Stage::Redeeming => request::redeem(sidecar, id, &hold.subject.digest.to_hex(), &hold.nonce),
        };
        cx.call(self.questions.ask(call));
    }

    fn take_next(&mut self, cx: &mut Cx<'_>, next: Next) {
        match next {
            Next::Nothing => {}
            Next::Ask => self.ask(cx),
            Next::Tell => {
                self.record(cx, "pending");
                if let Some(hold) = &self.hold {
                    self.gate.tell(cx, notice::waiting(hold));
                }
                self.ask(cx);
            }
            Next::TellSilence => {
                if let Some(hold) = &self.hold {
                    self.gate.tell(cx, notice::silence(hold));
                }
            }
            Next::Release => {
                if let Some(reason) = self.hold_outdated(cx) {
                    return self.withdraw(cx, reason);
                }
                self.record(cx, "approved");
                if let Some(hold) = self.hold.take() {
                    self.send_all(cx, hold.messages);
                }
                self.go_on(cx);
            }
            Next::Refuse(reason) => match reason {
                // The sidecar knows that it is over.
                Reason::ApprovalRejected | Reason::ApprovalCancelled | Reason::ApprovalMismatch => {
                    self.refuse(cx, reason);
                }
                _ => self.withdraw(cx, reason),
            },
        }
    }

    /// Refuses what is held. Nobody may approve later what the client was told is over.
    fn withdraw(&mut self, cx: &mut Cx<'_>, reason: Reason) {
        if let Some(hold) = &self.hold {
            cx.call(request::withdraw(&self.settings.get().sidecar, hold.id.as_str(), reason.title()));
        }
        self.refuse(cx, reason);
    }

    fn refuse(&mut self, cx: &mut Cx<'_>, reason: Reason) {
        let state = match reason {
            Reason::ApprovalRejected => "rejected",
            Reason::ApprovalExpired => "expired",
            Reason::ApprovalCancelled => "cancelled",
            Reason::ApprovalUnavailable => "unavailable",
            _ => "refused",
        };
        if let Some(hold) = self.hold.as_mut().filter(|_| state == "refused") {
            hold.words = reason.to_string();
        }
        self.record(cx, state);
        let Some(hold) = self.hold.take() else { return };
        let message = match (reason, hold.words.as_str()) {
            (Reason::ApprovalRejected, "") => format!("rejected by {} ({})", hold.by, hold.id),
            (Reason::ApprovalRejected, words) => format!("rejected by {}: {words} ({})", hold.by, hold.id),
            _ => format!("{} ({})", reason.title(), hold.id),
        };
        let refusal = refusal_with(reason, hold.note.verdict.rule.as_ref(), &message, "");
        self.refuse_batch(cx, hold.messages, &refusal);
        self.go_on(cx);
    }

    /// What waited behind the command comes in its turn, until something of it is held again.
    fn go_on(&mut self, cx: &mut Cx<'_>) {
        while self.hold.is_none() {
            let Some(kept) = self.behind.pop() else { return };
            if kept.note.is_some() && self.gate.admits(&kept.frame()) {
                if let Some(reason) = self.outdated(cx, std::slice::from_ref(&kept)) {
                    self.batch.take_all();
                    self.gate.refuse(cx, kept.tag, &fatal(reason));
                    continue;
                }
            }
            if let Some(kept) = self.next(cx, kept) {
                self.send_all(cx, vec![kept]);
            }
        }
    }

    fn hold_outdated(&self, cx: &Cx<'_>) -> Option<Reason> {
        self.hold.as_ref().and_then(|hold| self.outdated(cx, &hold.messages))
    }

    /// Why the caller may no longer do what was right when these messages were judged: what waits may outlast the token,
    /// and the policy of its verdicts.
    fn outdated(&self, cx: &Cx<'_>, messages: &[Kept]) -> Option<Reason> {
        let settings = self.settings.get();
        let Some(identity) = cx.session.identity.as_deref() else { return Some(Reason::IdentityMissing) };
        let (role, database) = (&cx.session.role, &cx.session.database);
        let caller = Caller { identity, resource: &settings.resource, role, database };
        let shut_out = settings.policy.shuts_out(&caller, cx.now().seconds());
        let policy = settings.policy.digest();
        let other = messages.iter().filter_map(|kept| kept.note.as_ref()).any(|note| note.policy != policy);
        shut_out.or(other.then_some(Reason::ApprovalMismatch))
    }

    fn gone(&mut self, cx: &mut Cx<'_>, why: &str) {
        if let Some(hold) = &mut self.hold {
            why.clone_into(&mut hold.words);
            self.record(cx, "cancelled");
        }
        if let Some(hold) = self.hold.take() {
            cx.call(request::withdraw(&self.settings.get().sidecar, hold.id.as_str(), why));
        }
    }

    fn record(&self, cx: &mut Cx<'_>, state: &str) {
        let Some(hold) = &self.hold else { return };
        let approval = Approval {
            id: hold.id.0.clone(),
            state: state.to_owned(),
            by: hold.by.clone(),
            reason: hold.words.clone(),
        };
        cx.effect(Effect::Record(Source::Hold, Body::Approval(approval)));
        cx.effect(Effect::Count(counter(state), 1));
        cx.effect(Effect::Annotate("chaperone.approval", format!("{} {state}", hold.id).into_bytes()));
    }

    fn cancel(&self, cx: &mut Cx<'_>, cancel: Cancel<'_>) {
        let settings = self.settings.get();
        cx.call(request::cancel(&settings.sidecar, &cancel_key(cancel.pid, cancel.secret)));
    }
}

/// Lets a message wait. Why it cannot, where there is no room.
fn push(queue: &mut Queue, cx: &mut Cx<'_>, kept: Kept) -> Option<Reason> {
    if !cx.memory.take(kept.bytes()) {
        return Some(Reason::MemoryFull);
    }
    (!queue.push(kept)).then_some(Reason::HoldQueueFull)
}

/// By which the sidecar finds what a CancelRequest means, without learning the secret itself.
fn cancel_key(pid: u32, secret: &[u8]) -> String {
    let digest = Sha256::new().chain_update(pid.to_be_bytes()).chain_update(secret).finalize();
    Digest(digest.into()).to_hex()
}

/// What counts requests that came to this state.
fn counter(state: &str) -> &'static str {
    match state {
        "pending" => counters::ASKED,
        "approved" => counters::APPROVED,
        "rejected" => counters::REJECTED,
        "expired" => counters::EXPIRED,
        "cancelled" => counters::CANCELLED,
        "unavailable" => counters::UNAVAILABLE,
        _ => counters::REFUSED,
    }
}

impl Flow for ApprovalHold {
    fn client(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>, note: &mut Option<Note>) -> Step {
        if frame.tag == tag::UNTAGGED {
            if let Ok(StartupPacket::Cancel(cancel)) = StartupPacket::read(frame.body()) {
                self.cancel(cx, cancel);
            }
            return self.gate.pass(cx, &frame);
        }
        if self.hold.is_some() {
            if frame.tag == tag::client::TERMINATE {
                self.behind.take_all();
                self.gone(cx, "the client ended the session");
                return Step::Pass;
            }
            if let Some(reason) = push(&mut self.behind, cx, Kept::new(&frame, note.take())) {
                self.overflow(cx, reason);
            }
            return Step::Take;
        }
        debug_assert!(self.behind.is_empty(), "it would come out of its turn");
        // The common case first: nothing to hold, nothing buffered, no copy.
        let plain = note.as_ref().is_some_and(|note| note.verdict.decision == Decision::Allow)
            || !matches!(
                frame.tag,
                tag::client::QUERY | tag::client::EXECUTE | tag::client::PARSE | tag::client::BIND
            );
        if plain && self.batch.is_empty() {
            if !self.gate.admits(&frame) {
                return Step::Take;
            }
            return self.gate.pass(cx, &frame);
        }
        match self.next(cx, Kept::new(&frame, note.clone())) {
            Some(_) => self.gate.pass(cx, &frame),
            None => Step::Take,
        }
    }

    fn server(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>) -> Step {
        if frame.tag == tag::server::BACKEND_KEY_DATA {
            if let Ok(key) = BackendKeyData::read(frame.body()) {
                self.cancel_key = cancel_key(key.pid, key.secret);
            }
        }
        match self.gate.server(cx, &frame) {
            Turn::Pass(
                Answered::Aside | Answered::Last(..) | Answered::Part(..) | Answered::Ready { .. },
            ) => Step::Pass,
            Turn::Hidden(_) | Turn::Taken => Step::Take,
        }
    }

    fn reply(&mut self, cx: &mut Cx<'_>, reply: Reply<'_>) {
        if !self.questions.is_answer(reply.id) {
            return;
        }
        let Some(hold) = &mut self.hold else { return };
        let answer = serde_json::from_slice(reply.body).ok();
        let next = hold.replied(cx.now(), reply.status, answer);
        self.take_next(cx, next);
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        let outdated = self.hold_outdated(cx);
        let Some(hold) = &mut self.hold else { return };
        match outdated {
            // What is being used up is decided when the sidecar has answered.
            Some(reason) if hold.stage != Stage::Redeeming => self.withdraw(cx, reason),
            _ => {
                let next = hold.tick(cx.now());
                self.take_next(cx, next);
            }
        }
    }

    fn is_ending(&self) -> bool {
        self.gate.is_ending()
    }

    fn kept(&self) -> usize {
        let held = self.hold.iter().flat_map(|hold| &hold.messages).map(Kept::bytes).sum::<usize>();
        self.gate.kept() + self.batch.kept() + held + self.behind.kept()
    }

    fn closed(&mut self, cx: &mut Cx<'_>, _by: Peer) {
        self.gone(cx, "the client is gone");
    }

    fn waits(&self) -> bool {
        self.hold.is_some() || !self.batch.is_empty()
    }

    fn wants_tick(&self) -> bool {
        self.hold.is_some()
    }
}
