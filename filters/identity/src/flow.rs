//! The state machine of one PostgreSQL connection: from the StartupMessage to the last command.

mod target;

use std::rc::Rc;

use chaperone_flow::postgres::{Gate, Refusal, Turn, fatal, refusal_with};
use chaperone_flow::{Cx, Effect, Flow, Live, Note, Peer, Reply, Step};
use chaperone_model::{Identity, Reason, SessionId};
use chaperone_pgwire::client::Password as PasswordMessage;
use chaperone_pgwire::startup::{Startup, StartupPacket};
use chaperone_pgwire::{Frame, tag};
use chaperone_policy::{Role, UpstreamAuth};
use chaperone_settings::Settings;
use chaperone_token::DEFAULT_MAX_BYTES;

use crate::Keyring;
use crate::admitted::{Admitted, offered};
use crate::asked::{Asked as Wanted, Unfit};
use crate::counters;
use crate::fetch::Fetch;
use crate::keyring::Judged;
use crate::login::{Caller, Login, PATIENCE};
use crate::presented::Presented;
use crate::provider::Source;
use crate::record;
use crate::upstream::{Password, Upstream};

/// The flow of one connection.
#[derive(Debug)]
pub struct IdentityFlow {
    settings: Live<Settings>,
    keyring: Keyring,
    gate: Gate<()>,
    fetch: Fetch,
    /// The target's account, which the client does not get to know.
    account: String,
    stage: Stage,
    /// Messages of results that have passed.
    pieces: u32,
}

#[derive(Debug)]
enum Stage {
    /// Before the StartupMessage, and on a connection that only cancels.
    Start,
    Login(Box<Login>),
    Session(Admitted),
    /// Nothing goes through any more.
    Over,
}

impl IdentityFlow {
    /// A connection that was just opened. The keyring is the VM's.
    #[must_use]
    pub fn new(settings: Live<Settings>, keyring: Keyring) -> Self {
        Self {
            settings,
            keyring,
            gate: Gate::default(),
            fetch: Fetch::default(),
            account: String::new(),
            stage: Stage::Start,
            pieces: 0,
        }
    }
}

impl Flow for IdentityFlow {
    fn opened(&mut self, cx: &mut Cx<'_>) {
        let id = SessionId::from_random(cx.random_bytes());
        cx.effect(Effect::Annotate("chaperone.session-id", id.as_str().as_bytes().to_vec()));
        cx.session.id = Some(id);
        cx.effect(Effect::ShareSession);
    }

    fn client(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>, _note: &mut Option<Note>) -> Step {
        if !self.gate.admits(&frame) {
            return Step::Take;
        }
        match &mut self.stage {
            Stage::Start => return self.start(cx, &frame),
            Stage::Session(_) => return self.command(cx, &frame),
            Stage::Login(_) if frame.tag == tag::client::PASSWORD => self.token(cx, &frame),
            // Goodbye, or what comes in its place when a flow before this one ends the session: what the target
            // says to it is the last thing that the client hears.
            Stage::Login(_) => {
                self.gate.end(cx, &fatal(Reason::ProtocolViolation));
                self.stage = Stage::Over;
            }
            Stage::Over => {}
        }
        Step::Take
    }

    fn is_ending(&self) -> bool {
        self.gate.is_ending()
    }

    fn kept(&self) -> usize {
        self.gate.kept()
    }

    fn server(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>) -> Step {
        let hidden = match self.gate.server(cx, &frame) {
            Turn::Taken => return Step::Take,
            Turn::Hidden(_) => true,
            Turn::Pass(_) => false,
        };
        if frame.tag == tag::server::NOTIFICATION_RESPONSE && !self.may_hear(cx) {
            return Step::Take;
        }
        if matches!(frame.tag, tag::server::DATA_ROW | tag::server::COPY_DATA) && self.is_piece_outlived(cx) {
            cx.show(fatal(Reason::TokenExpired).to_fatal());
            self.cut_off(cx);
            return Step::Take;
        }
        match &mut self.stage {
            Stage::Login(_) => self.target_speaks(cx, &frame, hidden),
            Stage::Session(_)
                if frame.tag == tag::server::ERROR_RESPONSE
                    && !self.gate.is_ready()
                    && !self.gate.is_ending() =>
            {
                self.target_refuses(cx, &frame);
                Step::Take
            }
            Stage::Session(_) | Stage::Start if !hidden => Step::Pass,
            Stage::Over | Stage::Session(_) | Stage::Start => Step::Take,
        }
    }

    fn reply(&mut self, cx: &mut Cx<'_>, reply: Reply<'_>) {
        if self.fetch.reply(cx, &self.keyring, reply) {
            self.judge(cx);
        }
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        self.judge(cx);
    }

    fn second(&mut self, cx: &mut Cx<'_>) {
        if self.has_outlived(cx) {
            // Both are silent, so that nothing can be said.
            self.cut_off(cx);
        }
    }

    fn closed(&mut self, _cx: &mut Cx<'_>, _by: Peer) {
        self.fetch.abandon(&self.keyring);
        self.stage = Stage::Over;
    }

    fn waits(&self) -> bool {
        matches!(&self.stage, Stage::Login(login) if login.waits())
    }

    fn wants_tick(&self) -> bool {
        matches!(&self.stage, Stage::Login(login) if matches!(login.caller, Caller::Waiting { .. }))
    }
}

// === The client speaks ===

impl IdentityFlow {
    fn start(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Step {
        if frame.tag != tag::UNTAGGED {
            self.end(cx, Reason::ProtocolViolation);
            return Step::Take;
        }
        let Ok(StartupPacket::Startup(startup)) = StartupPacket::read(frame.body()) else {
            // Requests for encryption, to cancel (whose secret is its proof), and a poke of a flow before this.
            return self.gate.pass(cx, frame);
        };
        if let Err((refusal, detail)) = self.log_in(cx, &startup) {
            self.end_with(cx, &refusal, &detail);
        }
        Step::Take
    }

    fn log_in(&mut self, cx: &mut Cx<'_>, startup: &Startup<'_>) -> Result<(), (Refusal, String)> {
        let plain = |reason| (fatal(reason), String::new());
        let settings = self.settings.get();
        let wanted = Wanted::read(startup).map_err(|unfit| match unfit {
            Unfit::Plain(reason) => plain(reason),
            Unfit::Parameter(name) => {
                let message = format!("the startup parameter `{name}` is not allowed");
                (refusal_with(Reason::StartupParameterRefused, None, &message, ""), name)
            }
        })?;
        cx.session.role.clone_from(&wanted.role);
        cx.session.database.clone_from(&wanted.database);
        let role = offered(&settings, &wanted.role, &wanted.database).map_err(|reason| {
            let name = match reason {
                Reason::RoleUnknown => &wanted.role,
                Reason::DatabaseUnknown => &wanted.database,
                _ => return plain(reason),
            };
            // Whoever did not name one is told what the client took instead.
            let name: String = name.chars().take(NAMED_MOST).filter(|c| !c.is_control()).collect();
            (refusal_with(reason, None, &format!("{}: `{name}`", reason.title()), ""), String::new())
        })?;
        let run_as = role.upstream.introduction.as_ref().and_then(|it| it.role.as_deref());
        let upstream = upstream(cx, &settings, role).ok_or_else(|| plain(Reason::CredentialMissing))?;
        let packet = wanted.packet(&upstream.user, run_as).ok_or_else(|| plain(Reason::ProtocolViolation))?;
        let step = self.gate.pass(cx, &Frame { tag: tag::UNTAGGED, bytes: &packet });
        if step == Step::Pass {
            cx.send_startup(packet);
            if let Some(message) = upstream.pipelined() {
                cx.send(message);
            }
            self.account.clone_from(&upstream.user);
            self.stage = Stage::Login(Box::new(Login::new(wanted, upstream)));
        }
        Ok(())
    }

    fn token(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) {
        let Stage::Login(login) = &mut self.stage else { return };
        if !matches!(login.caller, Caller::Silent) {
            self.end(cx, Reason::ProtocolViolation);
            return;
        }
        let policy = &self.settings.get().policy;
        let bytes = match PasswordMessage::read(frame.body()) {
            Ok(message) if message.text.len() <= DEFAULT_MAX_BYTES => message.text,
            Ok(_) => return self.end(cx, Reason::TokenTooLarge),
            Err(_) => return self.end(cx, Reason::TokenMalformed),
        };
        if let Some((identity, source)) = self.keyring.remembered(&Presented::digest(bytes, policy), cx.now())
        {
            cx.effect(Effect::Count(counters::REMEMBERED, 1));
            return self.admit(cx, identity, source);
        }
        match Presented::read(bytes, policy, cx.now()) {
            Ok(presented) => {
                let until = cx.now().millis().saturating_add(PATIENCE);
                login.caller = Caller::Waiting { presented: Box::new(presented), until };
                self.judge(cx);
            }
            Err(reason) => self.end(cx, reason),
        }
    }

    fn command(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Step {
        let Stage::Session(admitted) = &mut self.stage else { return Step::Take };
        if begins_work(frame.tag) {
            let settings = self.settings.get();
            if let Err(reason) = admitted.check(Rc::clone(&settings), cx.now()) {
                self.command_refused(cx, reason, Some(frame));
                // An expired token never becomes good again: what the transaction has locked would stay so.
                let transaction = reason == Reason::TokenExpired && self.gate.status() != b'I';
                if self.gate.is_copy_in() || transaction {
                    // What the target would make of the message now is not certain; what it makes of none is.
                    self.gate.end(cx, &fatal(reason));
                } else {
                    self.gate.refuse(cx, frame.tag, &fatal(reason));
                }
                return Step::Take;
            }
        }
        // What ends a COPY or a batch makes its work last.
        let goes_on = matches!(
            frame.tag,
            tag::client::COPY_DATA | tag::client::COPY_DONE | tag::client::FLUSH | tag::client::SYNC
        );
        if goes_on && self.has_outlived(cx) {
            self.command_refused(cx, Reason::TokenExpired, Some(frame));
            self.gate.end(cx, &fatal(Reason::TokenExpired));
            return Step::Take;
        }
        self.gate.pass(cx, frame)
    }

    /// Whether what is under way has gone on for too long after the token's expiry.
    fn has_outlived(&self, cx: &Cx<'_>) -> bool {
        matches!(&self.stage, Stage::Session(admitted) if admitted.has_outlived(cx.now()))
    }

    /// Whether the caller may still be told what others say.
    fn may_hear(&mut self, cx: &Cx<'_>) -> bool {
        match &mut self.stage {
            Stage::Session(admitted) => admitted.check(self.settings.get(), cx.now()).is_ok(),
            Stage::Login(_) | Stage::Over | Stage::Start => true,
        }
    }

    /// As [`Self::has_outlived`], of a long result: looked at now and then.
    fn is_piece_outlived(&mut self, cx: &Cx<'_>) -> bool {
        self.pieces = self.pieces.wrapping_add(1);
        self.pieces % PIECES == 0 && self.has_outlived(cx)
    }

    /// The session has outlived its token, and ends here.
    fn cut_off(&mut self, cx: &mut Cx<'_>) {
        self.command_refused(cx, Reason::TokenExpired, None);
        cx.effect(Effect::Close);
        self.stage = Stage::Over;
    }

    fn command_refused(&self, cx: &mut Cx<'_>, reason: Reason, frame: Option<&Frame<'_>>) {
        if let Stage::Session(admitted) = &self.stage {
            let policy = self.settings.get().policy.digest();
            record::command_refused(cx, reason, &admitted.identity.subject, policy, frame);
        }
    }
}

/// After so many messages of a result the clock is looked at.
const PIECES: u32 = 64;

/// Letters of a role's or database's name that a refusal repeats.
const NAMED_MOST: usize = 63;

/// Whether a message makes the target do something new. A COPY that is under way may end, and a batch be closed.
const fn begins_work(tag: u8) -> bool {
    use tag::client::{BIND, DESCRIBE, EXECUTE, FUNCTION_CALL, PARSE, QUERY};
    matches!(tag, BIND | DESCRIBE | EXECUTE | FUNCTION_CALL | PARSE | QUERY)
}

/// The authentication at the target; none where its credential is missing.
fn upstream(cx: &mut Cx<'_>, settings: &Settings, role: &Role) -> Option<Upstream> {
    let credential = &role.upstream;
    let password = match (credential.auth, credential.password_env.as_deref()) {
        (UpstreamAuth::Trust, _) => String::new(),
        (_, name) => settings.environment.variable(name?)?,
    };
    Some(Upstream::new(credential.auth, &credential.user, Password(password), &cx.random_bytes()))
}

// === The token is judged ===

impl IdentityFlow {
    /// Judges the token that waits, if one does. Called whenever something may have changed for it.
    fn judge(&mut self, cx: &mut Cx<'_>) {
        let Stage::Login(login) = &self.stage else { return };
        let Caller::Waiting { presented, until } = &login.caller else { return };
        match self.keyring.judge(presented, cx.now()) {
            Judged::Verified(identity) => {
                let source = presented.source.clone();
                self.admit(cx, identity, source);
            }
            Judged::Refused(reason) => self.end(cx, reason),
            Judged::Wait(reason) if cx.now().millis() >= *until => self.end(cx, reason),
            Judged::Wait(_) => {}
            Judged::Fetch => self.fetch.begin(cx, &self.keyring, presented.source.clone()),
        }
    }

    /// The token is good; may its owner use the role?
    fn admit(&mut self, cx: &mut Cx<'_>, identity: Rc<Identity>, source: Source) {
        if self.keyring.refresh_is_due(&source, cx.now()) {
            self.fetch.begin(cx, &self.keyring, source);
        }
        let Stage::Login(login) = &mut self.stage else { return };
        login.caller = Caller::Verified(Rc::clone(&identity));
        let (role, database) = (&login.asked.role, &login.asked.database);
        let admitted = Admitted::new(self.settings.get(), Rc::clone(&identity), role, database);
        let answered = admitted.and_then(|_| {
            // Whoever tells the target who is calling must know it before the target is ready.
            cx.session.identity = Some(identity);
            cx.effect(Effect::ShareSession);
            self.answer(cx)
        });
        if let Err(reason) = answered {
            self.end(cx, reason);
        }
    }

    /// Answers the target on the client's behalf, once both are ready for it.
    fn answer(&mut self, cx: &mut Cx<'_>) -> Result<(), Reason> {
        let Stage::Login(login) = &mut self.stage else { return Ok(()) };
        let Caller::Verified(identity) = &login.caller else { return Ok(()) };
        // A target that begins by itself must have begun, for what makes it speak is a command.
        if !login.upstream.can_answer() || (login.upstream.is_trusting() && !self.gate.is_ready()) {
            return Ok(());
        }
        let identity = Rc::clone(identity);
        match login.upstream.answer(&self.keyring)? {
            Some(message) => cx.send(message),
            // The target has nothing to say by itself now: something must make it speak.
            None => self.gate.tell(cx, Vec::new()),
        }
        login.caller = Caller::Answered(identity);
        Ok(())
    }
}

// === Refusals ===

impl IdentityFlow {
    fn end(&mut self, cx: &mut Cx<'_>, reason: Reason) {
        self.end_with(cx, &fatal(reason), "");
    }

    /// Refuses the login while the target is silent.
    fn end_with(&mut self, cx: &mut Cx<'_>, refusal: &Refusal, detail: &str) {
        self.log_refusal(cx, refusal.reason, detail);
        self.gate.end(cx, refusal);
        self.stage = Stage::Over;
    }

    /// Refuses the login while the target speaks, so that the client can be told at once.
    fn end_here(&mut self, cx: &mut Cx<'_>, reason: Reason, detail: &str) {
        self.log_refusal(cx, reason, detail);
        cx.show(fatal(reason).to_fatal());
        cx.effect(Effect::Close);
        self.stage = Stage::Over;
    }

    fn log_refusal(&self, cx: &mut Cx<'_>, reason: Reason, detail: &str) {
        let subject = match &self.stage {
            Stage::Login(login) => login.subject(),
            Stage::Session(admitted) => Some(admitted.identity.subject.as_str()),
            Stage::Start | Stage::Over => None,
        };
        record::login_refused(cx, reason, subject, detail, &self.settings.get());
    }
}
