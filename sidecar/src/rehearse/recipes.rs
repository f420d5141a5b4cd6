//! The page of recipes, `docs/recipes.md`, is tested: each is a policy, says what lint says of it, and keeps its cases.
//!
//! A recipe is a heading of the third level with a block `yaml policy` and a block `yaml cases`. The head of all of them is
//! the block `yaml head`; a section that a recipe has itself takes the place of the head's. What stands behind `lint:` in
//! the first line of the policy is what lint has to say, and nothing else.
//!
//! Texts that are read are padded with empty lines, so that the lines that errors name are the page's.

use std::collections::BTreeSet;
use std::path::Path;

use chaperone_model::UnixSeconds;
use chaperone_policy::{Policy, WarningKind};

use super::{Cases, cases::said};

/// A Wednesday's noon and a Sunday's night: a case that depends on the time says which.
const TIMES: [UnixSeconds; 2] = [UnixSeconds(1_800_446_400), UnixSeconds(1_800_748_800)];

#[derive(Debug, Default)]
struct Page {
    head: Block,
    recipes: Vec<Recipe>,
}

#[derive(Debug, Default)]
struct Recipe {
    heading: String,
    line: usize,
    policy: Block,
    cases: Block,
}

/// A fenced block.
#[derive(Clone, Debug, Default)]
struct Block {
    /// What stands behind the block's name.
    info: String,
    /// The line of its first line; none is in the first line of the page.
    line: usize,
    lines: Vec<String>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            if let Some(heading) = line.strip_prefix("### ") {
                let heading = heading.to_owned();
                page.recipes.push(Recipe { heading, line: index + 1, ..Recipe::default() });
            }
            let Some((name, info)) = fence(line) else { continue };
            let inside = lines.by_ref().map_while(|(_, line)| (line != "```").then(|| line.to_owned()));
            let block = Block { info, line: index + 2, lines: inside.collect() };
            let recipe = page.recipes.last_mut();
            match (name, recipe) {
                ("head", None) => page.head = block,
                ("policy", Some(recipe)) => put(&mut recipe.policy, block),
                ("cases", Some(recipe)) => put(&mut recipe.cases, block),
                _ => {}
            }
        }
        page
    }
}

/// The name behind `yaml`, and the rest.
fn fence(line: &str) -> Option<(&str, String)> {
    let info = line.strip_prefix("```yaml ")?;
    let (name, rest) = info.split_once(' ').unwrap_or((info, ""));
    Some((name, rest.to_owned()))
}

fn put(place: &mut Block, block: Block) {
    assert!(place.lines.is_empty(), "line {}: a second block of this kind in one recipe", block.line);
    *place = block;
}

impl Block {
    fn text(&self) -> String {
        self.behind(&[])
    }

    /// Behind what stands before it in the page.
    fn behind(&self, before: &[String]) -> String {
        let mut lines = before.to_vec();
        lines.resize(self.line - 1, String::new());
        lines.extend_from_slice(&self.lines);
        lines.join("\n")
    }

    /// The names of its sections.
    fn sections(&self) -> BTreeSet<&str> {
        self.lines.iter().filter_map(|line| section(line)).collect()
    }

    /// The page's lines up to its end, of which only its own are there, and not those of some of its sections.
    fn without(&self, left_out: &BTreeSet<&str>) -> Vec<String> {
        let mut inside = None;
        let mut kept = vec![String::new(); self.line.saturating_sub(1)];
        for line in &self.lines {
            inside = section(line).or(inside);
            let is_left_out = inside.is_some_and(|section| left_out.contains(section));
            kept.push(if is_left_out { String::new() } else { line.clone() });
        }
        kept
    }

    /// What lint is expected to say.
    fn warnings(&self) -> BTreeSet<&str> {
        let kinds = self.info.strip_prefix("lint:").unwrap_or_default();
        kinds.split(',').map(str::trim).filter(|kind| !kind.is_empty()).collect()
    }
}

fn section(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(':')?;
    let letters = name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    (letters && !name.is_empty()).then_some(name)
}

impl Recipe {
    /// What does not hold, with lines of the page.
    fn failures(&self, head: &Block) -> Vec<String> {
        let (policy, cases) = (&self.policy, &self.cases);
        if policy.lines.is_empty() || cases.lines.is_empty() {
            return vec!["it has no `yaml policy`, or no `yaml cases`".to_owned()];
        }
        let sections = policy.sections();
        let loaded = Policy::from_text(&policy.behind(&head.without(&sections)));
        let read = Cases::from_text(&cases.text());
        let (loaded, read) = match (loaded, read) {
            (Ok(loaded), Ok(read)) => (loaded, read),
            (loaded, read) => {
                let errors = [loaded.err(), read.err()].into_iter().flatten();
                return errors.map(|error| error.to_string()).collect();
            }
        };
        let mut failures = self.lint(&loaded, sections.contains("approvers"));
        let mut untested: BTreeSet<_> = loaded.rules().map(ToString::to_string).collect();
        for case in &read.cases {
            for now in TIMES {
                let outcome = match read.run(case, &loaded, now) {
                    Ok(outcome) => outcome,
                    Err(why) => {
                        failures.push(format!("{}: {why}", case.name));
                        continue;
                    }
                };
                let verdict = &outcome.judged.verdict;
                if let Some(rule) = &verdict.rule {
                    untested.remove(&rule.0);
                }
                for differs in outcome.differences {
                    failures.push(format!(
                        "{}\n      => {}\n      {} is {}, not {} ({} {})",
                        case.name,
                        outcome.text,
                        differs.what,
                        differs.found,
                        differs.expected,
                        said(verdict.decision),
                        verdict.reason
                    ));
                }
            }
        }
        failures.extend(untested.iter().map(|rule| format!("no case is decided by rule `{rule}`")));
        failures.dedup();
        failures
    }

    fn lint(&self, policy: &Policy, own_approvers: bool) -> Vec<String> {
        // The head has approvers for all recipes.
        let meant = |kind| kind != WarningKind::Unused || own_approvers;
        let warnings: Vec<_> = policy.lint().into_iter().filter(|warning| meant(warning.kind)).collect();
        let expected = self.policy.warnings();
        let found: BTreeSet<_> = warnings.iter().map(|warning| warning.kind.name()).collect();
        let unexpected = warnings.iter().filter(|warning| !expected.contains(warning.kind.name()));
        let missing = expected.difference(&found).map(|kind| format!("lint does not say `{kind}`"));
        unexpected.map(|it| format!("lint: {it} [{}]", it.kind.name())).chain(missing).collect()
    }
}

#[test]
fn every_recipe_keeps_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recipes.md");
    let page = Page::read(&std::fs::read_to_string(path).unwrap());
    let headings: BTreeSet<_> = page.recipes.iter().map(|recipe| &recipe.heading).collect();
    assert_eq!(headings.len(), page.recipes.len(), "two recipes of one name");
    let told = page.recipes.iter().flat_map(|recipe| {
        let failures = recipe.failures(&page.head).into_iter();
        failures.map(|why| format!("docs/recipes.md:{}: {}: {why}\n", recipe.line, recipe.heading))
    });
    let told: String = told.collect();
    assert!(told.is_empty(), "\n{told}");
    assert!(page.recipes.len() >= 25, "{} recipes", page.recipes.len());
}

#[test]
fn a_recipe_that_does_not_hold_is_told_with_its_lines() {
    let page = "# Page\n```yaml head
version: 1
name: n
identity: { issuers: [{ issuer: 'https://i', audiences: [a], jwks: { cluster: c } }] }
resources:
  - { name: r, protocol: postgres, databases: [d], roles: [{ name: p, groups: [g], upstream: { user: u, auth: trust } }] }
```
### One
```yaml policy lint: shadow
mode: shadow
rules:
  - { id: read, effect: allow, match: { verbs: [select] } }
  - { id: more, effect: allow, match: { any: true } }
```
```yaml cases
who: { groups: [g] }
cases:
  - { name: reads, run: SELECT 1, expect: { verdict: deny } }
```
### Two
```yaml policy
rules:
  - { id: read, effect: allow, match: { verb: [select] } }
```
```yaml cases
cases:
  - { name: reads, run: SELECT 1, expects: {} }
```
";
    let page = Page::read(page);
    let failures: Vec<_> = page.recipes.iter().map(|recipe| recipe.failures(&page.head).join("\n")).collect();
    let [one, two] = failures.as_slice() else { panic!("{failures:?}") };
    for part in [
        "lint: line 14, column 5: rule `more`: it allows everything",
        "reads\n      => SELECT 1\n      verdict is allow, not deny",
        "no case is decided by rule `more`",
    ] {
        assert!(one.contains(part), "{part}\n{one}");
    }
    assert!(!one.contains("shadow"), "{one}");
    assert!(two.contains("line 24") && two.contains("line 28, column"), "{two}");
}
