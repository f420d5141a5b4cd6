//! What `docs/reasons` says, so that the program explains exactly what its version refuses.

use chaperone_model::Reason;

macro_rules! pages {
    ($($code:ident)*) => {
        /// Each page with its code, in the order of the codes.
        const PAGES: &[(&str, &str)] = &[$((
            stringify!($code),
            include_str!(concat!("../../../../docs/reasons/", stringify!($code), ".md")),
        ),)*];
    };
}

pages! {
    AH100 AH101 AH102 AH103 AH104 AH105 AH106 AH107 AH108 AH109
    ID101 ID102 ID103 ID104 ID105 ID106 ID107 ID108 ID109 ID110 ID111 ID112
    ID113 ID114 ID120 ID121 ID122 ID123 ID130 ID131 ID132 ID133 ID134 ID135
    PG101 PG102 PG103 PG104 PG105 PG106 PG107 PG108
    RM101 RM102 RM103 RM104 RM105 RM106
    SG100 SG101 SG102 SG103 SG104 SG105 SG106 SG107 SG108 SG109 SG110 SG111
    SG112 SG113 SG115
    ST101 ST102
}

/// A code's page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Page {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

impl Page {
    pub(super) fn of(reason: Reason) -> Option<Self> {
        let (_, page) = PAGES.iter().find(|(code, _)| *code == reason.code())?;
        let (title, text) = page.strip_prefix(&format!("# {}: ", reason.code()))?.split_once('\n')?;
        Some(Self { title, text: text.trim() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn directory() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reasons")
    }

    #[test]
    fn every_reason_has_a_page_that_tells_it_as_the_errors_do() {
        for reason in Reason::ALL {
            let page =
                Page::of(*reason).unwrap_or_else(|| panic!("{reason} has no page that is titled with it"));
            assert_eq!(page.title, reason.title(), "{reason}");
            assert!(page.text.starts_with(&format!("SQLSTATE {}.", reason.sqlstate())), "{reason}");
            for whom in ["- **As the client:**", "- **As the policy's owner:**"] {
                assert!(page.text.matches(whom).count() <= 1, "{reason}: {whom} twice");
            }
            assert!(page.text.contains("- **As the client:**"), "{reason}: what shall the client do?");
            assert!(!page.text.contains("\n#"), "{reason}: a page has one heading");
        }
    }

    #[test]
    fn no_page_is_left_over() {
        let files = std::fs::read_dir(directory()).unwrap().map(|it| it.unwrap().file_name());
        let files: BTreeSet<_> = files.map(|name| name.into_string().unwrap()).collect();
        let codes = Reason::ALL.iter().map(|reason| reason.code());
        let expected: BTreeSet<_> =
            codes.map(|code| format!("{code}.md")).chain(["README.md".to_owned()]).collect();
        assert_eq!(files, expected);
        let pages: BTreeSet<_> = PAGES.iter().map(|(code, _)| format!("{code}.md")).collect();
        assert!(files.iter().all(|file| file == "README.md" || pages.contains(file)), "{pages:?}");
    }

    #[test]
    fn the_overview_has_every_code_once_with_its_link() {
        let text = std::fs::read_to_string(directory().join("README.md")).unwrap();
        let rows: Vec<_> = text.lines().filter(|line| line.contains(".md) | ")).collect();
        for reason in Reason::ALL {
            let (code, state, title) = (reason.code(), reason.sqlstate(), reason.title());
            let row = format!("| [{code}]({code}.md) | {state} | {title} |");
            assert_eq!(rows.iter().filter(|it| **it == row).count(), 1, "{row}");
        }
        assert_eq!(rows.len(), Reason::ALL.len(), "a row for a code that is none");
    }
}
