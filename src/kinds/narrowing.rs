//! Conversions between data types that lose a part of some values without an error.

/// Returns whether the conversion rounds or truncates values.
pub fn rounds(before: &str, after: &str) -> bool {
    if maps_many_to_one(base(before), base(after)) {
        return true;
    }
    let (before, after) = (Precision::of(before), Precision::of(after));
    match (before, after) {
        (Precision::Exact { scale, .. }, Precision::Exact { scale: to, .. }) => to < scale,
        (Precision::Exact { digits, .. } | Precision::Float { digits }, Precision::Float { digits: to }) => {
            to < digits
        }
        (Precision::Float { .. }, Precision::Exact { .. }) => true,
        (Precision::Moment { parts, digits }, Precision::Moment { parts: new_parts, digits: new_digits }) => {
            parts.chars().any(|part| !new_parts.contains(part)) || new_digits < digits
        }
        (
            Precision::Interval { fields, digits },
            Precision::Interval { fields: new_fields, digits: new_digits },
        ) => new_fields != fields && !new_fields.is_empty() || new_digits < digits,
        (
            Precision::Exact { .. }
            | Precision::Float { .. }
            | Precision::Moment { .. }
            | Precision::Interval { .. }
            | Precision::Other,
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

/// Returns whether the conversion maps different values that are not numbers to the same value: `inet` to `cidr` drops host
/// bits, `json` to `jsonb` duplicate keys and white space, `text` to `character` trailing spaces.
fn maps_many_to_one(before: &str, after: &str) -> bool {
    const SHAPES: &[&str] = &["point", "lseg", "path", "box", "polygon", "circle"];
    match (before, after) {
        _ if before == after => false,
        ("inet", "cidr") | ("json", "jsonb") | ("text" | "character varying", "character" | "bpchar") => true,
        (_, "boolean") => !before.contains('.'),
        (_, "name" | "\"char\"") => is_text(before),
        _ => SHAPES.contains(&before) && SHAPES.contains(&after),
    }
}

/// Returns whether an assignment cast converts the values. It raises an error for values that are too long, which an
/// explicit cast truncates.
pub fn assigns(before: &str, after: &str) -> bool {
    let (before, after) = (base(before), base(after));
    before == after && !before.contains('.') || is_text(before) && is_text(after)
}

/// What a data type can represent.
#[derive(Clone, Copy)]
enum Precision<'a> {
    /// A number with this many digits, of which `scale` are after the decimal point.
    Exact {
        digits: i32,
        scale: i32,
    },
    /// A floating-point number that preserves this many decimal digits.
    Float {
        digits: i32,
    },
    /// A date (`d`), a time (`t`) or both, with this many fractional digits of a second.
    Moment {
        parts: &'static str,
        digits: i32,
    },
    /// An interval that is restricted to these fields, or not restricted.
    Interval {
        fields: &'a str,
        digits: i32,
    },
    Other,
}

impl<'a> Precision<'a> {
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
                Self::Interval { fields: name.trim_start_matches("interval").trim(), digits }
            }
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_that_lose_a_part_of_values() {
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
    fn assignment_casts() {
        assert!(assigns("character varying(20)", "character varying(10)"));
        assert!(assigns("text", "character(3)"));
        assert!(assigns("bit(8)", "bit(4)"));
        assert!(!assigns("text", "integer"));
        assert!(!assigns("public.a", "public.a"));
    }
}
