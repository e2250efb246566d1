//! What no kind describes: user objects, and features of them, that would otherwise be missed without a word.

use rustc_hash::FxHashMap as Map;

use super::dependencies::Edge;
use super::{Address, decode};
use crate::db::{Row, Session};
use crate::error::Result;
use crate::model::Catalog;
use crate::model::kind::SystemCatalog;
use crate::model::sql::{Literal, Sql};
use crate::sql;

/// Something that no kind describes: words about it, and the address of the object that they end with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    at: Address,
    words: String,
}

/// Features of objects, whatever their kind: an address and words. The registry ([`crate::coverage`]) has each of
/// these as a gap.
pub(super) fn query() -> String {
    String::from(
        "SELECT classoid, objoid, objsubid, 'security label of ' || quote_ident(provider) || ' on ' FROM pg_seclabel \
         UNION ALL SELECT DISTINCT 'pg_constraint'::regclass::oid, g.tgconstraint, 0, 'disabled triggers of ' \
         FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint \
         WHERE g.tgisinternal AND g.tgenabled <> 'O' AND k.contype <> 't' \
         UNION ALL SELECT 'pg_class'::regclass::oid, inhrelid, 0, 'interrupted detachment of ' \
         FROM pg_inherits WHERE inhdetachpending",
    )
}

impl From<&Row> for Finding {
    fn from(row: &Row) -> Self {
        Self { at: decode::address(row), words: row.get(3).unwrap_or_default().to_owned() }
    }
}

/// What is known after all kinds were read.
pub(super) struct Known<'a> {
    /// The objects of the catalog.
    pub(super) catalog: &'a Catalog,
    /// Where their rows are.
    pub(super) addresses: &'a Map<Address, usize>,
    /// What belongs to extensions.
    pub(super) members: &'a Map<(u32, u32), Address>,
    /// Who depends on whom.
    pub(super) edges: &'a [Edge],
}

impl Known<'_> {
    /// What is left: `orphans` are rows of kinds that found no place in the catalog.
    pub(super) fn left(
        &self,
        orphans: impl IntoIterator<Item = Address>,
        comments: &Map<Address, String>,
        features: Vec<Finding>,
    ) -> Vec<Finding> {
        let unknown = self.unknown();
        let find = |at: Address, words: &str| Finding { at, words: words.to_owned() };
        let whole = |(class, oid): (u32, u32)| find((class, oid, 0), "");
        let rows = unknown.keys().copied().chain(orphans.into_iter().map(|(class, oid, _)| (class, oid)));
        let rows = rows.filter(|(class, _)| !is_part_of_all(*class)).map(whole);
        let comments = comments.keys().filter(|at| !self.has(**at, "comment"));
        let relying = self.edges.iter().filter(|edge| edge.kind == 'x').map(|edge| edge.from);
        let relying = relying.filter(|at| !self.has(*at, "depends_on_extensions"));
        let mut left: Vec<Finding> = rows
            .filter(|finding| !self.is_part(unknown.get(&(finding.at.0, finding.at.1))))
            .chain(comments.map(|at| find(*at, "comment on ")))
            .chain(relying.map(|at| find(at, "dependence on an extension of ")))
            .filter(|finding| !self.is_hidden((finding.at.0, finding.at.1), &unknown, 0))
            .collect();
        left.extend(features.into_iter().filter(|finding| {
            let address = (finding.at.0, finding.at.1);
            !self.is_hidden(address, &unknown, 0)
        }));
        left.sort();
        left.dedup();
        left
    }

    /// Rows that are in no catalog of ours, with what they depend on. Nearly every object that a user makes
    /// depends on something that is no part of the system, its schema or table at least.
    fn unknown(&self) -> Map<(u32, u32), Vec<&Edge>> {
        let mut unknown: Map<(u32, u32), Vec<&Edge>> = Map::default();
        for edge in self.edges {
            let (class, oid, _) = edge.from;
            if !self.addresses.contains_key(&(class, oid, 0)) && !self.members.contains_key(&(class, oid)) {
                unknown.entry((class, oid)).or_default().push(edge);
            }
        }
        unknown
    }

    /// Whether something is a part of what is judged by itself: a row type, the index of a constraint, a partition's
    /// piece of a foreign key, and whatever hangs off a row that is in no catalog either, such as a TOAST table.
    fn is_part(&self, edges: Option<&Vec<&Edge>>) -> bool {
        let is_here = |to: Address| self.addresses.contains_key(&(to.0, to.1, 0));
        edges.into_iter().flatten().any(|edge| match edge.kind {
            'i' | 'P' | 'S' => true,
            'a' => !is_here(edge.to),
            _ => false,
        })
    }

    /// Whether an object of ours is there and tells this.
    fn has(&self, at: Address, attribute: &str) -> bool {
        let kind = self.addresses.get(&at).map(|place| self.catalog.id(*place).kind.get());
        kind.is_some_and(|kind| kind.attribute(attribute).is_some())
    }

    /// Whether something comes with an extension, is a session's own, or is ours.
    fn is_hidden(&self, row: (u32, u32), unknown: &Map<(u32, u32), Vec<&Edge>>, depth: u8) -> bool {
        let (class_of, oid) = row;
        // A schema that is left out and no extension's: of temporary objects, or our own.
        let left_out =
            class_of == SystemCatalog::NAMESPACE.oid && !self.addresses.contains_key(&(class_of, oid, 0));
        // What hangs off a member: no one can tell whether a user made it, and pg_dump leaves it out too.
        if self.members.contains_key(&row) || left_out {
            return true;
        }
        // A trigger of a constraint of a table of a schema; no chain is longer than this.
        let edges = unknown.get(&row).filter(|_| depth < 6);
        edges.into_iter().flatten().any(|edge| {
            let to = (edge.to.0, edge.to.1);
            let in_schema =
                edge.kind == 'n' && to.0 == SystemCatalog::NAMESPACE.oid && !self.members.contains_key(&to);
            let hangs = matches!(edge.kind, 'i' | 'a' | 'P' | 'S');
            (in_schema || hangs) && self.is_hidden(to, unknown, depth + 1)
        })
    }
}

/// Whether rows of a class are parts in any case: generated columns, members of operator families; 0 is of what
/// has no row of its own.
fn is_part_of_all(class_of: u32) -> bool {
    [0, SystemCatalog::ATTRDEF.oid, SystemCatalog::AMOP.oid, SystemCatalog::AMPROC.oid].contains(&class_of)
}

/// Names them as the server does, in order.
pub(super) async fn named(session: &Session, findings: &[Finding]) -> Result<Vec<String>> {
    if findings.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<Sql> = findings
        .iter()
        .map(|finding| {
            let (class, oid, sub) = finding.at;
            sql!(
                "({}, {}::oid, {}::oid, {})",
                Literal(&finding.words),
                i64::from(class),
                i64::from(oid),
                i64::from(sub)
            )
        })
        .collect();
    let query = sql!("{} (VALUES {}) {}", Sql::trusted(NAME), Sql::join(&values, ", "), Sql::trusted(REAL));
    let rows = session.rows(query.as_str()).await?;
    Ok(rows.iter().filter_map(|row| row.get(0)).map(str::to_owned).collect())
}

const NAME: &str = "SELECT DISTINCT u.words || i.type || ' ' || i.identity || CASE WHEN x.indexrelid IS NOT NULL \
    AND u.words = '' THEN ', which is not valid' ELSE '' END COLLATE \"C\" FROM";

/// Leaves out what is gone, what is data (large objects), what is only promised, what is of no use in this database, what are columns' own NOT NULL
/// constraints, and comments on indexes of constraints, which their kinds read.
const REAL: &str = "AS u (words, class, oid, sub) CROSS JOIN LATERAL pg_identify_object(u.class, u.oid, u.sub::int) i \
    LEFT JOIN pg_index x ON u.class = 'pg_class'::regclass AND x.indexrelid = u.oid AND NOT x.indisvalid \
    WHERE i.identity IS NOT NULL AND u.class <> 'pg_largeobject'::regclass \
    AND NOT EXISTS (SELECT FROM pg_operator o WHERE u.class = 'pg_operator'::regclass AND o.oid = u.oid AND o.oprcode = 0) \
    AND NOT EXISTS (SELECT FROM pg_collation l WHERE u.class = 'pg_collation'::regclass AND l.oid = u.oid \
    AND l.collencoding NOT IN (-1, pg_char_to_encoding(getdatabaseencoding()))) \
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE u.class = 'pg_constraint'::regclass AND k.oid = u.oid \
    AND k.contype = 'n') \
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE u.class = 'pg_class'::regclass AND u.words = 'comment on ' \
    AND k.conindid = u.oid AND k.contype IN ('p', 'u', 'x')) \
    ORDER BY 1";
