//! Rewrites a row.

use chaperone_model::Reason;
use chaperone_pgwire::server::DataRow;
use chaperone_pgwire::tag;
use chaperone_redact::{Masked, mask_value};

use crate::plan::Plan;
use crate::shape::{Deed, Treatment};

/// A whole DataRow message in the place of one with this body; none where it may be shown as it is.
pub(crate) fn rewritten(
    plan: &Plan,
    treatments: &[Treatment],
    body: &[u8],
) -> Result<Option<Vec<u8>>, Reason> {
    let row = DataRow::read(body).map_err(|_| Reason::ProtocolViolation)?;
    if row.len() != treatments.len() {
        return Err(Reason::MaskLineageUnknown);
    }
    let mut out: Option<Vec<u8>> = None;
    // Of the body, how much is written and where the next value's length stands.
    let (mut done, mut at) = (0_usize, 2_usize);
    for (treatment, value) in treatments.iter().zip(row.values()) {
        let end = at + 4 + value.map_or(0, <[u8]>::len);
        if let Some(masked) = value.map(|value| masked(plan, treatment, value)).transpose()?.flatten() {
            let out = out.get_or_insert_with(|| {
                let mut out = Vec::with_capacity(body.len() + 5);
                out.extend([tag::server::DATA_ROW, 0, 0, 0, 0]);
                out
            });
            out.extend_from_slice(body.get(done..at).unwrap_or_default());
            match masked {
                Masked::Null => out.extend((-1_i32).to_be_bytes()),
                Masked::Bytes(bytes) => {
                    let length = i32::try_from(bytes.len()).map_err(|_| Reason::MaskUnsupported)?;
                    out.extend(length.to_be_bytes());
                    out.extend_from_slice(&bytes);
                }
            }
            done = end;
        }
        at = end;
    }
    let Some(mut out) = out else { return Ok(None) };
    out.extend_from_slice(body.get(done..).unwrap_or_default());
    let length = i32::try_from(out.len() - 1).map_err(|_| Reason::MaskUnsupported)?;
    if let Some(place) = out.get_mut(1..5) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(Some(out))
}

/// What stands in the place of a value; none where it is shown as it is.
fn masked(plan: &Plan, treatment: &Treatment, value: &[u8]) -> Result<Option<Masked>, Reason> {
    let Treatment { deed, type_oid, format } = *treatment;
    match deed {
        Deed::Pass => Ok(None),
        Deed::Hide(transform) => mask_value(transform, type_oid, format, value, &plan.key)
            .map(Some)
            .map_err(|_| Reason::MaskUnsupported),
        Deed::Search => match &plan.detectors {
            Some(detectors) => detectors
                .mask_value(type_oid, format, value)
                .map(|found| found.map(Masked::Bytes))
                .map_err(|_| Reason::MaskUnsupported),
            None => Ok(None),
        },
    }
}
