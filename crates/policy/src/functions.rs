//! Classes of functions, by what a call of them can do besides giving a result.
//!
//! The names are those of PostgreSQL's own catalogue (an end-to-end test holds them against a real server's) and of the
//! extensions that come with it and with the large clouds. What is in none of the lists is [`FunctionClass::Unknown`].

mod class;

pub(crate) use class::{FunctionClass, FunctionClasses};

/// Functions of PostgreSQL 15 to 18 that only compute and read what everybody may read, and those that its grammar writes as
/// calls: a name a line, sorted.
const CATALOG: &str = include_str!("functions/catalog.txt");

/// The name of the class (`function_classes` in a document) that a function is in, by its name as facts give it.
#[must_use]
pub fn function_class(function: &str) -> &'static str {
    FunctionClass::of(function).name()
}

impl FunctionClass {
    /// The class of a function as facts name it: `name` or `schema.name`, folded.
    ///
    /// A bare name is taken for PostgreSQL's own: that schema is searched first.
    pub(crate) fn of(function: &str) -> Self {
        let (schema, name) = match function.rsplit_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, function),
        };
        // No name is in both lists, and this one is searched by halves.
        let own = schema.is_none_or(|schema| schema == "pg_catalog");
        if own && has_line(CATALOG, name) {
            return Self::Catalog;
        }
        class::listed(schema, name).unwrap_or(Self::Unknown)
    }
}

/// Whether a sorted text has this line.
fn has_line(text: &str, line: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut from, mut to) = (0, bytes.len());
    while from < to {
        // The line around the middle.
        let middle = from.midpoint(to);
        let head = bytes.get(from..middle).unwrap_or_default();
        let start = head.iter().rposition(|byte| *byte == b'\n').map_or(from, |at| from + at + 1);
        let rest = bytes.get(start..to).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        match rest.get(..length).unwrap_or_default().cmp(line.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => from = (start + length + 1).min(to),
            std::cmp::Ordering::Greater => to = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_nothing_else() {
        assert!(CATALOG.lines().is_sorted(), "it is searched by halves");
        assert!(CATALOG.lines().count() > 2_000);
        for line in CATALOG.lines() {
            assert!(has_line(CATALOG, line), "{line}");
            assert!(
                !has_line(CATALOG, &format!("{line}~")) && !has_line(CATALOG, &format!("!{line}")),
                "{line}"
            );
        }
        for none in ["", "\n", "lower\nlpad", "zz", "0"] {
            assert!(!has_line(CATALOG, none), "{none}");
        }
        assert!(!has_line("", "a") && has_line("a", "a") && has_line("a\n", "a"));
    }

    #[test]
    fn each_class_has_its_functions() {
        use FunctionClass as Class;
        for (name, class) in [
            ("lower", Class::Catalog),
            ("pg_catalog.lower", Class::Catalog),
            ("public.lower", Class::Unknown),
            ("refund", Class::Unknown),
            ("count", Class::Catalog),
            ("coalesce", Class::Catalog),
            ("random", Class::Catalog),
            ("pg_advisory_xact_lock", Class::AdvisoryLocks),
            ("pg_try_advisory_lock", Class::AdvisoryLocks),
            ("query_to_xml_and_xmlschema", Class::DynamicSql),
            ("public.crosstab", Class::DynamicSql),
            ("ts_stat", Class::DynamicSql),
            ("pg_read_binary_file", Class::Files),
            ("lo_import", Class::Files),
            ("pg_ls_dir", Class::Files),
            ("lo_get", Class::LargeObjects),
            ("loread", Class::LargeObjects),
            ("dblink_exec", Class::Network),
            ("net.http_post", Class::Network),
            ("aws_lambda.invoke", Class::Network),
            ("pg_notify", Class::Notify),
            ("pg_drop_replication_slot", Class::Replication),
            ("pg_logical_emit_message", Class::Replication),
            ("nextval", Class::Sequences),
            ("currval", Class::Catalog),
            ("pg_reload_conf", Class::Server),
            ("cron.schedule", Class::Server),
            ("binary_upgrade_set_next_pg_type_oid", Class::Server),
            ("pg_terminate_backend", Class::Sessions),
            ("set_config", Class::Settings),
            ("current_setting", Class::Catalog),
            ("pg_sleep_for", Class::Sleep),
            ("pg_stat_reset_shared", Class::Statistics),
            ("pg_stat_get_numscans", Class::Catalog),
            ("heap_force_kill", Class::Server),
            ("heap_force_freeze", Class::Server),
            ("pg_truncate_visibility_map", Class::Server),
            ("pg_stat_statements_reset", Class::Statistics),
            ("autoprewarm_start_worker", Class::Server),
            ("autoprewarm_dump_now", Class::Files),
            ("pg_prewarm", Class::Server),
            ("xslt_process", Class::Files),
            ("pg_file_unlink", Class::Files),
            ("postgres_fdw_disconnect_all", Class::Network),
            ("pg_buffercache_evict_all", Class::Server),
            ("pg_get_logical_snapshot_meta", Class::Replication),
            ("pg_get_wal_records_info", Class::Server),
            ("heap_page_items", Class::Server),
            ("gist_page_items_bytea", Class::Server),
            ("pgstattuple_approx", Class::Server),
            ("pg_freespace", Class::Server),
            ("pg_visibility_map", Class::Server),
            ("bt_index_parent_check", Class::Server),
            ("verify_heapam", Class::Server),
            ("crosstab4", Class::DynamicSql),
            ("connectby", Class::DynamicSql),
            ("xpath_table", Class::DynamicSql),
            ("pg_background_launch", Class::DynamicSql),
            ("run_command_on_all_nodes", Class::DynamicSql),
            ("http_post", Class::Network),
            ("aws_s3.query_export_to_s3", Class::Network),
            ("add_job", Class::Server),
            ("run_job", Class::DynamicSql),
            ("crypt", Class::Unknown),
            ("uuid_generate_v4", Class::Unknown),
        ] {
            assert_eq!(FunctionClass::of(name), class, "{name}");
        }
    }

    #[test]
    fn what_has_an_effect_is_not_in_the_catalogue_of_those_without() {
        for name in CATALOG.lines() {
            assert_eq!(class::listed(None, name), None, "{name} is listed twice");
            assert_eq!(FunctionClass::of(name), FunctionClass::Catalog, "{name}");
        }
    }
}
