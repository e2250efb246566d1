//! The JSON Schema of the target file, for editors, derived from the table of kinds.

use serde_json::{Map, Value as Json, json};

use crate::declare::yaml::shape::{self, ABSENT};
use crate::kinds::{Attribute, Identity, KindName, ValueType};
use crate::model::AttributeName;
use crate::model::reserved::STANDARD_OBJECTS;

/// Returns the schema as text.
pub fn render() -> String {
    format!("{:#}\n", schema())
}

/// Returns the schema (JSON Schema, draft 2020-12).
pub fn schema() -> Json {
    let mut properties = Map::new();
    for kind in shape::roots() {
        let mut all = objects_of(kind);
        for (_, name) in STANDARD_OBJECTS.iter().filter(|(other, _)| *other == kind) {
            let absent =
                json!({"const": ABSENT, "description": "Drops the object that every new database has."});
            all["properties"][*name] = json!({"anyOf": [absent, reference(kind)]});
        }
        properties.insert(kind.get().key.into(), all);
    }
    let mut definitions = Map::new();
    for kind in KindName::ALL {
        definitions.insert(definition_name(*kind), definition(*kind));
    }
    for (name, schema) in shared().into_iter().chain(directives()) {
        definitions.insert(name.into(), schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Target schema of schemadiff",
        "description": "The schema that a PostgreSQL database should have.",
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn definition_name(kind: KindName) -> String {
    kind.get().name.replace(' ', "_")
}

fn reference(kind: KindName) -> Json {
    json!({"$ref": format!("#/$defs/{}", definition_name(kind))})
}

/// The value of the key of a kind: its objects by name.
fn objects_of(kind: KindName) -> Json {
    if shape::is_single(kind) {
        return reference(kind);
    }
    let names = if kind.get().identity == Identity::Routine {
        json!({"pattern": "^[\\s\\S]+\\([\\s\\S]*\\)$", "description": "Name and argument types, such as `slug(text)`."})
    } else {
        json!({"minLength": 1, "maxLength": 63})
    };
    json!({"type": ["object", "null"], "propertyNames": names, "additionalProperties": reference(kind)})
}

/// An object, in its long or its short form.
fn definition(kind: KindName) -> Json {
    let mut properties = Map::new();
    for attribute in shape::attributes(kind) {
        properties.insert(attribute.name.as_str().into(), described(attribute));
    }
    for child in shape::children(kind) {
        properties.insert(child.get().key.into(), objects_of(child));
    }
    for sugar in shape::shorthands(kind) {
        let mut schema = match sugar.kind {
            KindName::Check => of(ValueType::Expression),
            KindName::ForeignKey => references(),
            _ => of(ValueType::Flag),
        };
        schema["description"] = sugar.doc.into();
        properties.insert(sugar.key.into(), schema);
    }
    for directive in shape::directives(kind) {
        let mut schema = json!({"$ref": format!("#/$defs/{}", directive.key)});
        schema["description"] = directive.doc.into();
        properties.insert(directive.key.into(), schema);
    }
    if shape::is_named_single(kind) {
        let description = "Name; by default the one that PostgreSQL generates.";
        properties.insert(shape::NAME.into(), json!({"$ref": "#/$defs/name", "description": description}));
    }
    let long = json!({"type": ["object", "null"], "properties": properties, "additionalProperties": false});
    let short = kind.get().short_form.and_then(|name| kind.get().attribute(name));
    match short {
        Some(attribute) => {
            let mut short = described(attribute);
            short["title"] = format!("Short form: `{}`", attribute.name).into();
            json!({"anyOf": [long, short]})
        }
        None => long,
    }
}

fn described(attribute: &Attribute) -> Json {
    let mut schema = of(attribute.value_type);
    if !attribute.doc.is_empty() {
        schema["description"] = attribute.doc.into();
    }
    schema
}

/// A foreign key in its column.
fn references() -> Json {
    let mut properties = Map::new();
    for attribute in shape::reference_attributes() {
        let key = match attribute.name {
            AttributeName::REFERENCES => shape::REFERENCE_KEYS[0],
            AttributeName::REFERENCED_COLUMNS => shape::REFERENCE_KEYS[1],
            name => name.as_str(),
        };
        properties.insert(key.into(), described(attribute));
    }
    properties.insert(shape::NAME.into(), json!({"$ref": "#/$defs/name"}));
    let long = json!({
        "type": "object",
        "properties": properties,
        "required": [shape::REFERENCE_KEYS[0]],
        "additionalProperties": false,
    });
    json!({"anyOf": [{"type": ["string", "null"]}, long]})
}

/// The values of a value type.
fn of(ty: ValueType) -> Json {
    let named = |name: &str| json!({"$ref": format!("#/$defs/{name}")});
    match ty {
        ValueType::Flag => json!({"type": ["boolean", "null"]}),
        ValueType::Number => json!({"type": ["integer", "null"]}),
        ValueType::Word(words) => {
            let words = words.iter().filter(|word| !word.is_empty()).map(|word| Json::from(*word));
            json!({"enum": words.chain([Json::Null]).collect::<Vec<_>>()})
        }
        ValueType::Text => named("text"),
        ValueType::Expression => named("expression"),
        ValueType::DataType => named("data_type"),
        ValueType::Qualified => named("qualified_name"),
        ValueType::Name => named("name"),
        ValueType::Role => named("role"),
        ValueType::Names | ValueType::Columns => named("names"),
        ValueType::Roles => named("roles"),
        ValueType::Texts => named("texts"),
        ValueType::QualifiedNames => named("qualified_names"),
        ValueType::Expressions => named("expressions"),
        ValueType::Options => named("options"),
        ValueType::Grants => named("grants"),
    }
}

/// The definitions that several attributes share.
fn shared() -> Vec<(&'static str, Json)> {
    // A YAML number or boolean is taken as the text that was written.
    let text = |description: &str| json!({"type": ["string", "number", "boolean", "null"], "description": description});
    let list = |item: &str, description: &str| {
        let item = json!({"$ref": format!("#/$defs/{item}")});
        json!({"anyOf": [{"type": "array", "items": {"allOf": [item.clone(), {"not": {"type": "null"}}]}}, item],
               "description": description})
    };
    vec![
        ("text", text("Text.")),
        ("expression", text("SQL expression.")),
        ("data_type", text("Data type, as in SQL.")),
        ("qualified_name", text("Qualified name, quoted as in SQL.")),
        ("name", text("Name, without SQL quotes.")),
        ("role", text("Role.")),
        ("names", list("name", "List of names.")),
        ("roles", list("role", "List of roles.")),
        ("texts", list("text", "List of texts.")),
        ("qualified_names", list("qualified_name", "List of qualified names.")),
        ("expressions", list("expression", "List of SQL expressions.")),
        (
            "options",
            json!({
                "type": ["object", "null"],
                "additionalProperties": {"type": ["string", "number", "boolean"]},
                "description": "Options by name.",
            }),
        ),
        (
            "grants",
            json!({
                "type": ["object", "null"],
                "additionalProperties": {"$ref": "#/$defs/texts"},
                "description": "Privileges by role: `SELECT`; `SELECT*` with grant option; `-EXECUTE` revokes a default privilege; `SELECT by ann` was granted by ann instead of the owner.",
            }),
        ),
    ]
}

/// The definitions of directives.
fn directives() -> Vec<(&'static str, Json)> {
    vec![
        ("renamed_from", json!({"$ref": "#/$defs/names"})),
        (
            "renamed_values",
            json!({
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/text"},
                "description": "New value: old value.",
            }),
        ),
        ("drop", json!({"const": "confirmed"})),
        ("using", json!({"$ref": "#/$defs/expression"})),
        (
            "backfill",
            json!({"anyOf": [{"type": ["string", "number", "boolean"]}, {
                "type": "object",
                "properties": {
                    "expression": {"$ref": "#/$defs/expression", "description": "New value."},
                    "where": {"$ref": "#/$defs/expression", "description": "Condition that selects the rows."},
                    "batch": {"type": "integer", "minimum": 1, "description": "Rows per transaction."},
                },
                "required": ["expression"],
                "additionalProperties": false,
            }]}),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_is_defined() {
        fn walk<'a>(json: &'a Json, found: &mut Vec<&'a str>) {
            match json {
                Json::Object(map) => map.iter().for_each(|(key, json)| match json.as_str() {
                    Some(name) if key == "$ref" => found.push(name),
                    _ => walk(json, found),
                }),
                Json::Array(list) => list.iter().for_each(|json| walk(json, found)),
                _ => {}
            }
        }
        let schema = schema();
        let mut found = Vec::new();
        walk(&schema, &mut found);
        assert!(found.len() > 100);
        for name in found {
            assert!(schema.pointer(name.trim_start_matches('#')).is_some(), "{name}");
        }
    }

    #[test]
    fn a_column_has_values_descriptions_and_both_forms() {
        let schema = schema();
        let column = &schema["$defs"]["column"]["anyOf"];
        assert_eq!(column[0]["properties"]["identity"]["enum"], json!(["always", "by default", null]));
        assert!(column[0]["properties"]["unique"]["description"].is_string());
        assert_eq!(column[1]["$ref"], "#/$defs/data_type");
        assert_eq!(render(), render());
    }
}
