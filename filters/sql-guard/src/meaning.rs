//! What the names of a session mean: prepared statements, portals, and those that SQL's own PREPARE made.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use chaperone_flow::postgres::Names;
use chaperone_flow::{Command, Share};
use chaperone_model::facts::{Effect, Facts, Statement, Verb};
use chaperone_model::{Digest, Reason};

use crate::work::{Left, RESOLVED_MOST, TooMuch, Work, of_judging};

/// Everything that a name may stand for; usually one command.
pub(crate) type Meaning = Vec<Rc<Command>>;

/// What a portal was bound to.
#[derive(Debug)]
pub(crate) struct Portal {
    pub(crate) meaning: Meaning,
    /// Whether it has values of its own, which its text does not tell.
    pub(crate) has_values: bool,
}

/// The names of one session.
#[derive(Debug)]
pub(crate) struct Meanings {
    pub(crate) statements: Names<Meaning>,
    pub(crate) portals: Names<Portal>,
    /// By SQL's PREPARE. Never forgotten but with the session: DEALLOCATE may fail, a rollback does not undo it.
    prepared: HashMap<String, Meaning>,
    /// Commands with a DECLARE: a cursor of theirs may have any portal's name. These end with their transaction.
    declared: Meaning,
    /// Commands whose cursors may be WITH HOLD: never forgotten, for the same reasons.
    held: Meaning,
    /// Bytes of what is not forgotten by itself.
    forever: usize,
    work: Work,
}

impl Default for Meanings {
    fn default() -> Self {
        Self {
            statements: Names::new(Names::<Meaning>::DEFAULT_MOST),
            portals: Names::new(Names::<Portal>::DEFAULT_MOST),
            prepared: HashMap::new(),
            declared: Meaning::new(),
            held: Meaning::new(),
            forever: 0,
            work: Work::default(),
        }
    }
}

/// How many names SQL's PREPARE may make in one session, and how many texts one of them may have had.
const PREPARED_MOST: usize = 1_000;

/// Longest text of a command with what it runs, in bytes.
const TEXT_MOST: usize = 64 << 10;

/// What stands at the end of a longer one.
const CUT: &str = "\n-- and more";

/// How often what is run may itself be an EXECUTE or a FETCH.
const DEPTH_MOST: usize = 4;

/// What EXECUTE of this name runs of a statement that was remembered for it: of a PREPARE what it prepares, nothing of
/// what stood beside it in the same text, and a statement of the protocol as it is.
fn run(statement: &Statement, name: &str) -> Option<Statement> {
    if !statement.verbs.contains(&Verb::Prepare) {
        let executes = statement.effects.iter().any(|effect| matches!(effect, Effect::Prepared(_)));
        return (!executes).then(|| statement.clone());
    }
    let is_it = |effect: &Effect| matches!(effect, Effect::Prepared(of) if of == name);
    if !statement.effects.iter().any(is_it) {
        return None;
    }
    let mut statement = statement.clone();
    statement.effects.retain(|effect| !is_it(effect));
    statement.verbs.retain(|verb| *verb != Verb::Prepare);
    Some(statement)
}

/// Why it cannot be told what a name stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Untold {
    /// For too much.
    TooMuch,
    /// For nothing that is known.
    Unknown,
}

impl Untold {
    /// The reason for a refusal; `unknown` where the name is not known.
    const fn reason(self, unknown: Reason) -> Reason {
        match self {
            Self::TooMuch => Reason::TooManyStatements,
            Self::Unknown => unknown,
        }
    }
}

impl From<TooMuch> for Untold {
    fn from(TooMuch: TooMuch) -> Self {
        Self::TooMuch
    }
}

impl Meanings {
    /// Everything that the prepared statement may mean; empty for an unknown name.
    pub(crate) fn of_statement(&mut self, name: &[u8], millis: u64) -> Result<Meaning, Reason> {
        let meaning = self.working(millis, |it, left| it.statement_within(name, left));
        meaning.map_err(|TooMuch| Reason::TooManyStatements)
    }

    /// Does something that is work, within what the session may do now.
    fn working<R>(&mut self, millis: u64, work: impl FnOnce(&Self, &mut Left) -> R) -> R {
        let mut left = self.work.begin(millis);
        let result = work(self, &mut left);
        self.work.end(&left);
        result
    }

    fn statement_within(&self, name: &[u8], left: &mut Left) -> Result<Meaning, TooMuch> {
        let mut meaning = flat(self.statements.meanings(name).flat_map(|meaning| meaning.iter()), left)?;
        if let Some(prepared) = std::str::from_utf8(name).ok().and_then(|name| self.prepared.get(name)) {
            meaning.extend(prepared.iter().cloned());
        }
        Ok(meaning)
    }

    /// Everything that the portal may mean; empty for an unknown name.
    pub(crate) fn of_portal(&mut self, name: &[u8], millis: u64) -> Result<Meaning, Reason> {
        let meaning = self.working(millis, |it, left| {
            flat(it.portals.meanings(name).flat_map(|portal| portal.meaning.iter()), left)
        });
        let mut meaning = meaning.map_err(|TooMuch| Reason::TooManyStatements)?;
        if !name.is_empty() {
            meaning.extend(self.cursors().cloned());
        }
        Ok(meaning)
    }

    /// Whether a command (with what it runs) may run a portal, or a cursor, whose values its text does not tell.
    pub(crate) fn hides_values(&self, command: &Command) -> bool {
        let has_values = || {
            self.portals.named().any(|portal| portal.has_values)
                || self.cursors().any(|declaring| has_parameters(declaring.text()))
        };
        command.facts().statements.iter().any(fetches) && has_values()
    }

    /// Puts what EXECUTE runs into the facts of a command that contains one.
    pub(crate) fn resolve(&mut self, command: Rc<Command>, millis: u64) -> Result<Rc<Command>, Reason> {
        if !stands_for_others(&command) {
            return Ok(command);
        }
        let resolved = self.working(millis, |it, left| it.resolve_within(command, 0, left));
        resolved.map_err(|untold| untold.reason(Reason::PreparedUnknown))
    }

    /// As [`Self::resolve`], of a command that was sent before: to put it together once more is work as well.
    fn resolve_again(&mut self, command: Rc<Command>, millis: u64) -> Result<Rc<Command>, Reason> {
        if !stands_for_others(&command) {
            return Ok(command);
        }
        let resolved = self.working(millis, |it, left| {
            left.take(&command)?;
            it.resolve_within(command, 0, left)
        });
        resolved.map_err(|untold| untold.reason(Reason::PreparedUnknown))
    }

    /// Whether the session may have this judged now, beside all else that it asks for.
    pub(crate) fn may_judge(&mut self, facts: &Facts, rules: usize, millis: u64) -> bool {
        self.work.may(of_judging(facts, rules), millis)
    }

    /// One command that does what all of a meaning do, with what EXECUTE runs; `unknown` where there is none.
    pub(crate) fn command_of(
        &mut self,
        meaning: &Meaning,
        unknown: Reason,
        millis: u64,
    ) -> Result<Rc<Command>, Reason> {
        let command = self.working(millis, |_, left| joined(meaning, left));
        self.resolve_again(command.map_err(|untold| untold.reason(unknown))?, millis)
    }

    fn resolve_within(
        &self,
        command: Rc<Command>,
        depth: usize,
        left: &mut Left,
    ) -> Result<Rc<Command>, Untold> {
        if !stands_for_others(&command) {
            return Ok(command);
        }
        let fetched = command.facts().statements.iter().any(fetches);
        if depth >= DEPTH_MOST {
            return Err(Untold::TooMuch);
        }
        let mut facts = Facts::clone(command.facts());
        // Whoever approves or reads a record sees what is run.
        let mut text = command.text().to_owned();
        let mut resolved = false;
        let mut several = command.is_one_of_several();
        if fetched {
            // A portal that was bound by name is a cursor to FETCH and MOVE, which run it.
            for portal in self.portals.named().flat_map(|portal| portal.meaning.iter()) {
                resolved = true;
                append(&mut text, "runs", portal.text());
                let portal = self.resolve_within(Rc::clone(portal), depth + 1, left)?;
                several |= portal.is_one_of_several();
                left.take(&portal)?;
                facts.opaque = facts.opaque.or_else(|| portal.facts().opaque.clone());
                facts.statements.extend(portal.facts().statements.iter().cloned());
            }
            // So is a cursor of a DECLARE, whose query runs as it is fetched from, and again when it is wound back.
            for declaring in self.cursors() {
                resolved = true;
                append(&mut text, "runs", declaring.text());
                left.take(declaring)?;
                let declares =
                    declaring.facts().statements.iter().filter(|it| it.verbs.contains(&Verb::Declare));
                facts.statements.extend(declares.cloned());
            }
        }
        for statement in command.facts().statements.iter().filter(|statement| executes(statement)) {
            for effect in &statement.effects {
                let Effect::Prepared(name) = effect else { continue };
                let meaning = self.statement_within(name.as_bytes(), left)?;
                // What the same text prepares is another thing that the name may stand for.
                let own = command.facts().statements.iter().filter(|it| it.verbs.contains(&Verb::Prepare));
                let own: Vec<_> = own.filter_map(|prepare| run(prepare, name)).collect();
                if meaning.is_empty() && own.is_empty() {
                    return Err(Untold::Unknown);
                }
                resolved = true;
                several |= meaning.len() + own.len() > 1;
                facts.statements.extend(own);
                for inner in meaning {
                    append(&mut text, "runs", inner.text());
                    let inner = self.resolve_within(inner, depth + 1, left)?;
                    several |= inner.is_one_of_several();
                    left.take(&inner)?;
                    facts.opaque = facts.opaque.or_else(|| inner.facts().opaque.clone());
                    let inner = inner.facts().statements.iter().filter_map(|inner| run(inner, name));
                    facts.statements.extend(inner);
                }
                if facts.statements.len() > RESOLVED_MOST {
                    return Err(Untold::TooMuch);
                }
            }
        }
        if !resolved {
            return Ok(command);
        }
        let command = Command::new(text.as_bytes(), Rc::new(facts)).made_for_one();
        Ok(Rc::new(if several { command.made_of_several() } else { command }))
    }

    /// Bytes that are remembered.
    pub(crate) const fn kept(&self) -> usize {
        self.statements.bytes() + self.portals.bytes() + self.forever
    }

    /// A command goes to the server: remembers what its PREPAREs and DECLAREs define, or says why that is too much.
    pub(crate) fn remember(&mut self, memory: &mut Share, command: &Rc<Command>) -> Result<(), Reason> {
        let declares = |statement: &Statement| statement.verbs.contains(&Verb::Declare);
        if command.facts().statements.iter().any(declares)
            && !self.cursors().any(|known| is_same(known, command))
        {
            if self.declared.len() + self.held.len() >= PREPARED_MOST {
                return Err(Reason::TooManyStatements);
            }
            self.keep(memory, command.bytes())?;
            // Whoever writes the word elsewhere keeps a cursor that is gone. Looked for once: this is asked of every command.
            let may_be_held =
                command.text().as_bytes().windows(4).any(|word| word.eq_ignore_ascii_case(b"hold"));
            let kept = if may_be_held { &mut self.held } else { &mut self.declared };
            kept.push(Rc::clone(command));
        }
        for name in prepares(command.facts()) {
            let known = self.prepared.get(name).map(Vec::as_slice);
            if known.unwrap_or_default().iter().any(|known| known.digest() == command.digest()) {
                continue;
            }
            let full = match known {
                Some(meaning) => meaning.len() >= PREPARED_MOST,
                None => self.prepared.len() >= PREPARED_MOST,
            };
            if full {
                return Err(Reason::TooManyStatements);
            }
            self.keep(memory, name.len() + command.bytes())?;
            self.prepared.entry(name.to_owned()).or_default().push(Rc::clone(command));
        }
        Ok(())
    }

    /// No transaction is open and nothing is under way: cursors that are not held are closed.
    pub(crate) fn transaction_is_over(&mut self) {
        for command in self.declared.drain(..) {
            self.forever = self.forever.saturating_sub(command.bytes());
        }
    }

    /// Everything with a DECLARE whose cursor may still be there.
    fn cursors(&self) -> impl Iterator<Item = &Rc<Command>> {
        self.declared.iter().chain(&self.held)
    }

    fn keep(&mut self, memory: &mut Share, bytes: usize) -> Result<(), Reason> {
        if !memory.take(bytes) {
            return Err(Reason::MemoryFull);
        }
        self.forever += bytes;
        Ok(())
    }
}

fn executes(statement: &Statement) -> bool {
    statement.verbs.contains(&Verb::Execute)
}

fn fetches(statement: &Statement) -> bool {
    statement.verbs.contains(&Verb::Fetch)
}

fn stands_for_others(command: &Command) -> bool {
    command.facts().statements.iter().any(|statement| executes(statement) || fetches(statement))
}

/// Whether a text may take values, as far as a glance tells: `'$1'` is none, and no harm.
fn has_parameters(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| matches!(pair, [b'$', b'0'..=b'9']))
}

/// Adds a text to another, as long as somebody might read all of it.
fn append(text: &mut String, word: &str, more: &str) {
    if text.len().saturating_add(more.len()) <= TEXT_MOST {
        text.push_str(&format!("\n-- {word} --\n{more}"));
    } else if !text.ends_with(CUT) {
        // Longer than what may be held, so that nobody approves what they do not see.
        text.push_str(&" ".repeat(chaperone_flow::HELD_TEXT_MOST));
        text.push_str(CUT);
    }
}

/// Whether two names mean the very same commands.
pub(crate) fn same(one: &Meaning, other: &Meaning) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
}

/// Whether two commands are one: the facts of a text are kept, the command itself not always.
fn is_same(one: &Rc<Command>, other: &Rc<Command>) -> bool {
    Rc::ptr_eq(one, other) || Rc::ptr_eq(one.facts(), other.facts()) && one.text() == other.text()
}

/// Whether two portals are one to whoever judges them.
pub(crate) fn same_portal(one: &Portal, other: &Portal) -> bool {
    one.has_values == other.has_values && same(&one.meaning, &other.meaning)
}

/// Everything that a name may mean, each once.
fn flat<'a>(commands: impl Iterator<Item = &'a Rc<Command>>, left: &mut Left) -> Result<Meaning, TooMuch> {
    let mut flat = Meaning::new();
    // Of many each is looked for by its digest, which is made once.
    let mut digests = HashSet::new();
    for command in commands {
        left.look()?;
        let known = if flat.len() < FEW {
            flat.iter().any(|known| is_same(known, command))
        } else {
            if digests.is_empty() {
                digests.extend(flat.iter().map(of_many));
            }
            !digests.insert(of_many(command))
        };
        if !known {
            flat.push(Rc::clone(command));
        }
    }
    Ok(flat)
}

/// So few are compared with each other.
const FEW: usize = 8;

/// What [`is_same`] of many.
fn of_many(command: &Rc<Command>) -> (*const Facts, Digest) {
    (Rc::as_ptr(command.facts()), command.digest())
}

fn prepares(facts: &Facts) -> impl Iterator<Item = &str> {
    let preparing = facts.statements.iter().filter(|statement| statement.verbs.contains(&Verb::Prepare));
    preparing.flat_map(|statement| &statement.effects).filter_map(|effect| match effect {
        Effect::Prepared(name) => Some(name.as_str()),
        _ => None,
    })
}

/// One command that does what all of these do.
fn joined(meaning: &Meaning, left: &mut Left) -> Result<Rc<Command>, Untold> {
    let (first, rest) = meaning.split_first().ok_or(Untold::Unknown)?;
    if rest.is_empty() {
        return Ok(Rc::clone(first));
    }
    left.take(first)?;
    let mut facts = Facts::clone(first.facts());
    let mut text = first.text().to_owned();
    for other in rest {
        // Whoever reads the record sees everything that it may have been.
        append(&mut text, "or", other.text());
        left.take(other)?;
        facts.statements.extend(other.facts().statements.iter().cloned());
        facts.opaque = facts.opaque.or_else(|| other.facts().opaque.clone());
    }
    Ok(Rc::new(Command::new(text.as_bytes(), Rc::new(facts)).made_for_one().made_of_several()))
}
