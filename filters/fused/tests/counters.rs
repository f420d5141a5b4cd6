//! What the filters count is what their READMEs list, in the same order.

use chaperone_host::Module as _;

const READMES: [&str; 5] = [
    include_str!("../../identity/README.md"),
    include_str!("../../session-tap/README.md"),
    include_str!("../../sql-guard/README.md"),
    include_str!("../../approval-hold/README.md"),
    include_str!("../../response-masking/README.md"),
];

/// The names in a README's table of counters, where `a.b.c`, `.d` stands for `a.b.c` and `a.b.d`.
fn listed(readme: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let rows = readme.lines().skip_while(|line| !line.starts_with("| counter |")).skip(2);
    for row in rows.take_while(|line| line.starts_with('|')) {
        let quoted = row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2);
        for name in quoted {
            let stem = names.last().and_then(|before| before.rsplit_once('.')).map_or("", |(stem, _)| stem);
            let whole = if name.starts_with('.') { format!("{stem}{name}") } else { name.to_owned() };
            names.push(whole);
        }
    }
    names
}

#[test]
fn the_readmes_list_the_counters() {
    let counters = chaperone_fused::Module::COUNTERS;
    assert_eq!(counters.len(), READMES.len());
    for (readme, counters) in READMES.into_iter().zip(counters) {
        let mut listed = listed(readme);
        // What the module counts, not the filter.
        listed.retain(|name| !name.starts_with("chaperone.FILTER."));
        assert!(!listed.is_empty());
        assert_eq!(listed, *counters);
    }
}
