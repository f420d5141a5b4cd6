//! Verifies who is calling and puts the target's credential in the place of the token.
