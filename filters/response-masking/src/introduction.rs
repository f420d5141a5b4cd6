//! Tells the target who is calling, where the policy wants it told: before the client may send its first command.
//!
//! It is here and not in identity because this is the last flow before the target: what it says, no other flow takes
//! for a command of the client.

use std::fmt::Write;

use chaperone_flow::Session;
use chaperone_settings::Settings;

/// How far that is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Told {
    /// Nothing was said yet.
    #[default]
    NotYet,
    /// The target has not answered.
    Asked,
    /// It knows, is told nothing, or the session ends because it cannot be told.
    Done,
}

/// What the target is told; none where that is nothing. An error where the policy wants something told that cannot be said.
pub(crate) fn text(settings: &Settings, session: &Session) -> Result<Option<String>, Untold> {
    let Some(introduction) = settings.policy.introduction(&settings.resource, &session.role) else {
        return Ok(None);
    };
    let identity = session.identity.as_ref().ok_or(Untold)?;
    let told = introduction.settings(identity, session.id.as_ref()).ok_or(Untold)?;
    let mut text = String::new();
    for (name, value) in told {
        text.push_str(if text.is_empty() { "SELECT " } else { ", " });
        let _ = write!(text, "pg_catalog.set_config({}, {}, false)", literal(name), literal(&value));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// It cannot be told.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Untold;

/// A literal that means the same whatever the session's settings are.
fn literal(text: &str) -> String {
    let mut literal = "E'".to_owned();
    for letter in text.chars() {
        if matches!(letter, '\'' | '\\') {
            literal.push(letter);
        }
        literal.push(letter);
    }
    literal.push('\'');
    literal
}
