//! Detectors that find personal data and secrets in values, and transforms that hide them.
