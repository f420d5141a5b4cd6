//! `chaperone reasons`.

mod pages;

use std::io::Write;

use chaperone_model::Reason;
use serde_json::json;

use super::{Answer, Trouble, print_json};
use crate::terminal::{FAINT, STRONG, Table, one_line, styled};
use pages::Page;

/// Say what a reason code means and what to do; without a code, list them all.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The code that a refusal names, such as SG104.
    code: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    let Some(code) = &args.code else { return list(args.json, out) };
    let code = code.to_ascii_uppercase();
    let Some(reason) = Reason::from_code(&code) else {
        writeln!(out, "`{}` is no reason code; `chaperone reasons` lists them", one_line(&code))?;
        return Ok(Answer::No);
    };
    if args.json {
        return print_json(out, &told(reason));
    }
    let Page { title, text } =
        Page::of(reason).unwrap_or(Page { title: reason.title(), text: reason.remedy() });
    writeln!(out, "{}\n\n{}", styled(STRONG, format!("{code}: {title}")), text.replace("**", ""))?;
    Ok(Answer::Yes)
}

fn list(json: bool, out: &mut impl Write) -> Result<Answer, Trouble> {
    if json {
        return print_json(out, &Reason::ALL.iter().map(|reason| told(*reason)).collect::<Vec<_>>());
    }
    let mut table = Table::new(&["CODE", "SQLSTATE", "MEANING", "WHAT TO DO"]);
    for reason in Reason::ALL {
        let cells = [reason.code(), reason.sqlstate(), reason.title(), reason.remedy()];
        let styles = [STRONG, FAINT, anstyle::Style::new(), anstyle::Style::new()];
        table.row(styles.into_iter().zip(cells.map(str::to_owned)).collect());
    }
    table.print(out)?;
    Ok(Answer::Yes)
}

fn told(reason: Reason) -> serde_json::Value {
    json!({
        "code": reason.code(),
        "sqlstate": reason.sqlstate(),
        "title": reason.title(),
        "remedy": reason.remedy(),
        "text": Page::of(reason).map(|page| page.text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_code_is_explained_and_no_other() {
        let mut out = Vec::new();
        let args = Args { code: Some("sg104".to_owned()), json: false };
        assert_eq!(run(&args, &mut out).unwrap(), Answer::Yes);
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("SG104: write without a real WHERE") && text.contains("SQLSTATE 42501"),
            "{text}"
        );
        assert!(!text.contains("# ") && !text.contains("SG105:"), "{text}");
        let unknown = run(&Args { code: Some("XX1".to_owned()), json: false }, &mut Vec::new());
        assert!(matches!(unknown, Ok(Answer::No)));
    }
}
