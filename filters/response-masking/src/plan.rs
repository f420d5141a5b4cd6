//! What is hidden from the caller, as the policy in force says it.

use std::rc::Rc;

use chaperone_flow::{Live, Session};
use chaperone_model::mask::Transform;
use chaperone_model::{Digest, Identity, Reason, RuleId};
use chaperone_policy::{Caller, ColumnMask, Masks};
use chaperone_redact::{Detectors, Key};
use chaperone_settings::Settings;

use crate::shared::Shared;

/// Columns of pg_catalog that hold samples of the values of all others, or the statements of other callers, who may see
/// more: whoever may not see a column may not see these.
const STATISTICS: [(&str, &str); 17] = [
    ("pg_stat_activity", "query"),
    ("pg_statistic", "stavalues1"),
    ("pg_statistic", "stavalues2"),
    ("pg_statistic", "stavalues3"),
    ("pg_statistic", "stavalues4"),
    ("pg_statistic", "stavalues5"),
    ("pg_statistic_ext_data", "stxdexpr"),
    ("pg_statistic_ext_data", "stxdmcv"),
    ("pg_stats", "histogram_bounds"),
    ("pg_stats", "most_common_elems"),
    ("pg_stats", "most_common_vals"),
    ("pg_stats", "range_bounds_histogram"),
    ("pg_stats_ext", "most_common_vals"),
    ("pg_stats_ext_exprs", "histogram_bounds"),
    ("pg_stats_ext_exprs", "most_common_elems"),
    ("pg_stats_ext_exprs", "most_common_vals"),
    ("pg_stats_ext_exprs", "range_bounds_histogram"),
];

/// Everything that is hidden from one caller.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What it was made of.
    masks: Masks,
    /// The columns; where there are any, those of [`STATISTICS`] are at the end.
    pub(crate) columns: Rc<[ColumnMask]>,
    /// None where nothing is to be detected.
    pub(crate) detectors: Option<Detectors>,
    pub(crate) key: Key,
}

impl Plan {
    pub(crate) fn new(masks: Masks, key: [u8; 32]) -> Self {
        let mut columns = masks.columns.clone();
        if !columns.is_empty() {
            columns.extend(STATISTICS.iter().map(|(table, column)| ColumnMask {
                schema: Some("pg_catalog".to_owned()),
                table: (*table).to_owned(),
                column: (*column).to_owned(),
                transform: Transform::Redact,
                rule: RuleId("statistics".to_owned()),
            }));
        }
        let detectors: Vec<_> = masks.detectors.iter().map(|mask| (mask.detector, mask.transform)).collect();
        let patterns: Vec<_> =
            masks.patterns.iter().map(|mask| (mask.pattern.clone(), mask.transform)).collect();
        let detectors = Detectors::new(&detectors, key).with_patterns(&patterns);
        Self {
            masks,
            columns: columns.into(),
            detectors: Some(detectors).filter(|detectors| !detectors.is_empty()),
            key: Key::new(key),
        }
    }

    pub(crate) fn is_made_of(&self, masks: &Masks) -> bool {
        self.masks == *masks
    }

    /// Whether columns are hidden, so that each column of a result has to be told.
    pub(crate) fn hides_columns(&self) -> bool {
        !self.columns.is_empty()
    }

    /// What is done to columns of this name in some table.
    pub(crate) fn named(&self, column: &str) -> Option<Transform> {
        self.columns.iter().find(|mask| mask.column == column).map(|mask| mask.transform)
    }
}

#[derive(Debug)]
struct Current {
    settings: Rc<Settings>,
    identity: Rc<Identity>,
    role: String,
    database: String,
    plan: Option<Rc<Plan>>,
}

/// Keeps the plan that is in force.
#[derive(Debug)]
pub(crate) struct Planner {
    settings: Live<Settings>,
    shared: Shared,
    current: Option<Current>,
}

impl Planner {
    pub(crate) const fn new(settings: Live<Settings>, shared: Shared) -> Self {
        Self { settings, shared, current: None }
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> Digest {
        self.settings.get().policy.digest()
    }

    /// Whether something else is hidden now than by this plan. Where nothing is hidden any more the plan goes on.
    pub(crate) fn has_changed(&mut self, session: &Session, since: Option<&Rc<Plan>>) -> bool {
        match (self.plan(session), since) {
            (Ok(None), _) => false,
            (Ok(Some(plan)), Some(since)) => !Rc::ptr_eq(&plan, since),
            (Ok(Some(_)), None) | (Err(_), _) => true,
        }
    }

    /// The newest settings.
    pub(crate) fn settings(&self) -> Rc<Settings> {
        self.settings.get()
    }

    /// The plan for this session under the newest settings; none where nothing is hidden. The same `Rc` for all callers
    /// from whom the same is hidden, so that what was learnt for it can be told by the pointer.
    pub(crate) fn plan(&mut self, session: &Session) -> Result<Option<Rc<Plan>>, Reason> {
        let identity = session.identity.as_ref().ok_or(Reason::IdentityMissing)?;
        let settings = self.settings.get();
        if let Some(current) = &self.current {
            let same = Rc::ptr_eq(&current.settings, &settings)
                && (Rc::ptr_eq(&current.identity, identity) || current.identity == *identity)
                && current.role == session.role
                && current.database == session.database;
            if same {
                return Ok(current.plan.clone());
            }
        }
        let masks = settings.policy.masks(&Caller {
            identity,
            resource: &settings.resource,
            role: &session.role,
            database: &session.database,
        });
        let plan = (!masks.is_empty()).then(|| self.shared.plan(masks));
        self.current = Some(Current {
            settings,
            identity: Rc::clone(identity),
            role: session.role.clone(),
            database: session.database.clone(),
            plan: plan.clone(),
        });
        Ok(plan)
    }
}
