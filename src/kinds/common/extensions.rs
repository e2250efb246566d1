//! Dependencies on extensions (`ALTER … DEPENDS ON EXTENSION`).

use crate::model::kind::{Alteration, Attribute, AttributeName, KindName, ValueType};
use crate::model::sql::{Ident, Sql};
use crate::model::{ObjectId, Pair, Step};
use crate::sql;

attribute_names! {
    DEPENDS_ON_EXTENSIONS = "depends_on_extensions",
}

/// The extensions with which an object is dropped. The reader queries `pg_depend` once for all kinds.
pub const DEPENDS_ON_EXTENSIONS: Attribute = Attribute::attached(
    AttributeName::DEPENDS_ON_EXTENSIONS,
    ValueType::Names,
    &Alteration {
        name: "depends on extensions",
        steps: |object, _| {
            let Pair { before, after } = object;
            let [old, new] = [before, after].map(|side| side.list(AttributeName::DEPENDS_ON_EXTENSIONS));
            let reference = (after.id.kind.get().reference)(after);
            let step = |no: &str, name: &String| {
                let sql =
                    sql!("ALTER {} {}DEPENDS ON EXTENSION {}", reference, Sql::trusted(no), Ident(name));
                Step::attach(&after.id, sql)
            };
            let extension = |name: &String| ObjectId::new(KindName::Extension, &[name]);
            let removed = old.iter().filter(|name| !new.contains(name));
            let mut steps: Vec<Step> =
                removed.map(|name| step("NO ", name).precedes(extension(name))).collect();
            let added = new.iter().filter(|name| !old.contains(name));
            steps.extend(added.map(|name| step("", name).requires(extension(name))));
            Some(steps)
        },
    },
)
.doc("Extensions with which the object is dropped (ALTER ... DEPENDS ON EXTENSION).");
