//! `${NAME}` placeholders.

use crate::error::Error;

/// `text` with every `${NAME}` outside comments filled, and comments as they are; a name without a value is an error, as is a `${` without an end.
pub(crate) fn fill(text: &str, values: &[(&str, String)]) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        if line.trim_start().starts_with('#') {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let mut rest = line;
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
    fn placeholders_are_filled_but_in_comments() {
        let filled =
            fill("# ${NOT_THIS}\nport: ${A}${B}, ${A}\n", &[("A", "1".into()), ("B", "x".into())]).unwrap();
        assert_eq!(filled, "# ${NOT_THIS}\nport: 1x, 1\n");
    }

    #[test]
    fn a_name_without_a_value_is_an_error() {
        assert!(fill("a: ${A}", &[]).unwrap_err().to_string().contains("`A`"));
        assert!(fill("a: ${A", &[("A", String::new())]).is_err());
    }
}
