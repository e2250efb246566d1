//! Tests that written catalogs read back: random catalogs of all kinds, with hostile names and texts.

use std::sync::Arc;

use super::names::default_name;
use super::{DeclaredSchema, Visibility, WriteOptions, read, shape, write};
use crate::kinds::{Identity, KindName, ValueType};
use crate::model::reserved::STANDARD_OBJECTS;
use crate::model::{AttributeName, Catalog, Object, ObjectId, Objects, PgVersion, Value};

const NAMES: &[&str] = &[
    "a",
    "A b",
    "null",
    "yes",
    "No",
    "123",
    "1.10",
    "~",
    " ",
    "\u{a0}",
    "\u{200b}",
    "é.ü",
    "😀",
    "a\"b",
    "a'b",
    "a\\b",
    "a,b",
    "{a}",
    "[a]",
    "a: b",
    "a #b",
    "- a",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a",
    "|",
    ">",
    "?",
    "-",
    "<<",
    "=",
    "---",
    "...",
    "a:",
    "a\nb",
    "a\tb",
    "\u{1}",
    "\u{85}",
    "select",
    "name",
    "columns",
    "type",
    "absent",
    "$owner",
    "true",
    "2024-01-01",
    "0x1f",
    "f(x)",
    "a.b(c",
    "this name is sixty-three bytes long, which is all there is. ...",
];

const TEXTS: &[&str] = &[
    "x",
    "0",
    "-1.5",
    "true",
    "null",
    "NULL",
    "",
    " ",
    "'a'::text",
    "a::b",
    "now()",
    "lower(x), y",
    "a\nb",
    "a\nb\n",
    "a\n\n",
    "\n",
    "\na",
    "  a\n b",
    "a \n\t\n",
    "a\r\nb",
    "\t",
    "SELECT 1 -- x\n",
    "SELECT 1\n-- x",
    "\u{85}\n",
    "{a: b}",
    "[a",
    "a # b",
    "# a",
    "a: b",
    "absent",
    "long long long long long long long long long long long long long",
];

/// A reproducible sequence of pseudo-random numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn of<'a>(&mut self, pool: &[&'a str]) -> &'a str {
        pool[self.roll(pool.len())]
    }

    fn list(&mut self, pool: &[&str]) -> Vec<String> {
        (0..self.roll(4)).map(|_| self.of(pool).to_owned()).collect()
    }

    fn sorted(&mut self, pool: &[&str]) -> Vec<String> {
        let mut list = self.list(pool);
        list.sort();
        list.dedup();
        list
    }
}

fn value(ty: ValueType, dice: &mut Dice) -> Value {
    let foreign = |text: &str| format!("elsewhere.\"{text}\"");
    match ty {
        ValueType::Flag => Value::Bool(true),
        ValueType::Number => Value::Int(dice.roll(9).try_into().unwrap()),
        ValueType::Word(words) => Value::Text(words[1 + dice.roll(words.len() - 1)].to_owned()),
        ValueType::Text | ValueType::Expression => Value::Text(dice.of(TEXTS).to_owned()),
        ValueType::Name | ValueType::Role => Value::Text(dice.of(NAMES).to_owned()),
        ValueType::Qualified | ValueType::DataType => Value::Text(foreign(dice.of(NAMES))),
        ValueType::QualifiedNames => Value::List(dice.list(NAMES).iter().map(|name| foreign(name)).collect()),
        ValueType::Texts | ValueType::Expressions => Value::List(dice.list(TEXTS)),
        ValueType::Names | ValueType::Columns => Value::List(dice.list(NAMES)),
        ValueType::Roles => Value::List(dice.sorted(NAMES)),
        ValueType::Options => {
            let keys = dice.sorted(NAMES);
            Value::Map(keys.into_iter().map(|key| (key, Value::Text(dice.of(TEXTS).to_owned()))).collect())
        }
        ValueType::Grants => {
            let roles = dice.sorted(NAMES);
            let privileges = ["SELECT", "UPDATE*", "-EXECUTE", "CREATE", "DELETE* by Ann"];
            Value::Map(roles.into_iter().map(|role| (role, Value::List(dice.sorted(&privileges)))).collect())
        }
    }
}

/// Adds an object of a kind inside `path`, with objects inside it.
fn add_object(kind: KindName, path: &[String], position: i32, dice: &mut Dice, all: &mut Objects) {
    let mut path = path.to_vec();
    match kind.get().identity {
        Identity::Routine => {
            path.push(dice.of(NAMES).to_owned());
            path.push(dice.of(&["", "integer", "numeric, \"a)b\".\"c,d\"\"\"[]"]).to_owned());
        }
        Identity::OfRelation | Identity::OfColumn => {}
        Identity::Global | Identity::OnGlobal | Identity::InSchema | Identity::OnRelation => {
            // Some constraints and indexes have their default name.
            let column = dice.of(NAMES);
            let label = (kind != KindName::PrimaryKey).then_some(column);
            let default =
                path.get(1).and_then(|table| default_name(kind, table, label)).filter(|_| dice.roll(2) == 0);
            path.push(default.unwrap_or_else(|| dice.of(NAMES).to_owned()));
        }
    }
    let mut object = Object::new(ObjectId::new(kind, &path));
    if all.contains_key(&object.id) {
        return;
    }
    object.position = position;
    let share = dice.roll(4);
    for attribute in kind.get().attributes {
        let needed = attribute.value_type == ValueType::DataType;
        if needed || dice.roll(4) < share {
            object.set(attribute.name, value(attribute.value_type, dice));
        }
    }
    // Sometimes a constraint or index that can be written at a column.
    let in_same_table =
        |id: &&ObjectId| path.len() > 2 && *id.path()[0] == *path[0] && *id.path()[1] == *path[1];
    let first = all.keys().filter(|id| id.kind == KindName::Column).find(in_same_table);
    if let Some(first) = first.filter(|_| dice.roll(2) == 0) {
        for name in ["columns", "keys"] {
            if let Some(attribute) =
                kind.get().attribute_named(name).filter(|attribute| attribute.value_type != ValueType::Texts)
            {
                let column = first.path()[2].to_string();
                let text = crate::sql!("{}", crate::model::sql::Ident(&column)).to_string();
                let own = if name == "keys" { text } else { column };
                object.set(attribute.name, Value::List(vec![own]));
            }
        }
    }
    let id = object.id.clone();
    all.insert(id.clone(), object);
    let path: Vec<String> = id.path().iter().map(ToString::to_string).collect();
    for child in shape::children(kind) {
        let limit = if shape::is_single(child) { 2 } else { 4 };
        for i in 0..dice.roll(limit) {
            let position = if child.get().ordered { i32::try_from(i + 1).unwrap() } else { 0 };
            add_object(child, &path, position, dice, all);
        }
    }
}

fn catalog(seed: u64) -> Catalog {
    let (mut dice, mut all) = (Dice(seed), Objects::default());
    for kind in shape::roots() {
        for _ in 0..3 {
            add_object(kind, &[], 0, &mut dice, &mut all);
        }
    }
    for (kind, name) in STANDARD_OBJECTS {
        if dice.roll(2) == 0 {
            let id = ObjectId::new(kind, &[name]);
            all.entry(id.clone()).or_insert_with(|| Object::new(id));
        }
    }
    // The columns of primary keys are NOT NULL.
    let keys: Vec<ObjectId> = all.keys().filter(|id| id.kind == KindName::PrimaryKey).cloned().collect();
    for key in keys {
        for column in all[&key].list(AttributeName::COLUMNS).to_vec() {
            let id = ObjectId::new(KindName::Column, &[&key.path()[0], &key.path()[1], column.as_str()]);
            if let Some(column) = all.get_mut(&id) {
                column.set(AttributeName::NOT_NULL, Value::Bool(true));
            }
        }
    }
    // Positions without gaps, as the reader assigns them.
    let mut catalog = Catalog::new(PgVersion::V17, all);
    let parents: Vec<ObjectId> = catalog.objects.keys().cloned().collect();
    for parent in parents {
        let parts: Vec<ObjectId> = catalog.children(&parent).map(|part| part.id.clone()).collect();
        let (mut place, mut last) = (0, None);
        for part in parts.into_iter().filter(|part| part.kind.get().ordered) {
            place = if last == Some(part.kind) { place + 1 } else { 1 };
            last = Some(part.kind);
            catalog.objects[&part].position = place;
        }
    }
    catalog
}

fn back(text: &str) -> DeclaredSchema {
    read("schema.yaml", &Arc::from(text)).unwrap_or_else(|error| match error {
        crate::Error::Diagnostics(list) => {
            let first = &list[0];
            panic!("{} at {:?}\n{text}", first.message, first.place.as_ref().unwrap().line_column())
        }
        other => panic!("{other}"),
    })
}

/// Returns the objects without their read-only attributes.
fn plain(catalog: &Catalog, hidden: &[ValueType]) -> Vec<Object> {
    let mut objects: Vec<Object> = catalog.sorted().into_iter().cloned().collect();
    for object in &mut objects {
        let mut bare = Object::new(object.id.clone());
        bare.position = object.position;
        for attribute in object.id.kind.get().attributes {
            let counts = !shape::is_read_only(attribute) && !hidden.contains(&attribute.value_type);
            if let Some(value) = object.get(attribute.name).filter(|_| counts) {
                bare.set(attribute.name, value.clone());
            }
        }
        *object = bare;
    }
    objects
}

#[test]
fn written_catalogs_read_back() {
    for seed in 0..60 {
        let catalog = catalog(seed);
        let text = write(&catalog, WriteOptions::default());
        let mut declared = back(&text);
        declared.complete_from(&catalog);
        for (wanted, got) in plain(&catalog, &[]).iter().zip(&plain(&declared.catalog, &[])) {
            assert_eq!(got, wanted, "seed {seed}\n{text}");
        }
        assert_eq!(declared.catalog.objects.len(), catalog.objects.len(), "seed {seed}\n{text}");
        assert_eq!(write(&declared.catalog, WriteOptions::default()), text, "seed {seed}: a second time");
    }
}

#[test]
fn owners_and_grants_can_be_omitted() {
    let catalog = catalog(7);
    let text = write(&catalog, WriteOptions { owners: Visibility::Hidden, grants: Visibility::Hidden });
    let mut declared = back(&text);
    declared.complete_from(&catalog);
    let hidden = [ValueType::Role, ValueType::Grants];
    assert_eq!(plain(&declared.catalog, &hidden), plain(&catalog, &hidden));
    for (id, object) in &declared.catalog.objects {
        let inherits = id
            .kind
            .get()
            .attribute(AttributeName::OWNER)
            .is_some_and(|attribute| attribute.unmanaged_if_unset);
        assert!(!inherits || object.get(AttributeName::OWNER).is_none(), "{id}");
    }
}
