//! From a policy document to verdicts.
