//! Holds a risky command until people decide.
