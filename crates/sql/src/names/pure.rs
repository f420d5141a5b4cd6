//! Functions of PostgreSQL that compute from their arguments alone.
//!
//! Lineage needs them: the output of any other function may show columns that its call does not name.

/// Sorted. A column that is computed with these is computed from the columns named in the call.
const PURE: &[&str] = &[
    "abs", "acos", "age", "any_value", "array", "array_agg", "array_append", "array_cat", "array_length",
    "array_lower", "array_ndims", "array_position", "array_positions", "array_prepend", "array_remove",
    "array_replace", "array_to_json", "array_to_string", "array_to_tsvector", "array_upper", "ascii",
    "asin", "atan", "atan2", "avg", "bit_and", "bit_length", "bit_or", "bool", "bool_and", "bool_or",
    "btrim", "cardinality", "cbrt", "ceil", "ceiling", "char_length", "character_length", "chr",
    "clock_timestamp", "coalesce", "col_description", "concat", "concat_ws", "convert", "convert_from",
    "convert_to", "corr", "cos", "cot", "count", "covar_pop", "covar_samp", "cume_dist", "current_catalog",
    "current_database", "current_date", "current_role", "current_schema", "current_schemas",
    "current_setting", "current_time", "current_timestamp", "current_user", "currval", "date", "date_bin",
    "date_part", "date_trunc", "decode", "degrees", "dense_rank", "digest", "div", "encode", "every",
    "exists", "exp", "extract", "factorial", "first_value", "floor", "format", "format_type", "gcd",
    "gen_random_uuid", "generate_series", "generate_subscripts", "get_bit", "get_byte", "greatest",
    "grouping", "has_column_privilege", "has_database_privilege", "has_schema_privilege",
    "has_table_privilege", "host", "inet", "inet_client_addr", "inet_client_port", "inet_server_addr",
    "inet_server_port", "initcap", "int4", "int8", "isempty", "isfinite", "json_agg", "json_array_elements",
    "json_array_elements_text", "json_array_length", "json_build_array", "json_build_object", "json_each",
    "json_each_text", "json_extract_path", "json_extract_path_text", "json_object", "json_object_agg",
    "json_object_keys", "json_table", "json_typeof", "jsonb_agg", "jsonb_array_elements",
    "jsonb_array_elements_text", "jsonb_array_length", "jsonb_build_array", "jsonb_build_object",
    "jsonb_each", "jsonb_each_text", "jsonb_extract_path", "jsonb_extract_path_text", "jsonb_insert",
    "jsonb_object", "jsonb_object_agg", "jsonb_object_keys", "jsonb_path_exists", "jsonb_path_query",
    "jsonb_path_query_array", "jsonb_pretty", "jsonb_set", "jsonb_strip_nulls", "jsonb_typeof",
    "justify_days", "justify_hours", "justify_interval", "lag", "last_value", "lastval", "lcm", "lead",
    "least", "left", "length", "ln", "localtime", "localtimestamp", "log", "log10", "lower", "lpad",
    "ltrim", "make_date", "make_interval", "make_time", "make_timestamp", "make_timestamptz", "max", "md5",
    "min", "mod", "mode", "nextval", "normalize", "now", "nth_value", "ntile", "nullif", "num_nonnulls",
    "num_nulls", "numeric", "obj_description", "octet_length", "overlay", "parse_ident", "percent_rank",
    "percentile_cont", "percentile_disc", "pg_backend_pid", "pg_column_size", "pg_conf_load_time",
    "pg_current_xact_id", "pg_database_size", "pg_encoding_to_char", "pg_function_is_visible",
    "pg_get_constraintdef", "pg_get_expr", "pg_get_function_arguments", "pg_get_function_result",
    "pg_get_functiondef", "pg_get_indexdef", "pg_get_keywords", "pg_get_partkeydef", "pg_get_ruledef",
    "pg_get_serial_sequence", "pg_get_statisticsobjdef_columns", "pg_get_triggerdef", "pg_get_userbyid",
    "pg_get_viewdef", "pg_is_in_recovery", "pg_is_other_temp_schema", "pg_my_temp_schema",
    "pg_options_to_table", "pg_partition_ancestors", "pg_postmaster_start_time", "pg_relation_size",
    "pg_size_pretty", "pg_sleep", "pg_statistics_obj_is_visible", "pg_table_is_visible",
    "pg_tablespace_location", "pg_total_relation_size", "pg_type_is_visible", "pg_typeof", "pi", "position",
    "power", "quote_ident", "quote_literal", "quote_nullable", "radians", "random", "range_agg", "rank",
    "regexp_count", "regexp_instr", "regexp_like", "regexp_match", "regexp_matches", "regexp_replace",
    "regexp_split_to_array", "regexp_split_to_table", "regexp_substr", "repeat", "replace", "reverse",
    "right", "round", "row_number", "rpad", "rtrim", "scale", "session_user", "setval", "sha224", "sha256",
    "sha384", "sha512", "shobj_description", "sign", "sin", "split_part", "sqrt", "starts_with",
    "statement_timestamp", "stddev", "stddev_pop", "stddev_samp", "string_agg", "string_to_array",
    "string_to_table", "strpos", "substr", "substring", "sum", "tan", "text", "timeofday", "timezone",
    "to_ascii", "to_char", "to_date", "to_hex", "to_json", "to_jsonb", "to_number", "to_regclass",
    "to_timestamp", "to_tsquery", "to_tsvector", "transaction_timestamp", "translate", "trim", "trim_array",
    "trunc", "ts_headline", "ts_rank", "txid_current", "txid_current_snapshot", "unnest", "upper", "user",
    "uuid_generate_v4", "var_pop", "var_samp", "variance", "version", "width_bucket", "xmltable",
];

/// Functions that take a whole row; PostgreSQL also calls them by `alias.function`, which looks like a column.
const WHOLE_ROWS: &[&str] = &[
    "array_agg", "concat", "first_value", "format", "hstore", "json_agg", "json_build_array", "jsonb_agg",
    "jsonb_build_array", "last_value", "max", "min", "quote_literal", "quote_nullable", "record_out", "record_send",
    "row_to_json", "string_agg", "text", "to_json", "to_jsonb", "xmlforest",
];

/// Whether the function computes from its arguments alone. A schema other than `pg_catalog` means another function.
pub(crate) fn is_pure(schema: Option<&str>, name: &str) -> bool {
    schema.is_none_or(|schema| schema == "pg_catalog") && PURE.binary_search(&name).is_ok()
}

/// Whether `alias.name` may be a call over the whole row.
pub(crate) fn reads_whole_rows(name: &str) -> bool {
    WHOLE_ROWS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        let unsorted: Vec<_> = PURE.windows(2).filter(|pair| pair[0] >= pair[1]).collect();
        assert!(unsorted.is_empty(), "{unsorted:?}");
        assert!(is_pure(None, "upper") && is_pure(Some("pg_catalog"), "upper"));
        assert!(!is_pure(Some("app"), "upper") && !is_pure(None, "get_card"));
    }
}
