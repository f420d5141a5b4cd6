//! Which of a statement's outputs a column of the result is.

use chaperone_model::facts::Output;

/// Where a column of the result comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin<'a> {
    /// A plain column of this name.
    Column(&'a str),
    /// Computed from columns of these names and no others.
    Computed(&'a [String]),
    /// One of the columns that a `*` stands for.
    Star,
    /// Not told.
    Unknown,
}

/// The origin of column `index` of `count`. A `*` stands for any number of columns: what stands before the first
/// is told from the start, what stands behind the last from the end.
pub(crate) fn origin(outputs: Option<&[Output]>, index: usize, count: usize) -> Origin<'_> {
    let Some(outputs) = outputs else { return Origin::Unknown };
    let first = outputs.iter().position(|output| *output == Output::Star);
    let last = outputs.iter().rposition(|output| *output == Output::Star);
    let (Some(first), Some(last)) = (first, last) else {
        return if outputs.len() == count { plain(outputs.get(index)) } else { Origin::Unknown };
    };
    let behind = outputs.len() - last - 1;
    let Some(end) = count.checked_sub(behind).filter(|end| *end >= first) else { return Origin::Unknown };
    if index < first {
        plain(outputs.get(index))
    } else if index >= end {
        plain(outputs.get(last + 1 + (index - end)))
    } else if outputs.get(first..last).is_some_and(|between| between.iter().all(is_plain)) {
        Origin::Star
    } else {
        Origin::Unknown
    }
}

const fn is_plain(output: &Output) -> bool {
    matches!(output, Output::Column(_) | Output::Star)
}

fn plain(output: Option<&Output>) -> Origin<'_> {
    match output {
        Some(Output::Column(name)) => Origin::Column(name),
        Some(Output::Computed(names)) => Origin::Computed(names),
        Some(Output::Star) => Origin::Star,
        Some(Output::Unknown) | None => Origin::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str) -> Output {
        Output::Column(name.to_owned())
    }

    fn origins(outputs: &[Output], count: usize) -> Vec<Origin<'_>> {
        (0..count).map(|index| origin(Some(outputs), index, count)).collect()
    }

    #[test]
    fn aligns_around_stars() {
        use Origin::{Column, Star, Unknown};
        let plain = [column("a"), column("b")];
        assert_eq!(origins(&plain, 2), [Column("a"), Column("b")]);
        assert_eq!(origins(&plain, 3), [Unknown; 3], "the server says otherwise: nothing is told");
        let star = [column("a"), Output::Star, column("z")];
        assert_eq!(origins(&star, 4), [Column("a"), Star, Star, Column("z")]);
        assert_eq!(origins(&star, 2), [Column("a"), Column("z")], "a star may stand for nothing");
        assert_eq!(origins(&star, 1), [Unknown]);
        let two = [Output::Star, column("m"), Output::Star, column("z")];
        assert_eq!(origins(&two, 3), [Star, Star, Column("z")], "between stars only plain columns are told");
        let computed = [Output::Star, Output::Computed(vec![]), Output::Star];
        assert_eq!(origins(&computed, 2), [Unknown; 2]);
        assert_eq!(origin(None, 0, 1), Unknown);
    }
}
