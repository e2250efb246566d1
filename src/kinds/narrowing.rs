//! Changes of a type in which the server rounds values without a word.

/// Whether values of the one type are rounded, or lose a part, when they become values of the other.
pub fn rounds(before: &str, after: &str) -> bool {
    if blurs(base(before), base(after)) {
        return true;
    }
    let (before, after) = (Sort::of(before), Sort::of(after));
    match (before, after) {
        (Sort::Exact { scale, .. }, Sort::Exact { scale: to, .. }) => to < scale,
        (Sort::Exact { digits, .. } | Sort::Float { digits }, Sort::Float { digits: held }) => held < digits,
        (Sort::Float { .. }, Sort::Exact { .. }) => true,
        (Sort::Moment { parts, digits }, Sort::Moment { parts: to, digits: rest }) => {
            parts.chars().any(|part| !to.contains(part)) || rest < digits
        }
        (Sort::Interval { field, digits }, Sort::Interval { field: to, digits: rest }) => {
            to != field && !to.is_empty() || rest < digits
        }
        (
            Sort::Exact { .. }
            | Sort::Float { .. }
            | Sort::Moment { .. }
            | Sort::Interval { .. }
            | Sort::Other,
            _,
        ) => false,
    }
}

/// The name of a type without its modifiers.
fn base(ty: &str) -> &str {
    ty.split('(').next().unwrap_or_default().trim()
}

fn is_text(name: &str) -> bool {
    ["text", "character varying", "character", "bpchar"].contains(&name)
}

/// Whether several values of the one type become one of the other, though both are no numbers: the bits of an address
/// behind its network, doubled keys and the layout of a document, blanks at the end, all that is not zero.
fn blurs(before: &str, after: &str) -> bool {
    const SHAPES: &[&str] = &["point", "lseg", "path", "box", "polygon", "circle"];
    match (before, after) {
        _ if before == after => false,
        ("inet", "cidr") | ("json", "jsonb") | ("text" | "character varying", "character" | "bpchar") => true,
        (_, "boolean") => !before.contains('.'),
        (_, "name" | "\"char\"") => is_text(before),
        _ => SHAPES.contains(&before) && SHAPES.contains(&after),
    }
}

/// Whether the server turns the one into the other in an assignment, which refuses what is too long; an explicit cast
/// cuts it.
pub fn assigns(before: &str, after: &str) -> bool {
    let (before, after) = (base(before), base(after));
    before == after && !before.contains('.') || is_text(before) && is_text(after)
}

/// What counts of a type.
#[derive(Clone, Copy)]
enum Sort<'a> {
    /// How many digits there can be, and how many after the point.
    Exact {
        digits: i32,
        scale: i32,
    },
    /// How many digits are given back as they were.
    Float {
        digits: i32,
    },
    /// A point in time: whether it has a date and a time, and digits of a second.
    Moment {
        parts: &'static str,
        digits: i32,
    },
    Interval {
        field: &'a str,
        digits: i32,
    },
    Other,
}

impl<'a> Sort<'a> {
    fn of(ty: &'a str) -> Self {
        let (name, rest) = ty.split_once('(').unwrap_or((ty, ""));
        let arguments: Vec<i32> = rest
            .split(')')
            .next()
            .unwrap_or_default()
            .split(',')
            .filter_map(|n| n.trim().parse().ok())
            .collect();
        let digits = arguments.first().copied().unwrap_or(6);
        match name.trim() {
            "smallint" => Self::Exact { digits: 5, scale: 0 },
            "integer" => Self::Exact { digits: 10, scale: 0 },
            "bigint" => Self::Exact { digits: 19, scale: 0 },
            "numeric" if arguments.is_empty() => Self::Exact { digits: i32::MAX, scale: i32::MAX },
            "numeric" => Self::Exact { digits: arguments[0], scale: arguments.get(1).copied().unwrap_or(0) },
            "real" => Self::Float { digits: 6 },
            "double precision" => Self::Float { digits: 15 },
            "date" => Self::Moment { parts: "d", digits: 6 },
            name if name.starts_with("timestamp") => Self::Moment { parts: "dt", digits },
            name if name.starts_with("time") => Self::Moment { parts: "t", digits },
            name if name.starts_with("interval") => {
                Self::Interval { field: name.trim_start_matches("interval").trim(), digits }
            }
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rounded_is_told() {
        for (before, after) in [
            ("numeric(14,4)", "numeric(12,2)"),
            ("numeric", "numeric(20,10)"),
            ("numeric(5,1)", "bigint"),
            ("double precision", "real"),
            ("real", "integer"),
            ("double precision", "numeric"),
            ("bigint", "double precision"),
            ("numeric(20,2)", "double precision"),
            ("timestamp without time zone", "timestamp(0) without time zone"),
            ("timestamp(3) with time zone", "date"),
            ("timestamp without time zone", "time without time zone"),
            ("time(4) without time zone", "time(3) without time zone"),
            ("interval", "interval(2)"),
            ("interval", "interval day to minute"),
            ("integer", "boolean"),
            ("inet", "cidr"),
            ("json", "jsonb"),
            ("text", "character(20)"),
            ("text", "name"),
            ("box", "point"),
        ] {
            assert!(rounds(before, after), "{before} to {after}");
        }
        for (before, after) in [
            ("numeric(12,2)", "numeric(14,4)"),
            ("numeric(12,2)", "numeric"),
            ("numeric(12)", "bigint"),
            ("integer", "bigint"),
            ("bigint", "integer"),
            ("integer", "numeric(4,2)"),
            ("real", "double precision"),
            ("integer", "double precision"),
            ("numeric(12,2)", "double precision"),
            ("date", "timestamp with time zone"),
            ("timestamp(0) without time zone", "timestamp without time zone"),
            ("interval day", "interval"),
            ("character varying(20)", "character varying(10)"),
            ("text", "numeric(4,2)"),
            ("cidr", "inet"),
            ("jsonb", "json"),
            ("character(20)", "text"),
            ("boolean", "text"),
        ] {
            assert!(!rounds(before, after), "{before} to {after}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused_rather_than_cut() {
        assert!(assigns("character varying(20)", "character varying(10)"));
        assert!(assigns("text", "character(3)"));
        assert!(assigns("bit(8)", "bit(4)"));
        assert!(!assigns("text", "integer"));
        assert!(!assigns("public.a", "public.a"));
    }
}
