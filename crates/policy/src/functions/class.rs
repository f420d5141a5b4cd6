//! The classes, their names in a document, and what is in each.

use serde::{Deserialize, Deserializer};

/// What a call of a function can do besides giving a result.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub(crate) enum FunctionClass {
    /// Takes advisory locks. To give one's own back is harmless, and what pools do.
    AdvisoryLocks,
    /// Of PostgreSQL itself, and nothing else: computes, or reads what everybody may read.
    Catalog,
    /// Runs SQL that is text to everybody else, or reads tables that the statement does not name.
    DynamicSql,
    /// Reads or writes files of the server, its log among them.
    Files,
    /// Reads or writes large objects.
    LargeObjects,
    /// Reaches other servers.
    Network,
    /// Sends notifications.
    Notify,
    /// Changes or reads replication, exports snapshots.
    Replication,
    /// Moves sequences on.
    Sequences,
    /// Manages the server: configuration, write-ahead log, backups, jobs, pages.
    Server,
    /// Ends or disturbs other sessions.
    Sessions,
    /// Changes settings of the session.
    Settings,
    /// Waits.
    Sleep,
    /// Resets statistics.
    Statistics,
    /// Any other: what it does is not known.
    Unknown,
}

impl FunctionClass {
    /// Its name in a document.
    pub(crate) fn name(self) -> &'static str {
        CLASSES.iter().find(|(class, _)| *class == self).map_or("unknown", |(_, name)| name)
    }
}

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct FunctionClasses(u16);

/// Each class with its name.
pub(crate) const CLASSES: [(FunctionClass, &str); 15] = [
    (FunctionClass::AdvisoryLocks, "advisory_locks"),
    (FunctionClass::Catalog, "catalog"),
    (FunctionClass::DynamicSql, "dynamic_sql"),
    (FunctionClass::Files, "files"),
    (FunctionClass::LargeObjects, "large_objects"),
    (FunctionClass::Network, "network"),
    (FunctionClass::Notify, "notify"),
    (FunctionClass::Replication, "replication"),
    (FunctionClass::Sequences, "sequences"),
    (FunctionClass::Server, "server"),
    (FunctionClass::Sessions, "sessions"),
    (FunctionClass::Settings, "settings"),
    (FunctionClass::Sleep, "sleep"),
    (FunctionClass::Statistics, "statistics"),
    (FunctionClass::Unknown, "unknown"),
];

/// Names for several classes.
pub(crate) const GROUPS: [&str; 2] = ["effects", "unsafe"];

impl FunctionClasses {
    pub(crate) const fn has(self, class: FunctionClass) -> bool {
        self.0 & (1 << class as u8) != 0
    }

    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// `effects` is every class but `catalog` and `unknown`, `unsafe` every class but `catalog`.
    fn named(name: &str) -> Option<Self> {
        let all_but = |left_out: &[FunctionClass]| {
            let classes = CLASSES.iter().filter(|(class, _)| !left_out.contains(class));
            Self(classes.fold(0, |all, (class, _)| all | (1 << *class as u8)))
        };
        match name {
            "effects" => Some(all_but(&[FunctionClass::Catalog, FunctionClass::Unknown])),
            "unsafe" => Some(all_but(&[FunctionClass::Catalog])),
            _ => CLASSES.iter().find(|(_, known)| *known == name).map(|(class, _)| Self(1 << *class as u8)),
        }
    }
}

impl<'de> Deserialize<'de> for FunctionClasses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| {
            let names: Vec<_> = names().map(|name| format!("`{name}`")).collect();
            serde::de::Error::custom(format!("`{name}` is no class of functions: {}", names.join(", ")))
        })
    }
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CLASSES.iter().map(|(_, name)| *name).chain(GROUPS)
}

/// Names and beginnings of names (with `*`), in any schema. The first that fits decides.
const NAMED: [(FunctionClass, &[&str]); 13] = [
    (FunctionClass::AdvisoryLocks, &["pg_advisory_lock*", "pg_advisory_xact_lock*", "pg_try_advisory_*"]),
    (
        FunctionClass::DynamicSql,
        &[
            "connectby",
            "connectby_*",
            "crosstab*",
            "cursor_to_xml*",
            "database_to_xml*",
            "hs_query",
            "master_run_on_worker",
            "pg_background_*",
            "pg_execute_sql",
            // Statements of other callers, who may see more.
            "pg_stat_get_activity",
            "pg_stat_get_backend_activity",
            "pg_stat_statements",
            "plpgsql_inline_handler",
            "query_to_xml*",
            "run_command_on_*",
            "run_job",
            "schema_to_xml*",
            "table_to_xml*",
            "ts_rewrite",
            "ts_stat",
            "xpath_table",
        ],
    ),
    (
        FunctionClass::Files,
        &[
            "autoprewarm_dump_now",
            "lo_export",
            "lo_import",
            "pg_current_logfile",
            "pg_file_*",
            "pg_hba_file_rules",
            "pg_ident_file_mappings",
            "pg_logdir_*",
            "pg_ls_*",
            "pg_read_*",
            "pg_show_all_file_settings",
            "pg_stat_file",
            "xslt_process",
        ],
    ),
    (FunctionClass::LargeObjects, &["lo", "lo_*", "loread", "lowrite"]),
    (FunctionClass::Network, &["dblink*", "http", "http_*", "postgres_fdw_*"]),
    (FunctionClass::Notify, &["pg_notify"]),
    (
        FunctionClass::Replication,
        &[
            "pg_copy_*",
            "pg_create_logical_*",
            "pg_create_physical_*",
            "pg_drop_replication_slot",
            "pg_export_snapshot",
            "pg_get_logical_snapshot_*",
            "pg_log_standby_snapshot",
            "pg_logical_*",
            "pg_replication_origin_advance",
            "pg_replication_origin_create",
            "pg_replication_origin_drop",
            "pg_replication_origin_progress",
            "pg_replication_origin_session_*",
            "pg_replication_origin_xact_*",
            "pg_replication_slot_advance",
            "pg_sync_replication_slots",
        ],
    ),
    (FunctionClass::Sequences, &["nextval", "setval"]),
    (
        FunctionClass::Server,
        &[
            "add_columnstore_policy",
            "add_compression_policy",
            "add_continuous_aggregate_policy",
            "add_job",
            "add_reorder_policy",
            "add_retention_policy",
            "alter_job",
            "autoprewarm_start_worker",
            "binary_upgrade_*",
            "brin_desummarize_range",
            "brin_metapage_info",
            "brin_page_*",
            "brin_revmap_data",
            "brin_summarize_*",
            "bt_index_*",
            "bt_page_*",
            "bt_metap",
            "bt_multi_page_stats",
            "delete_job",
            "drop_chunks",
            "fsm_page_contents",
            "get_raw_page",
            "gin_clean_pending_list",
            "gin_index_check",
            "gin_leafpage_items",
            "gin_metapage_info",
            "gin_page_*",
            "gist_page_*",
            "hash_bitmap_info",
            "hash_metapage_info",
            "hash_page_*",
            "heap_force_*",
            "heap_page_*",
            "heap_tuple_infomask_flags",
            "page_checksum",
            "page_header",
            "pg_backup_*",
            "pg_buffercache_*",
            "pg_check_frozen",
            "pg_check_visible",
            "pg_create_restore_point",
            "pg_extension_config_dump",
            "pg_freespace",
            "pg_get_wal_*",
            "pg_import_system_collations",
            "pg_isolation_test_session_is_blocked",
            "pg_logfile_rotate",
            "pg_nextoid",
            "pg_prewarm",
            "pg_promote",
            "pg_relpages*",
            "pg_reload_conf",
            "pg_rotate_logfile*",
            "pg_start_backup",
            "pg_stop_backup",
            "pg_stop_making_pinned_objects",
            "pg_switch_wal",
            "pg_truncate_visibility_map",
            "pg_visibility*",
            "pg_wal_replay_*",
            "pgrowlocks",
            "pgstatginindex*",
            "pgstathashindex*",
            "pgstatindex*",
            "pgstattuple*",
            "plpgsql_call_handler",
            "plpgsql_validator",
            "tuple_data_split",
            "verify_heapam",
        ],
    ),
    (FunctionClass::Sessions, &["pg_cancel_*", "pg_log_backend_*", "pg_terminate_*"]),
    (FunctionClass::Settings, &["set_config", "setseed"]),
    (FunctionClass::Sleep, &["pg_sleep", "pg_sleep_for", "pg_sleep_until"]),
    (
        FunctionClass::Statistics,
        &[
            "pg_clear_*_stats",
            "pg_qualstats_reset",
            "pg_restore_*_stats",
            "pg_stat_force_next_flush",
            "pg_stat_kcache_reset",
            "pg_stat_monitor_reset",
            "pg_stat_reset*",
            "pg_stat_statements_reset",
            "pg_wait_sampling_reset_profile",
        ],
    ),
];

/// Schemas of extensions whose every function is of one class.
const SCHEMAS: [(FunctionClass, &[&str]); 2] = [
    (FunctionClass::Network, &["aws_commons", "aws_lambda", "aws_s3", "azure_storage", "net"]),
    (FunctionClass::Server, &["cron"]),
];

/// Names of a class that a beginning would put into another.
const EXCEPTIONS: [&str; 1] = ["pg_get_wal_replay_pause_state"];

/// The class that a list puts the function into.
pub(super) fn listed(schema: Option<&str>, name: &str) -> Option<FunctionClass> {
    let of_schema =
        SCHEMAS.iter().find(|(_, schemas)| schema.is_some_and(|schema| schemas.contains(&schema)));
    if let Some((class, _)) = of_schema {
        return Some(*class);
    }
    if EXCEPTIONS.contains(&name) {
        return None;
    }
    let first = name.bytes().next();
    let fits = |pattern: &&str| {
        // Nearly all fall here: it is asked for each name behind a period, of every rule that lists classes.
        let begins = pattern.bytes().next();
        if begins != first && begins != Some(b'*') {
            return false;
        }
        match pattern.split_once('*') {
            Some((before, after)) => {
                name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
            }
            None => name == *pattern,
        }
    };
    NAMED.iter().find(|(_, patterns)| patterns.iter().any(&fits)).map(|(class, _)| *class)
}

#[cfg(any(feature = "schema", test))]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{FunctionClasses, names};

    impl JsonSchema for FunctionClasses {
        fn schema_name() -> Cow<'static, str> {
            "FunctionClass".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            let names: Vec<_> = names().collect();
            json_schema!({ "description": "A class of functions, or several.", "type": "string", "enum": names })
        }
    }
}
