//! What can be used up.

use std::collections::HashSet;
use std::sync::Arc;

use chaperone_model::{Amounts, RuleId};

use super::rules::one_line;
use super::spot::{Problems, Spot};
use super::{check_name, texts, unique};
use crate::budget::Budget;
use crate::document::{self, Document, Per};
use crate::matcher::Who;
use crate::tree::Tree;

/// Most budgets in one document: each is counted for every command and every row.
pub const MAX_BUDGETS: usize = 100;
/// Longest window of a budget, in seconds.
pub const MAX_WINDOW: u64 = 31 * 86_400;

/// What changes of a budget without making it another one.
const CHANGES: [&str; 7] = ["bytes", "description", "hint", "message", "rows", "statements", "writes"];

pub(super) fn budgets(document: &Document, problems: &mut Problems) -> Vec<Arc<Budget>> {
    let rules = document.rules.iter().map(|rule| rule.id.as_str());
    let mut seen: HashSet<_> = rules.chain(document.masking.iter().map(|mask| mask.id.as_str())).collect();
    let mut budgets = Vec::new();
    for (index, (budget, tree)) in document.budgets.iter().zip(&document.places.budgets).enumerate() {
        let spot = Spot::item(tree, "budget", &budget.id);
        check_name(&budget.id, &spot.field("id"), problems);
        unique(&mut seen, &budget.id, &spot.field("id"), problems);
        if index == MAX_BUDGETS {
            problems.add(&spot, format!("there are more than {MAX_BUDGETS} budgets"));
        }
        problems.no_member_without_value(&spot);
        budgets.push(Arc::new(Budget {
            id: RuleId(budget.id.clone()),
            per: budget.per,
            window: window(budget, &spot, problems),
            most: most(budget, &spot, problems),
            digest: lasting(tree).digest(),
            at: tree.at,
            who: who(budget, &spot, problems),
            message: budget.message.as_deref().map(one_line),
            hint: budget.hint.as_deref().map(one_line),
        }));
    }
    budgets
}

fn window(budget: &document::Budget, spot: &Spot<'_>, problems: &mut Problems) -> Option<u64> {
    match (budget.per, budget.window) {
        (_, Some(window)) if window.0 == 0 || window.0 > MAX_WINDOW => {
            problems.add(&spot.field("window"), format!("expected 1s to {}d", MAX_WINDOW / 86_400));
            None
        }
        (_, Some(window)) => Some(window.0),
        (Per::Session, None) => None,
        (Per::Subject, None) => {
            problems.add(spot, "missing field `window`: sessions end, a subject does not".to_owned());
            None
        }
    }
}

fn most(budget: &document::Budget, spot: &Spot<'_>, problems: &mut Problems) -> Amounts {
    let bytes = budget.bytes.map(|bytes| bytes.0);
    let limits = [
        (budget.statements, "statements"),
        (budget.writes, "writes"),
        (budget.rows, "rows"),
        (bytes, "bytes"),
    ];
    if limits.iter().all(|(limit, _)| limit.is_none()) {
        let message = "it limits nothing: give `statements`, `writes`, `rows` or `bytes`";
        problems.add(spot, message.to_owned());
    }
    for (_, field) in limits.into_iter().filter(|(limit, _)| *limit == Some(0)) {
        problems.add(
            &spot.field(field),
            "expected at least 1; what may not be done at all a rule denies".to_owned(),
        );
    }
    let limit = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
    Amounts {
        bytes: limit(bytes),
        rows: limit(budget.rows),
        statements: limit(budget.statements),
        writes: limit(budget.writes),
    }
}

fn who(budget: &document::Budget, spot: &Spot<'_>, problems: &mut Problems) -> Who {
    let mut words = |patterns: &Option<Vec<String>>, field: &str| {
        let patterns = patterns.as_ref()?;
        problems.not_empty(patterns, &spot.field(field));
        Some(texts(patterns, &spot.field(field), problems))
    };
    let who = Who {
        subjects: words(&budget.subjects, "subjects"),
        except_subjects: words(&budget.except_subjects, "except_subjects").unwrap_or_default(),
        groups: budget.groups.clone(),
        except_groups: budget.except_groups.clone().unwrap_or_default(),
        resources: words(&budget.resources, "resources"),
        roles: words(&budget.roles, "roles"),
        databases: words(&budget.databases, "databases"),
    };
    for (groups, field) in [(&budget.groups, "groups"), (&budget.except_groups, "except_groups")] {
        if let Some(groups) = groups {
            problems.not_empty(groups, &spot.field(field));
        }
    }
    who
}

/// What makes it this budget: the rest may change, and what was counted still counts.
fn lasting(tree: &Tree) -> Tree {
    let mut lasting = tree.clone();
    for field in CHANGES {
        let _changes = lasting.take(field);
    }
    lasting
}
