//! Functions whose deeds their call does not show: they run SQL given as text, or read and write outside of the
//! tables. A call makes the statement opaque, under the function's name.
//!
//! Matched on the last part of the name, whatever the schema. The list names what PostgreSQL and the extensions
//! of its distribution and of the large clouds carry; a policy lists further functions by name.

/// Sorted. Exact names.
const NAMES: &[&str] = &[
    "brin_page_items",
    "bt_multi_page_stats",
    "bt_page_items",
    "bt_page_stats",
    "connectby",
    "crosstab",
    "crosstab2",
    "crosstab3",
    "crosstab4",
    "crosstabn",
    "cursor_to_xml",
    "cursor_to_xmlschema",
    "fsm_page_contents",
    "get_raw_page",
    "gin_leafpage_items",
    "gist_page_items",
    "gist_page_items_bytea",
    "hash_page_items",
    "heap_page_item_attrs",
    "heap_page_items",
    "hs_query",
    "master_run_on_worker",
    "pg_execute_sql",
    "pg_extension_config_dump",
    "pg_export_snapshot",
    "pg_import_system_collations",
    "pg_read_binary_file",
    "pg_read_file",
    "pg_read_file_old",
    "pg_stat_file",
    "pgrowlocks",
    "pg_truncate_visibility_map",
    "run_job",
    "tuple_data_split",
    "ts_rewrite",
    "ts_stat",
    "xpath_table",
];

/// Beginnings of names.
const PREFIXES: &[&str] = &[
    "database_to_xml",
    "dblink",
    "heap_force_",
    "http_",
    "lo_",
    "pg_background_",
    "pg_file_",
    "pg_get_wal_",
    "pg_logdir_",
    "pg_logical_emit_",
    "pg_logical_slot_",
    "pg_ls_",
    "postgres_fdw_",
    "query_to_xml",
    "run_command_on_",
    "schema_to_xml",
    "table_to_xml",
];

/// Names that stand alone where a prefix would catch too much.
const WHOLE: &[&str] = &["http", "loread", "lowrite", "lo"];

/// Schemas of extensions whose every function reaches outside.
const SCHEMAS: &[&str] = &["aws_commons", "aws_lambda", "aws_s3", "azure_storage", "cron", "net"];

/// Whether a call of this function does more than its text shows.
pub(crate) fn reaches_outside(schema: Option<&str>, name: &str) -> bool {
    NAMES.contains(&name)
        || WHOLE.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || schema.is_some_and(|schema| SCHEMAS.contains(&schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ways_out_are_caught_and_plain_functions_are_not() {
        for name in [
            "query_to_xml",
            "dblink_exec",
            "lo_import",
            "pg_read_file",
            "pg_ls_dir",
            "ts_stat",
            "crosstab",
            "connectby",
            "xpath_table",
            "run_command_on_workers",
            "pg_background_launch",
            "heap_force_kill",
        ] {
            assert!(reaches_outside(None, name), "{name}");
        }
        assert!(reaches_outside(Some("cron"), "schedule"));
        for name in ["lower", "log", "now", "pg_typeof", "localtime"] {
            assert!(!reaches_outside(Some("pg_catalog"), name), "{name}");
        }
    }
}
