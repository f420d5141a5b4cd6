//! What the names of a session mean: prepared statements, portals, and those that SQL's own PREPARE made.

use std::collections::HashMap;
use std::rc::Rc;

use chaperone_flow::Command;
use chaperone_flow::postgres::Names;
use chaperone_model::facts::{Effect, Facts, Statement, Verb};

/// Everything that a name may stand for; usually one command.
pub(crate) type Meaning = Vec<Rc<Command>>;

/// The names of one session.
#[derive(Debug)]
pub(crate) struct Meanings {
    pub(crate) statements: Names<Meaning>,
    pub(crate) portals: Names<Meaning>,
    /// By SQL's PREPARE. Never forgotten but with the session: DEALLOCATE may fail, a rollback does not undo it.
    prepared: HashMap<String, Meaning>,
}

impl Default for Meanings {
    fn default() -> Self {
        Self {
            statements: Names::new(Names::<Meaning>::DEFAULT_MOST),
            portals: Names::new(Names::<Meaning>::DEFAULT_MOST),
            prepared: HashMap::new(),
        }
    }
}

/// How many names SQL's PREPARE may make in one session, and how many texts one of them may have had.
const PREPARED_MOST: usize = 1_000;

/// How many statements one command may stand for once its EXECUTEs are resolved.
const RESOLVED_MOST: usize = 1_000;

/// What EXECUTE of this name runs of a statement that was remembered for it: of a PREPARE what it prepares, nothing of
/// what stood beside it in the same text, and a statement of the protocol as it is.
fn run(statement: &Statement, name: &str) -> Option<Statement> {
    if !statement.verbs.contains(&Verb::Prepare) {
        let executes = statement.effects.iter().any(|effect| matches!(effect, Effect::Prepared(_)));
        return (!executes).then(|| statement.clone());
    }
    let mut statement = statement.clone();
    let before = statement.effects.len();
    statement.effects.retain(|effect| !matches!(effect, Effect::Prepared(of) if of == name));
    statement.verbs.retain(|verb| *verb != Verb::Prepare);
    (statement.effects.len() < before).then_some(statement)
}

/// What EXECUTE names is not known, or stands for too much.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Unknown;

impl Meanings {
    /// Everything that the prepared statement may mean; empty for an unknown name.
    pub(crate) fn of_statement(&self, name: &[u8]) -> Meaning {
        let mut meaning = flat(&self.statements, name);
        if let Some(prepared) = std::str::from_utf8(name).ok().and_then(|name| self.prepared.get(name)) {
            meaning.extend(prepared.iter().cloned());
        }
        meaning
    }

    /// Everything that the portal may mean; empty for an unknown name.
    pub(crate) fn of_portal(&self, name: &[u8]) -> Meaning {
        flat(&self.portals, name)
    }

    /// Puts what EXECUTE runs into the facts of a command that contains one.
    pub(crate) fn resolve(&self, command: Rc<Command>) -> Result<Rc<Command>, Unknown> {
        let executes = |statement: &Statement| statement.verbs.contains(&Verb::Execute);
        if !command.facts().statements.iter().any(executes) {
            return Ok(command);
        }
        let mut facts = Facts::clone(command.facts());
        let mut resolved = false;
        for statement in command.facts().statements.iter().filter(|statement| executes(statement)) {
            for effect in &statement.effects {
                let Effect::Prepared(name) = effect else { continue };
                let meaning = self.of_statement(name.as_bytes());
                // What the same text prepares is another thing that the name may stand for.
                let own = command.facts().statements.iter().filter(|it| it.verbs.contains(&Verb::Prepare));
                let own: Vec<_> = own.filter_map(|prepare| run(prepare, name)).collect();
                if meaning.is_empty() && own.is_empty() {
                    return Err(Unknown);
                }
                resolved = true;
                facts.statements.extend(own);
                for inner in meaning {
                    facts.opaque = facts.opaque.or_else(|| inner.facts().opaque.clone());
                    let inner = inner.facts().statements.iter().filter_map(|inner| run(inner, name));
                    facts.statements.extend(inner);
                    if facts.statements.len() > RESOLVED_MOST {
                        return Err(Unknown);
                    }
                }
                if facts.statements.len() > RESOLVED_MOST {
                    return Err(Unknown);
                }
            }
        }
        if !resolved {
            return Ok(command);
        }
        Ok(Rc::new(command.with_facts(Rc::new(facts))))
    }

    /// A command goes to the server: remembers what its PREPAREs define. False where there are too many.
    pub(crate) fn remember(&mut self, command: &Rc<Command>) -> bool {
        for name in prepares(command.facts()) {
            if self.prepared.len() >= PREPARED_MOST && !self.prepared.contains_key(name) {
                return false;
            }
            let meaning = self.prepared.entry(name.to_owned()).or_default();
            if meaning.iter().any(|known| known.digest() == command.digest()) {
                continue;
            }
            if meaning.len() >= PREPARED_MOST {
                return false;
            }
            meaning.push(Rc::clone(command));
        }
        true
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

/// Everything that a name may mean, each once.
fn flat(names: &Names<Meaning>, name: &[u8]) -> Meaning {
    let mut flat = Meaning::new();
    for command in names.meanings(name).flat_map(|meaning| meaning.iter()) {
        if !flat.iter().any(|known| is_same(known, command)) {
            flat.push(Rc::clone(command));
        }
    }
    flat
}

fn prepares(facts: &Facts) -> impl Iterator<Item = &str> {
    let preparing = facts.statements.iter().filter(|statement| statement.verbs.contains(&Verb::Prepare));
    preparing.flat_map(|statement| &statement.effects).filter_map(|effect| match effect {
        Effect::Prepared(name) => Some(name.as_str()),
        _ => None,
    })
}

/// One command that does what all of these do.
pub(crate) fn joined(meaning: &Meaning) -> Option<Rc<Command>> {
    let (first, rest) = meaning.split_first()?;
    if rest.is_empty() {
        return Some(Rc::clone(first));
    }
    let mut facts = Facts::clone(first.facts());
    for other in rest {
        facts.statements.extend(other.facts().statements.iter().cloned());
        facts.opaque = facts.opaque.or_else(|| other.facts().opaque.clone());
    }
    Some(Rc::new(first.with_facts(Rc::new(facts))))
}
