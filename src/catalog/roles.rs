//! The roles that the objects of a catalog name.

use std::collections::BTreeMap;

use crate::kinds::ValueType;
use crate::kinds::common::{OWNER_GRANTEE, grantor};
use crate::model::catalog::RoleFacts;
use crate::model::reserved::is_system_role;
use crate::model::{Catalog, Value};

/// Returns the names of the roles that the objects of a catalog name.
pub fn roles_of(catalog: &Catalog) -> Vec<String> {
    roles(catalog, &[]).into_keys().collect()
}

/// Returns the roles that the objects of a catalog name, given the superusers of the server.
pub(super) fn roles(catalog: &Catalog, superusers: &[String]) -> BTreeMap<String, RoleFacts> {
    let mut roles = BTreeMap::new();
    let mut add = |name: &str| {
        if !is_system_role(name) && name != OWNER_GRANTEE {
            let superuser = superusers.iter().any(|other| other == name);
            roles.insert(name.to_owned(), RoleFacts { superuser });
        }
    };
    for object in catalog.objects.values() {
        let kind = object.id.kind.get();
        for (name, value) in object.attributes() {
            match (kind.attribute(name).map(|attribute| attribute.value_type), value) {
                (Some(ValueType::Role), Value::Text(role)) => add(role),
                (Some(ValueType::Roles), Value::List(list)) => list.iter().for_each(|role| add(role)),
                (Some(ValueType::Grants), Value::Map(map)) => map.iter().for_each(|(role, privileges)| {
                    add(role);
                    let privileges = if let Value::List(list) = privileges { list.as_slice() } else { &[] };
                    privileges.iter().filter_map(|privilege| grantor(privilege)).for_each(&mut add);
                }),
                _ => {}
            }
        }
    }
    roles
}
