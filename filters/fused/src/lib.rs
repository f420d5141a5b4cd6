//! The five filters in one module: one VM, one parse, one copy.
