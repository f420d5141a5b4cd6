//! From a policy document (YAML, JSON, Envoy's `Struct`) to a compiled [`Policy`], and from what a statement does
//! to a [`Verdict`](chaperone_model::Verdict).
//!
//! ```text
//! text ── tree ── document ── compile ──▶ Policy ── decide(caller, facts, now) ──▶ Verdict
//!         lines   fields      rules, CEL            explain, masks, approvers
//! ```
//!
//! [`decision`](Policy::decide) is the product in one screen. Nothing here reads a clock, a file or the
//! environment. `docs/policy.md` describes every field of the document.

mod access;
mod budget;
mod compile;
mod condition;
mod decision;
mod document;
mod error;
mod explain;
mod functions;
mod introduction;
mod lint;
mod masking;
mod matcher;
mod names;
mod policy;
mod rule;
#[cfg(any(feature = "schema", test))]
mod schema;
mod tree;
mod verbs;
mod wording;

pub use access::{ApproverSet, Caller, Issuer, Jwks, Resource, Role, Upstream};
pub use budget::Budget;
pub use compile::{
    ALGORITHMS, DEFAULT_EXPIRY, DEFAULT_LEEWAY, MAX_APPROVALS, MAX_BUDGETS, MAX_EXPIRY, MAX_LEEWAY,
    MAX_PATTERNS, MAX_RULES, MAX_TERMS, MAX_WINDOW,
};
pub use condition::{
    MAX_CONDITION_BYTES, MAX_CONDITION_DEPTH, MAX_CONDITION_NESTING, MAX_CONDITION_STEPS,
    MAX_CONDITION_TOKENS,
};
pub use document::{Detail, Mode, Per, RecordingMode, RuleEffect, UpstreamAuth};
pub use error::{Error, MAX_PROBLEM_BYTES, MAX_PROBLEMS, Position, Problem};
pub use explain::Explanation;
pub use functions::function_class;
pub use introduction::Introduction;
pub use lint::{Warning, WarningKind};
pub use masking::{ColumnMask, DetectorMask, Masks, PatternMask};
pub use matcher::GUARDED_SETTINGS;
pub use policy::{Policy, Recording};
#[cfg(any(feature = "schema", test))]
pub use schema::schema;
pub use tree::{MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH, MAX_DOCUMENT_KEYS, MAX_DOCUMENT_NODES, Tree};
