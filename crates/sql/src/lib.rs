//! From SQL text to [`chaperone_model::facts::Facts`]; the only crate that names a SQL parser.
