//! What the target says during a login, and what the client gets to see of it.

use std::rc::Rc;

use chaperone_flow::postgres::fatal;
use chaperone_flow::{Cx, Effect, Step};
use chaperone_model::Reason;
use chaperone_pgwire::server::{Authentication, NegotiateProtocolVersion, write};
use chaperone_pgwire::{Frame, tag};

use super::{IdentityFlow, Stage};
use crate::admitted::Admitted;
use crate::login::{Caller, Kept};
use crate::upstream::Asked;
use crate::{record, target_error};

impl IdentityFlow {
    pub(super) fn target_speaks(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, hidden: bool) -> Step {
        let Stage::Login(login) = &mut self.stage else { return Step::Take };
        if frame.tag == tag::server::ERROR_RESPONSE {
            self.target_refuses(cx, frame);
            return Step::Take;
        }
        if hidden {
            // The answer to what made a trusting target speak.
            self.begin_kept(cx);
            return Step::Take;
        }
        if let Some(kept) = &mut login.kept {
            let kept = if kept.add(frame.bytes) { self.answer(cx) } else { Err(Reason::ProtocolViolation) };
            if let Err(reason) = kept {
                self.end_here(cx, reason, "");
            }
            return Step::Take;
        }
        match frame.tag {
            tag::server::AUTHENTICATION => self.target_asks(cx, frame),
            tag::server::NEGOTIATE_PROTOCOL_VERSION => {
                let newest =
                    NegotiateProtocolVersion::read(frame.body()).map(|message| message.minor & 0xffff);
                login.negotiate(cx, newest.ok().and_then(|minor| u16::try_from(minor).ok()));
                Step::Take
            }
            // Nothing that the target says to everybody is for somebody who was not let in yet.
            tag::server::NOTICE_RESPONSE => Step::Take,
            _ => {
                self.end_here(cx, Reason::ProtocolViolation, "");
                Step::Take
            }
        }
    }

    fn target_asks(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Step {
        let Stage::Login(login) = &mut self.stage else { return Step::Take };
        let asked = Authentication::read(frame.body()).map_err(|_| Reason::ProtocolViolation);
        match asked.and_then(|message| login.upstream.asked(&message)) {
            Ok(Asked::Accepted) => return self.begin(cx),
            Ok(Asked::AskClient) => {
                login.negotiate(cx, None);
                let mut question = Vec::new();
                write::authentication_cleartext_password(&mut question);
                cx.show(question);
                if login.upstream.is_trusting() {
                    let mut kept = Kept::default();
                    let _ = kept.add(frame.bytes);
                    login.kept = Some(kept);
                }
            }
            Ok(Asked::Nothing) => {}
            Err(reason) => {
                self.end_here(cx, reason, "");
                return Step::Take;
            }
        }
        if let Err(reason) = self.answer(cx) {
            self.end_here(cx, reason, "");
        }
        Step::Take
    }

    /// The target has let the gateway in for a client that was let in: the session begins with this message.
    fn begin(&mut self, cx: &mut Cx<'_>) -> Step {
        let Stage::Login(login) = &mut self.stage else { return Step::Take };
        let Caller::Answered(identity) = &login.caller else {
            self.end_here(cx, Reason::ProtocolViolation, "");
            return Step::Take;
        };
        let (role, database) = (&login.asked.role, &login.asked.database);
        match Admitted::new(self.settings.get(), Rc::clone(identity), role, database) {
            Ok(admitted) => {
                record::accepted(cx, identity, login.asked.application());
                self.stage = Stage::Session(admitted);
                Step::Pass
            }
            Err(reason) => {
                self.end_here(cx, reason, "");
                Step::Take
            }
        }
    }

    fn begin_kept(&mut self, cx: &mut Cx<'_>) {
        let Stage::Login(login) = &mut self.stage else { return };
        let Some(kept) = login.kept.take() else { return };
        if self.begin(cx) == Step::Pass {
            kept.show(cx);
        }
    }

    pub(super) fn target_refuses(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) {
        let own = fatal(Reason::CallerNotTold).to_fatal();
        let error = if frame.bytes == own {
            // A filter behind this one says so.
            self.log_refusal(cx, Reason::CallerNotTold, "");
            own
        } else {
            let (error, code) = target_error::read(frame.body(), &self.account);
            self.log_refusal(cx, Reason::TargetRefused, &code);
            error
        };
        cx.show(error);
        cx.effect(Effect::Close);
        self.stage = Stage::Over;
    }
}
