//! Targets in YAML: mistakes with their places, reading, and writing.

use std::fmt::Write as _;
use std::sync::Arc;

use pretty_assertions::assert_eq;
use schemadiff::declare::yaml;
use schemadiff::{Diagnostic, Error};

/// A text, the place of the mistake, its code, a part of the message, and a part of the help.
type Bad = (&'static str, (usize, usize), &'static str, &'static str, &'static str);

const BAD: &[Bad] = &[
    ("a: [", (1, 4), "SD014", "invalid YAML", ""),
    ("a: b: c", (1, 5), "SD014", "invalid YAML", ""),
    ("schemas:\n\tshop: {}", (2, 2), "SD014", "invalid YAML", ""),
    ("schemas: {}\n---\nschemas: {}", (2, 1), "SD014", "the file has a second document", ""),
    ("schemas: !!set {}", (1, 16), "SD014", "the tag `!!set` is not supported", ""),
    ("? [a]\n: b", (1, 3), "SD014", "a list cannot be a key", ""),
    ("<<: 1", (1, 5), "SD014", "`<<`: expected a map", ""),
    ("schemas: {a: \"\\0\"}", (1, 14), "SD016", "cannot contain the character U+0000", ""),
    ("- a", (1, 1), "SD016", "the file: expected a map of kinds of objects, found a list", ""),
    ("shemas: {}", (1, 1), "SD015", "unknown key `shemas` in the file", "did you mean `schemas`?"),
    (
        "schemas: [a]",
        (1, 10),
        "SD016",
        "`schemas`: expected a map with the name of each schema, found a list",
        "",
    ),
    ("schemas: {s: x}", (1, 14), "SD016", "schema s: expected a map, found `x`", "valid keys are `owner`,"),
    ("schemas: {s: {}, s: {}}", (1, 18), "SD013", "duplicate key `s`", "it is first used on line 1"),
    ("schemas: {'': {}}", (1, 11), "SD016", "expected a name that is not empty", ""),
    (
        "schemas: {s: {table: {}}}",
        (1, 15),
        "SD015",
        "unknown key `table` in schema s",
        "did you mean `tables`?",
    ),
    (
        "schemas: {s: {tables: {t: {colunms: {}}}}}",
        (1, 28),
        "SD015",
        "unknown key `colunms` in table s.t",
        "did you mean `columns`?",
    ),
    (
        "schemas: {s: {tables: {t: {zzzzzz: {}}}}}",
        (1, 28),
        "SD015",
        "unknown key `zzzzzz`",
        "valid keys are `persistence`,",
    ),
    (
        "schemas: {s: {tables: {t: {row_security: yes}}}}",
        (1, 42),
        "SD016",
        "`row_security` of table s.t: expected `true` or `false`, found `yes`",
        "",
    ),
    (
        "schemas: {s: {tables: {t: {persistence: temp}}}}",
        (1, 41),
        "SD016",
        "expected `permanent` or `unlogged`, found `temp`",
        "",
    ),
    ("schemas: {s: {tables: {t: {comment: [a]}}}}", (1, 37), "SD016", "expected a string, found a list", ""),
    (
        "schemas: {s: {tables: {t: {inherits: [null]}}}}",
        (1, 39),
        "SD016",
        "expected a string, found null",
        "",
    ),
    ("schemas: {s: {tables: {t: {options: [a]}}}}", (1, 37), "SD016", "expected a map, found a list", ""),
    ("schemas: {s: {tables: {t: {columns: {a: }}}}}", (1, 38), "SD016", "column s.t.a has no `type`", ""),
    (
        "schemas: {s: {tables: {t: {columns: {a: {type: int, statistics: many}}}}}}",
        (1, 65),
        "SD016",
        "expected an integer, found `many`",
        "",
    ),
    (
        "schemas: {s: {tables: {t: {columns: {a: {type: int, unique: a}}}}}}",
        (1, 61),
        "SD016",
        "`unique` of column s.t.a: expected `true` or `false`, found `a`",
        "",
    ),
    (
        "schemas: {s: {tables: {t: {columns: {a: {type: int, references: 'x y'}}}}}}",
        (1, 65),
        "SD016",
        "expected a table, such as `shop.customer(id)`, found `x y`",
        "",
    ),
    (
        "schemas: {s: {tables: {t: {columns: {a: {type: int, references: {tabel: x}}}}}}}",
        (1, 66),
        "SD015",
        "unknown key `tabel`",
        "did you mean `table`?",
    ),
    (
        "schemas: {s: {tables: {t: {columns: {a: {type: int, references: {columns: x}}}}}}}",
        (1, 65),
        "SD016",
        "`references` of column s.t.a has no `table`",
        "",
    ),
    (
        "schemas: {s: {tables: {t: {columns: {a: {type: int, primary_key: true}, b: {type: int, primary_key: true}}}}}}",
        (1, 88),
        "SD013",
        "table s.t has two primary keys",
        "on line 1",
    ),
    (
        "schemas: {s: {tables: {t: {columns: {a: {type: int, unique: true}}, uniques: {t_a_key: [a]}}}}}",
        (1, 79),
        "SD013",
        "unique constraint s.t.t_a_key is declared twice",
        "line 1",
    ),
    (
        "schemas: {s: {functions: {slug: {}}}}",
        (1, 27),
        "SD016",
        "function `slug` has no argument types",
        "write `slug()`",
    ),
    (
        "schemas: {s: {tables: {t: {drop: yes}}}}",
        (1, 34),
        "SD016",
        "`drop` of table s.t: expected `confirmed`, found `yes`",
        "",
    ),
    (
        "schemas: {s: {tables: {t: {columns: {a: {type: int, backfill: {value: 1}}}}}}}",
        (1, 64),
        "SD016",
        "expected the keys `expression`, `where` and `batch`, found `value`",
        "",
    ),
    (
        "schemas: {s: {tables: {t: {columns: {a: {type: int, backfill: {expression: 1, batch: 0}}}}}}}",
        (1, 86),
        "SD016",
        "expected a positive number of rows, found `0`",
        "",
    ),
    (
        "schemas: {s: {tables: {t: {columns: {a123456789b123456789c123456789d123456789e123456789f123456789g123: int}}}}}",
        (1, 38),
        "SD016",
        "at most 63 bytes",
        "",
    ),
];

fn read(text: &str) -> Result<yaml::DeclaredSchema, Vec<Diagnostic>> {
    yaml::read("schema.yaml", &Arc::from(text)).map_err(|error| match error {
        Error::Diagnostics(list) => list,
        other => panic!("{other}"),
    })
}

#[test]
fn mistakes_with_their_places() {
    let mut wrong = String::new();
    for (text, place, code, message, help) in BAD {
        let list = read(text).expect_err(text);
        let first = &list[0];
        let at = first.place.as_ref().map(schemadiff::error::Place::line_column);
        let helps = help.is_empty() || first.help.iter().any(|line| line.contains(help));
        let matches = first.message.contains(message) && first.code.0 == *code;
        if at != Some(*place) || !matches || !helps {
            let _ = writeln!(wrong, "{text}\n  {at:?} {} {} {:?}", first.code, first.message, first.help);
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let list = read("extension: {}\nschemas: {s: {enum: {}, tables: {t: {row_security: 1}}}}").unwrap_err();
    assert_eq!(list.len(), 3);
}

#[test]
fn empty_file_declares_a_new_database() {
    for text in ["", "# nothing\n", "{}", "schemas:\n"] {
        let declared = read(text).unwrap();
        let ids: Vec<String> = declared.catalog.sorted().iter().map(|object| object.id.to_string()).collect();
        assert_eq!(ids, ["schema public", "extension plpgsql"], "{text}");
    }
    let declared = read("schemas: {public: absent}\nextensions: {plpgsql: absent}").unwrap();
    assert!(declared.catalog.objects.is_empty());
}

const SHOP: &str = r#"extensions:
  hstore: public
schemas:
  shop:
    comment: The shop.
    grants: {app: USAGE}
    enums:
      order_status: [new, paid, 1.10, no]
    tables:
      customer:
        columns:
          id: {type: bigint, identity: always, primary_key: true}
          email: {type: text, not_null: true, unique: true, renamed_from: mail}
          name: text
          visits: {type: integer, default: 0, check: visits >= 0, backfill: {expression: 0, batch: 500}}
      orders:
        columns:
          id: {type: bigint}
          status: {type: "order_status[]", index: true}
          customer_id:
            type: bigint
            references: {table: customer, columns: [id], on_delete: cascade}
        primary_key: {name: orders_key, columns: id}
        policies:
          own: {using: customer_id = 1}
      event:
        partition_by: RANGE (at)
        columns:
          at: {type: timestamptz, not_null: true, default: now(), comment: When}
        checks: {recent: at > '2000-01-01'}
      event_2024:
        partition: {of: shop.event, bound: FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')}
    functions:
      slug(text):
        returns: text
        language: sql
        body: |
          SELECT lower($1);
"#;

#[test]
fn reads_a_schema() {
    let declared = read(SHOP).unwrap();
    let mut lines = Vec::new();
    for object in declared.catalog.sorted() {
        let attributes: Vec<String> =
            object.attributes().map(|(name, value)| format!("{name}={value}")).collect();
        lines.push(format!("{} {}", object.id, attributes.join(" ")).trim_end().to_owned());
    }
    let wanted = "schema public
schema shop comment=The shop. grants={app: [USAGE]}
extension hstore schema=public
extension plpgsql
enum shop.order_status labels=[new, paid, 1.10, no]
function shop.slug(text) returns=text language=sql body=SELECT lower($1);
 arguments=text signature=text
table shop.customer
table shop.event partition_by=RANGE (at)
table shop.event_2024
table shop.orders
column shop.customer.email type=text not_null=true
column shop.customer.id type=bigint identity=always not_null=true
column shop.customer.name type=text
column shop.customer.visits type=integer
column shop.event.at type=timestamptz not_null=true comment=When
column shop.event_2024.at type=timestamptz not_null=true inherited=true
column shop.orders.customer_id type=bigint
column shop.orders.id type=bigint not_null=true
column shop.orders.status type=shop.order_status[]
partition shop.event_2024 of=shop.event bound=FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')
default shop.customer.visits expression=0
default shop.event.at expression=now()
default shop.event_2024.at expression=now()
check constraint shop.customer.customer_visits_check expression=visits >= 0
check constraint shop.event.recent expression=at > '2000-01-01'
check constraint shop.event_2024.recent expression=at > '2000-01-01' inherited=true
primary key shop.customer.customer_pkey columns=[id]
primary key shop.orders.orders_key columns=[id]
unique constraint shop.customer.customer_email_key columns=[email]
index shop.orders.orders_status_idx keys=[status]
foreign key shop.orders.orders_customer_id_fkey columns=[customer_id] references=shop.customer referenced_columns=[id] on_delete=cascade
policy shop.orders.own using=customer_id = 1";
    assert_eq!(lines.join("\n"), wanted);
    let places = |name: &str| {
        let place = declared.places.iter().find(|(id, _)| id.to_string() == name).map(|(_, place)| place);
        place.map(|place| &place.text[place.span.clone()])
    };
    assert_eq!(places("foreign key shop.orders.orders_customer_id_fkey"), Some("references"));
    assert_eq!(places("column shop.customer.email"), Some("email"));
    let directives: Vec<String> =
        declared.directives.iter().map(|(id, directive)| format!("{id} {:?}", directive.kind)).collect();
    assert_eq!(
        directives,
        [
            "column shop.customer.email RenamedFrom([\"mail\"])",
            "column shop.customer.visits Backfill { expression: \"0\", condition: None, batch: Some(500) }",
        ]
    );
}

#[test]
fn writes_the_short_forms() {
    let declared = read(SHOP).unwrap();
    let wanted = r#"extensions:
  hstore: public
schemas:
  public: {grants: {}, comment: ""}
  shop:
    grants: {app: [USAGE]}
    comment: The shop.
    enums:
      order_status: [new, paid, "1.10", "no"]
    functions:
      slug(text):
        returns: text
        language: sql
        body: |
          SELECT lower($1);
    tables:
      customer:
        columns:
          id: {type: bigint, identity: always, primary_key: true}
          email: {type: text, not_null: true, unique: true}
          name: text
          visits: {type: integer, check: visits >= 0, default: 0}
      event:
        partition_by: RANGE (at)
        columns:
          at: {type: timestamptz, not_null: true, comment: When, default: now()}
        checks:
          recent: at > '2000-01-01'
      event_2024:
        partition: {of: shop.event, bound: FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')}
      orders:
        columns:
          id: bigint
          status: {type: "shop.order_status[]", index: true}
          customer_id:
            type: bigint
            references: {table: shop.customer, columns: [id], on_delete: cascade}
        primary_key: {name: orders_key, columns: [id]}
        policies:
          own: {using: customer_id = 1}
"#;
    assert_eq!(yaml::write(&declared.catalog, yaml::WriteOptions::default()), wanted);
}

/// Children and partitions, with only what the server does not add by itself.
const CHILDREN: &str = r"schemas:
  s:
    tables:
      child:
        inherits: [s.parent]
        columns:
          b: {type: text, inherited: true, comment: mine}
          c: {type: integer, inherited: true, default: 2}
          own: integer
      event:
        partition_by: RANGE (at)
        columns:
          id: integer
          at: {type: date, default: now()}
        primary_key: [id, at]
      event_1:
        partition: {of: s.event, bound: DEFAULT}
      event_2:
        columns:
          at: {type: date, default: now()}
          id: integer
        partition: {of: s.event, bound: FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')}
        primary_key: {name: other, columns: [id, at]}
      parent:
        columns:
          a: {type: integer, not_null: true}
          b: text
          c: {type: integer, default: 1}
        checks:
          positive: a > 0
";

#[test]
fn leaves_out_what_the_server_adds() {
    let text = CHILDREN
        .replace(
            "        columns:\n          b:",
            "        columns:\n          a: {type: integer, not_null: true, inherited: true}\n          b:",
        )
        .replacen(
            "          own: integer\n",
            "          own: integer\n        checks: {positive: {expression: a > 0, inherited: true}}\n",
            1,
        )
        .replace(
            "bound: DEFAULT}\n",
            "bound: DEFAULT}\n        primary_key: {columns: [id, at], share: true}\n",
        )
        .replace("{name: other, columns: [id, at]}", "{name: other, columns: [id, at], share: true}");
    assert_eq!(text.matches("share: true").count() + text.matches("inherited: true").count(), 6);
    let mut declared = read(&text).unwrap();
    declared.complete_from(&standard());
    assert_eq!(yaml::write(&declared.catalog, yaml::WriteOptions::default()), CHILDREN);
}

/// The content of a new database of PostgreSQL 14.
fn standard() -> schemadiff::model::Catalog {
    let text = "schemas: {public: {comment: standard public schema, grants: {public: [CREATE, USAGE]}}}\n\
                extensions: {plpgsql: pg_catalog}";
    read(text).unwrap().catalog
}

#[test]
fn unqualified_names_mean_declared_objects() {
    let text = "schemas: {public: {enums: {e: [a]}, tables: {p: {columns: {a: int}}}}, s: {domains: {date: text, d: e}, \
                tables: {t: {inherits: [p], columns: {a: 'd[]', b: E, c: numeric, f: integer, g: other}}}}}";
    let declared = read(text).unwrap();
    let of = |name: &str| {
        let object = declared.catalog.objects.values().find(|object| object.id.to_string() == name).unwrap();
        object.attributes().map(|(_, value)| value.to_string()).collect::<String>()
    };
    let read = [
        "column s.t.a",
        "column s.t.b",
        "column s.t.c",
        "column s.t.f",
        "column s.t.g",
        "domain s.d",
        "table s.t",
    ]
    .map(of);
    assert_eq!(read, ["s.d[]", "public.E", "numeric", "integer", "other", "public.e", "[public.p]"]);
}

/// The JSON Schema that editors use for this repository's own target.
#[test]
fn schema_for_editors_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/target.schema.json");
    let printed = schemadiff::report::schema::render();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &printed).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap_or_default() == printed, "BLESS=1 rewrites {path}");
}
