//! What comes back, and what of it is shown.

use std::cell::Cell;
use std::rc::Rc;

use chaperone_flow::postgres::{Answered, refusal_with};
use chaperone_flow::{Command, Cx, Step};
use chaperone_model::Reason;
use chaperone_model::facts::Statement;
use chaperone_pgwire::exchange::Request;
use chaperone_pgwire::server::{CopyResponse, Fields};
use chaperone_pgwire::{Format, Frame, tag};

use crate::asked::{Asked, Run, Showing};
use crate::catalogue::Catalogue;
use crate::last::Last;
use crate::plan::{Plan, Planner};
use crate::quoting;
use crate::reading::{Reading, begins_with_write, writes};
use crate::record;
use crate::row::rewritten;
use crate::shape::{Grounds, Shape, is_of_server};
use crate::shared::Shared;
use crate::texts::{self, Text};

/// Until when nothing is shown, once a result was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Until {
    /// The ReadyForQuery that ends the Query.
    Ready,
    /// The ReadyForQuery that answers the client's Sync.
    Sync,
}

/// The filter's view of what comes back.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) planner: Planner,
    pub(crate) catalogue: Catalogue,
    /// A statement of this session had to do with hidden columns, so that a cursor may show them.
    pub(crate) touched: bool,
    /// The plan of the last command.
    pub(crate) last_plan: Option<Rc<Plan>>,
    /// The session has made something out of hidden columns that the catalogue does not know yet.
    pub(crate) derived: bool,
    /// The session has made tables that the catalogue does not know yet.
    pub(crate) made: bool,
    /// Whether the question that is on its way was asked since the session had derived or made something.
    pub(crate) asked: (bool, bool),
    /// Commands that went to the server behind the question to the catalogue: whether they had to do with hidden
    /// columns is told by the answer, which comes before theirs.
    pub(crate) unjudged: Vec<(Rc<Plan>, Rc<Command>)>,
    pub(crate) shared: Shared,
    /// What was done to the last result: agents repeat themselves.
    last: Option<Last>,
    refused: Option<Until>,
}

/// How many commands may wait for the catalogue; with more the session counts as touched.
const UNJUDGED_MOST: usize = 64;

impl Answers {
    pub(crate) fn new(planner: Planner, shared: Shared) -> Self {
        Self {
            planner,
            catalogue: Catalogue::default(),
            touched: false,
            last_plan: None,
            derived: false,
            made: false,
            asked: (false, false),
            unjudged: Vec::new(),
            shared,
            last: None,
            refused: None,
        }
    }

    /// A command goes to the server before the catalogue is known.
    pub(crate) fn judge_later(&mut self, plan: &Rc<Plan>, command: &Rc<Command>) {
        if self.catalogue.is_learning() && self.unjudged.len() < UNJUDGED_MOST {
            self.unjudged.push((Rc::clone(plan), Rc::clone(command)));
        } else {
            self.touched = true;
        }
    }

    /// The catalogue has answered, with or without success.
    fn learnt(&mut self, cx: &Cx<'_>) {
        self.catalogue.answered(cx.now().millis());
        self.asked = (false, false);
        if let (Some(known), at) = self.catalogue.learnt() {
            self.shared.put(cx.session, known, at);
        }
        for (plan, command) in std::mem::take(&mut self.unjudged) {
            let known = self.catalogue.known(&plan.columns);
            let exposed = |index| {
                let reading = Reading::of(Some(&command), index, false, &plan, known);
                reading.is_exposed(false) || reading.may_quote()
            };
            self.touched |= known.is_none() || (0..command.facts().statements.len()).any(exposed);
        }
    }

    /// An answer to what the filter itself has asked: not shown, but for an error that ends the client's batch.
    pub(crate) fn hidden(
        &mut self,
        cx: &mut Cx<'_>,
        frame: &Frame<'_>,
        answered: Answered<'_, Asked>,
    ) -> Step {
        match answered {
            Answered::Part(_, Asked::Catalogue) => match frame.tag {
                tag::server::DATA_ROW => self.catalogue.row(frame.body()),
                tag::server::ERROR_RESPONSE => self.catalogue.failed(),
                _ => {}
            },
            Answered::Ready { done: Some((_, Asked::Catalogue)), .. } => {
                self.learnt(cx);
            }
            Answered::Last(_, Asked::Portal(description)) => describe(&description, frame),
            Answered::Part(_, Asked::Portal(_))
                if frame.tag == tag::server::ERROR_RESPONSE && self.refused.is_none() =>
            {
                return self.response(cx, frame, self.touched || self.quotes(frame, None));
            }
            Answered::Aside | Answered::Last(..) | Answered::Part(..) | Answered::Ready { .. } => {}
        }
        Step::Take
    }

    /// What the client awaits.
    pub(crate) fn passing(
        &mut self,
        cx: &mut Cx<'_>,
        frame: &Frame<'_>,
        answered: Answered<'_, Asked>,
    ) -> Step {
        match answered {
            Answered::Aside => self.aside(cx, frame),
            Answered::Last(request, mut asked) => self.answer(cx, frame, request, &mut asked),
            Answered::Part(request, asked) => self.answer(cx, frame, request, asked),
            Answered::Ready { done, .. } => {
                let ends = done.is_none_or(|(request, _)| request == Request::Sync);
                match self.refused {
                    // Sent behind a refused Execute without a Sync: the client expects it to be skipped.
                    Some(Until::Sync) if !ends => Step::Take,
                    _ => {
                        self.refused = None;
                        Step::Pass
                    }
                }
            }
        }
    }

    fn answer(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, request: Request, asked: &mut Asked) -> Step {
        if self.refused.is_some() {
            // The server waits for COPY data: were the client not told, both would wait.
            return if frame.tag == tag::server::COPY_IN_RESPONSE { Step::Pass } else { Step::Take };
        }
        let changed = self.planner.has_changed(cx.session, asked.plan());
        match asked {
            Asked::Run(run) if changed && shows(frame.tag) => {
                self.refuse(cx, request, Some(run), Reason::MaskChanged)
            }
            Asked::Run(run) => match self.show(cx, frame, request, run, changed) {
                Ok(step) => step,
                Err(reason) => self.refuse(cx, request, Some(run), reason),
            },
            // Nothing was hidden when it was sent.
            Asked::Plain if changed && shows_values(frame.tag) => {
                self.refuse(cx, request, None, Reason::MaskChanged)
            }
            _ if frame.tag == tag::server::ERROR_RESPONSE => {
                let exposed = self.touched || self.planner.has_changed(cx.session, self.last_plan.as_ref());
                self.response(cx, frame, exposed || self.quotes(frame, None))
            }
            Asked::Portal(description) => {
                describe(description, frame);
                Step::Pass
            }
            Asked::Catalogue | Asked::Introduction | Asked::Plain => Step::Pass,
        }
    }

    /// A message of the answer to a Query or an Execute.
    fn show(
        &mut self,
        cx: &mut Cx<'_>,
        frame: &Frame<'_>,
        request: Request,
        run: &mut Run,
        changed: bool,
    ) -> Result<Step, Reason> {
        match frame.tag {
            tag::server::ROW_DESCRIPTION => {
                // Rules of a table may add results to those of the statement.
                let added = matches!(run.showing, Showing::Rows(_));
                run.showing = Showing::Rows(self.shape(run, frame.body(), added)?);
                Ok(Step::Pass)
            }
            tag::server::DATA_ROW => {
                if matches!(run.showing, Showing::Nothing) && request == Request::Execute {
                    let description = run.description.as_ref().and_then(|description| description.get());
                    let body = description.and_then(Option::as_ref).ok_or(Reason::MaskLineageUnknown)?;
                    run.showing = Showing::Rows(self.shape(run, body, false)?);
                }
                match &run.showing {
                    Showing::Rows(None) => Ok(Step::Pass),
                    Showing::Rows(Some(treatments)) => {
                        let row = rewritten(&run.plan, treatments, frame.body())?;
                        Ok(replace(cx, row.map(Text::Replaced)))
                    }
                    Showing::Copy | Showing::Nothing => Err(Reason::MaskLineageUnknown),
                }
            }
            tag::server::COPY_OUT_RESPONSE => {
                self.may_copy(run, frame.body())?;
                run.showing = Showing::Copy;
                Ok(Step::Pass)
            }
            tag::server::COPY_DATA => match (&run.showing, &run.plan.detectors) {
                (Showing::Copy, Some(detectors)) => Ok(replace(cx, texts::copied(detectors, frame))),
                (Showing::Copy, None) => Ok(Step::Pass),
                (Showing::Nothing | Showing::Rows(_), _) => Err(Reason::MaskLineageUnknown),
            },
            tag::server::COMMAND_COMPLETE | tag::server::EMPTY_QUERY_RESPONSE => {
                run.statement += 1;
                run.showing = Showing::Nothing;
                Ok(Step::Pass)
            }
            tag::server::ERROR_RESPONSE => {
                let reading = run.reading(self.catalogue.known(&run.plan.columns));
                let of_a_name = matches!(reading, Reading::Earlier) && texts::is_of_a_name(frame);
                let exposed = changed || self.may_be_quoted(frame, run);
                Ok(self.response(cx, frame, exposed && !of_a_name))
            }
            _ => Ok(Step::Pass),
        }
    }

    fn shape(&mut self, run: &Run, description: &[u8], added: bool) -> Result<Shape, Reason> {
        let learnt = self.catalogue.learnt().0.cloned();
        let state = (self.touched, self.derived, self.made, added);
        if let Some(shape) =
            self.last.as_ref().and_then(|last| last.get(run, learnt.as_ref(), state, description))
        {
            return Ok(shape);
        }
        let known = self.catalogue.known(&run.plan.columns);
        let reading = match run.reading(known) {
            _ if added => Reading::Untold,
            // A rule of the table, since a write without RETURNING has no result.
            Reading::Told(statement, _) if statement.outputs.is_none() && begins_with_write(statement) => {
                Reading::Untold
            }
            reading => reading,
        };
        let grounds = Grounds {
            plan: &run.plan,
            known,
            reading,
            touched: self.touched,
            derived: self.derived,
            made: self.made,
            stale: Cell::new(false),
        };
        let shape = grounds.shape(description);
        if grounds.stale.get() {
            self.catalogue.mark_stale();
        } else if let Ok(shape) = &shape {
            self.last = Last::of(run, learnt, state, description, shape);
        }
        shape
    }

    /// Whether COPY may show what it is about to.
    fn may_copy(&self, run: &Run, body: &[u8]) -> Result<(), Reason> {
        let copy = CopyResponse::read(body).map_err(|_| Reason::ProtocolViolation)?;
        if run.plan.detectors.is_some() && copy.overall == Format::Binary {
            return Err(Reason::MaskUnsupported);
        }
        if !run.plan.hides_columns() {
            return Ok(());
        }
        let known = self.catalogue.known(&run.plan.columns);
        match run.reading(known) {
            Reading::Told(statement, exposure) if exposure.is_empty() => {
                let of_users = statement.relations.iter().any(|relation| !is_of_server(relation));
                if of_users && (known.is_none() || self.derived) {
                    return Err(Reason::MaskCatalogueUnavailable);
                }
                Ok(())
            }
            Reading::Earlier | Reading::Plain(_) | Reading::Told(..) | Reading::Untold => {
                Err(Reason::MaskCopyRefused)
            }
        }
    }

    /// Shows an error in the place of a result and of all that comes behind it, as after an error of the server.
    fn refuse(&mut self, cx: &mut Cx<'_>, request: Request, run: Option<&Run>, reason: Reason) -> Step {
        let command = run.and_then(|run| run.command.as_deref());
        let index = run.map_or(0, |run| run.statement);
        let statement = command.and_then(|command| command.facts().statements.get(index));
        let message = if statement.is_some_and(writes) {
            format!("the statement was run, but its result is not shown: {}", reason.title())
        } else {
            String::new()
        };
        cx.show(refusal_with(reason, None, &message, "").to_error());
        record::refused(cx, reason, command, self.planner.policy());
        self.refused = Some(if request == Request::Query { Until::Ready } else { Until::Sync });
        Step::Take
    }

    /// Any function can be made to speak in notices of what it reads. `asked` is what the server is busy with.
    pub(crate) fn is_notice_exposed(&self, frame: &Frame<'_>, asked: Option<&Asked>) -> bool {
        let of_run = match asked {
            Some(Asked::Run(run)) => self.may_be_quoted(frame, run),
            _ => self.quotes(frame, None),
        };
        self.touched || of_run
    }

    /// Whether a hidden value may be in an error or a notice that comes while this is answered. The end of a Query is that
    /// of a transaction, so that what any of its statements has put off is done while the last one is answered.
    fn may_be_quoted(&self, frame: &Frame<'_>, run: &Run) -> bool {
        let known = self.catalogue.known(&run.plan.columns);
        let alone = run.description.is_some();
        let count = run.command.as_ref().map_or(0, |command| command.facts().statements.len());
        let statements = if alone { run.statement..run.statement + 1 } else { 0..count.max(1) };
        statements.into_iter().any(|index| {
            let reading = Reading::of(run.command.as_deref(), index, alone, &run.plan, known);
            let statement = match reading {
                Reading::Told(statement, _) => Some(statement),
                Reading::Earlier | Reading::Plain(_) | Reading::Untold => None,
            };
            reading.is_exposed(self.touched) || reading.may_quote() || self.quotes(frame, statement)
        })
    }

    fn aside(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Step {
        match frame.tag {
            tag::server::ERROR_RESPONSE => self.response(cx, frame, self.quotes(frame, None)),
            tag::server::NOTIFICATION_RESPONSE => match self.planner.plan(cx.session) {
                Ok(Some(plan)) => replace(cx, texts::notification(&plan, frame)),
                Ok(None) | Err(_) => Step::Pass,
            },
            tag::server::PARAMETER_STATUS => match self.planner.plan(cx.session) {
                Ok(Some(plan)) => replace(cx, texts::setting(&plan, frame, self.touched)),
                Ok(None) | Err(_) => Step::Pass,
            },
            _ => Step::Pass,
        }
    }

    /// Whether an error or a notice may quote a hidden value, whatever the statement names.
    fn quotes(&self, frame: &Frame<'_>, statement: Option<&Statement>) -> bool {
        let Some(plan) = &self.last_plan else { return false };
        let known = self.catalogue.known(&plan.columns);
        let grounds = quoting::Grounds { plan, known, unsure: self.derived || self.made };
        Fields::read(frame.body()).is_ok_and(|fields| grounds.may_quote(&fields, statement))
    }

    /// An error or a notice. Before anybody is known nothing of a table can be in it.
    pub(crate) fn response(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, exposed: bool) -> Step {
        match self.planner.plan(cx.session) {
            Ok(Some(plan)) => {
                let text = texts::response(&plan, frame, exposed && plan.hides_columns());
                let is_error = frame.tag == tag::server::ERROR_RESPONSE;
                match text {
                    // The client waits for an error; a notice may be left out.
                    Some(Text::Withheld(reason)) if is_error => {
                        cx.show(refusal_with(reason, None, "", "").to_error());
                        Step::Take
                    }
                    text => replace(cx, text),
                }
            }
            Ok(None) | Err(_) => Step::Pass,
        }
    }
}

fn describe(description: &std::cell::OnceCell<Option<Vec<u8>>>, frame: &Frame<'_>) {
    let columns = (frame.tag == tag::server::ROW_DESCRIPTION).then(|| frame.body().to_vec());
    // It is set once: there is one answer to each Describe.
    let _already = description.set(columns);
}

/// Whether a message shows what is in tables, or begins to.
const fn shows(tag: u8) -> bool {
    matches!(tag, tag::server::COPY_OUT_RESPONSE | tag::server::ROW_DESCRIPTION) || shows_values(tag)
}

const fn shows_values(tag: u8) -> bool {
    matches!(tag, tag::server::COPY_DATA | tag::server::DATA_ROW)
}

fn replace(cx: &mut Cx<'_>, text: Option<Text>) -> Step {
    match text {
        None => Step::Pass,
        Some(Text::Replaced(bytes)) => {
            record::masked(cx);
            cx.show(bytes);
            Step::Take
        }
        Some(Text::Withheld(_)) => Step::Take,
    }
}
