//! What is to be hidden.

use std::collections::HashSet;

use chaperone_model::RuleId;
use chaperone_redact::Pattern;

use super::spot::{Problems, Spot};
use super::{MAX_RULES, check_name, texts, unique};
use crate::document::{self, Document};
use crate::masking::{ColumnMask, DetectorMask, Masking, PatternMask};
use crate::matcher::Who;
use crate::names::{ColumnPattern, Part};

/// Most patterns in one document: each is searched in every text that is shown.
pub const MAX_PATTERNS: usize = 100;

pub(super) fn masking(document: &Document, problems: &mut Problems) -> Vec<Masking> {
    let mut seen: HashSet<_> = document.rules.iter().map(|rule| rule.id.as_str()).collect();
    let mut masks = Vec::new();
    let mut patterns = 0;
    for (index, (mask, tree)) in document.masking.iter().zip(&document.places.masking).enumerate() {
        let spot = Spot::item(tree, "mask", &mask.id);
        check_name(&mask.id, &spot.field("id"), problems);
        unique(&mut seen, &mask.id, &spot.field("id"), problems);
        if index == MAX_RULES {
            problems.add(&spot, format!("there are more than {MAX_RULES} masks"));
        }
        if mask.columns.is_empty() && mask.detectors.is_empty() && mask.patterns.is_empty() {
            problems.add(&spot, "it hides nothing: give `columns`, `detectors` or `patterns`".to_owned());
        }
        check_lists(mask, &spot, problems);
        let before = patterns;
        patterns += mask.patterns.len();
        let rule = RuleId(mask.id.clone());
        let transform = mask.transform;
        let columns = problems.read_list(&mask.columns, &spot.field("columns"), |text| {
            column_mask(text).map(|(schema, table, column)| ColumnMask {
                schema,
                table,
                column,
                transform,
                rule: rule.clone(),
            })
        });
        let spot_of_patterns = spot.field("patterns");
        if patterns > MAX_PATTERNS {
            if before <= MAX_PATTERNS {
                problems.add(&spot_of_patterns, format!("there are more than {MAX_PATTERNS} patterns"));
            }
            continue;
        }
        let patterns = problems.read_list(&mask.patterns, &spot_of_patterns, |text| {
            let pattern = Pattern::new(text).map_err(|why| format!("`{text}`: {why}"))?;
            Ok(PatternMask { pattern, transform, rule: rule.clone() })
        });
        let detector = |&detector| DetectorMask { detector, transform, rule: rule.clone() };
        let mut words = |patterns: &Option<Vec<String>>, field: &str| {
            patterns.as_ref().map(|patterns| texts(patterns, &spot.field(field), problems))
        };
        let who = Who {
            resources: words(&mask.resources, "resources"),
            roles: words(&mask.roles, "roles"),
            groups: mask.groups.clone(),
            except_groups: mask.except_groups.clone().unwrap_or_default(),
            ..Who::default()
        };
        let detectors = mask.detectors.iter().map(detector).collect();
        masks.push(Masking { who, columns, detectors, patterns });
    }
    masks
}

/// A list that is written down and empty would mean everybody in one place, and nobody or nothing in another.
fn check_lists(mask: &document::Masking, spot: &Spot<'_>, problems: &mut Problems) {
    problems.no_member_without_value(spot);
    let lists = [
        (mask.columns.is_empty(), "columns"),
        (mask.detectors.is_empty(), "detectors"),
        (mask.patterns.is_empty(), "patterns"),
    ];
    for (_, field) in lists.into_iter().filter(|(is_empty, _)| *is_empty) {
        if !spot.field(field).is_missing() {
            problems.not_empty::<()>(&[], &spot.field(field));
        }
    }
    for (list, field) in [
        (&mask.groups, "groups"),
        (&mask.except_groups, "except_groups"),
        (&mask.resources, "resources"),
        (&mask.roles, "roles"),
    ] {
        if let Some(list) = list {
            problems.not_empty(list, &spot.field(field));
        }
    }
}

fn column_mask(text: &str) -> Result<(Option<String>, String, String), String> {
    let pattern = ColumnPattern::read(text)?;
    let Some(table) = pattern.table else {
        return Err(format!("`{text}`: expected `table.column` or `schema.table.column`"));
    };
    let schema = match &table.schema {
        Part::Any => None,
        Part::Exact(schema) => Some(schema.to_string()),
        Part::Glob(_) => return Err(format!("`{text}`: a mask takes no `*`")),
    };
    match (table.name.exact(), pattern.column.exact()) {
        (Some(name), Some(column)) => Ok((schema, name.to_owned(), column.to_owned())),
        _ => Err(format!("`{text}`: a mask takes no `*`")),
    }
}
