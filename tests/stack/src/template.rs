//! `${NAME}` placeholders.

use crate::error::Error;

/// `text` with every `${NAME}` outside comments filled; a name without a value is an error, as is a `${` without an end.
pub(crate) fn fill(text: &str, values: &[(&str, String)]) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let mut rest = if line.trim_start().starts_with('#') { "" } else { line };
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| Error::Setting(format!("a placeholder without an end in `{line}`")))?;
            let (_, value) = values
                .iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| Error::Setting(format!("nothing to put in the place of `{name}`")))?;
            out.push_str(before);
            out.push_str(value);
            rest = after;
        }
        out.push_str(rest);
        out.push('\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_comments_left_out() {
        let filled =
            fill("# ${NOT_THIS}\nport: ${A}${B}, ${A}\n", &[("A", "1".into()), ("B", "x".into())]).unwrap();
        assert_eq!(filled, "\nport: 1x, 1\n");
    }

    #[test]
    fn a_name_without_a_value_is_an_error() {
        assert!(fill("a: ${A}", &[]).unwrap_err().to_string().contains("`A`"));
        assert!(fill("a: ${A", &[("A", String::new())]).is_err());
    }
}
