//! Budgets in front of a stand-in for PostgreSQL: what is refused before it runs, what is cut to the row, and that both sides
//! stay in step.

#![expect(clippy::unwrap_used, reason = "tests")]

mod commands;
mod laws;
mod results;
mod sharing;
mod support;
