//! The rule packs are valid, and do what their README says.

use std::fs;
use std::path::{Path, PathBuf};

use chaperone_model::facts::{Access, Effect, ObjectKind, Relation, Verb};
use chaperone_model::{Decision, Reason, UnixSeconds, Verdict};
use chaperone_policy::{Mode, Policy};

use crate::support::{BriefCaller, BriefFacts, BriefStatement, NOW};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

fn pack(name: &str) -> Policy {
    let text = fs::read_to_string(directory().join(format!("{name}.yaml"))).unwrap();
    Policy::from_text(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_pack_loads_and_enforces() {
    let mut packs = 0;
    for entry in fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml")
            && !path.file_stem().unwrap().to_string_lossy().ends_with(".test")
        {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let policy = pack(&name);
            assert_eq!(policy.name(), name);
            assert_eq!(policy.mode(), Mode::Enforce);
            packs += 1;
        }
    }
    assert!(packs >= 5);
}

/// The example for a database of one's own, with its placeholders filled.
fn own_database() -> Policy {
    let text = fs::read_to_string(directory().join("../examples/own-database/policy.template.yaml")).unwrap();
    let filled = [("${DATABASE}", "hr"), ("${USER}", "owner"), ("${AUTH}", "auth: trust")]
        .iter()
        .fold(text, |text, (placeholder, value)| text.replace(placeholder, value));
    Policy::from_text(&filled).unwrap_or_else(|error| panic!("own-database: {error}"))
}

struct Pack(Policy, BriefCaller);

impl Pack {
    fn of(name: &str, resource: &str, role: &str, group: &str, database: &str) -> Self {
        let caller = BriefCaller {
            groups: vec![group.to_owned()],
            resource: resource.to_owned(),
            role: role.to_owned(),
            database: database.to_owned(),
            ..BriefCaller::default()
        };
        Self(if name == "own-database" { own_database() } else { pack(name) }, caller)
    }

    fn says(&self, statement: BriefStatement) -> (Decision, Reason, Option<String>) {
        let verdict = self.verdict(statement);
        (verdict.decision, verdict.reason, verdict.rule.map(|rule| rule.0))
    }

    fn tells(&self, statement: BriefStatement) -> String {
        self.verdict(statement).message
    }

    fn verdict(&self, statement: BriefStatement) -> Verdict {
        let facts = BriefFacts { statements: vec![statement], opaque: None }.facts();
        let identity = self.1.identity();
        self.0.decide(&self.1.caller(&identity), &facts, UnixSeconds(NOW))
    }
}

fn select(table: &str) -> BriefStatement {
    BriefStatement { verbs: vec![Verb::Select], reads: vec![table.to_owned()], ..BriefStatement::default() }
}

fn write(verb: Verb, table: &str) -> BriefStatement {
    BriefStatement { verbs: vec![verb], writes: vec![table.to_owned()], ..BriefStatement::default() }
}

fn calling(function: &str, statement: BriefStatement) -> BriefStatement {
    BriefStatement { functions: vec![function.to_owned()], ..statement }
}

fn executes() -> BriefStatement {
    BriefStatement { verbs: vec![Verb::Execute], ..BriefStatement::default() }
}

fn by(decision: Decision, reason: Reason, rule: &str) -> (Decision, Reason, Option<String>) {
    (decision, reason, Some(rule.to_owned()))
}

#[test]
fn agent_starter() {
    let pack = Pack::of("agent-starter", "shop", "agent", "agents", "shop");
    assert_eq!(pack.says(select("customers")), by(Decision::Allow, Reason::Allowed, "read"));
    assert_eq!(pack.says(select("pg_catalog.pg_class")), by(Decision::Allow, Reason::Allowed, "look-around"));
    assert_eq!(pack.says(select("pg_authid")), by(Decision::Deny, Reason::RuleDenied, "no-credentials"));
    assert_eq!(
        pack.says(write(Verb::Update, "customers")),
        by(Decision::Allow, Reason::Allowed, "write-rows")
    );
    let unbounded = BriefStatement { unbounded: true, ..write(Verb::Update, "customers") };
    assert_eq!(pack.says(unbounded), by(Decision::Deny, Reason::UnboundedWrite, "no-write-without-where"));
    let delete = pack.says(write(Verb::Delete, "customers"));
    assert_eq!(delete, by(Decision::Hold, Reason::HeldForApproval, "deletes-need-approval"));
    let drop =
        Relation { schema: None, name: "shop".to_owned(), kind: ObjectKind::Database, access: Access::Drop };
    let drop = BriefStatement { verbs: vec![Verb::Drop], relations: vec![drop], ..BriefStatement::default() };
    assert_eq!(pack.says(drop), by(Decision::Deny, Reason::RuleDenied, "no-destructive-ddl"));
    let read_file = BriefStatement { functions: vec!["pg_read_file".to_owned()], ..select("customers") };
    assert_eq!(pack.says(read_file), by(Decision::Deny, Reason::RuleDenied, "no-server-functions"));
    for function in ["pg_notify", "setval", "query_to_xml"] {
        let called = BriefStatement { functions: vec![function.to_owned()], ..select("customers") };
        assert_eq!(pack.says(called), by(Decision::Deny, Reason::RuleDenied, "no-server-functions"));
    }
    let setting = vec![Effect::Setting("a.b".to_owned())];
    let set = BriefStatement { effects: setting, ..calling("set_config", select("customers")) };
    assert_eq!(pack.says(set).0, Decision::Deny);
    let unknown = (Decision::Deny, Reason::DefaultDeny, None);
    assert_eq!(pack.says(calling("refund", select("customers"))), unknown);
    assert_eq!(pack.says(calling("refund", write(Verb::Update, "customers"))), unknown);
    assert_eq!(pack.says(calling("refund", executes())), unknown);
    assert_eq!(pack.says(calling("lower", select("customers"))).0, Decision::Allow);
    assert_eq!(pack.says(calling("nextval", write(Verb::Insert, "customers"))).0, Decision::Allow);
    // What drivers do when they connect, and when they give a connection back to a pool.
    let jit = BriefStatement {
        verbs: vec![Verb::Select],
        functions: vec!["set_config".to_owned()],
        effects: vec![Effect::Setting("jit".to_owned())],
        ..BriefStatement::default()
    };
    assert_eq!(pack.says(jit), by(Decision::Allow, Reason::Allowed, "look-around"));
    let unlock = BriefStatement {
        verbs: vec![Verb::Select],
        functions: vec!["pg_advisory_unlock_all".to_owned()],
        ..BriefStatement::default()
    };
    assert_eq!(pack.says(unlock).0, Decision::Allow);
    let begin = BriefStatement { verbs: vec![Verb::Begin], ..BriefStatement::default() };
    assert_eq!(pack.says(begin).0, Decision::Allow);
    let search_path = BriefStatement {
        verbs: vec![Verb::Set],
        effects: vec![Effect::Setting("search_path".to_owned())],
        ..BriefStatement::default()
    };
    assert_eq!(pack.says(search_path), (Decision::Deny, Reason::SettingRefused, None));
}

#[test]
fn every_change_of_a_database_of_ones_own_waits_for_a_person() {
    let caller = BriefCaller { issuer: "http://127.0.0.1:8085".to_owned(), ..BriefCaller::default() };
    let pack = Pack::of("own-database", "own-database", "analyst", "analysts", "hr");
    let pack = Pack(pack.0, BriefCaller { issuer: caller.issuer, ..pack.1 });
    for table in ["staff", "pg_catalog.pg_class", "information_schema.columns"] {
        assert_eq!(pack.says(select(table)), by(Decision::Allow, Reason::Allowed, "read"));
    }
    for verb in [Verb::Insert, Verb::Update, Verb::Delete, Verb::Merge] {
        assert_eq!(
            pack.says(write(verb, "staff")),
            by(Decision::Hold, Reason::HeldForApproval, "hold-changes")
        );
    }
    let held = by(Decision::Hold, Reason::HeldForApproval, "hold-functions");
    let alone = BriefStatement { verbs: vec![Verb::Select], ..BriefStatement::default() };
    let statements: [fn(BriefStatement) -> BriefStatement; 2] = [|alone| alone, |_| select("staff")];
    for statement in statements {
        let calling = |function| pack.says(calling(function, statement(alone.clone())));
        for function in ["wipe", "public.wipe", "setval", "nextval", "pg_notify"] {
            assert_eq!(calling(function), held, "{function}");
        }
        for function in [
            "pg_reload_conf",
            "pg_terminate_backend",
            "pg_advisory_lock",
            "pg_sleep",
            "pg_read_file",
            "lo_create",
            "query_to_xml",
            "dblink",
            "pg_stat_reset",
            "pg_drop_replication_slot",
        ] {
            assert_eq!(
                calling(function),
                by(Decision::Deny, Reason::RuleDenied, "no-side-doors"),
                "{function}"
            );
        }
        for function in ["lower", "count", "now", "pg_get_viewdef"] {
            assert_eq!(calling(function), by(Decision::Allow, Reason::Allowed, "read"), "{function}");
        }
    }
    for table in ["pg_authid", "pg_catalog.pg_shadow"] {
        assert_eq!(pack.says(select(table)), by(Decision::Deny, Reason::RuleDenied, "no-credentials"));
    }
    for verb in [Verb::Create, Verb::Alter, Verb::Grant, Verb::Call, Verb::Copy, Verb::Do] {
        assert_eq!(pack.says(write(verb, "staff")).0, Decision::Deny, "{verb:?}");
    }
}

#[test]
fn read_only() {
    let pack = Pack::of("read-only", "shop", "reader", "readers", "shop");
    assert_eq!(pack.says(select("customers")), by(Decision::Allow, Reason::Allowed, "read"));
    for verb in
        [Verb::Insert, Verb::Update, Verb::Truncate, Verb::Create, Verb::Grant, Verb::Call, Verb::Copy]
    {
        assert_eq!(pack.says(write(verb, "customers")), by(Decision::Deny, Reason::RuleDenied, "read-only"));
    }
    let lock = Relation { schema: None, name: "t".to_owned(), kind: ObjectKind::Table, access: Access::Lock };
    let lock = BriefStatement { relations: vec![lock], ..select("t") };
    assert_eq!(pack.says(lock), by(Decision::Deny, Reason::RuleDenied, "no-row-locks"));
    let notify = pack.says(calling("pg_notify", select("t")));
    assert_eq!(notify, by(Decision::Deny, Reason::RuleDenied, "no-side-effects"));
    assert_eq!(pack.says(calling("lower", select("t"))).0, Decision::Allow);
    for statement in [select("t"), executes()] {
        let refund = pack.says(calling("public.refund", statement));
        assert_eq!(refund, (Decision::Deny, Reason::DefaultDeny, None), "what it does nobody knows");
    }
    assert!(pack.tells(calling("public.refund", select("t"))).contains("`public.refund`"));
}

#[test]
fn no_destructive_ddl() {
    let pack = Pack::of("no-destructive-ddl", "shop", "developer", "developers", "anything");
    assert_eq!(pack.says(write(Verb::Create, "t")), by(Decision::Allow, Reason::Allowed, "everything-else"));
    assert_eq!(pack.says(write(Verb::Drop, "t")), by(Decision::Deny, Reason::RuleDenied, "no-drop"));
    assert_eq!(pack.says(write(Verb::Truncate, "t")), by(Decision::Deny, Reason::RuleDenied, "no-truncate"));
    let alter = pack.says(write(Verb::Alter, "t"));
    assert_eq!(alter, by(Decision::Hold, Reason::HeldForApproval, "alter-needs-approval"));
}

#[test]
fn production_writes_need_approval() {
    let pack = Pack::of("production-writes-need-approval", "production", "oncall", "engineers", "shop");
    assert_eq!(pack.says(select("t")), by(Decision::Allow, Reason::Allowed, "read"));
    assert_eq!(pack.says(write(Verb::Update, "t")), by(Decision::Hold, Reason::HeldForApproval, "writes"));
    let billing = Pack::of("production-writes-need-approval", "production", "oncall", "engineers", "billing");
    assert_eq!(
        billing.says(write(Verb::Update, "t")),
        by(Decision::Hold, Reason::HeldForApproval, "billing-writes")
    );
    let files = pack.says(calling("pg_read_file", select("t")));
    assert_eq!(files, by(Decision::Deny, Reason::RuleDenied, "no-side-doors"));
    let refund = |pack: &Pack| pack.says(calling("refund", select("t")));
    assert_eq!(refund(&pack), by(Decision::Hold, Reason::HeldForApproval, "functions"));
    assert_eq!(refund(&billing), by(Decision::Hold, Reason::HeldForApproval, "billing-functions"));
    let insert = pack.says(calling("nextval", write(Verb::Insert, "t")));
    assert_eq!(insert, by(Decision::Hold, Reason::HeldForApproval, "writes"));
    assert_eq!(pack.says(calling("setval", select("t"))).0, Decision::Deny);
    let nobody: &[String] = &[];
    assert!(pack.0.may_approve("billing-owners", "cfo@example.com", nobody));
    assert!(!pack.0.may_approve("billing-owners", "agent-7", &["engineers".to_owned()]));
    assert!(!pack.0.may_approve("unknown", "cfo@example.com", nobody));
    assert_eq!(pack.0.recording().mode, chaperone_policy::RecordingMode::Strict);
}

#[test]
fn pii() {
    let pack = Pack::of("pii", "crm", "support", "support", "crm");
    let star = BriefStatement { columns: vec!["*".to_owned()], ..select("crm.patients") };
    assert_eq!(pack.says(star), by(Decision::Deny, Reason::RuleDenied, "no-health-data"));
    for function in ["pg_notify", "set_config", "setval", "pg_advisory_lock", "query_to_xml", "lo_create"] {
        let called = pack.says(calling(function, select("crm.customers")));
        assert_eq!(called, by(Decision::Deny, Reason::RuleDenied, "no-side-doors"), "{function}");
    }
    let age = pack.says(calling("crm.age", select("crm.customers")));
    assert_eq!(age, (Decision::Deny, Reason::DefaultDeny, None));
    assert_eq!(pack.says(calling("age", select("crm.customers"))).0, Decision::Allow);
    let identity = pack.1.identity();
    let masks = pack.0.masks(&pack.1.caller(&identity));
    assert_eq!(masks.columns.len(), 3);
    assert_eq!(masks.detectors.len(), 5);
    assert_eq!(
        (masks.columns[0].schema.as_deref(), masks.columns[0].table.as_str()),
        (Some("crm"), "customers")
    );
    assert_eq!(masks.columns[0].column, "national_id");
    let officer = Pack::of("pii", "crm", "support", "privacy-officers", "crm");
    let identity = officer.1.identity();
    assert!(officer.0.masks(&officer.1.caller(&identity)).is_empty());
}
