//! Snapshots: catalogs saved as JSON, which can be compared without their database.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::error::{Diagnostic, Place, Result, codes};
use crate::kinds::{KindName, ValueType};
use crate::model::catalog::RoleFacts;
use crate::model::fingerprint::json_of;
use crate::model::{Catalog, Dependency, DependencyKind, Object, ObjectId, Objects, PgVersion, Value};

/// The version of the format. Other versions are rejected.
const FORMAT: u64 = 1;

/// Writes a catalog, sorted, with one line per object.
pub fn write(catalog: &Catalog) -> String {
    let mut order: Vec<usize> = (0..catalog.objects.len()).collect();
    order.sort_by_key(|index| catalog.id(*index));
    let mut positions = vec![0; order.len()];
    for (position, index) in order.iter().enumerate() {
        positions[*index] = position;
    }
    let mut dependencies: Vec<Json> = Vec::new();
    let mut edges: Vec<(usize, usize, DependencyKind)> =
        catalog.dependencies.iter().map(|d| (positions[d.from], positions[d.to], d.kind)).collect();
    edges.sort_unstable();
    for (from, to, kind) in edges {
        dependencies.push(json!([from, to, kind_name(kind)]));
    }
    let objects: Vec<Json> = order.iter().map(|index| object_json(&catalog.objects[*index])).collect();
    let roles: Map<String, Json> = catalog
        .roles
        .iter()
        .map(|(name, facts)| (name.clone(), json!({"superuser": facts.superuser})))
        .collect();
    let mut out = String::from("{\n");
    let _ = writeln!(out, "  \"format\": {FORMAT},\n  \"server_version\": {},", catalog.version.number());
    let _ = writeln!(out, "  \"roles\": {},", Json::Object(roles));
    let _ = writeln!(out, "  \"unmodelled\": {},", json!(catalog.unmodelled));
    write_lines(&mut out, "objects", &objects);
    out.push_str(",\n");
    write_lines(&mut out, "dependencies", &dependencies);
    out.push_str("\n}\n");
    out
}

/// Writes an array with one line per item.
fn write_lines(out: &mut String, key: &str, items: &[Json]) {
    let items: Vec<String> = items.iter().map(|item| format!("\n    {item}")).collect();
    let end = if items.is_empty() { "" } else { "\n  " };
    let _ = write!(out, "  \"{key}\": [{}{end}]", items.join(","));
}

fn kind_name(kind: DependencyKind) -> &'static str {
    match kind {
        DependencyKind::Normal => "normal",
        DependencyKind::Auto => "auto",
        DependencyKind::Part => "part",
        DependencyKind::Internal => "internal",
    }
}

fn object_json(object: &Object) -> Json {
    let kind = object.id.kind.get();
    let mut json = Map::new();
    json.insert("kind".into(), kind.name.into());
    json.insert("path".into(), object.id.path().iter().map(|part| Json::from(&**part)).collect());
    if object.position != 0 {
        json.insert("position".into(), object.position.into());
    }
    let attributes =
        kind.attributes.iter().filter_map(|a| Some((a.name.to_string(), json_of(object.get(a.name)?))));
    let attributes: Map<String, Json> = attributes.collect();
    if !attributes.is_empty() {
        json.insert("attributes".into(), Json::Object(attributes));
    }
    Json::Object(json)
}

/// Reads a snapshot that [`write()`] has written. `file` is its name in messages.
///
/// # Errors
/// Returns an error if the text is not valid JSON, with the place, or not a snapshot.
pub fn read(file: &str, text: &Arc<str>) -> Result<Catalog> {
    let place = |span| Place { file: file.to_owned(), text: Arc::clone(text), span };
    let json: Json = serde_json::from_str(text).map_err(|error| {
        let line_start =
            text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
        let at = (line_start + error.column().saturating_sub(1)).min(text.len());
        Diagnostic::new(codes::FILE, format!("invalid JSON: {error}")).at(place(at..at))
    })?;
    read_catalog(&json).map_err(|why| {
        let diagnostic = Diagnostic::new(codes::FILE, format!("`{file}` is not a valid snapshot: {why}"));
        diagnostic
            .at(place(0..0))
            .help("write a new one: `schemadiff introspect SOURCE --format json --out FILE`")
            .into()
    })
}

/// A part of a snapshot, or why it is not valid.
type ReadResult<T> = std::result::Result<T, String>;

fn read_catalog(json: &Json) -> ReadResult<Catalog> {
    let format = json["format"].as_u64().ok_or("`format` is missing")?;
    if format != FORMAT {
        return Err(format!("unsupported format {format}, expected {FORMAT}"));
    }
    let version = json["server_version"].as_u64().and_then(|number| u32::try_from(number).ok());
    let version = PgVersion::from_number(version.ok_or("`server_version` is missing")?);
    let mut objects = Objects::default();
    for item in json["objects"].as_array().ok_or("`objects` is missing")? {
        let object = read_object(item)?;
        let id = object.id.clone();
        if objects.insert(id.clone(), object).is_some() {
            return Err(format!("duplicate {id}"));
        }
    }
    let mut dependencies = Vec::new();
    for item in json["dependencies"].as_array().ok_or("`dependencies` is missing")? {
        dependencies
            .push(read_dependency(item, objects.len()).ok_or_else(|| format!("invalid dependency {item}"))?);
    }
    let mut catalog = Catalog::new(version, objects);
    catalog.set_dependencies(dependencies);
    for (role, facts) in json["roles"].as_object().ok_or("`roles` is missing")? {
        let superuser = facts["superuser"].as_bool().unwrap_or(false);
        catalog.roles.insert(role.clone(), RoleFacts { superuser });
    }
    let unmodelled = json["unmodelled"].as_array().into_iter().flatten();
    catalog.unmodelled = unmodelled.filter_map(|what| what.as_str().map(str::to_owned)).collect();
    Ok(catalog)
}

fn read_object(json: &Json) -> ReadResult<Object> {
    let name = json["kind"].as_str().ok_or("an object has no `kind`")?;
    let kind = KindName::named(name).ok_or_else(|| format!("unknown kind `{name}`"))?;
    let path =
        json["path"].as_array().and_then(|path| path.iter().map(Json::as_str).collect::<Option<Vec<_>>>());
    let path = path
        .filter(|path| path.len() == kind.get().identity.depth())
        .ok_or_else(|| format!("a {name} has an invalid `path`"))?;
    let mut object = Object::new(ObjectId::new(kind, &path));
    object.position = json["position"].as_i64().and_then(|place| i32::try_from(place).ok()).unwrap_or(0);
    for (key, item) in json["attributes"].as_object().into_iter().flatten() {
        let attribute = kind
            .get()
            .attribute_named(key)
            .ok_or_else(|| format!("unknown attribute `{key}` of a {name}"))?;
        let value = read_value(attribute.value_type, item)
            .ok_or_else(|| format!("invalid value of `{key}` of {}", object.id))?;
        object.set(attribute.name, value);
    }
    Ok(object)
}

fn read_value(ty: ValueType, json: &Json) -> Option<Value> {
    let texts = |json: &Json| {
        let items = json.as_array()?.iter().map(|item| item.as_str().map(str::to_owned));
        Some(Value::List(items.collect::<Option<Vec<_>>>()?))
    };
    let map = |item: &dyn Fn(&Json) -> Option<Value>| {
        let entries = json.as_object()?.iter().map(|(key, json)| Some((key.clone(), item(json)?)));
        Some(Value::Map(entries.collect::<Option<Vec<_>>>()?))
    };
    match ty {
        ValueType::Flag => json.as_bool().map(Value::Bool),
        ValueType::Number => json.as_i64().map(Value::Int),
        ValueType::Text
        | ValueType::Word(_)
        | ValueType::Name
        | ValueType::Qualified
        | ValueType::Role
        | ValueType::DataType
        | ValueType::Expression => json.as_str().map(|text| Value::Text(text.to_owned())),
        ValueType::Names
        | ValueType::Columns
        | ValueType::Texts
        | ValueType::QualifiedNames
        | ValueType::Expressions
        | ValueType::Roles => texts(json),
        ValueType::Options => map(&|json| json.as_str().map(|text| Value::Text(text.to_owned()))),
        ValueType::Grants => map(&texts),
    }
}

fn read_dependency(json: &Json, objects: usize) -> Option<Dependency> {
    let place = |i: usize| json[i].as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n < objects);
    let kinds =
        [DependencyKind::Normal, DependencyKind::Auto, DependencyKind::Part, DependencyKind::Internal];
    let kind = kinds.into_iter().find(|kind| json[2].as_str() == Some(kind_name(*kind)))?;
    Some(Dependency { from: place(0)?, to: place(1)?, kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AttributeName;
    use crate::model::Fingerprint;

    fn example() -> Catalog {
        let mut objects = Objects::default();
        let mut add = |kind, path: &[&str], attributes: &[(AttributeName, Value)]| {
            let mut object = Object::new(ObjectId::new(kind, path));
            for (name, value) in attributes {
                object.set(*name, value.clone());
            }
            objects.insert(object.id.clone(), object);
        };
        add(KindName::Table, &["s", "t"], &[(AttributeName::OWNER, Value::Text("o\"".into()))]);
        add(
            KindName::Schema,
            &["s"],
            &[(AttributeName::GRANTS, Value::Map(vec![("a".into(), Value::List(vec!["USAGE".into()]))]))],
        );
        add(
            KindName::Column,
            &["s", "t", "a"],
            &[
                (AttributeName::TYPE, Value::Text("int\n\u{1}".into())),
                (AttributeName::STATISTICS, Value::Int(-5)),
            ],
        );
        let mut catalog = Catalog::new(PgVersion::from_number(150_018), objects);
        catalog.set_dependencies(vec![
            Dependency { from: 0, to: 1, kind: DependencyKind::Normal },
            Dependency { from: 2, to: 0, kind: DependencyKind::Auto },
        ]);
        catalog.roles.insert("a".into(), RoleFacts { superuser: true });
        catalog
    }

    #[test]
    fn a_snapshot_reads_back() {
        let catalog = example();
        let text: Arc<str> = write(&catalog).into();
        let back = read("s.json", &text).unwrap();
        assert_eq!(back.sorted(), catalog.sorted());
        assert_eq!((back.version, &back.roles), (catalog.version, &catalog.roles));
        let table = ObjectId::new(KindName::Table, &["s", "t"]);
        assert_eq!(back.dependencies_of(&table).count(), 1);
        assert_eq!(write(&back), &*text);
        assert_eq!(Fingerprint::of(&back), Fingerprint::of(&catalog));
    }

    #[test]
    fn invalid_snapshots_are_rejected() {
        let message = |text: &str| match read("s.json", &Arc::from(text)) {
            Err(crate::Error::Diagnostics(list)) => {
                let place = list[0].place.as_ref().unwrap().line_column();
                (place, list[0].message.clone())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(message("{\n  \"a\": }").0, (2, 8));
        assert!(message("{\"format\": 9}").1.contains("unsupported format 9"));
        assert!(message("[]").1.contains("`format` is missing"));
    }
}
